import { useQuery } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { data, register, sources } from '../../api/client'
import type { components } from '../../api/sources'

export type Form = components['schemas']['MappingForm']
export type Value = components['schemas']['MappingValue']
export type Column = components['schemas']['MappingColumn']
export type Preview = components['schemas']['MappingPreview']
export type Mapped = components['schemas']['MappedLine']

/** The event's own time, which a mapping sets by its form and not as a field. */
export const timeField = '@timestamp'

/** A field of the system, what it becomes, and how sure the guess was. */
export type Row = { column: string; examples: string[]; field: string; why: Column['why'] | ''; values: Record<string, string>; otherwise: string }

export type Draft = { base: Form; rows: Row[]; timeForm: string; zone: string; everyLogin: boolean }

/** Fields whose values are translated: outcomes are one of three, actions are named as the rules know them. */
export const translated = (field: string): boolean => field === 'event.outcome' || field === 'event.action'

/** Takes a mapping apart into rows that a person can change. */
export function draftOf(form: Form, columns: Column[]): Draft {
  const rows: Row[] = []
  const of = (name: string) => columns.find((c) => c.name === name)
  for (const name of form.time?.fields ?? []) rows.push({ column: name, examples: of(name)?.examples ?? [], field: timeField, why: of(name)?.why ?? '', values: {}, otherwise: '' })
  for (const [field, value] of Object.entries(form.fields)) {
    if (!value.field) continue
    const column = of(value.field)
    rows.push({
      column: value.field, examples: column?.examples ?? [], field, why: column?.field === field ? column.why : '',
      values: value.values ?? {}, otherwise: value.default ?? '',
    })
  }
  for (const column of columns) if (!rows.some((r) => r.column === column.name)) rows.push({ column: column.name, examples: column.examples, field: '', why: '', values: {}, otherwise: '' })
  const order = columns.map((c) => c.name)
  rows.sort((a, b) => order.indexOf(a.column) - order.indexOf(b.column))
  return { base: form, rows, timeForm: form.time?.forms?.[0] ?? 'auto', zone: form.time?.zone ?? 'Europe/Oslo', everyLogin: form.fields['event.action']?.constant === 'login' }
}

/** The mapping that the rows say, and which lines are logins by it. */
export function formOf(draft: Draft): Form {
  const { samples: _, attempt: was, time: __, ...base } = draft.base
  const fields: Record<string, Value> = {}
  for (const [name, value] of Object.entries(draft.base.fields)) if (value.constant && name !== 'event.action') fields[name] = value
  const times: string[] = []
  for (const row of draft.rows) {
    if (row.field === timeField) times.push(row.column)
    else if (row.field) fields[row.field] = valueOf(row)
  }
  if (draft.everyLogin) fields['event.action'] = { constant: 'login' }
  const when = loginRows(draft)
  const form: Form = { ...base, fields }
  if (times.length > 0) form.time = { fields: times, forms: [draft.timeForm || 'auto'], zone: draft.zone }
  if (when && fields['event.outcome']) form.attempt = { when: [when], ...(was?.method ? { method: was.method } : {}) }
  return form
}

function valueOf(row: Row): Value {
  if (!translated(row.field) || Object.keys(row.values).length === 0) return { field: row.column, ...(row.otherwise ? { default: row.otherwise } : {}) }
  return { field: row.column, values: row.values, ...(row.field === 'event.outcome' ? { default: row.otherwise || 'unknown' } : row.otherwise ? { default: row.otherwise } : {}) }
}

/** The condition under which a line is a login. */
function loginRows(draft: Draft): { field: string; in: string[] } | undefined {
  const action = draft.rows.find((r) => r.field === 'event.action')
  if (!draft.everyLogin && action) {
    const logins = Object.entries(action.values).filter(([, to]) => to === 'login').map(([from]) => from)
    return logins.length > 0 ? { field: action.column, in: logins } : undefined
  }
  const outcome = draft.rows.find((r) => r.field === 'event.outcome')
  const decided = Object.entries(outcome?.values ?? {}).filter(([, to]) => to === 'success' || to === 'failure').map(([from]) => from)
  return draft.everyLogin && outcome && decided.length > 0 ? { field: outcome.column, in: decided } : undefined
}

/** A name as a mapping has it, of what a person calls the source. */
export function mappingName(name: string): string {
  const plain = name.toLowerCase().replaceAll('\u00e6', 'ae').replaceAll('\u00f8', 'o').normalize('NFKD').replace(/\p{M}/gu, '').replace(/[^a-z0-9]+/g, '-').replace(/^[^a-z]+|-+$/g, '')
  return plain.slice(0, 60) || 'fagsystem'
}

/** What differs between two mappings, by field. */
export function differences(before: Form | undefined, after: Form): { field: string; before: string; after: string }[] {
  const said = (form: Form | undefined, name: string): string => {
    const value = form?.fields[name]
    if (!value) return ''
    const values = Object.entries(value.values ?? {}).map(([from, to]) => `${from} → ${to}`).sort().join(', ')
    return [value.field ?? value.constant ?? '', values, value.default ?? ''].filter(Boolean).join('; ')
  }
  const names = [...new Set([...Object.keys(before?.fields ?? {}), ...Object.keys(after.fields)])].sort()
  const all = names.map((field) => ({ field, before: said(before, field), after: said(after, field) }))
  const time = (form: Form | undefined) => [...(form?.time?.fields ?? []), ...(form?.time?.forms ?? []), form?.time?.zone ?? ''].filter(Boolean).join(', ')
  all.unshift({ field: timeField, before: time(before), after: time(after) })
  return all.filter((d) => d.before !== d.after)
}

export const useFields = () => useQuery({ queryKey: ['mapping', 'fields'], staleTime: Infinity, queryFn: () => data(() => sources.GET('/v1/mappings/fields')).then((l) => l.items.map((f) => f.name)) })

export const useSource = (id: string | undefined) => useQuery({
  queryKey: ['register', 'source', id], enabled: id !== undefined,
  queryFn: () => data(() => register.GET('/v1/sources/{id}', { params: { path: { id: id ?? '' } } })),
})

export const mappingText = (id: string): Promise<string> => data(() => register.GET('/v1/mappings/{id}', { params: { path: { id } } })).then((m) => m.text)

/** What the server makes of the draft and the sample, a moment after the last change. */
export function usePreview(draft: Draft | undefined, sample: string): { preview: Preview | undefined; failed: unknown } {
  const [preview, setPreview] = useState<Preview>()
  const [failed, setFailed] = useState<unknown>()
  useEffect(() => {
    if (!draft) return
    let current = true
    const timer = setTimeout(() => {
      data(() => sources.POST('/v1/mappings/preview', { body: { mapping: formOf(draft), sample } }))
        .then((p) => { if (current) { setPreview(p); setFailed(undefined) } }, (error: unknown) => { if (current) setFailed(error) })
    }, 300)
    return () => { current = false; clearTimeout(timer) }
  }, [draft, sample])
  return { preview, failed }
}

/** Gives the browser a file to keep. */
export function download(name: string, text: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(new Blob([text], { type: 'application/yaml' }))
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 1000)
}
