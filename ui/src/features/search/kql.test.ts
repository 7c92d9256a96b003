import { describe, expect, it } from 'vitest'
import { faultParts, inWords, lastToMs, quoted, withFilter, withProposal } from './kql'

describe('building queries by pointing', () => {
  it('quotes what KQL would read as something else', () => {
    expect(quoted('sshd')).toBe('sshd')
    expect(quoted('10.0.0.1')).toBe('10.0.0.1')
    expect(quoted('fe80::1')).toBe('"fe80::1"')
    expect(quoted('or')).toBe('"or"')
    expect(quoted('BØ\\kari')).toBe('"BØ\\\\kari"')
    expect(quoted('x "y" z')).toBe('"x \\"y\\" z"')
    expect(quoted('a*')).toBe('"a*"')
  })
  it('adds a demand without changing what the rest means', () => {
    expect(withFilter('', 'host.name', 'a')).toBe('host.name: a')
    expect(withFilter('event.outcome: failure', 'host.name', 'a')).toBe('event.outcome: failure and host.name: a')
    expect(withFilter('a: 1 or b: 2', 'c', '3')).toBe('(a: 1 or b: 2) and c: 3')
    expect(withFilter('message: "this or that"', 'c', '3')).toBe('message: "this or that" and c: 3')
    expect(withFilter('(a: 1 or b: 2)', 'c', '3', true)).toBe('(a: 1 or b: 2) and not c: 3')
    expect(withFilter('c: 3', 'c', '3')).toBe('c: 3')
    expect(withFilter('color: 3', 'c', '3')).toBe('color: 3 and c: 3')
  })
  it('puts a proposal where the word was typed and the caret after it', () => {
    expect(withProposal('ho', { start: 0, end: 2 }, { text: 'host.name:', kind: 'field' })).toEqual({ query: 'host.name:', caret: 10 })
    expect(withProposal('a: x b: y', { start: 3, end: 4 }, { text: '"x z"', kind: 'value' })).toEqual({ query: 'a: "x z" b: y', caret: 8 })
  })
})

describe('a fault under the word', () => {
  it('cuts the query in three, also at its end and outside it', () => {
    expect(faultParts('hst: a', { start: 0, end: 3 })).toEqual(['', 'hst', ': a'])
    expect(faultParts('a:', { start: 2, end: 2 })).toEqual(['a:', ' ', ''])
    expect(faultParts('a', { start: 7, end: 9 })).toEqual(['a', ' ', ''])
  })
})

describe('times and words', () => {
  it('reads times that move', () => {
    expect(lastToMs('15m')).toBe(900_000)
    expect(lastToMs('7d')).toBe(604_800_000)
    expect(lastToMs('x')).toBeUndefined()
  })
  it('says what a query means', () => {
    const say = (key: string, values?: Record<string, string>) => (values ? `${key}[${Object.values(values).join('|')}]` : key)
    const part = { slug: 'all' as const, parts: [
      { slug: 'equals' as const, field: 'event.outcome', values: ['failure'] },
      { slug: 'any' as const, parts: [{ slug: 'text' as const, values: ['root'] }, { slug: 'not' as const, parts: [{ slug: 'exists' as const, field: 'user.name' }] }] },
    ] }
    expect(inWords(part, say, (f) => f)).toBe('equals[event.outcome|«failure»] and (text[|«root»] or not[exists[user.name|]])')
  })
})
