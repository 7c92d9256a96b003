import { beforeAll, describe, expect, it } from 'vitest'
import { loadTexts } from '../i18n'
import { clock, compact, dayAndTime, duration, exact, fromLocalInput, relative, sameDay, toLocalInput } from './format'

beforeAll(() => loadTexts('common'))

describe('dates as Norwegians write them', () => {
  it('shows Oslo time whatever the device is set to', () => {
    expect(dayAndTime('2026-11-22T13:05:00Z')).toBe('22. nov. 2026 kl. 14.05')
    expect(dayAndTime('2026-07-01T22:30:00Z')).toBe('2. juli 2026 kl. 00.30')
    expect(clock('2026-01-01T23:00:00Z')).toBe('00.00')
  })
  it('keeps the second and its parts where a log line needs them', () => {
    expect(exact('2026-11-22T13:05:09.123Z')).toBe('22. nov. 2026 kl. 14.05.09,123')
    expect(compact('2026-11-22T13:05:09Z')).toBe('22.11.2026 14.05.09')
  })
  it('is relative near now and exact far away', () => {
    const now = '2026-11-22T13:05:00Z'
    expect(relative('2026-11-22T13:04:40Z', now)).toBe('nettopp')
    expect(relative('2026-11-22T10:05:00Z', now)).toBe('for 3 timer siden')
    expect(relative('2026-11-21T09:00:00Z', now)).toBe('i går kl. 10.00')
    expect(relative('2026-11-26T13:05:00Z', now)).toBe('om 4 døgn')
    expect(relative('2026-10-01T13:05:00Z', now)).toBe('1. okt. 2026 kl. 15.05')
  })
  it('counts one and many', () => {
    expect(duration(60_000)).toBe('1 minutt')
    expect(duration(3 * 3_600_000)).toBe('3 timer')
    expect(duration(72 * 3_600_000)).toBe('72 timer')
    expect(duration(120 * 3_600_000)).toBe('5 døgn')
  })
  it('knows the day in Oslo, not in UTC', () => {
    expect(sameDay('2026-11-21T23:30:00Z', '2026-11-22T10:00:00Z')).toBe(true)
  })
})

describe('times typed by a person', () => {
  it('are Oslo times', () => {
    expect(fromLocalInput('2026-11-22T14:05')?.toISOString()).toBe('2026-11-22T13:05:00.000Z')
    expect(fromLocalInput('2026-07-01T14:05')?.toISOString()).toBe('2026-07-01T12:05:00.000Z')
    expect(fromLocalInput('tull')).toBeUndefined()
  })
  it('take the first pass of the doubled hour and step over the gap', () => {
    expect(fromLocalInput('2026-10-25T02:30')?.toISOString()).toBe('2026-10-25T00:30:00.000Z')
    expect(fromLocalInput('2026-03-29T02:30')?.toISOString()).toBe('2026-03-29T01:30:00.000Z')
  })
  it('come back as they were typed', () => {
    for (const typed of ['2026-11-22T14:05', '2026-07-01T00:00', '2026-10-25T03:00', '2026-03-29T03:00']) {
      expect(toLocalInput(fromLocalInput(typed)!)).toBe(typed)
    }
  })
})
