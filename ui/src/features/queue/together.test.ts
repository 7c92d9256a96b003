import { describe, expect, it } from 'vitest'
import { Problem } from '../../api/client'
import { closes, kindsFor, type Result, runTogether, type Summary, stepsOf } from './together'

const item = (id: string, source: Summary['source'], family?: string) => ({ id, source, ...(family ? { family } : {}) }) as Summary

describe('several cases decided together', () => {
  it('offers only what fits all of them', () => {
    expect(kindsFor([item('a', 'finding', 'guessing'), item('b', 'finding', 'guessing')])).toContain('register-error')
    expect(kindsFor([item('a', 'finding', 'guessing')])).not.toContain('approve-afterwards')
    expect(kindsFor([item('a', 'finding', 'vendor-access')])).toContain('approve-afterwards')
    expect(kindsFor([item('a', 'finding', 'vendor-access'), item('b', 'manual')])).toEqual(['no-action', 'accept-risk', 'measures'])
    expect(closes('measures')).toBe(false)
    expect(closes('no-action')).toBe(true)
  })
  it('takes each through all that closing asks for (R10)', () => {
    expect(stepsOf('no-action', 'why', undefined)).toHaveLength(1)
    expect(stepsOf('no-action', 'why', 'checked')).toHaveLength(4)
  })
  it('lets one that fails stop alone, and goes on from there', async () => {
    const items = ['a', 'b', 'c', 'd', 'e', 'f'].map((id) => item(id, 'finding', 'guessing'))
    const did: string[] = []
    let stuck = true
    const steps = ['decide', 'close'].map((name) => async (of: Summary) => {
      if (stuck && of.id === 'c' && name === 'close') throw new Problem(422, 'closing-blocked')
      did.push(`${name} ${of.id}`)
    })
    const results: Record<string, Result> = {}
    const tell = (id: string, result: Result) => { results[id] = result }
    await runTogether(items, steps, results, tell)
    expect(results.c).toMatchObject({ done: 1, problem: { slug: 'closing-blocked' } })
    expect(Object.values(results).filter((r) => !r.problem)).toHaveLength(5)
    stuck = false
    await runTogether(items, steps, { ...results }, tell)
    expect(did.filter((d) => d === 'decide c')).toHaveLength(1)
    expect(did.filter((d) => d === 'close c')).toHaveLength(1)
    expect(did).toHaveLength(12)
  })
})
