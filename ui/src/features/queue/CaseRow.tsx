import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { useReason } from '../../components/reason'
import { SeverityTag, StateTag } from '../../components/tags'
import { Time } from '../../components/Time'
import { exact, relative } from '../../time/format'
import type { Selection } from './Selection'
import type { Summary } from './together'

/** A case in a list: what it is about, then where, then what it waits for. */
export function CaseRow({ item, selection }: { item: Summary; selection?: Selection }) {
  const { t } = useTranslation()
  const reason = useReason()
  const overdue = item.dueAt ? Date.parse(item.dueAt) < Date.now() : false
  const title = item.source !== 'finding' && item.summary ? item.summary : reason(item.title)
  return (
    <li className={selection?.on ? 'row-chosen' : undefined}>
      {selection?.on && (
        <label className="row-choice">
          <input type="checkbox" checked={selection.has(item.id)} onChange={() => selection.toggle(item.id)} disabled={['closed', 'rejected', 'merged'].includes(item.state)}
            aria-label={t('queue:together.choose', { number: item.number, title })} />
        </label>
      )}
      <Link className="rowlink" to="/saker/$caseId" params={{ caseId: item.id }} data-severity={item.severity}>
        <div className="stack-2">
          <span className="title">{title}</span>
          <span className="meta">
            <span className="numeric">{item.number}</span>
            <span>{t(`queue:source.${item.source}`)}</span>
            {item.system?.name && <span>{item.system.name}</span>}
            {item.vendor?.name && <span>{item.vendor.name}</span>}
            {!item.system?.name && item.unit?.name && <span>{item.unit.name}</span>}
            {item.findings !== undefined && item.findings > 1 && <span>{t('queue:findings', { count: item.findings })}</span>}
            <Time at={item.created} />
          </span>
        </div>
        <div className="side-info">
          <span className="row-tight">
            {item.explained ? <span className="ds-tag" data-color="success" data-size="sm">{t('queue:explained')}</span> : <SeverityTag severity={item.severity} />}
            <StateTag state={item.state} />
            {!item.acknowledged && item.section === 'new' && <span className="small soft">{t('queue:unacknowledged')}</span>}
          </span>
          <span className="small soft">
            {item.waitingFor ? t(`queue:waitingFor.${item.waitingFor}`) : item.dueAt ? (
              <span className="due" data-overdue={overdue || undefined} title={exact(item.dueAt)}>
                {t(overdue ? 'queue:overdue' : 'queue:due', { when: relative(item.dueAt) })}
              </span>
            ) : t('queue:noDue')}
          </span>
        </div>
      </Link>
    </li>
  )
}
