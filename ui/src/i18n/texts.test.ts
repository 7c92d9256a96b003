import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

const src = join(import.meta.dirname, '..')
const nbFolder = join(src, 'i18n/nb')

function sources(): { path: string; text: string }[] {
  return readdirSync(src, { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.tsx?$/.test(path) && !/\.test\.tsx?$|^api\//.test(path))
    .map((path) => ({ path, text: readFileSync(join(src, path), 'utf8') }))
}

function flatten(value: unknown, prefix: string): string[] {
  if (typeof value === 'string') return [prefix]
  return Object.entries(value as Record<string, unknown>).flatMap(([key, inner]) => flatten(inner, prefix ? `${prefix}.${key}` : key))
}

const keys = new Set(
  readdirSync(nbFolder).flatMap((file) => {
    const feature = file.replace('.json', '')
    return flatten(JSON.parse(readFileSync(join(nbFolder, file), 'utf8')), '').map((key) => `${feature}:${key}`)
  }),
)
const plural = /_(one|other)$/
const features = readdirSync(nbFolder).map((file) => file.replace('.json', '')).join('|')
const has = (key: string) => keys.has(key) || keys.has(`${key}_other`)

// Texts whose keys come from the server: rules' slugs and problems'.
const fromServer = /^(reason|problem|refusal):/

/** Keys written whole, and keys with a changing part as a pattern. */
function used() {
  const whole = new Map<string, string>()
  const patterns = new Map<string, string>()
  for (const { path, text } of sources()) {
    for (const [, key] of text.matchAll(new RegExp(`['"]((?:${features}):[\\w.-]+)['"]`, 'g'))) whole.set(key!, path)
    for (const [, key] of text.matchAll(new RegExp('`((?:' + features + '):[^`]*)`', 'g'))) patterns.set(key!, path)
  }
  return { whole, patterns }
}

function toRegExp(pattern: string): RegExp {
  const body = pattern.replace(/\$\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}/g, '\u0000').replace(/[.*+?^$()[\]|\\{}]/g, '\\$&').replaceAll('\u0000', '[\\w.-]+')
  return new RegExp(`^${body}(_one|_other)?$`)
}

describe('every text goes through the translation files', () => {
  const { whole, patterns } = used()
  it('finds the keys the pages use', () => {
    expect(whole.size).toBeGreaterThan(300)
    expect(patterns.size).toBeGreaterThan(30)
  })
  it('has a text for each key that is used', () => {
    expect([...whole].filter(([key]) => !has(key))).toEqual([])
  })
  it('has a text for each kind of key with a changing part', () => {
    const all = [...keys]
    expect([...patterns].filter(([pattern]) => !all.some((key) => toRegExp(pattern).test(key)))).toEqual([])
  })
  it('has no text that nobody uses', () => {
    const dynamic = [...patterns.keys()].map(toRegExp)
    const unused = [...keys].filter((key) => !fromServer.test(key) && !whole.has(key) && !whole.has(key.replace(plural, '')) && !dynamic.some((pattern) => pattern.test(key)))
    expect(unused).toEqual([])
  })
  it('is not mixed into the code: no Norwegian letters outside the files', () => {
    const written = sources().flatMap(({ path, text }) =>
      text.split('\n').filter((line) => /[æøåÆØÅ]/.test(line.replace(/\/\/.*|\/?\*.*/, '')) ).map((line) => `${path}: ${line.trim()}`))
    expect(written).toEqual([])
  })
})
