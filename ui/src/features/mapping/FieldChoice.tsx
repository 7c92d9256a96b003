import { useId, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { i18n } from '../../i18n'
import { timeField, useFields } from './model'

/** What a field of ECS is called in plain words, and its own name behind. */
export function fieldLabel(field: string): string {
  if (field === '') return ''
  const key = `mapping:field.${field.replaceAll('.', '_').replace('@', '')}`
  return i18n.exists(key) ? `${i18n.t(key)} (${field})` : field.startsWith('labels.') ? i18n.t('mapping:labelField', { name: field.slice(7) }) : field
}

/** A field of ECS: one types a part of its plain name, or its own. */
export function FieldChoice({ label, value, onChange }: { label: string; value: string; onChange: (field: string) => void }) {
  const { t } = useTranslation()
  const id = useId()
  const fields = useFields()
  const [text, setText] = useState<string>()
  const known = [timeField, ...(fields.data ?? [])]
  const commit = (typed: string) => {
    const trimmed = typed.trim()
    const field = known.find((f) => fieldLabel(f) === trimmed) ?? (/^[a-z][a-z0-9_.]*$/.test(trimmed) ? trimmed : undefined)
    if (trimmed === '' || field !== undefined) onChange(field ?? '')
    return field !== undefined
  }
  return (
    <>
      <input className="ds-input" aria-label={label} list={id} placeholder={t('mapping:notMapped')} value={text ?? fieldLabel(value)}
        onFocus={(e) => e.target.select()} onBlur={(e) => { commit(e.target.value); setText(undefined) }}
        onChange={(e) => { setText(e.target.value); if (known.some((f) => fieldLabel(f) === e.target.value)) { commit(e.target.value); setText(undefined) } }} />
      <datalist id={id}>{known.map((f) => <option key={f} value={fieldLabel(f)} />)}</datalist>
    </>
  )
}
