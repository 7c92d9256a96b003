import type { Problem } from '../api/client'
import { i18n } from '../i18n'

/** A problem in a person's words: what happened, and whether anything was lost. */
export function problemText(problem: Problem): string {
  // What only the workplace can meet lies in a file of its own: the report form's first load is small.
  for (const key of [`problem:${problem.slug}`, `refusal:${problem.slug}`]) {
    if (i18n.exists(key)) return i18n.t(key, { ...problem.body.params })
  }
  if (problem.slug.endsWith('-not-found')) return i18n.t('problem:not-found')
  if (problem.status === 403) return i18n.t('problem:forbidden')
  if (problem.status >= 500) return i18n.t('problem:unavailable')
  // A slug this interface does not know yet: the server's own sentence says more than a general one.
  return problem.body.detail ?? i18n.t('problem:unexpected')
}

/** What is wrong with one field, by the last part of its pointer. */
export function fieldFaults(problem: Problem | undefined): Record<string, string> {
  const faults: Record<string, string> = {}
  for (const fault of problem?.body.errors ?? []) {
    const name = fault.pointer.split('/').pop() ?? fault.pointer
    const key = [`problem:${fault.slug}`, `refusal:${fault.slug}`].find((k) => i18n.exists(k))
    faults[name] = i18n.t(key ?? 'problem:field')
  }
  return faults
}
