import { dayAndTime } from '../../time/format'
import { type Answers, type Form, type FormField, formText } from './form'

/** An answer as the form words it: the option's text, the unit's name, the time in Oslo. */
export function answerText(form: Form, field: FormField, answers: Answers, language: string): string {
  const value = answers[field.name]
  if (value === undefined) return ''
  const named = (v: string) => {
    if (field.widget === 'unit') return form.units.find((c) => c.id === v)?.name ?? v
    if (field.widget === 'system') return form.systems.find((c) => c.id === v)?.name ?? v
    if (field.widget === 'date-time') return dayAndTime(v)
    const option = field.options?.find((o) => o.value === v)
    return option ? formText(form, language, option.label) : v
  }
  return Array.isArray(value) ? value.map(named).join('\n') : named(String(value))
}
