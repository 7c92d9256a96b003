import { ChevronLeftIcon } from '@navikt/aksel-icons'
import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { usePageTitle } from './usePageTitle'

/** The head of a page: where one came from, what it is, what one can do. */
export function PageHead({ title, lead, actions, back, above }: {
  title: string; lead?: ReactNode; actions?: ReactNode; back?: { to: string; label: string }; above?: ReactNode
}) {
  usePageTitle(title)
  return (
    <div className="page-head">
      <div className="grow">
        {back && <Link className="crumb no-print" to={back.to}><ChevronLeftIcon aria-hidden />{back.label}</Link>}
        {above}
        <h1>{title}</h1>
        {lead && <div className="lead">{lead}</div>}
      </div>
      {actions && <div className="row no-print">{actions}</div>}
    </div>
  )
}

export function Panel({ title, children, actions, id }: { title?: ReactNode; children: ReactNode; actions?: ReactNode; id?: string }) {
  return (
    <section className="panel panel-pad" id={id} aria-labelledby={title && id ? `${id}-title` : undefined}>
      {(title || actions) && (
        <div className="panel-head">
          {title && <h2 className="panel-title" id={id ? `${id}-title` : undefined}>{title}</h2>}
          {actions && <div className="row-tight no-print">{actions}</div>}
        </div>
      )}
      {children}
    </section>
  )
}
