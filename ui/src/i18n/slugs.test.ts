import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

// What the server can answer is read from its source, so that a new slug
// without a text fails here, and so does a call whose slug cannot be read.
const repository = join(import.meta.dirname, '../../..')
const texts = (feature: string) => JSON.parse(readFileSync(join(import.meta.dirname, `nb/${feature}.json`), 'utf8')) as Record<string, unknown>
const problem = texts('problem')
const refusal = texts('refusal')
const reason = texts('reason')
const syntax = (texts('search') as { fault: Record<string, string> }).fault
const weakness = (texts('register') as { weakness: Record<string, string> }).weakness
const has = (slug: string) => slug in problem || slug in refusal

type Source = { path: string; text: string }

function go(...folders: string[]): Source[] {
  return folders.flatMap((folder) =>
    readdirSync(join(repository, folder), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.go') && !path.endsWith('_test.go') && !/\/?gen\//.test(path))
      .map((path) => ({ path: join(folder, path), text: readFileSync(join(repository, folder, path), 'utf8') })))
}

function found(sources: Source[], pattern: RegExp): string[] {
  return [...new Set(sources.flatMap(({ text }) => [...text.matchAll(pattern)].map((m) => m[1]!)))].sort()
}

/** Places where the pattern stands but no slug could be read. */
function unread(sources: Source[], call: RegExp, readable: RegExp): string[] {
  return sources.flatMap(({ path, text }) => {
    const known = new Set([...text.matchAll(readable)].map((m) => m.index))
    return [...text.matchAll(call)].filter((m) => !known.has(m.index)).map((m) => `${path}: ${text.slice(m.index, m.index + 60).split('\n')[0]}`)
  })
}

const server = go('services', 'platform', 'ingest/collector', 'ingest/sources')

describe('every refusal of the server has its sentence', () => {
  // What only a script, another part of Varde or a log source can meet is answered in English by the server itself.
  const forScripts = new Set(['headers-too-large', 'no-such-address', 'no-such-method', 'wrong-host', 'unknown-api-key', 'too-many-lines', 'record-exists', 'tenant-not-yours', 'source-quota'])
  const call = /problem\.(?:Refused|Forbidden|Conflict|New)\(/g
  // A refusal of Fiber itself, before anything of ours runs, has no slug of its own.
  const readable = /problem\.(?:Refused|Forbidden|Conflict|New)\(\s*(?:problem\.Kind\w+,\s*)?"([a-z][a-z-]*[a-z])"/g
  const slugs = found(server, readable)
  it('finds them, and can read each', () => {
    expect(slugs.length).toBeGreaterThan(60)
    expect(unread(server, call, readable)).toEqual([expect.stringContaining('problem.New(k, "refused"')])
  })
  it('has them all', () => expect(slugs.filter((slug) => !forScripts.has(slug) && !has(slug))).toEqual([]))
  it('names no slug that is only for scripts and gone', () => expect([...forScripts].filter((slug) => !slugs.includes(slug))).toEqual([]))
  it('has those that problems of a kind share', () => {
    const shared = found(go('platform/problem'), /Slug: "([a-z][a-z-]*[a-z])"/g)
    expect(shared).toContain('invalid-input')
    expect([...shared, 'not-found'].filter((slug) => !has(slug))).toEqual([])
  })
})

describe('every fault of a field has its sentence', () => {
  const forScripts = new Set(['wrong-content-type', 'no-body-here', 'unknown-parameter', 'unknown-field', 'not-yours', 'bad-cursor', 'not-an-action'])
  const literal = found(server, /problem\.Field\{[^}]*Slug: "([a-z][a-z-]*[a-z])"/g)
  const keywords = found(go('platform/httpx').filter((s) => s.path.endsWith('fields.go')), /return "([a-z][a-z-]*[a-z])", "/g)
  const references = found(go('services/register'), /exist\(ctx,((?:[^()]|\([^()]*\))*)\)/g).flatMap((groups) => [...groups.matchAll(/topics\.Kind(\w+)/g)].map((m) => m[1]!))
  const kinds = new Map([...go('schemas/topics').map((s) => s.text).join('\n').matchAll(/\bKind(\w+)\s*=\s*"([a-z][a-z-]*[a-z])"/g)].map((m) => [m[1]!, m[2]!]))
  const slugs = [...new Set([...literal, ...keywords, ...references.map((kind) => `unknown-${kinds.get(kind)}`)])].sort()
  it('finds them', () => {
    expect(keywords.length).toBeGreaterThan(8)
    expect(slugs).toContain('unknown-system')
    expect(slugs).not.toContain('unknown-undefined')
    expect(slugs.length).toBeGreaterThan(25)
  })
  it('has them all', () => expect(slugs.filter((slug) => !forScripts.has(slug) && !has(slug))).toEqual([]))
})

describe('every fault of a query has its sentence', () => {
  const slugs = found(go('platform/kql'), /(?:Slug: |fail\((?:[^()"]|\([^()]*\)|\{[^{}]*\})*?, )"([a-z][a-z-]*[a-z])"/g)
  it('finds them', () => expect(slugs.length).toBeGreaterThan(14))
  it('has them all', () => expect(slugs.filter((slug) => !(slug in syntax))).toEqual([]))
})

describe('every reason that a rule gives has its sentence', () => {
  const cases = go('services/cases')
  const correlator = go('ingest/correlator')
  const roles = [...found(cases, /candidate\([^,]+, "([a-z][a-z-]*[a-z])"/g), 'security-officer', 'controller']
  // What became of the one who was tried is put behind the role (services/cases/routing.go).
  const routing = cases.filter((s) => s.path.endsWith('routing.go'))
  const ends = [...found(routing, /role\+"(-[a-z-]+[a-z])"/g), ...found(routing, /(?:return \w+,|const passedOver =) "([a-z-]+)"/g).filter((why) => why !== 'silent').map((why) => `-${why}`)]
  const slugs = [...new Set([
    ...found(cases, /topics\.Reason\{Slug: "([a-z][a-z-]*[a-z])"/g), ...found(cases, /\.step\("([a-z][a-z-]*[a-z])"/g), ...found(cases, /Block\w+\s*=\s*"([a-z][a-z-]*[a-z])"/g),
    ...roles.flatMap((role) => [role, ...ends.map((end) => role + end)]),
    ...found(correlator, /Reason\{Slug: "([a-z][a-z-]*[a-z])"/g), ...found(correlator, /\b(?:why|slug)\s*(?::=|=|:)\s*"([a-z][a-z-]*[a-z])"/g),
    ...found(go('ingest/sources'), /\bReason\w+\s*=\s*"([a-z][a-z-]*[a-z])"/g),
    ...found(go('schemas/topics'), /\bFamily\w+\s*=\s*"([a-z][a-z-]*[a-z])"/g),
  ])].sort()
  it('finds them', () => {
    expect(ends.length).toBeGreaterThan(4)
    expect(slugs.length).toBeGreaterThan(75)
  })
  it('has them all', () => expect(slugs.filter((slug) => !(slug in reason))).toEqual([]))
})

describe('every weakness of the register has its sentence', () => {
  const register = go('services/register')
  const states = found(go('schemas/topics'), /\bAgreement\w+\s+(?:AgreementState\s+)?= "([a-z][a-z-]*[a-z])"/g)
  const slugs = [...found(register, /\b(?:weakness|add)\("([a-z][a-z-]*[a-z])"/g), ...states.filter((s) => s !== 'valid').map((s) => `agreement-${s}`)]
  it('finds them', () => expect(slugs.length).toBeGreaterThan(12))
  it('has them all', () => expect(slugs.filter((slug) => !(slug in weakness))).toEqual([]))
})

describe('every action that the parsers give has its word', () => {
  const registry = go('schemas/ecs').filter((s) => s.path.endsWith('/actions.go'))
  const actions = found(registry, /"([a-z][a-z-]*[a-z])"/g).filter((word) => word !== 'slices')
  const words = (texts('search') as { action: Record<string, string> }).action
  it('finds them', () => expect(actions.length).toBeGreaterThan(150))
  it('has them all, and no other', () => expect(Object.keys(words).sort()).toEqual(actions))
})
