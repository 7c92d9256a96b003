import { MinusCircleIcon } from '@navikt/aksel-icons'
import { useTranslation } from 'react-i18next'
import { formatNumber, i18n } from '../../i18n'
import { fieldName, type Schemas } from './model'
import type { NameOf } from './useNames'

/** The most frequent values; one press narrows the search to one, or leaves it out. */
export function Facets({ facets, nameOf, add }: { facets: Schemas['Facet'][]; nameOf: NameOf; add: (field: string, value: string, not?: boolean) => void }) {
  const { t } = useTranslation()
  return (
    <aside className="facets" aria-label={t('search:facets.title')}>
      {facets.filter((facet) => facet.values.length > 0 || facet.hidden).map((facet) => {
        const most = Math.max(1, ...facet.values.map((v) => v.count))
        return (
          <section key={facet.field}>
            <h3>{fieldName(facet.field)}</h3>
            {facet.hidden === 'names' && <p className="soft small">{t('search:facets.hidden-names')}</p>}
            <ul>
              {facet.values.map((v) => {
                const shown = facetText(facet.field, v.value, nameOf)
                return (
                  <li key={v.value}>
                    <button type="button" className="facet" title={t('search:facets.add', { value: shown })} onClick={() => add(facet.field, v.value)}>
                      <span className="facet-name">{shown}</span><span className="numeric soft">{formatNumber(v.count)}</span>
                      <meter min={0} max={most} value={v.count} aria-hidden />
                    </button>
                    <button type="button" className="facet-not" aria-label={t('search:facets.exclude', { value: shown })} title={t('search:facets.exclude', { value: shown })} onClick={() => add(facet.field, v.value, true)}><MinusCircleIcon aria-hidden /></button>
                  </li>
                )
              })}
            </ul>
            {facet.hidden === 'small-counts' && <p className="soft small">{t('search:facets.hidden-small')}</p>}
          </section>
        )
      })}
    </aside>
  )
}

export function facetText(field: string, value: string, nameOf: NameOf): string {
  if (field === 'event.outcome' && i18n.exists(`search:outcome.${value}`)) return i18n.t(`search:outcome.${value}`)
  // What only a vendor calls so has no word here.
  if (field === 'event.action' && i18n.exists(`search:action.${value}`)) return i18n.t(`search:action.${value}`)
  return nameOf(field, value)
}
