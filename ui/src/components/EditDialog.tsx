import { Button } from '@digdir/designsystemet-react'
import { type FormEvent, type ReactNode, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Check, Fault } from './Field'
import { Modal } from './Modal'
import { Refusal } from './states'

/** The frame of a form in a dialog: its fields, the refusal, one primary button; `end` beside them takes the thing away. */
export function EditDialog({ title, close, submit, busy, error, children, save, wide, danger, end }: {
  title: string; close: () => void; submit?: string; busy: boolean; error: unknown; children: ReactNode; save: () => void; wide?: boolean; danger?: boolean
  end?: { label: string; run: () => void } | undefined
}) {
  const { t } = useTranslation()
  const onSubmit = (event: FormEvent) => { event.preventDefault(); save() }
  return (
    <Modal title={title} close={close} wide={wide ?? false}>
      <form onSubmit={onSubmit} noValidate>
        {children}
        <Refusal error={error} />
        <div className="buttons">
          <Button type="submit" loading={busy || undefined} disabled={busy} {...(danger ? { 'data-color': 'danger' as const } : {})}>{submit ?? t('common:save')}</Button>
          <Button type="button" variant="tertiary" onClick={close}>{t('common:cancel')}</Button>
          {end && <Button type="button" variant="tertiary" data-color="danger" className="push-end" onClick={end.run}>{end.label}</Button>}
        </div>
      </form>
    </Modal>
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
      {fault && <Fault>{fault}</Fault>}
    </fieldset>
  )
}

/** What is missing in a form, by the field's name. */
export function useFaults() {
  const { t } = useTranslation()
  const [faults, setFaults] = useState<Record<string, string>>({})
  const check = (values: Record<string, string | string[]>, more: Record<string, string | undefined> = {}): boolean => {
    const wrong: Record<string, string> = {}
    for (const [name, value] of Object.entries(values)) if (value.length === 0) wrong[name] = t('problem:required')
    for (const [name, fault] of Object.entries(more)) if (fault) wrong[name] = fault
    setFaults(wrong)
    return Object.keys(wrong).length === 0
  }
  return { faults, check }
}
