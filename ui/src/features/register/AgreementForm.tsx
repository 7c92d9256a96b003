import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { register } from '../../api/client'
import { EditDialog, Many, useFaults } from '../../components/EditDialog'
import { Check, SelectField, TextField } from '../../components/Field'
import { fromLocalInput, toDateInput } from '../../time/format'
import { annexes, filled, points, type Schemas, useSave, useSystems, useVendors } from './model'
import { EndRecord, Validity } from './parts'

const midnight = (day: string) => (day ? fromLocalInput(`${day}T00:00`)?.toISOString() : undefined)

/** A data-processor agreement with its annexes and the checklist of R29. */
export function AgreementForm({ vendorId, item, close }: { vendorId?: string; item?: Schemas['AgreementItem']; close: () => void }) {
  const { t } = useTranslation()
  const vendors = useVendors()
  const systems = useSystems()
  const { busy, error, save } = useSave(close)
  const { faults, check } = useFaults()
  const [ending, setEnding] = useState(false)
  const [vendor, setVendor] = useState(item?.data.vendorId ?? vendorId ?? '')
  const [title, setTitle] = useState(item?.data.title ?? '')
  const [signed, setSigned] = useState(item?.data.signed ?? false)
  const [covers, setCovers] = useState(item?.data.systems ?? [])
  const [has, setHas] = useState<string[]>(item?.data.annexes ?? [])
  const [checked, setChecked] = useState<string[]>(item?.data.checked ?? [])
  const [from, setFrom] = useState(item ? toDateInput(item.validFrom) : '')
  const [to, setTo] = useState(item?.validTo ? toDateInput(item.validTo) : '')
  const submit = () => {
    if (!check({ vendor, title: title.trim() })) return
    const body = filled({ vendorId: vendor, title: title.trim(), signed, systems: covers, annexes: has as Schemas['Annex'][], checked: checked as Schemas['ChecklistPoint'][] })
    const validFrom = midnight(from)
    const validTo = midnight(to)
    const validity = { ...(validFrom ? { validFrom } : {}), ...(validTo ? { validTo } : {}) }
    void save(() => (item
      ? register.PUT('/v1/agreements/{id}', { params: { path: { id: item.id } }, body: { data: body, revision: item.revision, ...validity, ...(validTo ? {} : { openEnded: true }) } })
      : register.POST('/v1/agreements', { body: { data: body, ...validity } })))
  }
  if (ending && item) return <EndRecord name={item.data.title} close={close} call={() => register.POST('/v1/agreements/{id}/end', { params: { path: { id: item.id } }, body: { revision: item.revision } })} />
  return (
    <EditDialog title={t(item ? 'register:agreement.editTitle' : 'register:agreement.newTitle')} close={close} busy={busy} error={error} save={submit} wide
      end={item && { label: t('register:end'), run: () => setEnding(true) }}>
      <SelectField label={t('register:agreement.vendor')} value={vendor} fault={faults.vendor} disabled={vendorId !== undefined || item !== undefined} onChange={(e) => setVendor(e.target.value)}>
        <option value="">{t('register:choose')}</option>
        {vendors.data?.map((v) => <option key={v.id} value={v.id}>{v.data.name}</option>)}
      </SelectField>
      <TextField label={t('register:agreement.titleField')} value={title} fault={faults.title} maxLength={300} onChange={(e) => setTitle(e.target.value)} />
      <Check label={t('register:agreement.signed')} checked={signed} onChange={(e) => setSigned(e.target.checked)} />
      <Validity from={from} to={to} onFrom={setFrom} onTo={setTo} />
      <Many label={t('register:agreement.systems')} help={t('register:agreement.systemsHelp')} choices={(systems.data ?? []).map((s) => ({ id: s.id, name: s.data.name }))} value={covers} onChange={setCovers} />
      <div className="two">
        <Many label={t('register:agreement.annexes')} choices={annexes.map((a) => ({ id: a, name: t(`register:annex.${a}`) }))} value={has} onChange={setHas} />
        <Many label={t('register:agreement.checklist')} choices={points.map((p) => ({ id: p, name: t(`register:point.${p}`) }))} value={checked} onChange={setChecked} />
      </div>
    </EditDialog>
  )
}
