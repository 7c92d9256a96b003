import { expect, it } from 'vitest'
import { asDays, asPeriods, awayAt, notOver } from './absence'

it('means whole days in Oslo, also over the change of clocks', () => {
  expect(asPeriods([{ from: '2026-10-24', to: '2026-10-25' }])).toEqual([{ from: '2026-10-23T22:00:00.000Z', to: '2026-10-25T23:00:00.000Z' }])
  expect(asPeriods([{ from: '2026-03-28', to: '2026-03-29' }])).toEqual([{ from: '2026-03-27T23:00:00.000Z', to: '2026-03-29T22:00:00.000Z' }])
  expect(asPeriods([{ from: '2026-11-22', to: '' }])).toEqual([{ from: '2026-11-21T23:00:00.000Z' }])
})

it('shows what it stored', () => {
  for (const days of [{ from: '2026-10-24', to: '2026-10-25' }, { from: '2026-03-29', to: '2026-03-29' }, { from: '2026-12-31', to: '2027-01-01' }, { from: '2026-11-22', to: '' }]) {
    expect(asDays(asPeriods([days]))).toEqual([days])
  }
})

it('refuses what is no period', () => {
  expect(asPeriods([{ from: '', to: '' }])).toBeUndefined()
  expect(asPeriods([{ from: '2026-11-22', to: '2026-11-21' }])).toBeUndefined()
})

it('knows who is away, and what is over', () => {
  const periods = [{ from: '2026-11-01T00:00:00Z', to: '2026-11-02T00:00:00Z' }, { from: '2026-11-20T00:00:00Z' }]
  expect(awayAt(periods, Date.parse('2026-11-02T00:00:00Z'))).toBe(false)
  expect(awayAt(periods, Date.parse('2026-11-01T12:00:00Z'))).toBe(true)
  expect(awayAt(periods, Date.parse('2026-11-22T00:00:00Z'))).toBe(true)
  expect(notOver(periods, Date.parse('2026-11-10T00:00:00Z'))).toEqual([periods[1]])
})
