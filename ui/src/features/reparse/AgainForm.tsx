import { Button } from '@digdir/designsystemet-react'
import { type FormEvent, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { reparse } from '../../api/client'
import { Check, SelectField, TextField } from '../../components/Field'
import { Refusal } from '../../components/states'
import { useSave } from '../../components/useSave'
import { fromLocalInput, toDateInput } from '../../time/format'
import { useSourceNames } from './model'

/** Asks which days and which source, and previews before anything changes. */
export function AgainForm({ busy: waits }: { busy: boolean }) {
  const { t } = useTranslation()
  const { sources } = useSourceNames()
  const [from, setFrom] = useState(toDateInput(Date.now()))
  const [to, setTo] = useState(toDateInput(Date.now()))
  const [source, setSource] = useState('')
  const [unparsed, setUnparsed] = useState(false)
  const [fault, setFault] = useState<string>()
  const { busy, error, save } = useSave(['reparse'], () => undefined)
  function submit(event: FormEvent): void {
    event.preventDefault()
    const start = fromLocalInput(`${from}T00:00`)
    const last = fromLocalInput(`${to}T12:00`)
    if (!start || !last || last < start) return setFault(t('reparse:wrongDays'))
    setFault(undefined)
    const end = fromLocalInput(`${toDateInput(last.getTime() + 24 * 3_600_000)}T00:00`) ?? last
    void save(() => reparse.POST('/v1/jobs', { body: { kind: 'reparse', dryRun: true, from: start.toISOString(), to: end.toISOString(), unparsed, ...(source ? { source } : {}) } }), t('reparse:started'))
  }
  return (
    <form className="panel panel-pad stack" onSubmit={submit} noValidate>
      <div className="two">
        <TextField label={t('reparse:from')} type="date" value={from} fault={fault} onChange={(e) => setFrom(e.target.value)} />
        <TextField label={t('reparse:to')} type="date" value={to} onChange={(e) => setTo(e.target.value)} />
      </div>
      <SelectField label={t('reparse:source')} value={source} onChange={(e) => setSource(e.target.value)}>
        <option value="">{t('reparse:allSources')}</option>
        {sources.map((s) => <option key={s.id} value={s.id}>{s.data.name}</option>)}
      </SelectField>
      <Check label={t('reparse:onlyUnparsed')} checked={unparsed} onChange={(e) => setUnparsed(e.target.checked)} />
      <Refusal error={error} />
      <div><Button type="submit" loading={busy || undefined} disabled={busy || waits}>{t('reparse:preview')}</Button></div>
      {waits && <p className="soft small">{t('reparse:waits')}</p>}
    </form>
  )
}
