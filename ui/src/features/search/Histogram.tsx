import 'uplot/dist/uPlot.min.css'
import { useEffect, useRef, useSyncExternalStore } from 'react'
import { useTranslation } from 'react-i18next'
import uPlot from 'uplot'
import { clock, dayAndMonth, dayAndTime, wallClock } from '../../time/format'
import type { Schemas } from './model'

type Histogram = Schemas['Histogram']

/** Bars from the bottom: failure, then success, then the rest. uPlot draws the tallest first. */
export function stack(buckets: Histogram['buckets']): [number[], number[], number[], number[]] {
  const times: number[] = []
  const all: number[] = []
  const withSuccess: number[] = []
  const failures: number[] = []
  for (const bucket of buckets) {
    const failure = bucket.failure ?? 0
    times.push(Date.parse(bucket.start) / 1000)
    all.push(bucket.count)
    withSuccess.push(failure + (bucket.success ?? 0))
    failures.push(failure)
  }
  return [times, all, withSuccess, failures]
}

function color(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim() || '#888'
}

function axisLabel(seconds: number, interval: number): string {
  const ms = seconds * 1000
  if (interval >= 86_400) return dayAndMonth(ms)
  const p = wallClock(ms)
  return p.hour === '00' && p.minute === '00' ? dayAndMonth(ms) : clock(ms)
}

function onScheme(changed: () => void): () => void {
  const dark = matchMedia('(prefers-color-scheme: dark)')
  const chosen = new MutationObserver(changed)
  chosen.observe(document.documentElement, { attributeFilter: ['data-color-scheme'] })
  dark.addEventListener('change', changed)
  return () => { chosen.disconnect(); dark.removeEventListener('change', changed) }
}

/** Changes when the page is drawn in other colours: a canvas does not follow by itself. */
function useDrawnScheme(): string {
  return useSyncExternalStore(onScheme, () => color('--ds-color-neutral-text-default'))
}

/** Events over time, stacked by outcome; drag to choose a time. */
export function HistogramChart({ histogram, total, zoom }: { histogram: Histogram; total: number; zoom: (from: string, to: string) => void }) {
  const { t, i18n } = useTranslation()
  const scheme = useDrawnScheme()
  const element = useRef<HTMLDivElement>(null)
  const zoomed = useRef(zoom)
  zoomed.current = zoom
  useEffect(() => {
    const box = element.current
    if (!box) return
    const interval = histogram.intervalSeconds
    const bars = uPlot.paths.bars!({ size: [0.86, 60], align: 1, gap: 1 })
    const ink = color('--ds-color-neutral-text-subtle')
    const grid = color('--ds-color-neutral-border-subtle')
    const series = (label: string, fill: string): uPlot.Series => ({ label, fill, stroke: fill, width: 0, paths: bars, points: { show: false } })
    const axis = { stroke: ink, font: '12px "Inter Variable", sans-serif', grid: { stroke: grid, width: 0.5 }, ticks: { show: false } }
    const plot = new uPlot({
      width: box.clientWidth, height: 150, padding: [8, 8, 0, 0],
      legend: { show: false },
      cursor: { drag: { x: true, y: false, setScale: false }, y: false, points: { show: false } },
      scales: { x: { time: true, range: (_u, min, max) => [min, max + interval] }, y: { range: (_u, _min, max) => [0, Math.max(1, max * 1.05)] } },
      axes: [
        { ...axis, values: (_u, splits) => splits.map((s) => axisLabel(s, interval)), grid: { show: false }, size: 26 },
        { ...axis, size: 46, values: (_u, splits) => splits.map((s) => (Number.isInteger(s) ? String(s) : '')) },
      ],
      series: [
        {},
        series('unknown', color('--ds-color-neutral-border-default')),
        series('success', color('--ds-color-accent-base-default')),
        series('failure', color('--ds-color-danger-base-default')),
      ],
      hooks: {
        setSelect: [(u) => {
          if (u.select.width < 4) return
          const from = u.posToVal(u.select.left, 'x')
          const to = u.posToVal(u.select.left + u.select.width, 'x')
          zoomed.current(new Date(from * 1000).toISOString(), new Date(to * 1000).toISOString())
        }],
      },
    }, stack(histogram.buckets), box)
    const observer = new ResizeObserver(() => plot.setSize({ width: box.clientWidth, height: 150 }))
    observer.observe(box)
    return () => { observer.disconnect(); plot.destroy() }
  }, [histogram, i18n.language, scheme])

  return (
    <figure className="panel histogram">
      <div ref={element} role="img" aria-label={t('search:histogram.label', { total })} />
      <figcaption className="small soft row">
        <span className="row-tight"><span className="swatch swatch-failure" aria-hidden />{t('search:histogram.failure')}</span>
        <span className="row-tight"><span className="swatch swatch-success" aria-hidden />{t('search:histogram.success')}</span>
        <span className="row-tight"><span className="swatch swatch-unknown" aria-hidden />{t('search:histogram.unknown')}</span>
        <span className="hint">{t('search:histogram.drag')}</span>
        <details>
          <summary>{t('search:histogram.table')}</summary>
          <table className="plain-table">
            <thead><tr><th>{t('search:histogram.start')}</th><th>{t('search:histogram.count')}</th><th>{t('search:histogram.failure')}</th></tr></thead>
            <tbody>{histogram.buckets.filter((b) => b.count > 0).map((b) => <tr key={b.start}><td>{dayAndTime(b.start)}</td><td>{b.count}</td><td>{b.failure ?? 0}</td></tr>)}</tbody>
          </table>
        </details>
      </figcaption>
    </figure>
  )
}
