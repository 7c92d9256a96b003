import { Tag } from '@digdir/designsystemet-react'
import { CheckmarkCircleIcon, ExclamationmarkTriangleIcon } from '@navikt/aksel-icons'
import { useTranslation } from 'react-i18next'
import { EditDialog } from '../../components/EditDialog'
import { TextField } from '../../components/Field'
import type { Reason } from '../../components/reason'
import { i18n } from '../../i18n'
import { type AgreementState, type Schemas, stateColor, useSave } from './model'

export function AgreementTag({ state }: { state: AgreementState }) {
  const { t } = useTranslation()
  return <Tag data-size="sm" data-color={stateColor[state]}>{t(`register:agreementState.${state}`)}</Tag>
}

const windowColor = { requested: 'warning', approved: 'info', open: 'success', ended: 'neutral', revoked: 'neutral', lapsed: 'neutral' } as const

export function WindowTag({ state }: { state: Schemas['WindowState'] }) {
  const { t } = useTranslation()
  return <Tag data-size="sm" data-color={windowColor[state]}>{t(`register:windowState.${state}`)}</Tag>
}

/** What to mend, or that nothing is to be mended. */
export function Weaknesses({ of }: { of: Reason[] | undefined }) {
  const { t } = useTranslation()
  if (!of || of.length === 0) return <span className="weak-fine"><CheckmarkCircleIcon aria-hidden />{t('register:fine')}</span>
  return <ul className="plain weak-list">{of.map((w, i) => <li key={`${w.slug}${i}`}><ExclamationmarkTriangleIcon aria-hidden />{weaknessText(w)}</li>)}</ul>
}

function weaknessText(weakness: Reason): string {
  const key = `register:weakness.${weakness.slug}`
  if (!i18n.exists(key)) return weakness.slug
  const { annex, point } = weakness.params ?? {}
  return i18n.t(key, { ...weakness.params, annexText: annex && i18n.t(`register:annex.${annex}`), pointText: point && i18n.t(`register:point.${point}`) })
}

/** Asks before a record of the register ends; its history stays. */
export function EndRecord({ name, close, call }: { name: string; close: () => void; call: () => Promise<{ data?: unknown; response: Response }> }) {
  const { t } = useTranslation()
  const { busy, error, save } = useSave(close)
  return (
    <EditDialog title={t('register:endTitle', { name })} close={close} submit={t('register:end')} busy={busy} error={error} save={() => void save(call, t('register:ended'))} danger>
      <p>{t('register:endText')}</p>
    </EditDialog>
  )
}

/** From when, and until when, a fact holds. */
export function Validity({ from, to, onFrom, onTo }: { from: string; to: string; onFrom: (v: string) => void; onTo: (v: string) => void }) {
  const { t } = useTranslation()
  return (
    <div className="two">
      <TextField label={t('register:validFrom')} help={t('register:validFromHelp')} optional type="date" value={from} onChange={(e) => onFrom(e.target.value)} />
      <TextField label={t('register:validTo')} help={t('register:validToHelp')} optional type="date" value={to} onChange={(e) => onTo(e.target.value)} />
    </div>
  )
}
