import 'fake-indexeddb/auto'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { setCsrf } from '../../api/client'
import { type Draft, keepFile, newDraft } from './draft'
import type { Form } from './form'
import { deliver } from './send'

// The typed clients take hold of fetch when they are made, so it is put in place first.
const net = vi.hoisted(() => {
  const held = { answer: (_: Request): Promise<Response> => Promise.reject(new TypeError('no server')) }
  globalThis.fetch = (input, init) => held.answer(new Request(typeof input === 'string' ? location.origin + input : input, init))
  return held
})

type Call = { path: string; method: string; token: string | null; body: Record<string, unknown>; credentials: string }
type Answer = { status: number; slug?: string; body?: unknown }

const form: Form = {
  formType: 'general', version: 1, title: 't', signIn: 'optional', schema: {}, steps: [], units: [], systems: [], texts: {},
  limits: { files: 10, fileBytes: 1000, draftBytes: 1000 },
}
const receipt = { reportId: 'r', code: 'ABCDE', submitted: '2026-03-02T09:00:00Z' }
let calls: Call[] = []

/** The server of a test: answers by path, and notes what was asked. */
function serve(answer: (call: Call) => Answer): void {
  vi.stubGlobal('XMLHttpRequest', class { constructor() { throw new Error('a request that takes the session along') } })
  net.answer = async (request) => {
    const path = new URL(request.url).pathname.replace('/api/deviation', '')
    const body = request.headers.get('content-type')?.includes('json') ? await request.json() : {}
    const call = { path, method: request.method, token: request.headers.get('Varde-Draft'), body, credentials: request.credentials }
    calls.push(call)
    const { status, slug, body: sent } = answer(call)
    const content = slug ? { type: `https://varde.example/problems/${slug}`, status } : sent
    return new Response(JSON.stringify(content), { status, headers: { 'content-type': 'application/json' } })
  }
}

async function draftWith(part: Partial<Draft> = {}): Promise<Draft> {
  await keepFile('k1', new Blob(['photo']))
  await keepFile('k2', new Blob(['more']))
  return { ...newDraft('general', 1), anonymous: true, files: ['k1', 'k2'].map((key) => ({ key, name: `${key}.jpg`, type: '', size: 5 })), ...part }
}

const usual = (call: Call): Answer => {
  if (/\/drafts$/.test(call.path)) return { status: 201, body: { token: 'fresh' } }
  if (call.path === '/v1/public/attachments') return { status: 201, body: { id: `id-${calls.length}` } }
  return { status: 201, body: receipt }
}
const reports = () => calls.filter((c) => c.path === '/v1/public/reports')

beforeEach(() => { calls = []; setCsrf('token') })
afterEach(() => vi.unstubAllGlobals())

describe('a report that is sent', () => {
  it('goes without the files that are refused, and names them (N7)', async () => {
    serve((call) => (call.path === '/v1/public/attachments' ? { status: 429, slug: 'upload-quota' } : usual(call)))
    const kept: Draft['files'][] = []
    const sent = await deliver('bo', form, await draftWith(), (part) => kept.push(part.files))
    expect(sent).toEqual({ receipt, left: ['k1.jpg', 'k2.jpg'] })
    expect(reports()).toHaveLength(1)
    expect(reports()[0]?.body).not.toHaveProperty('draft')
    expect(kept.at(-1)?.every((f) => f.left)).toBe(true)
  })
  it('goes where not even a place for files is given (N7)', async () => {
    serve((call) => (call.path === '/v1/public/drafts' ? { status: 429, slug: 'upload-quota' } : usual(call)))
    expect((await deliver('bo', form, await draftWith(), () => undefined)).left).toEqual(['k1.jpg', 'k2.jpg'])
  })
  it('is the same report when it is tried again after files were left', async () => {
    let lost = true
    serve((call) => {
      if (call.path === '/v1/public/attachments') return lost ? { status: 429, slug: 'upload-quota' } : usual(call)
      if (call.path === '/v1/public/reports' && lost) return { status: 503, slug: 'unavailable' }
      return usual(call)
    })
    let draft = await draftWith()
    await expect(deliver('bo', form, draft, (part) => { draft = { ...draft, ...part } })).rejects.toMatchObject({ status: 503 })
    lost = false
    await deliver('bo', form, draft, () => undefined)
    expect(reports()[1]?.body).toEqual(reports()[0]?.body)
  })
  it('waits with its files for a network', async () => {
    serve((call) => (call.path === '/v1/public/attachments' ? { status: 503, slug: 'unavailable' } : usual(call)))
    await expect(deliver('bo', form, await draftWith(), () => undefined)).rejects.toMatchObject({ status: 503 })
    expect(reports()).toHaveLength(0)
  })
  it('renews a place that is gone, and sends all files again', async () => {
    serve((call) => {
      const gone = call.token === 'old' || call.body['draft'] === 'old'
      return gone ? { status: 404, slug: 'draft-not-found' } : usual(call)
    })
    const draft = await draftWith({ filesToken: 'old' })
    const allSent = { ...draft, files: draft.files.map((f) => ({ ...f, sentId: `old-${f.key}` })) }
    const oneSent = { ...draft, files: draft.files.map((f, i) => (i === 0 ? { ...f, sentId: 'old-k1' } : f)) }
    for (const kept of [allSent, oneSent]) {
      calls = []
      expect(await deliver('bo', form, kept, () => undefined)).toEqual({ receipt, left: [] })
      expect(calls.filter((c) => c.path === '/v1/public/attachments' && c.token === 'fresh')).toHaveLength(2)
      expect(reports().at(-1)?.body['draft']).toBe('fresh')
    }
  })
  it('goes without files where every place is gone', async () => {
    serve((call) => (call.token || call.body['draft'] ? { status: 404, slug: 'draft-not-found' } : usual(call)))
    expect((await deliver('bo', form, await draftWith({ filesToken: 'old' }), () => undefined)).left).toEqual(['k1.jpg', 'k2.jpg'])
  })
  it('takes its place for files as a signed-in person only where it has their name (N7)', async () => {
    serve(usual)
    for (const [anonymous, place, credentials] of [[true, '/v1/public/drafts', 'omit'], [false, '/v1/drafts', 'same-origin']] as const) {
      calls = []
      await deliver('bo', form, await draftWith({ anonymous }), () => undefined)
      expect(calls[0]).toMatchObject({ path: place, credentials })
    }
  })
  it('leaves the session behind with every file, named or not', async () => {
    serve(usual)
    for (const anonymous of [true, false]) {
      calls = []
      await deliver('bo', form, await draftWith({ anonymous }), () => undefined)
      const uploads = calls.filter((c) => c.path === '/v1/public/attachments')
      expect(uploads.map((c) => c.credentials)).toEqual(['omit', 'omit'])
    }
  })
  it('is sent again with a proof of work where many come in, without the session (N7)', async () => {
    const challenge = await challengeWith(37)
    serve((call) => {
      if (call.path.endsWith('/challenges')) return { status: 200, body: challenge }
      if (call.path === '/v1/public/reports' && !call.body.proof) return { status: 429, slug: 'proof-of-work-needed' }
      return usual(call)
    })
    expect((await deliver('bo', form, await draftWith({ files: [] }), () => undefined)).receipt).toEqual(receipt)
    expect(reports().map((c) => c.body.proof)).toEqual([undefined, { ...challenge, number: 37 }])
    expect(calls.every((c) => c.credentials === 'omit')).toBe(true)
  })
})

/** A challenge as the server makes it. */
async function challengeWith(number: number) {
  const { pbkdf2Sync } = await import('node:crypto')
  const nonce = 'bm9uY2U.1767225600'
  return { nonce, rounds: 10, tries: 50, key: pbkdf2Sync(nonce, String(number), 10, 16, 'sha256').toString('hex'), signature: 's' }
}
