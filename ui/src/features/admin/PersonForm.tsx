import { Button } from '@digdir/designsystemet-react'
import { PlusIcon, TrashIcon } from '@navikt/aksel-icons'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { identity } from '../../api/client'
import type { components } from '../../api/identity'
import { EditDialog, useFaults } from '../../components/EditDialog'
import { Check, SelectField, TextField } from '../../components/Field'
import { useSave } from '../../components/useSave'
import { asDays, asPeriods } from '../../directory/absence'
import { AbsenceFields } from '../../directory/AbsenceFields'
import type { Person, Unit } from '../../directory/directory'
import { PersonSelect } from '../../directory/PersonSelect'
import { roles } from './roles'
import { inOrder, pathOf } from './units'

type Grant = components['schemas']['RoleGrant']

/** A person: where they belong, what they may act as, who stands in for them. */
export function PersonForm({ units, item, close }: { units: Unit[]; item?: Person | undefined; close: () => void }) {
  const { t } = useTranslation()
  const { busy, error, save } = useSave(['persons', 'people', 'units'], close)
  const { faults, check } = useFaults()
  const [name, setName] = useState(item?.name ?? '')
  const [title, setTitle] = useState(item?.title ?? '')
  const [email, setEmail] = useState(item?.email ?? '')
  const [unit, setUnit] = useState(item?.unitId ?? '')
  const [grants, setGrants] = useState<Grant[]>(item?.roles ?? [])
  const [delegate, setDelegate] = useState(item?.delegate ?? '')
  const [days, setDays] = useState(() => asDays(item?.absences))
  const [left, setLeft] = useState(item?.left ?? false)
  const submit = () => {
    const absences = asPeriods(days)
    if (!check({ name: name.trim() }, { days: absences ? undefined : t('directory:absence.wrong') }) || !absences) return
    const body = {
      name: name.trim(), roles: grants, absences, left,
      ...(title.trim() ? { title: title.trim() } : {}), ...(email.trim() ? { email: email.trim() } : {}),
      ...(unit ? { unitId: unit } : {}), ...(delegate ? { delegate } : {}),
    }
    void save(() => (item ? identity.PUT('/v1/persons/{personId}', { params: { path: { personId: item.id } }, body }) : identity.POST('/v1/persons', { body })), t('admin:person.saved'))
  }
  return (
    <EditDialog title={t(item ? 'admin:person.editTitle' : 'admin:person.newTitle')} close={close} busy={busy} error={error} save={submit} wide>
      <div className="two">
        <TextField label={t('admin:organisation.name')} value={name} fault={faults.name} maxLength={120} onChange={(e) => setName(e.target.value)} />
        <TextField label={t('admin:person.title')} optional value={title} maxLength={120} onChange={(e) => setTitle(e.target.value)} />
        <SelectField label={t('admin:person.unit')} value={unit} onChange={(e) => setUnit(e.target.value)}>
          <option value="">{t('admin:person.noUnit')}</option>
          {inOrder(units).map((u) => <option key={u.id} value={u.id}>{pathOf(units, u)}</option>)}
        </SelectField>
        <TextField label={t('admin:person.email')} optional type="email" value={email} maxLength={254} onChange={(e) => setEmail(e.target.value)} />
      </div>
      <Grants units={units} home={unit} value={grants} onChange={setGrants} />
      <PersonSelect label={t('admin:person.delegate')} help={t('admin:person.delegateHelp')} none={t('admin:person.noDelegate')} value={delegate} without={item?.id} onChange={setDelegate} />
      <AbsenceFields value={days} fault={faults.days} onChange={setDays} />
      {item && <div className="stack-2"><Check label={t('admin:person.left')} checked={left} onChange={(e) => setLeft(e.target.checked)} />{left && <p className="soft small">{t('admin:person.leftHelp')}</p>}</div>}
    </EditDialog>
  )
}

/** Roles as rows: which, and for the whole municipality or one unit with what lies below it. */
function Grants({ units, home, value, onChange }: { units: Unit[]; home: string; value: Grant[]; onChange: (grants: Grant[]) => void }) {
  const { t } = useTranslation()
  const set = (at: number, grant: Grant) => onChange(value.map((g, i) => (i === at ? grant : g)))
  const withUnit = (role: Grant['role'], unitId: string): Grant => ({ role, ...(unitId ? { unitId } : {}) })
  return (
    <fieldset className="group">
      <legend>{t('admin:person.roles')}</legend>
      <span className="help soft small">{t('admin:person.rolesHelp')}</span>
      {value.map((grant, i) => (
        <div className="line-of-fields" key={i}>
          <SelectField label={t('admin:person.role')} value={grant.role} onChange={(e) => set(i, withUnit(e.target.value as Grant['role'], grant.unitId ?? ''))}>
            {roles.map((role) => <option key={role} value={role}>{t(`app:role.${role}`)}</option>)}
          </SelectField>
          <SelectField label={t('admin:person.where')} value={grant.unitId ?? ''} onChange={(e) => set(i, withUnit(grant.role, e.target.value))}>
            <option value="">{t('admin:person.wholeTenant')}</option>
            {inOrder(units).map((u) => <option key={u.id} value={u.id}>{pathOf(units, u)}</option>)}
          </SelectField>
          <Button type="button" icon variant="tertiary" data-color="neutral" aria-label={t('admin:person.removeRole', { n: i + 1 })} title={t('admin:person.removeRole', { n: i + 1 })}
            onClick={() => onChange(value.filter((_, at) => at !== i))}><TrashIcon aria-hidden /></Button>
        </div>
      ))}
      <div><Button type="button" variant="secondary" data-size="sm" onClick={() => onChange([...value, withUnit('responsible', home)])}><PlusIcon aria-hidden />{t('admin:person.addRole')}</Button></div>
    </fieldset>
  )
}
