import { Tag } from '@digdir/designsystemet-react'
import { useTranslation } from 'react-i18next'

const severityColor = { low: 'neutral', medium: 'warning', high: 'danger', critical: 'danger' } as const

export function SeverityTag({ severity }: { severity: keyof typeof severityColor }) {
  const { t } = useTranslation()
  return <Tag data-color={severityColor[severity]} data-size="sm">{t(`case:severity.${severity}`)}</Tag>
}

type State = 'received' | 'assigned' | 'in-progress' | 'measures' | 'effect-check' | 'closed' | 'rejected' | 'reopened' | 'merged'

export function StateTag({ state }: { state: State }) {
  const { t } = useTranslation()
  const color = state === 'closed' ? 'success' : state === 'rejected' || state === 'merged' ? 'neutral' : state === 'received' || state === 'reopened' ? 'fire' : 'accent'
  return <Tag data-color={color} data-size="sm">{t(`common:state.${state}`)}</Tag>
}
