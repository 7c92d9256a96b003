import { useTranslation } from 'react-i18next'
import { i18n } from '../i18n'
import { dayAndTime, duration } from '../time/format'

export type Reason = { slug: string; params?: Record<string, string> }

const moment = /^\d{4}-\d\d-\d\dT\d\d:\d\d/

/** Parameters as a person reads them: times in Oslo, names of severities and categories. */
function readable(params: Record<string, string> | undefined): Record<string, string> {
  const out: Record<string, string> = {}
  for (const [name, value] of Object.entries(params ?? {})) {
    out[name] = moment.test(value) ? dayAndTime(value) : value
    if (name === 'severity') out.severityText = i18n.t(`reason:severityName.${value}`)
    if (name === 'expectedSeconds') out.expectedText = duration(Number(value) * 1000)
    if (name === 'category') out.categoryText = categoryText(value)
  }
  return out
}

export function categoryText(category: string): string {
  const key = `reason:category.${category}`
  return i18n.exists(key) ? i18n.t(key) : category
}

/** The sentence of a rule's slug. One that has no sentence yet is shown as it is, never left out. */
export function reasonText(reason: Reason | undefined): string {
  if (!reason?.slug) return ''
  const key = `reason:${reason.slug}`
  return i18n.exists(key) ? i18n.t(key, readable(reason.params)) : i18n.t('reason:unknown', { slug: reason.slug })
}

export function useReason(): (reason: Reason | undefined) => string {
  useTranslation()
  return reasonText
}
