import { Button, Tag } from '@digdir/designsystemet-react'
import { CheckmarkCircleIcon, ExclamationmarkTriangleIcon } from '@navikt/aksel-icons'
import { type FormEvent, type ReactNode, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { asProblem } from '../../api/client'
import { Check, TextField } from '../../components/Field'
import { Modal } from '../../components/Modal'
import type { Reason } from '../../components/reason'
import { Refusal } from '../../components/states'
import { i18n } from '../../i18n'
import { type AgreementState, type Schemas, stateColor } from './model'

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

/** The frame of a form of the register. */
export function EditDialog({ title, close, submit, busy, error, children, save, wide }: {
  title: string; close: () => void; submit?: string; busy: boolean; error: unknown; children: ReactNode; save: () => void; wide?: boolean
}) {
  const { t } = useTranslation()
  const onSubmit = (event: FormEvent) => { event.preventDefault(); save() }
  return (
    <Modal title={title} close={close} wide={wide ?? false}>
      <form onSubmit={onSubmit} noValidate>
        {children}
        {error !== undefined && asProblem(error).status === 409 ? <div className="ds-alert" data-color="warning" role="alert"><p>{t('register:conflict')}</p></div> : <Refusal error={error} />}
        <div className="buttons">
          <Button type="submit" loading={busy || undefined} disabled={busy}>{submit ?? t('common:save')}</Button>
          <Button type="button" variant="tertiary" onClick={close}>{t('common:cancel')}</Button>
        </div>
      </form>
    </Modal>
  )
}

export function EndDialog({ name, close, busy, error, end }: { name: string; close: () => void; busy: boolean; error: unknown; end: () => void }) {
  const { t } = useTranslation()
  return (
    <EditDialog title={t('register:endTitle', { name })} close={close} submit={t('register:end')} busy={busy} error={error} save={end}>
      <p>{t('register:endText')}</p>
    </EditDialog>
  )
}

/** Several of a list, as checkboxes in a box that scrolls. */
export function Many({ label, help, choices, value, onChange, fault }: {
  label: string; help?: string; choices: { id: string; name: ReactNode }[]; value: string[]; onChange: (value: string[]) => void; fault?: string | undefined
}) {
  return (
    <fieldset className="group">
      <legend>{label}</legend>
      {help && <span className="help soft small">{help}</span>}
      <div className="many">
        {choices.map((choice) => (
          <Check key={choice.id} label={choice.name} checked={value.includes(choice.id)}
            onChange={() => onChange(value.includes(choice.id) ? value.filter((v) => v !== choice.id) : [...value, choice.id])} />
        ))}
      </div>
      {fault && <span className="fault" role="alert">{fault}</span>}
    </fieldset>
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

export function useFaults() {
  const { t } = useTranslation()
  const [faults, setFaults] = useState<Record<string, string>>({})
  const check = (values: Record<string, string | string[]>, more: Record<string, string | undefined> = {}): boolean => {
    const wrong: Record<string, string> = {}
    for (const [name, value] of Object.entries(values)) if (value.length === 0) wrong[name] = t('register:missing')
    for (const [name, fault] of Object.entries(more)) if (fault) wrong[name] = fault
    setFaults(wrong)
    return Object.keys(wrong).length === 0
  }
  return { faults, check }
}
