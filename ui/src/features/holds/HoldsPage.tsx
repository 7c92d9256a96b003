import { Button, Tag } from '@digdir/designsystemet-react'
import { PadlockLockedIcon, PlusIcon } from '@navikt/aksel-icons'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { data, search } from '../../api/client'
import type { components } from '../../api/search'
import { useMay, useMe } from '../../app/MeContext'
import { EditDialog, useFaults } from '../../components/EditDialog'
import { TextArea, TextField } from '../../components/Field'
import { PageHead } from '../../components/Page'
import { Empty, Failed, Loading } from '../../components/states'
import { useSave } from '../../components/useSave'
import { usePersons } from '../../directory/directory'
import { day, dayAndTime, fromLocalInput } from '../../time/format'

type Hold = components['schemas']['Hold']
const shortest = 10

/** Legal holds: which log events are kept beyond their period, why, and who decided it. */
export default function HoldsPage() {
  const { t } = useTranslation()
  const mayWrite = useMay('hold.write')
  const [placing, setPlacing] = useState(false)
  const [releasing, setReleasing] = useState<Hold>()
  const holds = useInfiniteQuery({
    queryKey: ['holds'], initialPageParam: '',
    queryFn: ({ pageParam }) => data(() => search.GET('/v1/holds', { params: { query: { limit: 50, ...(pageParam ? { after: pageParam } : {}) } } })),
    getNextPageParam: (page) => page.next,
  })
  const items = holds.data?.pages.flatMap((page) => page.items) ?? []
  const groups = [{ key: 'inForce', of: items.filter((h) => h.inForce) }, { key: 'past', of: items.filter((h) => !h.inForce) }] as const
  return (
    <>
      <PageHead title={t('holds:title')} lead={t('holds:lead')}
        actions={mayWrite && <Button onClick={() => setPlacing(true)}><PlusIcon aria-hidden />{t('holds:place')}</Button>} />
      {holds.isPending ? <Loading rows={3} /> : holds.isError ? <Failed error={holds.error} retry={() => void holds.refetch()} /> : items.length === 0 ? (
        <div className="panel"><Empty title={t('holds:none')} icon={<PadlockLockedIcon aria-hidden />}>{t('holds:noneText')}</Empty></div>
      ) : (
        <div className="stack">
          {groups.map((group) => group.of.length > 0 && (
            <section key={group.key} aria-labelledby={`holds-${group.key}`}>
              <h2 className="section-title" id={`holds-${group.key}`}>{t(group.key === 'inForce' ? 'holds:inForce' : 'holds:past')}</h2>
              <ul className="plain panel list padded">{group.of.map((hold) => <Row key={hold.id} hold={hold} release={mayWrite ? () => setReleasing(hold) : undefined} />)}</ul>
            </section>
          ))}
          {holds.hasNextPage && <div className="row"><Button variant="secondary" onClick={() => void holds.fetchNextPage()}>{t('holds:more')}</Button></div>}
        </div>
      )}
      {placing && <Place close={() => setPlacing(false)} />}
      {releasing && <Release hold={releasing} close={() => setReleasing(undefined)} />}
    </>
  )
}

function Row({ hold, release }: { hold: Hold; release?: (() => void) | undefined }) {
  const { t } = useTranslation()
  const me = useMe()
  const persons = usePersons()
  const nameOf = (id: string | undefined) => persons.data?.find((p) => p.id === id)?.name ?? t('holds:someone')
  const from = day(hold.from)
  return (
    <li className="spread">
      <span className="stack-2 grow">
        <span className="row-tight">
          <strong className="numeric">{hold.to ? t('holds:between', { from, to: day(Date.parse(hold.to) - 1) }) : t('holds:since', { from })}</strong>
          {hold.inForce && <Tag data-size="sm" data-color="warning">{t('holds:tag')}</Tag>}
        </span>
        <span>{hold.reason}</span>
        <span className="soft small">{t('holds:placedBy', { who: nameOf(hold.placedBy), when: dayAndTime(hold.placed) })}</span>
        {hold.released && <span className="soft small">{t('holds:releasedBy', { who: nameOf(hold.releasedBy), when: dayAndTime(hold.released), reason: hold.releaseReason ?? '' })}</span>}
        {release && hold.inForce && hold.placedBy === me.id && <span className="soft small">{t('holds:byAnother')}</span>}
      </span>
      {release && hold.inForce && hold.placedBy !== me.id && <Button variant="secondary" data-size="sm" onClick={release}>{t('holds:release')}</Button>}
    </li>
  )
}

function Place({ close }: { close: () => void }) {
  const { t } = useTranslation()
  const { busy, error, save } = useSave(['holds'], close)
  const { faults, check } = useFaults()
  const [from, setFrom] = useState('')
  const [to, setTo] = useState('')
  const [reason, setReason] = useState('')
  const submit = () => {
    const begin = fromLocalInput(`${from}T00:00`)
    const end = fromLocalInput(`${to}T00:00`)
    if (!check({ from, reason }, {
      to: begin && end && end < begin ? t('holds:before') : undefined,
      reason: reason.trim().length < shortest ? t('holds:short') : undefined,
    }) || !begin) return
    const next = end && new Date(end.getTime() + 36 * 3_600_000) // into the day after, whatever the clocks do
    const until = next && fromLocalInput(`${next.toLocaleDateString('sv-SE', { timeZone: 'Europe/Oslo' })}T00:00`)
    void save(() => search.POST('/v1/holds', { body: { from: begin.toISOString(), ...(until ? { to: until.toISOString() } : {}), reason: reason.trim() } }), t('holds:placed'))
  }
  return (
    <EditDialog title={t('holds:place')} close={close} submit={t('holds:place')} busy={busy} error={error} save={submit}>
      <p>{t('holds:placeText')}</p>
      <div className="filters">
        <TextField label={t('holds:from')} type="date" value={from} fault={faults.from} onChange={(e) => setFrom(e.target.value)} />
        <TextField label={t('holds:to')} help={t('holds:toHelp')} optional type="date" value={to} fault={faults.to} onChange={(e) => setTo(e.target.value)} />
      </div>
      <TextArea label={t('holds:reason')} help={t('holds:reasonHelp')} rows={3} maxLength={1000} value={reason} fault={faults.reason} onChange={(e) => setReason(e.target.value)} />
    </EditDialog>
  )
}

function Release({ hold, close }: { hold: Hold; close: () => void }) {
  const { t } = useTranslation()
  const { busy, error, save } = useSave(['holds'], close)
  const { faults, check } = useFaults()
  const [reason, setReason] = useState('')
  const submit = () => {
    if (!check({ reason }, { reason: reason.trim().length < shortest ? t('holds:short') : undefined })) return
    void save(() => search.POST('/v1/holds/{id}/release', { params: { path: { id: hold.id } }, body: { reason: reason.trim() } }), t('holds:released'))
  }
  return (
    <EditDialog title={t('holds:release')} close={close} submit={t('holds:release')} busy={busy} error={error} save={submit} danger>
      <p>{t('holds:releaseText')}</p>
      <TextArea label={t('holds:releaseReason')} rows={3} maxLength={1000} value={reason} fault={faults.reason} onChange={(e) => setReason(e.target.value)} />
    </EditDialog>
  )
}
