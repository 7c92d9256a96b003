import { Button } from '@digdir/designsystemet-react'
import { PlusIcon, TrashIcon } from '@navikt/aksel-icons'
import { useTranslation } from 'react-i18next'
import { Fault, TextField } from '../components/Field'
import { toDateInput } from '../time/format'
import type { Days } from './absence'

/** When somebody is away: rows of first and last day. */
export function AbsenceFields({ value, fault, onChange }: { value: Days[]; fault?: string | undefined; onChange: (days: Days[]) => void }) {
  const { t } = useTranslation()
  const set = (at: number, part: Partial<Days>) => onChange(value.map((days, i) => (i === at ? { ...days, ...part } : days)))
  return (
    <fieldset className="group">
      <legend>{t('directory:absence.title')}</legend>
      {value.length === 0 && <p className="soft">{t('directory:absence.none')}</p>}
      {value.map((days, i) => (
        <div className="line-of-fields" key={i}>
          <TextField label={t('directory:absence.from')} type="date" value={days.from} onChange={(e) => set(i, { from: e.target.value })} />
          <TextField label={t('directory:absence.to')} type="date" value={days.to} min={days.from} onChange={(e) => set(i, { to: e.target.value })} />
          <Button type="button" icon variant="tertiary" data-color="neutral" aria-label={t('directory:absence.remove', { n: i + 1 })} title={t('directory:absence.remove', { n: i + 1 })}
            onClick={() => onChange(value.filter((_, at) => at !== i))}><TrashIcon aria-hidden /></Button>
        </div>
      ))}
      {value.length > 0 && <span className="help soft small">{t('directory:absence.toHelp')}</span>}
      {fault && <Fault>{fault}</Fault>}
      <div><Button type="button" variant="secondary" data-size="sm" onClick={() => onChange([...value, { from: toDateInput(Date.now()), to: '' }])}><PlusIcon aria-hidden />{t('directory:absence.add')}</Button></div>
    </fieldset>
  )
}
