import { Button, Tag } from '@digdir/designsystemet-react'
import { ClipboardCheckmarkIcon, DownloadIcon } from '@navikt/aksel-icons'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { audit, data } from '../../api/client'
import type { components } from '../../api/audit'
import { useMay } from '../../app/MeContext'
import { SelectField, TextField } from '../../components/Field'
import { PageHead } from '../../components/Page'
import { Empty, Failed, Loading, Refusal } from '../../components/states'
import { toast } from '../../components/toast'
import { formatNumber, i18n } from '../../i18n'
import { compact, dayAndTime, fromLocalInput } from '../../time/format'
import { usePersons } from '../../directory/directory'

type Record = components['schemas']['Record']
const groups = ['event', 'case', 'evidence', 'report', 'register', 'window', 'account', 'audit', 'hold'] as const

function actionText(action: string | undefined): string {
  const key = `audit:action.${(action ?? '').replace('.', '_')}`
  return i18n.exists(key) ? i18n.t(key) : (action ?? '')
}

/** What a record is about: its kind in words, with a way to it where there is one. The id is there on hover, for whoever compares files. */
function Subject({ object, nameOf }: { object: string; nameOf: (person: string) => string | undefined }) {
  const { t } = useTranslation()
  const mayRead = useMay('case.read')
  const [kind = '', id = ''] = object.split(':')
  const key = `audit:object.${kind}`
  const name = kind === 'person' ? nameOf(id) : undefined
  // A kind that has no word yet says nothing here that the action does not say.
  const text = name ?? (i18n.exists(key) ? t(key) : '')
  if (kind === 'case' && id && mayRead) return <Link className="ds-link" to="/saker/$caseId" params={{ caseId: id }} title={id}>{text}</Link>
  return <span title={id}>{text}</span>
}

/** How much was read, in words. */
function countText(kind: string, count: number): string {
  const key = `audit:count.${kind}`
  return i18n.exists(key, { count }) ? i18n.t(key, { count }) : String(count)
}

/** A purpose is what a person stated, or a word of ours for what the system does by itself. */
function purposeText(purpose: string | undefined): string {
  const key = `audit:purposeOf.${purpose}`
  return purpose && /^[a-z-]+$/.test(purpose) && i18n.exists(key) ? i18n.t(key) : (purpose ?? '')
}

/** Who read and changed what, with the signed checkpoint and an export that anyone can verify. */
export default function AuditPage() {
  const { t } = useTranslation()
  const mayExport = useMay('audit.export')
  const persons = usePersons()
  const [action, setAction] = useState('')
  const [from, setFrom] = useState('')
  const [to, setTo] = useState('')
  const [error, setError] = useState<unknown>()
  const [busy, setBusy] = useState(false)
  const start = from ? fromLocalInput(`${from}T00:00`) : undefined
  const end = to ? fromLocalInput(`${to}T00:00`) : undefined
  const body = {
    limit: 100, ...(action ? { action: `${action}.` } : {}), ...(start ? { from: start.toISOString() } : {}),
    ...(end ? { to: new Date(end.getTime() + 86_400_000).toISOString() } : {}),
  }
  const records = useInfiniteQuery({
    queryKey: ['audit', body], initialPageParam: '',
    queryFn: ({ pageParam }) => data(() => audit.POST('/v1/records/search', { body: { ...body, ...(pageParam ? { after: pageParam } : {}) } })),
    getNextPageParam: (page) => page.next,
  })
  const checkpoint = useQuery({ queryKey: ['checkpoint'], queryFn: () => data(() => audit.GET('/v1/checkpoint')) })
  const items = records.data?.pages.flatMap((page) => page.items) ?? []
  const nameOf = (person: string) => persons.data?.find((p) => p.id === person)?.name
  const who = (record: Record) => {
    const actor = record.actor
    if (!actor) return ''
    if (actor.type === 'service') return i18n.exists(`audit:part.${actor.id}`) ? t(`audit:part.${actor.id}`) : t('audit:service')
    if (actor.type === 'reporter') return t('audit:reporter')
    return nameOf(actor.id) ?? t('audit:someone')
  }

  async function download(): Promise<void> {
    setBusy(true)
    setError(undefined)
    try {
      const bundle = await data(() => audit.POST('/v1/export', { body: {} }))
      const address = URL.createObjectURL(new Blob([JSON.stringify(bundle)], { type: 'application/json' }))
      const link = document.createElement('a')
      link.href = address
      link.download = `revisjonslogg-${new Date().toISOString().slice(0, 10)}.json`
      link.click()
      setTimeout(() => URL.revokeObjectURL(address), 10_000)
      toast(t('audit:exported'))
    } catch (problem) {
      setError(problem)
    } finally {
      setBusy(false)
    }
  }

  return (
    <>
      <PageHead title={t('audit:title')} lead={t('audit:lead')}
        actions={mayExport && <Button variant="secondary" loading={busy || undefined} disabled={busy} onClick={() => void download()} title={t('audit:exportHelp')}><DownloadIcon aria-hidden />{t('audit:export')}</Button>} />
      <Refusal error={error} />
      {checkpoint.data && (
        <div className="panel panel-pad checkpoint">
          <span><strong>{t('audit:checkpoint')}</strong> · {t('audit:checkpointText', { size: formatNumber(checkpoint.data.size), when: dayAndTime(checkpoint.data.time) })}</span>
          <span className="hash">{t('audit:root', { root: checkpoint.data.root })}</span>
          <span className="soft small">{t('audit:exportHelp')}</span>
        </div>
      )}
      <div className="filters">
        <SelectField label={t('audit:filterAction')} value={action} onChange={(e) => setAction(e.target.value)}>
          <option value="">{t('audit:anyAction')}</option>
          {groups.map((g) => <option key={g} value={g}>{t(`audit:group.${g}`)}</option>)}
        </SelectField>
        <TextField label={t('audit:from')} type="date" value={from} onChange={(e) => setFrom(e.target.value)} />
        <TextField label={t('audit:to')} type="date" value={to} onChange={(e) => setTo(e.target.value)} />
      </div>
      {records.isPending ? <Loading rows={8} /> : records.isError ? <Failed error={records.error} retry={() => void records.refetch()} /> : items.length === 0 ? (
        <div className="panel"><Empty title={t('audit:empty')} icon={<ClipboardCheckmarkIcon aria-hidden />}>{t('audit:emptyText')}</Empty></div>
      ) : (
        <div className="panel table-wrap">
          <table className="plain-table">
            <thead><tr><th>{t('audit:index')}</th><th>{t('audit:time')}</th><th>{t('audit:who')}</th><th>{t('audit:what')}</th><th>{t('audit:purpose')}</th><th>{t('audit:result')}</th></tr></thead>
            <tbody>{items.map((r) => (
              <tr key={r.id}>
                <td className="numeric soft">{r.index}</td>
                <td className="numeric nowrap">{compact(r.time ?? r.received)}</td>
                <td>{who(r)}</td>
                <td>{r.erased ? <span className="soft">{t('audit:erased')}</span> : <>{actionText(r.action)}{r.object && <div className="soft small"><Subject object={r.object} nameOf={nameOf} /></div>}</>}</td>
                <td className="small">{purposeText(r.purpose)}</td>
                <td><span className="row-tight keep">{r.phase && <Tag data-size="sm" data-color="neutral">{t(`audit:phase.${r.phase}`)}</Tag>}
                  {r.result && <Tag data-size="sm" data-color={r.result === 'ok' ? 'success' : 'danger'}>{t(`audit:resultOf.${r.result}`)}</Tag>}</span>
                  {r.counts && Object.keys(r.counts).length > 0 && <div className="soft small">{Object.entries(r.counts).map(([kind, n]) => countText(kind, n)).join(', ')}</div>}</td>
              </tr>
            ))}</tbody>
          </table>
        </div>
      )}
      {records.hasNextPage && <p className="more"><Button variant="secondary" loading={records.isFetchingNextPage || undefined} onClick={() => void records.fetchNextPage()}>{t('app:more')}</Button></p>}
    </>
  )
}
