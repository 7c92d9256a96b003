import { useTranslation } from 'react-i18next'
import { SelectField } from '../components/Field'
import { usePersons } from './directory'

/** One person of the municipality, or nobody. One who has left stays shown where they stand. */
export function PersonSelect({ label, help, none, value, fault, without, onChange }: {
  label: string; help?: string; none: string; value: string; fault?: string | undefined; without?: string | undefined; onChange: (id: string) => void
}) {
  const { t } = useTranslation()
  const persons = usePersons()
  const shown = (persons.data ?? []).filter((p) => p.id !== without)
  return (
    <SelectField label={label} help={persons.isError ? t('directory:listFailed') : help} value={value} fault={fault} disabled={persons.isPending} onChange={(e) => onChange(e.target.value)}>
      <option value="">{persons.isPending ? t('common:loading') : none}</option>
      {value && persons.isSuccess && !shown.some((p) => p.id === value) && <option value={value}>{t('directory:notInList')}</option>}
      {shown.map((p) => <option key={p.id} value={p.id}>{[p.name, p.title].filter(Boolean).join(', ')}</option>)}
    </SelectField>
  )
}
