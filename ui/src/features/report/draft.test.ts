import 'fake-indexeddb/auto'
import { beforeEach, describe, expect, it } from 'vitest'
import { keepFile, keptFile, loadDraft, newDraft, randomId, removeDraft, saveDraft } from './draft'

beforeEach(() => localStorage.clear())

describe('a draft survives a lost network and a closed tab', () => {
  it('is there again with its answers and its id', () => {
    const draft = { ...newDraft('avvik', 2), answers: { what: 'Noe gikk galt' }, step: 'when' }
    expect(saveDraft('bjorkli', draft)).toBe(true)
    expect(loadDraft('bjorkli', 'avvik')).toMatchObject({ submissionId: draft.submissionId, answers: { what: 'Noe gikk galt' }, step: 'when' })
    expect(loadDraft('fjordvik', 'avvik')).toBeUndefined()
  })
  it('keeps the bytes of its files', async () => {
    await keepFile('f1', new Blob(['hei'], { type: 'text/plain' }))
    const file = await keptFile('f1')
    expect(await file?.text()).toBe('hei')
    expect(file?.type).toBe('text/plain')
  })
  it('leaves nothing when it is thrown away', async () => {
    await keepFile('f2', new Blob(['x']))
    saveDraft('bjorkli', { ...newDraft('avvik', 1), files: [{ key: 'f2', name: 'x', type: '', size: 1 }] })
    await removeDraft('bjorkli', 'avvik')
    expect(loadDraft('bjorkli', 'avvik')).toBeUndefined()
    expect(await keptFile('f2')).toBeUndefined()
  })
  it('is not kept for ever on a device that others may use', () => {
    saveDraft('bjorkli', newDraft('avvik', 1))
    expect(loadDraft('bjorkli', 'avvik', Date.now() + 8 * 24 * 3_600_000)).toBeUndefined()
  })
})

describe('submission ids', () => {
  it('are of the form the contract asks for, and never alike', () => {
    const ids = new Set(Array.from({ length: 200 }, () => randomId()))
    expect(ids.size).toBe(200)
    for (const id of ids) expect(id).toMatch(/^[A-Za-z0-9_-]{22,64}$/)
  })
})
