import { data, search } from '../../api/client'
import type { components } from '../../api/search'
import { i18n } from '../../i18n'
import { dayAndTime } from '../../time/format'
import { lastToMs } from './kql'

export type Schemas = components['schemas']
export type Event = Schemas['Event']
export type Context = Schemas['Context']

/** A time that moves ("24h"), or a fixed one. */
export type Range = { last: string } | { from: string; to: string }

/** What is searched for and how it is shown: what a view keeps. */
export type View = { query: string; range: Range; columns: string[]; ascending: boolean }

export const defaultColumns = ['host.name', 'user.name', 'source.ip', 'event.outcome', 'message']
export const lasts = ['15m', '1h', '24h', '7d', '30d', '90d'] as const
export const startView: View = { query: '', range: { last: '7d' }, columns: defaultColumns, ascending: false }

/** The moments a range stands for, as seen at `now`. */
export function momentsOf(range: Range, now: number): { from: string; to: string } {
  if ('from' in range) return range
  const ms = lastToMs(range.last) ?? 86_400_000
  // The end lies a little ahead, so that a source whose clock is fast is not cut off.
  return { from: new Date(now - ms).toISOString(), to: new Date(now + 5 * 60_000).toISOString() }
}

export function rangeText(range: Range): string {
  if ('from' in range) return i18n.t('search:time.range', { from: dayAndTime(range.from), to: dayAndTime(range.to) })
  const key = `search:time.${range.last}`
  return i18n.exists(key) ? i18n.t(key) : range.last
}

/** The time of a gap in the index; without ends it could be anywhere in what was asked for. */
export function gapText(from?: string, to?: string): string {
  return from && to ? rangeText({ from, to }) : i18n.t('search:results.gapAnywhere')
}

export function viewOf(stored: Schemas['View']): View {
  return {
    query: stored.query,
    range: stored.from && stored.to ? { from: stored.from, to: stored.to } : { last: stored.last ?? '7d' },
    columns: stored.columns?.length ? stored.columns : defaultColumns,
    ascending: stored.ascending ?? false,
  }
}

export function newViewOf(view: View, extra: { name?: string; caseId?: string | undefined } = {}): Schemas['NewView'] {
  return {
    query: view.query, columns: view.columns, ascending: view.ascending,
    ...('from' in view.range ? { from: view.range.from, to: view.range.to } : { last: view.range.last }),
    ...(extra.name ? { name: extra.name } : {}), ...(extra.caseId ? { caseId: extra.caseId } : {}),
  }
}

/** Keeps a view at the server and gives the opaque id that stands in addresses. */
export async function keepView(view: View, extra?: { name?: string; caseId?: string | undefined }): Promise<string> {
  return (await data(() => search.POST('/v1/views', { body: newViewOf(view, extra) }))).id
}

/** A field's name as people say it, else as ECS writes it. */
export function fieldName(field: string): string {
  const key = `search:field.${field.replace('@', '_').replaceAll('.', '_')}`
  return i18n.exists(key) ? i18n.t(key) : field
}

export function valueText(value: unknown): string {
  if (Array.isArray(value)) return value.map(String).join(', ')
  return value === undefined || value === null ? '' : String(value)
}

const contextKey = 'varde.search.context'

/** The context lives as long as the tab; its id says nothing of what is looked for. */
export function rememberContext(id: string | undefined): void {
  try {
    if (id) sessionStorage.setItem(contextKey, id)
    else sessionStorage.removeItem(contextKey)
  } catch {
    // The purpose is asked for again then.
  }
}

export function rememberedContext(): string | undefined {
  try {
    return sessionStorage.getItem(contextKey) ?? undefined
  } catch {
    return undefined
  }
}
