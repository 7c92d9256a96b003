import { describe, expect, it } from 'vitest'
import { differences, draftOf, formOf, mappingName, type Form } from './model'

const form: Form = {
  version: 1, name: 'adgang', format: 'csv', csv: { delimiter: ';', columns: ['Dato', 'Klokke', 'Person', 'Hva', 'Utfall'] },
  time: { fields: ['Dato', 'Klokke'], forms: ['dd.MM.yyyy HH:mm:ss'], zone: 'Europe/Oslo' },
  fields: {
    'user.name': { field: 'Person' }, 'service.name': { constant: 'adgang' },
    'event.action': { field: 'Hva', values: { Innlogging: 'login', Ut: 'logoff' } },
    'event.outcome': { field: 'Utfall', values: { OK: 'success' }, default: 'unknown' },
  },
  attempt: { when: [{ field: 'Hva', in: ['Innlogging'] }], method: 'password' },
}
const column = (name: string) => ({ name, examples: ['x'], why: 'name' as const })

describe('a mapping in rows', () => {
  it('comes back as it was', () => {
    expect(formOf(draftOf(form, ['Dato', 'Klokke', 'Person', 'Hva', 'Utfall'].map(column)))).toEqual(form)
  })
  it('shows what is not mapped', () => {
    const draft = draftOf(form, [column('Kort'), column('Person')])
    expect(draft.rows.find((r) => r.column === 'Kort')?.field).toBe('')
    expect(Object.keys(formOf(draft).fields)).not.toContain('')
  })
  it('says which lines are logins by what they are translated to', () => {
    const draft = draftOf(form, [])
    const changed = { ...draft, rows: draft.rows.map((r) => (r.field === 'event.action' ? { ...r, values: { Innlogging: 'other', Ut: 'login' } } : r)) }
    expect(formOf(changed).attempt?.when).toEqual([{ field: 'Hva', in: ['Ut'] }])
    const every = { ...draft, everyLogin: true, rows: draft.rows.filter((r) => r.field !== 'event.action') }
    expect(formOf(every).fields['event.action']).toEqual({ constant: 'login' })
    expect(formOf(every).attempt?.when).toEqual([{ field: 'Utfall', in: ['OK'] }])
  })
})

it('tells what differs', () => {
  const after = { ...form, fields: { ...form.fields, 'user.name': { field: 'Kort' }, 'source.ip': { field: 'IP' } } }
  expect(differences(form, after)).toEqual([{ field: 'source.ip', before: '', after: 'IP' }, { field: 'user.name', before: 'Person', after: 'Kort' }])
  expect(differences(undefined, form).length).toBe(5)
})

it('makes a name of what a person calls it', () => {
  expect(mappingName('Sak & Arkiv Bj\u00f8rkv\u00e5g')).toBe('sak-arkiv-bjorkvag')
  expect(mappingName('2026')).toBe('fagsystem')
})
