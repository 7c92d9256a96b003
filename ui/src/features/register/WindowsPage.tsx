import { Button, Tag } from '@digdir/designsystemet-react'
import { ClockIcon, PlusIcon } from '@navikt/aksel-icons'
import { Link } from '@tanstack/react-router'
import { useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useMay } from '../../app/MeContext'
import { Empty, Failed, Loading } from '../../components/states'
import { clock, dayAndTime, duration, sameDay } from '../../time/format'
import { type Schemas, useCalendar } from './model'
import { AgreementTag, WindowTag } from './parts'
import { ApproveWindow, ExtendWindow, RequestWindow, RevokeWindow } from './WindowForms'

type Entry = Schemas['CalendarEntry']

const sections: { key: 'toApprove' | 'openNow' | 'coming' | 'past'; of: (state: Schemas['WindowState']) => boolean }[] = [
  { key: 'toApprove', of: (s) => s === 'requested' },
  { key: 'openNow', of: (s) => s === 'open' },
  { key: 'coming', of: (s) => s === 'approved' },
  { key: 'past', of: (s) => s === 'ended' || s === 'revoked' || s === 'lapsed' },
]

/** Access windows: what waits for an approval first, then what is open. */
export default function WindowsPage() {
  const { t } = useTranslation()
  const mayRequest = useMay('window.request')
  const days = useMemo(() => ({ from: new Date(Date.now() - 30 * 86_400_000).toISOString(), to: new Date(Date.now() + 90 * 86_400_000).toISOString() }), [])
  const calendar = useCalendar(days)
  const [dialog, setDialog] = useState<{ is: 'request' } | { is: 'approve' | 'extend' | 'revoke'; entry: Entry }>()
  if (calendar.isPending) return <Loading rows={5} />
  if (calendar.isError) return <Failed error={calendar.error} retry={() => void calendar.refetch()} />
  const close = () => setDialog(undefined)
  return (
    <div className="stack">
      {mayRequest && <div className="row"><Button onClick={() => setDialog({ is: 'request' })}><PlusIcon aria-hidden />{t('register:window.request')}</Button></div>}
      {calendar.data.length === 0 && <div className="panel"><Empty title={t('register:window.none')} icon={<ClockIcon aria-hidden />}>{t('register:window.noneText')}</Empty></div>}
      {sections.map((section) => {
        const entries = calendar.data.filter((entry) => section.of(entry.window.state))
        if (entries.length === 0) return null
        return (
          <section key={section.key} aria-labelledby={`vindu-${section.key}`}>
            <h2 className="section-title" id={`vindu-${section.key}`}>{t(`register:window.${section.key}`)}</h2>
            <ul className="plain panel list padded">
              {(section.key === 'past' ? [...entries].reverse() : entries).map((entry) => (
                <Row key={entry.window.id} entry={entry} open={(is) => setDialog({ is, entry })} />
              ))}
            </ul>
          </section>
        )
      })}
      {dialog?.is === 'request' && <RequestWindow close={close} />}
      {dialog?.is === 'approve' && <ApproveWindow entry={dialog.entry} close={close} />}
      {dialog?.is === 'extend' && <ExtendWindow entry={dialog.entry} close={close} />}
      {dialog?.is === 'revoke' && <RevokeWindow entry={dialog.entry} close={close} />}
    </div>
  )
}

function Row({ entry, open }: { entry: Entry; open: (is: 'approve' | 'extend' | 'revoke') => void }) {
  const { t } = useTranslation()
  const w = entry.window
  const ends = sameDay(w.data.from, w.data.to) ? clock(w.data.to) : dayAndTime(w.data.to)
  const live = w.state === 'open' || w.state === 'approved' || w.state === 'requested'
  return (
    <li className="spread">
      <span className="stack-2 grow">
        <span className="row-tight"><Link className="ds-link strong" to="/register/leverandorer/$id" params={{ id: w.data.vendorId }}>{entry.vendorName}</Link><WindowTag state={w.state} />
          {w.data.emergency && <Tag data-size="sm" data-color="fire">{t('register:window.emergencyTag')}</Tag>}
          {live && !['valid', 'expiring'].includes(entry.agreementState) && <AgreementTag state={entry.agreementState} />}</span>
        <span>{entry.systemNames.join(', ')}</span>
        <span className="soft small numeric">{dayAndTime(w.data.from)} – {ends}{w.data.durationSeconds ? ` · ${t('register:window.durationTag', { duration: duration(w.data.durationSeconds * 1000) })}` : ''}{w.data.reason && ` · ${w.data.reason}`}</span>
      </span>
      {entry.mayApprove && live && (
        <span className="row-tight">
          {w.state === 'requested' && <Button data-size="sm" onClick={() => open('approve')}>{t('register:window.approve')}</Button>}
          {w.state !== 'requested' && <Button variant="tertiary" data-size="sm" onClick={() => open('extend')}>{t('register:window.extend')}</Button>}
          <Button variant="tertiary" data-size="sm" onClick={() => open('revoke')}>{t('register:window.revoke')}</Button>
        </span>
      )}
    </li>
  )
}
