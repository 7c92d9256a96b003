import { Button } from '@digdir/designsystemet-react'
import { EyeSlashIcon } from '@navikt/aksel-icons'
import { useTranslation } from 'react-i18next'
import { compact, exact } from '../../time/format'
import { facetText } from './Facets'
import { type Event, fieldName, valueText } from './model'
import type { NameOf } from './useNames'

/** The events, newest first; a row opens the event. */
export function Results({ events, columns, nameOf, open, opened, more, loadingMore }: {
  events: Event[]; columns: string[]; nameOf: NameOf; open: (id: string) => void; opened?: string | undefined; more?: (() => void) | undefined; loadingMore: boolean
}) {
  const { t } = useTranslation()
  return (
    <div className="panel results">
      <div className="table-wrap">
        <table className="event-table">
          <thead><tr><th scope="col">{fieldName('@timestamp')}</th>{columns.map((c) => <th scope="col" key={c}>{fieldName(c)}</th>)}</tr></thead>
          <tbody>
            {events.map((event) => (
              <tr key={event.id} data-outcome={valueText(event.fields['event.outcome'])} data-opened={event.id === opened || undefined} onClick={() => open(event.id)}>
                <td className="numeric nowrap"><button type="button" className="time-button" aria-label={t('search:results.open', { time: exact(event.time) })} onClick={(e) => { e.stopPropagation(); open(event.id) }}>{compact(event.time)}</button></td>
                {columns.map((c) => <td key={c} data-label={fieldName(c)} data-long={c === 'message' || undefined}><Cell event={event} field={c} nameOf={nameOf} /></td>)}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {more && <p className="more-row"><Button variant="secondary" loading={loadingMore || undefined} disabled={loadingMore} onClick={more}>{t('search:results.more')}</Button></p>}
    </div>
  )
}

export function Cell({ event, field, nameOf }: { event: Event; field: string; nameOf: NameOf }) {
  const { t } = useTranslation()
  if (event.hidden?.includes(field)) return <span className="hidden-value"><EyeSlashIcon aria-hidden />{t('search:results.hidden')}</span>
  const text = valueText(event.fields[field])
  if (field === 'event.outcome' && text) return <span className="outcome" data-outcome={text}>{facetText(field, text, nameOf)}</span>
  return <>{nameOf(field, text)}</>
}
