import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import type { components } from '../../api/cases'
import { useReason } from '../../components/reason'
import { SeverityTag, StateTag } from '../../components/tags'
import { Time } from '../../components/Time'
import { exact, relative } from '../../time/format'

type Summary = components['schemas']['CaseSummary']

/** A case in a list: what it is about, then where, then what it waits for. */
export function CaseRow({ item }: { item: Summary }) {
  const { t } = useTranslation()
  const reason = useReason()
  const overdue = item.dueAt ? Date.parse(item.dueAt) < Date.now() : false
  return (
    <li>
      <Link className="rowlink" to="/saker/$caseId" params={{ caseId: item.id }} data-severity={item.severity}>
        <div className="stack-2">
          <span className="title">{item.source === 'report' && item.summary ? item.summary : reason(item.title)}</span>
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
