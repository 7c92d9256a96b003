import { currentLanguage, i18n, type Language, locale } from '../i18n'

/**
 * Dates as the chosen language writes them. Every time in the interface is
 * shown in Europe/Oslo, whatever zone the device is set to, so that two people
 * who talk about a log line mean the same moment.
 */
const zone = 'Europe/Oslo'

export type Moment = string | number | Date

function date(m: Moment): Date {
  return m instanceof Date ? m : new Date(m)
}

type Part = 'year' | 'month' | 'day' | 'hour' | 'minute' | 'second'

const partsFormat = new Intl.DateTimeFormat('en-GB', {
  timeZone: zone, year: 'numeric', month: '2-digit', day: '2-digit',
  hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23',
})

/** The parts of a moment on the wall clock in Oslo. */
export function wallClock(m: Moment): Record<Part, string> {
  const out = {} as Record<Part, string>
  for (const part of partsFormat.formatToParts(date(m))) out[part.type as Part] = part.value
  return out
}

const separators: Record<Language, { clock: string; fraction: string; date: string }> = {
  nb: { clock: '.', fraction: ',', date: '.' },
  nn: { clock: '.', fraction: ',', date: '.' },
  en: { clock: ':', fraction: '.', date: '/' },
}

// A formatter is slow to make and quick to use.
const dayFormats = new Map<Language, Intl.DateTimeFormat>()

/** 22. nov. 2026 */
export function day(m: Moment): string {
  const language = currentLanguage()
  let format = dayFormats.get(language)
  if (!format) {
    format = new Intl.DateTimeFormat(locale(), { timeZone: zone, day: 'numeric', month: 'short', year: 'numeric' })
    dayFormats.set(language, format)
  }
  return format.format(date(m))
}

/** 14.05, in English 14:05 */
export function clock(m: Moment): string {
  const p = wallClock(m)
  return [p.hour, p.minute].join(separators[currentLanguage()].clock)
}

/** 14.05.09 */
export function clockWithSeconds(m: Moment): string {
  const p = wallClock(m)
  return [p.hour, p.minute, p.second].join(separators[currentLanguage()].clock)
}

/** 22. nov. 2026 kl. 14.05 */
export function dayAndTime(m: Moment): string {
  return i18n.t('common:time.at', { day: day(m), time: clock(m) })
}

/** 22. nov. 2026 kl. 14.05.09,123 – for log lines, where a second is long. */
export function exact(m: Moment): string {
  const d = date(m)
  const ms = d.getUTCMilliseconds()
  const time = `${clockWithSeconds(d)}${ms ? separators[currentLanguage()].fraction + String(ms).padStart(3, '0') : ''}`
  return i18n.t('common:time.at', { day: day(d), time })
}

/** 22.11., in English 22/11 – where there is no room for more. */
export function dayAndMonth(m: Moment): string {
  const p = wallClock(m)
  const { date: between } = separators[currentLanguage()]
  return `${p.day}${between}${p.month}${between === '.' ? '.' : ''}`
}

/** 22.11.2026 14.05.09 – fixed width, for tables. */
export function compact(m: Moment): string {
  const p = wallClock(m)
  return `${[p.day, p.month, p.year].join(separators[currentLanguage()].date)} ${clockWithSeconds(m)}`
}

const minute = 60_000
const hour = 60 * minute
const dayLength = 24 * hour

function unit(count: number, name: 'minute' | 'hour' | 'day'): string {
  return i18n.t(`common:unit.${name}`, { count })
}

/** How long, in the largest unit that still says something: "71 timer", "5 døgn". */
export function duration(ms: number): string {
  const n = Math.abs(ms)
  if (n < minute) return i18n.t('common:time.underAMinute')
  if (n < hour) return unit(Math.floor(n / minute), 'minute')
  if (n < 4 * dayLength) return unit(Math.floor(n / hour), 'hour')
  return unit(Math.floor(n / dayLength), 'day')
}

/** "nettopp", "for 3 timer siden", "om 2 dager", "i går kl. 14.05", or the date when it is far away. */
export function relative(m: Moment, now: Moment = Date.now()): string {
  const t = date(m).getTime()
  const diff = t - date(now).getTime()
  const n = Math.abs(diff)
  if (n < minute) return i18n.t(diff <= 0 ? 'common:time.justNow' : 'common:time.soon')
  const yesterday = sameDay(t, date(now).getTime() - dayLength)
  const tomorrow = sameDay(t, date(now).getTime() + dayLength)
  if (diff < 0 && yesterday && n > 6 * hour) return i18n.t('common:time.yesterday', { time: clock(t) })
  if (diff > 0 && tomorrow && n > 6 * hour) return i18n.t('common:time.tomorrow', { time: clock(t) })
  if (n > 7 * dayLength) return dayAndTime(t)
  return i18n.t(diff < 0 ? 'common:time.ago' : 'common:time.in', { duration: duration(n) })
}

/** Whether two moments fall on the same day in Oslo. */
export function sameDay(a: Moment, b: Moment): boolean {
  const x = wallClock(a)
  const y = wallClock(b)
  return x.year === y.year && x.month === y.month && x.day === y.day
}

/** The offset of Oslo from UTC at a moment, in milliseconds. */
function offsetAt(t: number): number {
  const p = wallClock(t)
  return Date.UTC(+p.year, +p.month - 1, +p.day, +p.hour, +p.minute, +p.second) - Math.floor(t / 1000) * 1000
}

/**
 * The moment that a `datetime-local` value ("2026-11-22T14:05") means in Oslo.
 * In the doubled hour of autumn it is the first pass; a time inside spring's
 * gap is moved forward by it. Undefined where the value is no time.
 */
export function fromLocalInput(value: string): Date | undefined {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?$/.test(value)) return undefined
  const asUTC = Date.parse(value.length <= 16 ? `${value}:00Z` : `${value}Z`)
  if (Number.isNaN(asUTC)) return undefined
  // The offset is at most two hours, so both sides of a change are candidates.
  const before = offsetAt(asUTC - 3 * hour)
  const after = offsetAt(asUTC + 3 * hour)
  const early = asUTC - Math.max(before, after)
  if (offsetAt(early) === Math.max(before, after)) return new Date(early)
  return new Date(asUTC - Math.min(before, after))
}

/** The value that a `datetime-local` field shows for a moment. */
export function toLocalInput(m: Moment): string {
  const p = wallClock(m)
  return `${p.year}-${p.month}-${p.day}T${p.hour}:${p.minute}`
}

/** The value that a `date` field shows for a moment. */
export function toDateInput(m: Moment): string {
  return toLocalInput(m).slice(0, 10)
}
