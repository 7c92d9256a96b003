import type { components } from '../../api/search'

export type Part = components['schemas']['Part']
export type Completion = components['schemas']['Completion']

/** A value as KQL writes it: quoted where it holds anything but plain characters. */
export function quoted(value: string): string {
  if (/^[\p{L}\p{N}_.\-:@]+$/u.test(value) && !/^(and|or|not)$/i.test(value) && !/^:|:$|::/.test(value) && !value.includes(':')) return value
  return `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
}

/** Whether a query has an `or` outside quotes and brackets, so that an `and` beside it needs brackets. */
function hasOpenOr(query: string): boolean {
  let depth = 0
  let inQuotes = false
  for (let i = 0; i < query.length; i++) {
    const c = query[i]
    if (c === '\\') { i++; continue }
    if (c === '"') inQuotes = !inQuotes
    else if (inQuotes) continue
    else if (c === '(') depth++
    else if (c === ')') depth--
    else if (depth === 0 && /^or\b/i.test(query.slice(i)) && /(^|[\s)])$/.test(query.slice(0, i))) return true
  }
  return false
}

/** The query with one more demand: a value that must (or must not) be there. */
export function withFilter(query: string, field: string, value: string, not = false): string {
  const clause = `${not ? 'not ' : ''}${field}: ${quoted(value)}`
  const trimmed = query.trim()
  if (!trimmed) return clause
  if (trimmed.includes(clause) && !trimmed.includes(`not ${clause}`)) return trimmed
  return `${hasOpenOr(trimmed) ? `(${trimmed})` : trimmed} and ${clause}`
}

/** The query after a proposal was taken, and where the caret then stands. */
export function withProposal(query: string, completion: Pick<Completion, 'start' | 'end'>, item: Completion['items'][number]): { query: string; caret: number } {
  const before = query.slice(0, completion.start)
  const after = query.slice(completion.end)
  const spaced = item.kind === 'field' ? item.text : `${item.text}${/^\s/.test(after) ? '' : ' '}`
  return { query: before + spaced + after, caret: before.length + spaced.length }
}

/** Cuts a query at its fault, for the underline. An empty fault is at the end: a space stands in for it. */
export function faultParts(query: string, fault: { start: number; end: number }): [string, string, string] {
  const start = Math.min(Math.max(fault.start, 0), query.length)
  const end = Math.min(Math.max(fault.end, start), query.length)
  return [query.slice(0, start), query.slice(start, end) || ' ', query.slice(end)]
}

const units: Record<string, number> = { m: 60, h: 3_600, d: 86_400, w: 604_800 }

/** Milliseconds of "15m", "24h", "7d", "4w"; undefined where it is no such time. */
export function lastToMs(last: string): number | undefined {
  const match = /^(\d{1,4})([mhdw])$/.exec(last)
  return match ? Number(match[1]) * units[match[2]!]! * 1000 : undefined
}

type Say = (key: string, values?: Record<string, string>) => string

/** What a query means, in words. `say` has the words of search:means. */
export function inWords(part: Part, say: Say, fieldName: (field: string) => string): string {
  const values = (part.values ?? []).map((v) => `«${v}»`)
  const list = values.length > 1 ? `${values.slice(0, -1).join(', ')} ${say('or')} ${values.at(-1)}` : (values[0] ?? '')
  const parts = (part.parts ?? []).map((p) => {
    const words = inWords(p, say, fieldName)
    return p.slug === 'any' && part.slug === 'all' ? `(${words})` : words
  })
  switch (part.slug) {
    case 'everything': return say('everything')
    case 'all': return parts.join(` ${say('and')} `)
    case 'any': return parts.join(` ${say('or')} `)
    case 'not': return say('not', { what: parts.join(', ') })
    default: return say(part.slug, { field: part.field ? fieldName(part.field) : '', values: list })
  }
}
