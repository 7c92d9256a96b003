import { describe, expect, it } from 'vitest'
import { holdsNationalId, isNationalId } from './nationalId'

/** A number with right control digits, made here so that no real one is written down. */
function made(first9: string): string | undefined {
  for (let control = 0; control < 100; control++) {
    const candidate = first9 + String(control).padStart(2, '0')
    if (isNationalId(candidate)) return candidate
  }
  return undefined
}

const numbers = ['410190101', '418190102', '010190103', '155512104'].map(made).filter((n) => n !== undefined)

describe('national identity numbers in free text', () => {
  it('are found plain, and as people write them', () => {
    expect(numbers.length).toBeGreaterThan(0)
    for (const n of numbers) {
      expect(holdsNationalId(`Det gjelder ${n}.`)).toBe(true)
      expect(holdsNationalId(`nr ${n.slice(0, 6)} ${n.slice(6)} ble vist`)).toBe(true)
      expect(holdsNationalId(`${n.slice(0, 2)}.${n.slice(2, 4)}.${n.slice(4, 6)} ${n.slice(6)}`)).toBe(true)
    }
  })
  it('have control digits that hold: any other eleven digits are let pass', () => {
    for (const n of numbers) {
      const wrong = n.slice(0, 10) + ((Number(n[10]) + 1) % 10)
      expect(holdsNationalId(wrong)).toBe(false)
      expect(holdsNationalId(`${n}5`)).toBe(false)
      expect(holdsNationalId(`5${n}`)).toBe(false)
    }
    expect(holdsNationalId('Ring 12345678, sak 2026-0042, 10.0.0.1')).toBe(false)
  })
})
