import { describe, expect, it } from 'vitest'
import { type Activity, lost, signsOf } from './activity'

const none = { received: 0, unparsed: 0, failed: 0, bytes: 0, slowedSeconds: 0, refused: 0, dropped: 0 }
const activity = (part: Partial<Activity>): Activity => ({ source: 'a', state: 'speaks', expectedSeconds: 0, expectedDefault: false, slowedNow: false, days: [], total: none, ...part })

describe('how a source does at a glance', () => {
  it('is one word where nothing is wrong', () => expect(signsOf(activity({}))).toEqual(['speaks']))
  it('names all that is wrong, gravest first', () => expect(signsOf(activity({ state: 'silent', slowedNow: true, total: { ...none, received: 100, unparsed: 20, failed: 1 } }))).toEqual(['silent', 'slowed', 'failures']))
  it('does not judge a share by a handful of lines', () => expect(signsOf(activity({ total: { ...none, received: 19, failed: 19 } }))).toEqual(['speaks']))
  it('says that nothing was ever heard', () => expect(signsOf(activity({ state: 'never' }))).toEqual(['never']))
  it('has no share of nothing', () => expect(lost(none)).toBe(0))
})
