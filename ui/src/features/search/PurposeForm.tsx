import { Button } from '@digdir/designsystemet-react'
import { useQuery } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { cases, data, search } from '../../api/client'
import { useMay } from '../../app/MeContext'
import { SelectField, TextField } from '../../components/Field'
import { useReason } from '../../components/reason'
import { Refusal } from '../../components/states'
import type { Context } from './model'

/** Purpose first: nothing is searched before it is stated. */
export function PurposeForm({ caseId, started }: { caseId?: string | undefined; started: (context: Context) => void }) {
  const { t } = useTranslation()
  const reason = useReason()
  const mayCases = useMay('case.list')
  const [purpose, setPurpose] = useState<string>()
  const [chosen, setChosen] = useState(caseId ?? '')
  const [fault, setFault] = useState<string>()
  const [error, setError] = useState<unknown>()
  const [busy, setBusy] = useState(false)
  const open = useQuery({
    queryKey: ['open-cases'], enabled: mayCases,
    queryFn: () => data(() => cases.POST('/v1/cases/search', { body: { open: true, sort: 'newest', limit: 100 } })).then((list) => list.items),
  })
  const given = open.data?.find((item) => item.id === caseId)
  const text = purpose ?? (given ? t('search:purpose.forCase', { number: given.number }) : '')

  async function submit(event: FormEvent): Promise<void> {
    event.preventDefault()
    if (text.trim().length < 5) return setFault(t('search:purpose.missing'))
    setBusy(true)
    setError(undefined)
    try {
      started(await data(() => search.POST('/v1/contexts', { body: { purpose: text.trim(), ...(chosen ? { caseId: chosen } : {}) } })))
    } catch (problem) {
      setError(problem)
      setBusy(false)
    }
  }

  return (
    <form className="panel panel-pad purpose stack" onSubmit={(event) => void submit(event)} noValidate>
      <h2 className="panel-title">{t('search:purpose.title')}</h2>
      <p className="soft">{t('search:purpose.lead')}</p>
      <TextField label={t('search:purpose.text')} help={t('search:purpose.textHelp')} value={text} fault={fault} maxLength={500} autoFocus
        onChange={(e) => { setPurpose(e.target.value); setFault(undefined) }} />
      {mayCases && (
        <SelectField label={t('search:purpose.case')} help={t('search:purpose.caseHelp')} value={chosen} onChange={(e) => setChosen(e.target.value)}>
          <option value="">{t('search:purpose.noCase')}</option>
          {caseId && !given && <option value={caseId}>{caseId}</option>}
          {open.data?.map((item) => <option key={item.id} value={item.id}>{item.number} {item.summary || reason(item.title)}</option>)}
        </SelectField>
      )}
      <Refusal error={error} />
      <div><Button type="submit" loading={busy || undefined} disabled={busy}>{t('search:purpose.start')}</Button></div>
    </form>
  )
}
