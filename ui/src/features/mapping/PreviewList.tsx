import { Tag } from '@digdir/designsystemet-react'
import { useTranslation } from 'react-i18next'
import { Refusal } from '../../components/states'
import { i18n } from '../../i18n'
import { clockWithSeconds, day } from '../../time/format'
import { fieldLabel } from './FieldChoice'
import type { Mapped, Preview } from './model'

const outcomeColor = { success: 'success', failure: 'danger', unknown: 'neutral' } as const
const shownAbove = new Set(['@timestamp', 'user.name', 'event.outcome', 'event.action', 'source.ip', 'event.kind', 'event.dataset', 'event.module', 'event.category', 'event.type', 'event.timezone', 'varde.parser', 'varde.attempt', 'message', 'related.user', 'related.ip', 'related.hosts'])

/** Each line of the sample as the event that it would become. */
export function PreviewList({ preview, failed }: { preview: Preview | undefined; failed: unknown }) {
  const { t } = useTranslation()
  if (failed) return <Refusal error={failed} />
  if (!preview) return <p className="soft" role="status">{t('common:loading')}</p>
  const broken = preview.events.filter((e) => e.reason).length
  return (
    <div className="stack">
      {preview.faults.length > 0 && (
        <div className="ds-alert" data-color="danger" role="alert">
          <p className="strong">{t('mapping:faults')}</p>
          <ul>{preview.faults.slice(0, 10).map((f, i) => <li key={i}>{faultText(f)}</li>)}</ul>
        </div>
      )}
      <p className="soft" role="status">{t('mapping:understood', { count: preview.events.length - broken, of: preview.events.length })}</p>
      <ol className="plain mapping-events">{preview.events.map((e, i) => <li key={i}><Line of={e} /></li>)}</ol>
    </div>
  )
}

function faultText(fault: Preview['faults'][number]): string {
  const [part = '', name = ''] = fault.path.split('/')
  const key = `mapping:fault.${part}`
  const text = i18n.exists(key) ? i18n.t(key, { name: fieldLabel(name) }) : i18n.t('mapping:fault.other')
  return fault.line > 0 ? i18n.t('mapping:faultLine', { line: fault.line, text }) : text
}

function Line({ of: mapped }: { of: Mapped }) {
  const { t } = useTranslation()
  const e = mapped.event
  if (!e) {
    return (
      <>
        <p><Tag data-size="sm" data-color="danger">{t('mapping:broken')}</Tag> {i18n.exists(`mapping:reason.${mapped.reason}`) ? t(`mapping:reason.${mapped.reason as 'not-this-format'}`) : mapped.reason}</p>
        <code className="logline">{mapped.line}</code>
      </>
    )
  }
  if (e['event.action'] === 'log-header') return <><p className="soft">{t('mapping:header')}</p><code className="logline">{mapped.line}</code></>
  const outcome = e['event.outcome'] as keyof typeof outcomeColor | undefined
  const action = e['event.action'] ?? ''
  const rest = Object.entries(e).filter(([name]) => !shownAbove.has(name) && !name.startsWith('varde.account'))
  return (
    <>
      <p className="row-tight">
        {outcome && <Tag data-size="sm" data-color={outcomeColor[outcome]}>{t(`mapping:outcome.${outcome}`)}</Tag>}
        <span>{e['@timestamp'] ? `${day(e['@timestamp'])} ${clockWithSeconds(e['@timestamp'])}` : ''}</span>
        <strong>{e['user.name'] ?? t('mapping:noUser')}</strong>
        <span>{i18n.exists(`mapping:action.${action}`) ? t(`mapping:action.${action as 'login'}`) : action}</span>
        {e['source.ip'] && <span>{t('mapping:from', { address: e['source.ip'] })}</span>}
      </p>
      {rest.length > 0 && (
        <details>
          <summary className="small">{t('mapping:more', { count: rest.length })}</summary>
          <dl className="facts tight">{rest.map(([name, value]) => <div key={name} className="contents"><dt>{fieldLabel(name)}</dt><dd>{value}</dd></div>)}</dl>
        </details>
      )}
      <code className="logline">{mapped.line}</code>
    </>
  )
}
