import { Button } from '@digdir/designsystemet-react'
import { ExclamationmarkTriangleIcon, InboxIcon } from '@navikt/aksel-icons'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { asProblem } from '../api/client'
import { fieldFaults, problemText } from './problemText'

/** Grey shapes in the place of what is coming; `label` is what a screen reader hears. */
export function Loading({ rows = 4, label }: { rows?: number; label?: string }) {
  const { t } = useTranslation()
  return (
    <div className="stack" role="status" aria-live="polite">
      <span className="sr-only">{label ?? t('common:loading')}</span>
      {Array.from({ length: rows }, (_, i) => (
        <div key={i} className={`shimmer shimmer-${i % 3}`} aria-hidden />
      ))}
    </div>
  )
}

/** Nothing here: says why, and what one can do. */
export function Empty({ title, children, icon, action }: { title: string; children?: ReactNode; icon?: ReactNode; action?: ReactNode }) {
  return (
    <div className="state" data-kind="empty">
      {icon ?? <InboxIcon aria-hidden />}
      <strong>{title}</strong>
      {children && <p>{children}</p>}
      {action}
    </div>
  )
}

/** What happened, that nothing was lost, and what to do. */
export function Failed({ error, retry, children }: { error: unknown; retry?: () => void; children?: ReactNode }) {
  const { t } = useTranslation()
  const problem = asProblem(error)
  return (
    <div className="state" data-kind="failed" role="alert">
      <ExclamationmarkTriangleIcon aria-hidden />
      <strong>{t(problem.status === 404 ? 'common:failed.notFoundTitle' : problem.status === 403 ? 'common:failed.forbiddenTitle' : 'common:failed.title')}</strong>
      <p>{problemText(problem)}</p>
      {problem.body.traceId && <p className="small">{t('common:failed.trace', { id: problem.body.traceId })}</p>}
      {retry && problem.status !== 404 && problem.status !== 403 && (
        <Button variant="secondary" onClick={retry}>{t('common:retry')}</Button>
      )}
      {children}
    </div>
  )
}

/** A refusal beside the form it concerns. */
export function Refusal({ error }: { error: unknown }) {
  const { t } = useTranslation()
  if (!error) return null
  const problem = asProblem(error)
  const faults = [...new Set(Object.values(fieldFaults(problem)))]
  return (
    <div className="ds-alert" data-color="danger" role="alert">
      <p className="strong">{problemText(problem)}</p>
      {faults.length > 0 && <ul>{faults.map((fault) => <li key={fault}>{fault}</li>)}</ul>}
      {problem.temporary && <p>{t('common:failed.nothingLost')}</p>}
    </div>
  )
}
