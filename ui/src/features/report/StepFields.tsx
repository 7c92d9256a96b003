import { ExclamationmarkTriangleIcon } from '@navikt/aksel-icons'
import { type ChangeEvent, lazy, Suspense } from 'react'
import { useTranslation } from 'react-i18next'
import { ChoiceGroup, SelectField, TextArea, TextField } from '../../components/Field'
import { Loading } from '../../components/states'
import { i18n } from '../../i18n'
import { fromLocalInput, toLocalInput } from '../../time/format'
import type { Draft } from './draft'
import { type Answer, type Form, type FormField, formText, type Step, visibleFields } from './form'
import { holdsNationalId } from './nationalId'

// Asked for last: fetched when the form has been drawn, so that it is there without a network too.
const loadAttachments = () => import('./Attachments')
const Attachments = lazy(loadAttachments)

/** Fetches what only the last questions need. A failure is no fault here: it is tried again when they are asked. */
export const fetchLater = () => loadAttachments().then(() => undefined, () => undefined)

type Props = {
  tenant: string; form: Form; step: Step; draft: Draft; signedIn: boolean
  change: (part: Partial<Draft> | ((draft: Draft) => Partial<Draft>)) => void
  answer: (name: string, value: Answer | undefined) => void
  faults: Record<string, string>
}

/** The fields that a step asks together. */
export function StepFields(props: Props) {
  const fields = visibleFields(props.step, props.draft.answers)
  const alone = fields.length === 1
  return (
    <>
      {fields.map((field, i) => (
        <FieldOf key={field.name || `${field.widget}${i}`} {...props} field={field} alone={alone} />
      ))}
    </>
  )
}

function FieldOf({ field, alone, ...props }: Props & { field: FormField; alone: boolean }) {
  const { t } = useTranslation()
  const { form, draft, answer } = props
  const text = (key: string | undefined) => formText(form, i18n.language, key)
  const value = draft.answers[field.name]
  const string = typeof value === 'string' ? value : ''
  const label = text(field.label) || text(props.step.title)
  const common = {
    label, help: text(field.help) || undefined, fault: props.faults[field.name], optional: !field.required,
    // A single question's text is the heading already; it is read, not shown twice.
    hideLabel: (alone && !field.label) || text(field.label) === text(props.step.title),
  }
  const typed = (event: ChangeEvent<HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement>) => answer(field.name, event.target.value || undefined)
  const options = (field.options ?? []).map((option) => ({ value: option.value, label: text(option.label), help: text(option.help) || undefined }))

  switch (field.widget) {
    case 'text':
      return <TextField {...common} name={field.name} value={string} onChange={typed} autoComplete="off" />
    case 'long-text':
      return <TextArea {...common} name={field.name} value={string} onChange={typed} after={<NationalIdWarning text={string} />} />
    case 'choice':
      return <ChoiceGroup {...common} name={field.name} choices={options} value={string || undefined} onChange={(v) => answer(field.name, v)} />
    case 'multi-choice':
      return <ChoiceGroup {...common} several name={field.name} choices={options} value={Array.isArray(value) ? value : []} onChange={(v) => answer(field.name, v.length ? v : undefined)} />
    case 'unit':
    case 'system':
      return (
        <SelectField {...common} name={field.name} value={string} onChange={typed}>
          <option value="">{t('report:dontKnow')}</option>
          {(field.widget === 'unit' ? form.units : form.systems).map((choice) => <option key={choice.id} value={choice.id}>{choice.name}</option>)}
        </SelectField>
      )
    case 'date-time':
      return <WhenField {...common} name={field.name} value={string} onChange={(v) => answer(field.name, v)} />
    case 'attachments':
      return <Suspense fallback={<Loading rows={1} />}><Attachments {...props} /></Suspense>
    case 'note':
      return <div className="ds-alert" data-color="info"><p>{text(field.label)}</p>{field.help && <p>{text(field.help)}</p>}</div>
  }
}

function WhenField({ value, onChange, ...common }: { label: string; help?: string | undefined; fault?: string | undefined; optional: boolean; hideLabel: boolean; name: string; value: string; onChange: (v: string | undefined) => void }) {
  const { t } = useTranslation()
  return (
    <div className="stack-2">
      <TextField {...common} help={common.help ?? t('report:dateTimeHelp')} type="datetime-local" max={toLocalInput(Date.now())}
        value={value ? toLocalInput(value) : ''}
        onChange={(event) => onChange(fromLocalInput(event.target.value)?.toISOString())} />
      <div><button type="button" className="ds-button" data-variant="secondary" onClick={() => onChange(new Date().toISOString())}>{t('report:now')}</button></div>
    </div>
  )
}

export function NationalIdWarning({ text }: { text: string }) {
  const { t } = useTranslation()
  return (
    <div role="status" aria-live="polite">
      {holdsNationalId(text) && (
        <div className="ds-alert" data-color="warning">
          <p><ExclamationmarkTriangleIcon aria-hidden /> {t('report:nationalId')}</p>
        </div>
      )}
    </div>
  )
}
