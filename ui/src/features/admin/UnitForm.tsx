import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { identity } from '../../api/client'
import { useMe } from '../../app/MeContext'
import { EditDialog, useFaults } from '../../components/EditDialog'
import { SelectField, TextField } from '../../components/Field'
import { useSave } from '../../components/useSave'
import type { Unit } from '../../directory/directory'
import { PersonSelect } from '../../directory/PersonSelect'
import { below, inOrder, pathOf } from './units'

/** A unit: its name, where it lies, who leads it. Its level follows from where it lies (R22). */
export function UnitForm({ units, item, close }: { units: Unit[]; item?: Unit | undefined; close: () => void }) {
  const { t } = useTranslation()
  const me = useMe()
  const { busy, error, save } = useSave(['units', 'persons', 'people'], close)
  const { faults, check } = useFaults()
  const [name, setName] = useState(item?.name ?? '')
  const [parent, setParent] = useState(item ? item.parent ?? '' : units.find((u) => !u.parent)?.id ?? '')
  const [manager, setManager] = useState(item?.manager ?? '')
  const [ending, setEnding] = useState(false)
  const inside = item ? new Set([item.id, ...below(units, item.id)]) : new Set<string>()
  const level = (units.find((u) => u.id === parent)?.level ?? 0) + 1
  const title = me.tenant.titles?.[String(level)]
  const submit = () => {
    if (!check({ name: name.trim() })) return
    const body = { name: name.trim(), ...(parent ? { parent } : {}), ...(manager ? { manager } : {}) }
    void save(() => (item ? identity.PUT('/v1/units/{unitId}', { params: { path: { unitId: item.id } }, body }) : identity.POST('/v1/units', { body })), t('admin:unit.saved'))
  }
  if (ending && item) return <EndUnit item={item} close={close} />
  return (
    <EditDialog title={t(item ? 'admin:unit.editTitle' : 'admin:unit.newTitle')} close={close} busy={busy} error={error} save={submit}
      end={item && { label: t('admin:unit.end'), run: () => setEnding(true) }}>
      <TextField label={t('admin:organisation.name')} value={name} fault={faults.name} maxLength={120} onChange={(e) => setName(e.target.value)} />
      <SelectField label={t('admin:unit.parent')} help={t(title ? 'admin:unit.levelTitle' : 'admin:unit.level', { level, title })} value={parent} onChange={(e) => setParent(e.target.value)}>
        <option value="">{t('admin:unit.top')}</option>
        {inOrder(units).filter((u) => !inside.has(u.id)).map((u) => <option key={u.id} value={u.id}>{pathOf(units, u)}</option>)}
      </SelectField>
      <PersonSelect label={t('admin:unit.manager')} help={t('admin:unit.managerHelp')} none={t('admin:organisation.vacant')} value={manager} onChange={setManager} />
    </EditDialog>
  )
}

function EndUnit({ item, close }: { item: Unit; close: () => void }) {
  const { t } = useTranslation()
  const { busy, error, save } = useSave(['units', 'persons', 'people'], close)
  return (
    <EditDialog title={t('admin:unit.endTitle', { name: item.name })} close={close} submit={t('admin:unit.end')} busy={busy} error={error} danger
      save={() => void save(() => identity.DELETE('/v1/units/{unitId}', { params: { path: { unitId: item.id } } }), t('admin:unit.ended'))}>
      <p>{t('admin:unit.endText')}</p>
    </EditDialog>
  )
}
