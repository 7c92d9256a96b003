import type { components } from '../api/identity'
import { fromLocalInput, toDateInput } from '../time/format'

type Period = components['schemas']['Period']

/** An absence as one writes it: whole days in Oslo, both included; open where the last is left out. */
export type Days = { from: string; to: string }

const dayLength = 86_400_000

export function asDays(periods: Period[] | undefined): Days[] {
  // The end is exclusive: one at midnight means the day before.
  return (periods ?? []).map((p) => ({ from: toDateInput(p.from), to: p.to ? toDateInput(Date.parse(p.to) - 1) : '' }))
}

/** The moments the days mean; undefined where a day is missing or one ends before it begins. */
export function asPeriods(days: Days[]): Period[] | undefined {
  const all: Period[] = []
  for (const { from, to } of days) {
    const begin = fromLocalInput(`${from}T00:00`)
    if (!begin || (to && to < from)) return undefined
    if (!to) {
      all.push({ from: begin.toISOString() })
      continue
    }
    const last = fromLocalInput(`${to}T12:00`)
    // The next midnight by the calendar: the day may be 23 or 25 hours long.
    const end = last && fromLocalInput(`${toDateInput(last.getTime() + dayLength)}T00:00`)
    if (!end) return undefined
    all.push({ from: begin.toISOString(), to: end.toISOString() })
  }
  return all
}

/** Whether somebody is away at a moment. */
export function awayAt(periods: Period[] | undefined, now: number): boolean {
  return (periods ?? []).some((p) => Date.parse(p.from) <= now && (!p.to || now < Date.parse(p.to)))
}

/** Periods that are over are history: the record keeps them, the form does not show them. */
export function notOver(periods: Period[] | undefined, now: number): Period[] {
  return (periods ?? []).filter((p) => !p.to || Date.parse(p.to) > now)
}
