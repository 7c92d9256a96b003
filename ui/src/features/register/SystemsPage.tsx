import { Button } from '@digdir/designsystemet-react'
import { DatabaseIcon, PlusIcon } from '@navikt/aksel-icons'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { register } from '../../api/client'
import { EditDialog, Many, useFaults } from '../../components/EditDialog'
import { useMay } from '../../app/MeContext'
import { Check, SelectField, TextArea, TextField } from '../../components/Field'
import { Empty, Failed, Loading } from '../../components/states'
import { usePersons, useUnits } from '../../directory/directory'
import { filled, lines, nameIn, type Schemas, useSave, useSystems, useVendors } from './model'
import { EndRecord, Weaknesses } from './parts'

export default function SystemsPage() {
  const { t } = useTranslation()
  const mayWrite = useMay('register.write')
  const systems = useSystems()
  const vendors = useVendors()
  const persons = usePersons()
  const [editing, setEditing] = useState<{ item?: Schemas['SystemItem'] }>()
  if (systems.isPending) return <Loading rows={5} />
  if (systems.isError) return <Failed error={systems.error} retry={() => void systems.refetch()} />
  // A vendor can stand as owner by mistake (trap 1): its name is shown, and the weakness beside it.
  const who = (id: string | undefined) => (id ? (persons.data?.find((p) => p.id === id)?.name ?? nameIn(vendors.data, id, id)) : t('register:system.vacant'))
  return (
    <div className="stack">
      {mayWrite && <div className="row"><Button onClick={() => setEditing({})}><PlusIcon aria-hidden />{t('register:system.newTitle')}</Button></div>}
      {systems.data.length === 0 ? <div className="panel"><Empty title={t('register:noneYet')} icon={<DatabaseIcon aria-hidden />}>{t('register:noneText')}</Empty></div> : (
        <div className="panel table-wrap">
          <table className="plain-table">
            <thead><tr><th>{t('register:name')}</th><th>{t('register:system.owner')}</th><th>{t('register:system.responsible')}</th><th>{t('register:system.vendors')}</th><th>{t('register:weak')}</th><th /></tr></thead>
            <tbody>
              {systems.data.map((s) => (
                <tr key={s.id}>
                  <td><strong>{s.data.name}</strong><div className="soft small">{s.data.zone && t(`register:system.zones.${s.data.zone}`)}{s.data.personalData && ` · ${t('register:system.personalData')}`}</div></td>
                  <td data-label={t('register:system.owner')}>{who(s.data.owner)}</td>
                  <td data-label={t('register:system.responsible')}>{who(s.data.responsible)}</td>
                  <td data-label={t('register:system.vendors')}>{s.data.vendors?.map((v) => nameIn(vendors.data, v, v)).join(', ') || <span className="soft">{t('common:none')}</span>}</td>
                  <td><Weaknesses of={s.weaknesses} /></td>
                  <td className="row-actions">{mayWrite && <Button variant="tertiary" data-size="sm" onClick={() => setEditing({ item: s })}>{t('register:edit')}</Button>}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {editing && <SystemForm {...(editing.item ? { item: editing.item } : {})} close={() => setEditing(undefined)} />}
    </div>
  )
}

function SystemForm({ item, close }: { item?: Schemas['SystemItem']; close: () => void }) {
  const { t } = useTranslation()
  const units = useUnits()
  const persons = usePersons()
  const vendors = useVendors()
  const { busy, error, save } = useSave(close)
  const { faults, check } = useFaults()
  const [ending, setEnding] = useState(false)
  const [s, setS] = useState<Schemas['System']>(item?.data ?? { name: '', unitId: '' })
  const [hosts, setHosts] = useState(item?.data.hosts?.join('\n') ?? '')
  const [services, setServices] = useState(item?.data.services?.join('\n') ?? '')
  const set = (part: Partial<Schemas['System']>) => setS({ ...s, ...part })
  const submit = () => {
    if (!check({ name: s.name.trim(), unitId: s.unitId })) return
    const body = filled({ ...s, name: s.name.trim(), hosts: lines(hosts), services: lines(services) })
    void save(() => (item
      ? register.PUT('/v1/systems/{id}', { params: { path: { id: item.id } }, body: { data: body, revision: item.revision } })
      : register.POST('/v1/systems', { body: { data: body } })))
  }
  const person = (role: 'owner' | 'administrator' | 'responsible') => (
    <SelectField label={t(`register:system.${role}`)} value={s[role] ?? ''} onChange={(e) => set({ [role]: e.target.value })}>
      <option value="">{t('register:system.vacant')}</option>
      {s[role] && !persons.data?.some((p) => p.id === s[role]) && <option value={s[role]}>{nameIn(vendors.data, s[role], t('register:unknown'))}</option>}
      {persons.data?.map((p) => <option key={p.id} value={p.id}>{[p.name, p.title].filter(Boolean).join(', ')}</option>)}
    </SelectField>
  )
  if (ending && item) return <EndRecord name={item.data.name} close={close} call={() => register.POST('/v1/systems/{id}/end', { params: { path: { id: item.id } }, body: { revision: item.revision } })} />
  return (
    <EditDialog title={t(item ? 'register:system.editTitle' : 'register:system.newTitle')} close={close} busy={busy} error={error} save={submit} wide
      end={item && { label: t('register:end'), run: () => setEnding(true) }}>
      <TextField label={t('register:name')} value={s.name} fault={faults.name} maxLength={200} onChange={(e) => set({ name: e.target.value })} />
      <SelectField label={t('register:system.unit')} value={s.unitId} fault={faults.unitId} onChange={(e) => set({ unitId: e.target.value })}>
        <option value="">{t('register:choose')}</option>
        {units.data?.map((u) => <option key={u.id} value={u.id}>{u.name}</option>)}
      </SelectField>
      <div className="two">{person('responsible')}{person('owner')}</div>
      <div className="two">
        {person('administrator')}
        <SelectField label={t('register:system.zone')} value={s.zone ?? ''} onChange={(e) => { const { zone: _, ...rest } = s; setS(e.target.value ? { ...rest, zone: e.target.value as 'open' } : rest) }}>
          <option value="">{t('register:choose')}</option>
          {(['secured', 'internal', 'open'] as const).map((z) => <option key={z} value={z}>{t(`register:system.zones.${z}`)}</option>)}
        </SelectField>
      </div>
      <SelectField label={t('register:system.publicForm')} help={t('register:system.publicFormHelp')} value={s.publicForm ?? ''} onChange={(e) => { const { publicForm: _, ...rest } = s; setS(e.target.value ? { ...rest, publicForm: e.target.value as 'shown' } : rest) }}>
        <option value="">{t('register:system.publicForms.byZone')}</option>
        <option value="shown">{t('register:system.publicForms.shown')}</option>
        <option value="hidden">{t('register:system.publicForms.hidden')}</option>
      </SelectField>
      <Check label={t('register:system.personalData')} checked={s.personalData ?? false} onChange={(e) => set({ personalData: e.target.checked })} />
      <Many label={t('register:system.vendors')} choices={(vendors.data ?? []).map((v) => ({ id: v.id, name: v.data.name }))} value={s.vendors ?? []} onChange={(v) => set({ vendors: v })} />
      <div className="two">
        <TextArea label={t('register:system.hosts')} help={t('register:onePerLine')} optional value={hosts} rows={3} onChange={(e) => setHosts(e.target.value)} />
        <TextArea label={t('register:system.services')} help={t('register:system.servicesHelp')} optional value={services} rows={3} onChange={(e) => setServices(e.target.value)} />
      </div>
    </EditDialog>
  )
}
