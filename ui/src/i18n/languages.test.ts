import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { languages } from '.'
import same from './same.json'

// Each language says everything that bokmål says, with the same parameters
// and in the plural forms that the language has.
const read = (language: string, feature: string) => JSON.parse(readFileSync(join(import.meta.dirname, language, `${feature}.json`), 'utf8')) as unknown
const features = readdirSync(join(import.meta.dirname, 'nb')).map((file) => file.replace('.json', ''))
const plural = /_(zero|one|two|few|many|other)$/

function flat(value: unknown, prefix = ''): [string, string][] {
  if (typeof value === 'string') return [[prefix, value]]
  return Object.entries(value as Record<string, unknown>).flatMap(([key, inner]) => flat(inner, prefix ? `${prefix}.${key}` : key))
}

const parameters = (text: string) => [...new Set([...text.matchAll(/\{\{\s*([^}\s,]+)[^}]*\}\}/g)].map((m) => m[1]))].sort()
/** Keys without their plural ending, and the endings that each has. */
function forms(texts: [string, string][]): Map<string, string[]> {
  const found = new Map<string, string[]>()
  for (const [key] of texts) {
    const base = key.replace(plural, '')
    found.set(base, [...(found.get(base) ?? []), plural.exec(key)?.[1] ?? ''].sort())
  }
  return found
}

describe.each(languages.filter((language) => language !== 'nb'))('%s', (language) => {
  const translated = readdirSync(join(import.meta.dirname, language)).map((file) => file.replace('.json', ''))
  it('has a file for each of bokmål', () => expect(translated.slice().sort()).toEqual(features.slice().sort()))

  it.each(translated)('%s has each text of bokmål and no other', (feature) => {
    const theirs = [...forms(flat(read(language, feature))).keys()]
    const ours = [...forms(flat(read('nb', feature))).keys()]
    expect(ours.filter((key) => !theirs.includes(key)), 'missing').toEqual([])
    expect(theirs.filter((key) => !ours.includes(key)), 'not in bokmål').toEqual([])
  })

  it.each(translated)('%s has the plural forms of the language where bokmål has its own', (feature) => {
    const needed = new Intl.PluralRules(language).resolvedOptions().pluralCategories.slice().sort()
    const ours = forms(flat(read('nb', feature)))
    const wrong = [...forms(flat(read(language, feature)))].filter(([key, ends]) => ends.join() !== (ours.get(key)?.join() === '' ? '' : needed.join()))
    expect(wrong).toEqual([])
  })

  it.each(translated)('%s takes the same parameters', (feature) => {
    const ours = new Map(flat(read('nb', feature)))
    const wrong = flat(read(language, feature)).filter(([key, text]) => parameters(text).join() !== parameters(ours.get(key) ?? '').join())
    expect(wrong).toEqual([])
  })

  it.each(translated)('%s has nothing left in bokmål', (feature) => {
    // A name, a code or a word that both languages write alike is listed once, by its text.
    const alike = new Set((same as Record<string, string[]>)[language])
    const ours = new Map(flat(read('nb', feature)))
    const forgotten = flat(read(language, feature)).filter(([key, text]) => /\p{L}/u.test(text.replace(/\{\{[^}]*\}\}/g, '')) && text === ours.get(key) && !alike.has(text))
    expect(forgotten).toEqual([])
  })

  it('lists no text as alike that is not', () => {
    const alike = new Set(translated.flatMap((feature) => {
      const ours = new Map(flat(read('nb', feature)))
      return flat(read(language, feature)).filter(([key, text]) => text === ours.get(key)).map(([, text]) => text)
    }))
    expect((same as Record<string, string[]>)[language]!.filter((text) => !alike.has(text))).toEqual([])
  })
})
