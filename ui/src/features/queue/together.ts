import { asProblem, cases, data, type Problem } from '../../api/client'
import type { components } from '../../api/cases'

type Schemas = components['schemas']
export type Summary = Schemas['CaseSummary']
export type Kind = Schemas['DecisionKind']

/** What came of one case: how many steps were done, and what stopped it. */
export type Result = { done: number; problem?: Problem }
export type Step = (item: Summary) => Promise<unknown>

const plain: Kind[] = ['no-action', 'accept-risk', 'measures']

/** The decisions that fit all of the cases (a login's are for findings only). */
export function kindsFor(items: Summary[]): Kind[] {
  if (items.length === 0 || items.some((item) => item.source !== 'finding')) return plain
  const login: Kind[] = ['misuse', 'register-error']
  return items.every((item) => item.family === 'vendor-access') ? ['approve-afterwards', ...login, ...plain] : [...login, ...plain]
}

/** Whether cases can be closed with the decision at once: not where measures follow from it. */
export const closes = (kind: Kind | undefined) => kind !== undefined && kind !== 'measures'

/**
 * The steps each case takes: the same as one by one, so that the rules of
 * closing hold for each (R10) and each is in the audit log.
 */
export function stepsOf(kind: Kind, reason: string, checked: string | undefined): Step[] {
  const at = (item: Summary) => ({ params: { path: { caseId: item.id } } })
  const steps: Step[] = [(item) => data(() => cases.POST('/v1/cases/{caseId}/decisions', { ...at(item), body: { kind, reason } }))]
  if (checked === undefined) return steps
  return [
    ...steps,
    (item) => data(() => cases.POST('/v1/cases/{caseId}/no-measures', { ...at(item), body: { reason: checked } })),
    (item) => data(() => cases.POST('/v1/cases/{caseId}/effect-check', { ...at(item), body: { effective: true, note: checked } })),
    (item) => data(() => cases.POST('/v1/cases/{caseId}/close', { ...at(item), body: { summary: reason, ...(item.source === 'report' ? { outcome: reason } : {}) } })),
  ]
}

/**
 * Takes each case through the steps, some at a time. One that fails stops
 * alone; `before` is what an earlier run came to, from where it goes on, so
 * that nothing is decided twice.
 */
export async function runTogether(items: Summary[], steps: Step[], before: Record<string, Result>, tell: (id: string, result: Result) => void, atOnce = 4): Promise<void> {
  const waiting = items.filter((item) => (before[item.id]?.done ?? 0) < steps.length)
  const worker = async () => {
    for (let item = waiting.shift(); item; item = waiting.shift()) {
      let done = before[item.id]?.done ?? 0
      try {
        for (; done < steps.length; done++) await steps[done]!(item)
        tell(item.id, { done })
      } catch (error) {
        tell(item.id, { done, problem: asProblem(error) })
      }
    }
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
}
