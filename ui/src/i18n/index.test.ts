import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { currentLanguage, formatNumber, guessLanguage, i18n, loadTexts, setLanguage } from '.'
import { clock, compact, dayAndTime, duration, exact } from '../time/format'

beforeEach(() => setLanguage('nb'))
afterEach(() => setLanguage('nb'))

describe('the first language', () => {
  it.each([
    [['nb-NO', 'en'], 'nb'], [['no'], 'nb'], [['nn-NO', 'nb'], 'nn'], [['en-US'], 'en'], [['pl-PL', 'en-GB'], 'en'], [['pl-PL'], 'nb'], [[], 'nb'],
  ])('of %j is %s', (wanted, language) => expect(guessLanguage(wanted)).toBe(language))
})

describe('another language', () => {
  it('is shown at once, with what was loaded before, and kept', async () => {
    await loadTexts('common')
    expect(i18n.t('common:signIn')).toBe('Logg inn')
    await setLanguage('en')
    expect(currentLanguage()).toBe('en')
    expect(i18n.t('common:signIn')).toBe('Sign in')
    expect(document.documentElement.lang).toBe('en')
    expect(localStorage.getItem('varde.language')).toBe('en')
  })
  it('writes dates, times and numbers its own way', async () => {
    await loadTexts('common')
    const at = '2026-11-22T13:05:09.123Z'
    expect([dayAndTime(at), clock(at), exact(at), compact(at), duration(3 * 3_600_000), formatNumber(1234567.5)])
      .toEqual(['22. nov. 2026 kl. 14.05', '14.05', '22. nov. 2026 kl. 14.05.09,123', '22.11.2026 14.05.09', '3 timer', '1 234 567,5'.replaceAll(' ', '\u00a0')])
    await setLanguage('nn')
    expect([dayAndTime(at), duration(3_600_000), duration(3 * 3_600_000), formatNumber(1234567.5)])
      .toEqual(['22. nov. 2026 kl. 14.05', '1 time', '3 timar', '1 234 567,5'.replaceAll(' ', '\u00a0')])
    await setLanguage('en')
    expect([dayAndTime(at), clock(at), exact(at), compact(at), duration(3_600_000), duration(3 * 3_600_000), formatNumber(1234567.5)])
      .toEqual(['22 Nov 2026 at 14:05', '14:05', '22 Nov 2026 at 14:05:09.123', '22/11/2026 14:05:09', '1 hour', '3 hours', '1,234,567.5'])
  })
})
