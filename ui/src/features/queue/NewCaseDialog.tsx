import { useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { cases, csrfHeaders, data, problemOf } from '../../api/client'
import type { components } from '../../api/cases'
import { EditDialog, useFaults } from '../../components/EditDialog'
import { Check, ChoiceGroup, SelectField, TextArea, TextField } from '../../components/Field'
import { toast } from '../../components/toast'
import { useUnits } from '../../directory/directory'
import { fromLocalInput } from '../../time/format'
import { randomId } from '../report/draft'
import { useSystems } from '../register/model'

type Schemas = components['schemas']
const channels = ['phone', 'letter', 'tip', 'own-observation', 'inspection', 'other'] as const
const kinds = ['event', 'breach', 'weakness'] as const
const severities = ['low', 'medium', 'high', 'critical'] as const

/** A case of what somebody telephoned, wrote or saw; it goes to whoever is responsible, as all do. */
export function NewCaseDialog({ close }: { close: () => void }) {
  const { t } = useTranslation()
  const navigate = useNavigate()
  const queries = useQueryClient()
  const systems = useSystems()
  const units = useUnits()
  const ref = useRef(randomId(22))
  const made = useRef<Schemas['CreatedCase']>(undefined)
  const files = useRef<HTMLInputElement>(null)
  const sent = useRef(new Set<File>())
  const [c, setC] = useState({ title: '', what: '', channel: '', kind: '', severity: '', systemId: '', unitId: '', occurred: '', passLine: false })
  const set = (part: Partial<typeof c>) => setC({ ...c, ...part })
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<unknown>()
  const { faults, check } = useFaults()

  async function attach(caseId: string): Promise<void> {
    for (const file of files.current?.files ?? []) {
      if (sent.current.has(file)) continue
      const response = await fetch(`/api/cases/v1/cases/${caseId}/attachments`, {
        method: 'POST', body: file, credentials: 'same-origin',
        headers: { ...csrfHeaders(), 'Content-Type': 'application/octet-stream', 'Varde-File-Name': encodeURIComponent(file.name).slice(0, 600) },
      })
      if (!response.ok) throw await problemOf(response)
      sent.current.add(file)
    }
  }
  async function submit(): Promise<void> {
    const short = (text: string) => (text.trim().length < 3 ? t('problem:required') : undefined)
    if (!check({ channel: c.channel, kind: c.kind, severity: c.severity }, { title: short(c.title), what: short(c.what) })) return
    const occurred = c.occurred ? fromLocalInput(c.occurred)?.toISOString() : undefined
    setBusy(true)
    setError(undefined)
    try {
      made.current ??= await data(() => cases.POST('/v1/cases', { body: {
        caseRef: ref.current, title: c.title.trim(), what: c.what.trim(), channel: c.channel as Schemas['Channel'], kind: c.kind as Schemas['Kind'], severity: c.severity as 'low',
        ...(c.systemId ? { systemId: c.systemId } : {}), ...(c.unitId ? { unitId: c.unitId } : {}), ...(occurred ? { occurred } : {}), ...(c.passLine ? { passLine: true } : {}),
      } }))
      const { id, number, readable } = made.current
      await attach(id)
      for (const key of ['queue', 'cases']) void queries.invalidateQueries({ queryKey: [key] })
      toast(t(readable ? 'queue:byHand.saved' : 'queue:byHand.handedOn', { number }))
      close()
      if (readable) void navigate({ to: '/saker/$caseId', params: { caseId: id } })
    } catch (problem) {
      setError(problem)
    } finally {
      setBusy(false)
    }
  }
  return (
    <EditDialog title={t('queue:byHand.title')} submit={t('queue:byHand.submit')} close={close} busy={busy} error={error} save={() => void submit()} wide>
      <TextField label={t('queue:byHand.name')} value={c.title} fault={faults.title} maxLength={200} onChange={(e) => set({ title: e.target.value })} />
      <TextArea label={t('queue:byHand.what')} help={t('queue:byHand.whatHelp')} value={c.what} fault={faults.what} rows={5} maxLength={8000} onChange={(e) => set({ what: e.target.value })} />
      <div className="two">
        <SelectField label={t('queue:byHand.channel')} value={c.channel} fault={faults.channel} onChange={(e) => set({ channel: e.target.value })}>
          <option value="">{t('case:dialog.choose')}</option>
          {channels.map((k) => <option key={k} value={k}>{t(`queue:channel.${k}`)}</option>)}
        </SelectField>
        <SelectField label={t('queue:all.severity')} value={c.severity} fault={faults.severity} onChange={(e) => set({ severity: e.target.value })}>
          <option value="">{t('case:dialog.choose')}</option>
          {severities.map((k) => <option key={k} value={k}>{t(`case:severity.${k}`)}</option>)}
        </SelectField>
      </div>
      <ChoiceGroup label={t('queue:byHand.kind')} value={c.kind} fault={faults.kind} onChange={(kind) => set({ kind })} choices={kinds.map((k) => ({ value: k, label: t(`case:kind.${k}`) }))} />
      <div className="two">
        <SelectField label={t('queue:byHand.system')} optional value={c.systemId} onChange={(e) => set({ systemId: e.target.value })}>
          <option value="">{t('common:none')}</option>
          {(systems.data ?? []).map((s) => <option key={s.id} value={s.id}>{s.data.name}</option>)}
        </SelectField>
        <SelectField label={t('queue:byHand.unit')} help={t('queue:byHand.unitHelp')} optional value={c.unitId} onChange={(e) => set({ unitId: e.target.value })}>
          <option value="">{t('common:none')}</option>
          {(units.data ?? []).map((u) => <option key={u.id} value={u.id}>{u.name}</option>)}
        </SelectField>
      </div>
      <TextField label={t('queue:byHand.occurred')} optional type="datetime-local" value={c.occurred} onChange={(e) => set({ occurred: e.target.value })} />
      <Check label={t('queue:byHand.passLine')} checked={c.passLine} onChange={(e) => set({ passLine: e.target.checked })} />
      <TextField label={t('queue:byHand.files')} help={t('queue:byHand.filesHelp')} optional type="file" multiple ref={files} />
    </EditDialog>
  )
}
