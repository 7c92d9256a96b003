import { useQuery } from '@tanstack/react-query'
import { client, data } from '../../api/client'
import { formatNumber } from '../../i18n'
import type { components, paths } from '../../api/sources'

export type Activity = components['schemas']['Activity']
export type Counts = components['schemas']['Counts']

const sources = client<paths>('sources')

/** What came from senders that nobody registered, which is no source of the register. */
export const unregistered = 'unregistered'

const fresh = { refetchInterval: 30_000 } as const
export const useActivities = () => useQuery({ ...fresh, queryKey: ['sources', 'activity'], queryFn: () => data(() => sources.GET('/v1/activity', { params: { query: { days: 14, limit: 200 } } })).then((l) => l.items) })
export const useActivity = (id: string) => useQuery({ ...fresh, queryKey: ['sources', 'activity', id], queryFn: () => data(() => sources.GET('/v1/activity/{source}', { params: { path: { source: id }, query: { days: 30 } } })) })

/** A share as a person reads it. */
export const percent = (share: number): string => formatNumber(share, { style: 'percent', maximumFractionDigits: share < 0.1 ? 1 : 0 })

/** The share of the lines that were not understood or failed, 0 to 1. */
export function lost(c: Counts): number {
  return c.received > 0 ? (c.unparsed + c.failed) / c.received : 0
}

export type Sign = 'speaks' | 'silent' | 'never' | 'slowed' | 'failures'

/** How a source does at a glance, gravest first. A handful of lines says nothing about a share. */
export function signsOf(a: Activity): Sign[] {
  const signs: Sign[] = []
  if (a.state === 'silent') signs.push('silent')
  if (a.slowedNow) signs.push('slowed')
  if (a.total.received >= 20 && lost(a.total) > 0.2) signs.push('failures')
  if (a.state === 'never') signs.push('never')
  if (signs.length === 0) signs.push('speaks')
  return signs
}
