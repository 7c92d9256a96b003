import { ExclamationmarkTriangleFillIcon } from '@navikt/aksel-icons'
import { type ComponentProps, type ReactNode, useId } from 'react'
import { useTranslation } from 'react-i18next'

// Designsystemet's look on plain elements: its Field component carries a set of
// custom elements that would not fit in the report form's first load.

type Common = { label: ReactNode; help?: ReactNode; fault?: string | undefined; optional?: boolean; hideLabel?: boolean }

function useParts(help: ReactNode, fault: string | undefined, given?: string) {
  const auto = useId()
  const id = given ?? auto
  const described = [help ? `${id}-help` : '', fault ? `${id}-fault` : ''].filter(Boolean).join(' ')
  return { id, described: described || undefined }
}

export function Fault({ id, children }: { id?: string; children: ReactNode }) {
  return (
    <span className="fault" id={id} role="alert">
      <ExclamationmarkTriangleFillIcon aria-hidden fontSize="1.1em" />
      <span>{children}</span>
    </span>
  )
}

function Optional({ show }: { show?: boolean | undefined }) {
  const { t } = useTranslation()
  return show ? <span className="soft"> ({t('common:optional')})</span> : null
}

export function TextField({ label, help, fault, optional, hideLabel, id: given, ...input }: Common & Omit<ComponentProps<'input'>, 'size'>) {
  const { id, described } = useParts(help, fault, given)
  return (
    <div className="field">
      <label htmlFor={id} className={hideLabel ? 'sr-only' : undefined}>
        {label}
        <Optional show={optional} />
      </label>
      {help && <span className="help" id={`${id}-help`}>{help}</span>}
      <input className="ds-input" id={id} aria-describedby={described} aria-invalid={fault ? true : undefined} {...input} />
      {fault && <Fault id={`${id}-fault`}>{fault}</Fault>}
    </div>
  )
}

export function TextArea({ label, help, fault, optional, hideLabel, id: given, after, ...area }: Common & { after?: ReactNode } & ComponentProps<'textarea'>) {
  const { id, described } = useParts(help, fault, given)
  return (
    <div className="field">
      <label htmlFor={id} className={hideLabel ? 'sr-only' : undefined}>
        {label}
        <Optional show={optional} />
      </label>
      {help && <span className="help" id={`${id}-help`}>{help}</span>}
      <textarea className="ds-input" id={id} rows={5} aria-describedby={described} aria-invalid={fault ? true : undefined} {...area} />
      {after}
      {fault && <Fault id={`${id}-fault`}>{fault}</Fault>}
    </div>
  )
}

export function SelectField({ label, help, fault, optional, hideLabel, id: given, children, ...select }: Common & ComponentProps<'select'>) {
  const { id, described } = useParts(help, fault, given)
  return (
    <div className="field">
      <label htmlFor={id} className={hideLabel ? 'sr-only' : undefined}>
        {label}
        <Optional show={optional} />
      </label>
      {help && <span className="help" id={`${id}-help`}>{help}</span>}
      <select className="ds-input" id={id} aria-describedby={described} aria-invalid={fault ? true : undefined} {...select}>
        {children}
      </select>
      {fault && <Fault id={`${id}-fault`}>{fault}</Fault>}
    </div>
  )
}

export type Choice = { value: string; label: ReactNode; help?: ReactNode }

/** Radio buttons (or checkboxes with `several`) as rows one can hit with a thumb. */
export function ChoiceGroup(props: Common & { choices: Choice[]; name?: string } & (
  | { several: true; value: string[]; onChange: (value: string[]) => void }
  | { several?: false; value: string | undefined; onChange: (value: string) => void }
)) {
  const { label, help, fault, optional, hideLabel, choices } = props
  const auto = useId()
  const name = props.name ?? auto
  const chosen = (value: string) => (props.several ? props.value.includes(value) : props.value === value)
  const toggle = (value: string) => {
    if (!props.several) return props.onChange(value)
    props.onChange(props.value.includes(value) ? props.value.filter((v) => v !== value) : [...props.value, value])
  }
  const describedBy = [help ? `${auto}-help` : '', fault ? `${auto}-fault` : ''].filter(Boolean).join(' ') || undefined
  return (
    <fieldset className="group" aria-describedby={describedBy} aria-invalid={fault ? true : undefined}>
      <legend className={hideLabel ? 'sr-only' : undefined}>
        {label}
        <Optional show={optional} />
      </legend>
      {help && <span className="help soft" id={`${auto}-help`}>{help}</span>}
      {choices.map((choice) => (
        <label className="choice" key={choice.value}>
          <input type={props.several ? 'checkbox' : 'radio'} name={name} value={choice.value}
            checked={chosen(choice.value)} onChange={() => toggle(choice.value)} />
          <span>{choice.label}</span>
          {choice.help && <span className="choice-help">{choice.help}</span>}
        </label>
      ))}
      {fault && <Fault id={`${auto}-fault`}>{fault}</Fault>}
    </fieldset>
  )
}

/** One checkbox with its sentence. */
export function Check({ label, ...input }: { label: ReactNode } & Omit<ComponentProps<'input'>, 'type' | 'size'>) {
  return (
    <label className="check">
      <input type="checkbox" {...input} />
      <span>{label}</span>
    </label>
  )
}
