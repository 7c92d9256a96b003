import { useLayoutEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { clock, day, dayAndTime, sameDay } from '../../time/format'

export type Tick = { at: string; ok: boolean; label: string }
export type Span = { from: string; to: string }

const height = 92
const left = 12

/** The extent to draw: everything that happened, with room on both sides. */
export function extentOf(ticks: Tick[], spans: Span[]): [number, number] {
  const times = [...ticks.map((tick) => Date.parse(tick.at)), ...spans.flatMap((span) => [Date.parse(span.from), Date.parse(span.to)])]
  const first = Math.min(...times)
  const last = Math.max(...times)
  const room = Math.max((last - first) * 0.08, 5 * 60_000)
  return [first - room, last + room]
}

/** Logins on a line of time, with the access windows around them. What it shows is also said in words. */
export function SessionTimeline({ ticks, spans }: { ticks: Tick[]; spans: Span[] }) {
  const { t } = useTranslation()
  const figure = useRef<HTMLElement>(null)
  const [width, setWidth] = useState(720)
  // Drawn as wide as it is shown, so that its text keeps its size on a phone.
  useLayoutEffect(() => {
    const element = figure.current
    if (!element) return
    const observer = new ResizeObserver(() => setWidth(Math.max(240, element.clientWidth)))
    observer.observe(element)
    return () => observer.disconnect()
  }, [])
  const right = width - left
  if (ticks.length === 0) return null
  const [from, to] = extentOf(ticks, spans)
  const x = (at: string | number) => left + ((typeof at === 'number' ? at : Date.parse(at)) - from) / (to - from) * (right - left)
  const label = (at: number) => (sameDay(from, to) ? clock(at) : width < 480 ? day(at) : `${day(at)} ${clock(at)}`)
  const first = ticks[0]!
  const last = ticks[ticks.length - 1]!
  const marks = [from, from + (to - from) / 2, to]
  return (
    <figure ref={figure}>
      <svg className="timeline" viewBox={`0 0 ${width} ${height}`} role="img"
        aria-label={`${t('case:finding.timeline')}: ${t('case:finding.timelineText', { count: ticks.length, from: dayAndTime(first.at), to: dayAndTime(last.at) })}`}>
        {spans.map((span) => (
          <g key={span.from}>
            <rect className="window" x={x(span.from)} y={22} width={Math.max(2, x(span.to) - x(span.from))} height={28} rx={4}><title>{`${t('case:finding.tlWindow')}: ${dayAndTime(span.from)}–${dayAndTime(span.to)}`}</title></rect>
            <text x={x(span.from) + 4} y={15}>{t('case:finding.tlWindow')}</text>
          </g>
        ))}
        <line className="axis" x1={left} x2={right} y1={58} y2={58} strokeWidth={1.5} />
        {ticks.map((tick, i) => (
          <g key={`${tick.at}${i}`}>
            <line className={tick.ok ? 'ok' : 'bad'} x1={x(tick.at)} x2={x(tick.at)} y1={36} y2={58} stroke="currentColor" strokeOpacity={0.35} />
            {tick.ok ? <circle className="ok" cx={x(tick.at)} cy={36} r={6} /> : <rect className="bad" x={x(tick.at) - 5} y={31} width={10} height={10} transform={`rotate(45 ${x(tick.at)} 36)`} />}
            <title>{`${dayAndTime(tick.at)}: ${tick.label}`}</title>
          </g>
        ))}
        {marks.map((mark, i) => <text key={mark} x={x(mark)} y={78} textAnchor={i === 0 ? 'start' : i === 1 ? 'middle' : 'end'}>{label(mark)}</text>)}
      </svg>
      <figcaption className="small soft row-tight">
        <span className="legend-ok" aria-hidden />{t('case:finding.tlOk')}
        <span className="legend-bad" aria-hidden />{t('case:finding.tlBad')}
      </figcaption>
    </figure>
  )
}
