import { useTranslation } from 'react-i18next'
import { formatNumber as number } from '../../i18n'
import { day } from '../../time/format'
import type { Activity } from './activity'

const [width, height, gap] = [6, 40, 1]

/** Lines per day as bars; what was not understood is the darker foot. Its sentence says the same to who does not see it. */
export function SourceChart({ days, large }: { days: Activity['days']; large?: boolean }) {
  const { t } = useTranslation()
  const most = Math.max(1, ...days.map((d) => d.received))
  const last = days[days.length - 1]
  const sum = days.reduce((all, d) => all + d.received, 0)
  const label = sum === 0 ? t('register:source.chartNone', { count: days.length })
    : t('register:source.chartLabel', { count: days.length, sum: number(sum), most: number(most), today: number(last?.received ?? 0) })
  const of = (n: number) => (n === 0 ? 0 : Math.max(1.5, (n / most) * height))
  return (
    <svg className={large ? 'bars bars-large' : 'bars'} role="img" aria-label={label} viewBox={`0 0 ${days.length * (width + gap)} ${height}`} preserveAspectRatio="none">
      {days.map((d, i) => (
        <g key={d.date}>
          <title>{`${day(`${d.date}T12:00:00Z`)}: ${number(d.received)}`}</title>
          <rect className="bar-ground" x={i * (width + gap)} y={height - 0.75} width={width} height={0.75} />
          <rect className="bar" x={i * (width + gap)} y={height - of(d.received)} width={width} height={of(d.received)} />
          <rect className="bar-lost" x={i * (width + gap)} y={height - of(d.unparsed + d.failed)} width={width} height={of(d.unparsed + d.failed)} />
        </g>
      ))}
    </svg>
  )
}
