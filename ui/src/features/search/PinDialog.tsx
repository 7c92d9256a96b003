import { Button } from '@digdir/designsystemet-react'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { cases, data } from '../../api/client'
import { SelectField, TextArea } from '../../components/Field'
import { Modal } from '../../components/Modal'
import { useReason } from '../../components/reason'
import { Refusal } from '../../components/states'
import { toast } from '../../components/toast'

/** Pins an event to a case, with a note and the search it was found by. */
export function PinDialog({ eventId, caseId, found, searchId, close }: {
  eventId: string; caseId?: string | undefined; found: { query: string; from: string; to: string }; searchId: string; close: () => void
}) {
  const { t } = useTranslation()
  const reason = useReason()
  const queries = useQueryClient()
  const [chosen, setChosen] = useState(caseId ?? '')
  const [note, setNote] = useState('')
  const [fault, setFault] = useState<string>()
  const [error, setError] = useState<unknown>()
  const [busy, setBusy] = useState(false)
  const open = useQuery({
    queryKey: ['open-cases'],
    queryFn: () => data(() => cases.POST('/v1/cases/search', { body: { open: true, sort: 'newest', limit: 100 } })).then((list) => list.items),
  })
  async function submit(event: FormEvent): Promise<void> {
    event.preventDefault()
    if (!chosen) return setFault(t('search:pin.missing'))
    setBusy(true)
    setError(undefined)
    try {
      await data(() => cases.POST('/v1/cases/{caseId}/evidence', {
        params: { path: { caseId: chosen } },
        body: { eventId, ...(note.trim() ? { note: note.trim() } : {}), search: { query: found.query, from: found.from, to: found.to, searchId } },
      }))
      void queries.invalidateQueries({ queryKey: ['evidence', chosen] })
      toast(t('search:pin.done'))
      close()
    } catch (problem) {
      setError(problem)
      setBusy(false)
    }
  }
  return (
    <Modal title={t('search:pin.title')} close={close}>
      <form onSubmit={(event) => void submit(event)} noValidate>
        <SelectField label={t('search:pin.case')} value={chosen} fault={fault} help={open.data?.length === 0 ? t('search:pin.none') : undefined} onChange={(e) => { setChosen(e.target.value); setFault(undefined) }}>
          <option value="">{open.isPending ? t('common:loading') : t('search:pin.choose')}</option>
          {open.data?.map((item) => <option key={item.id} value={item.id}>{item.number} {item.summary || reason(item.title)}</option>)}
        </SelectField>
        <TextArea label={t('search:pin.note')} optional value={note} rows={3} maxLength={4000} onChange={(e) => setNote(e.target.value)} />
        <Refusal error={error} />
        <div className="buttons"><Button type="submit" loading={busy || undefined} disabled={busy}>{t('search:pin.submit')}</Button><Button type="button" variant="tertiary" onClick={close}>{t('common:cancel')}</Button></div>
      </form>
    </Modal>
  )
}
