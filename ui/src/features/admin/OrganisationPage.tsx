import { Button, Tag } from '@digdir/designsystemet-react'
import { Buildings2Icon, KeyVerticalIcon, PencilIcon, PersonIcon, PlusIcon } from '@navikt/aksel-icons'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useDeferredValue, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { data, identity } from '../../api/client'
import { useMay, useMe } from '../../app/MeContext'
import { Check, SelectField, TextField } from '../../components/Field'
import { PageHead, Panel } from '../../components/Page'
import { Empty, Failed, Loading } from '../../components/states'
import { awayAt } from '../../directory/absence'
import { type Person, type Unit, useUnits } from '../../directory/directory'
import { AccountDialog } from './AccountDialog'
import { PersonForm } from './PersonForm'
import { roles } from './roles'
import { UnitForm } from './UnitForm'

type Dialog = { is: 'unit'; item?: Unit } | { is: 'person'; item?: Person } | { is: 'account'; item: Person }

export default function OrganisationPage() {
  const { t } = useTranslation()
  const me = useMe()
  const mayWrite = useMay('directory.write')
  const units = useUnits()
  const [dialog, setDialog] = useState<Dialog>()
  const close = () => setDialog(undefined)
  const newUnit = <Button variant="secondary" data-size="sm" onClick={() => setDialog({ is: 'unit' })}><PlusIcon aria-hidden />{t('admin:unit.newTitle')}</Button>
  return (
    <>
      <PageHead title={t('admin:organisation.title')} lead={t('admin:organisation.lead', { tenant: me.tenant.name })} />
      <div className="org-grid">
        <Panel title={t('admin:organisation.units')} id="enheter" actions={mayWrite && newUnit}>
          {units.isPending ? <Loading rows={5} /> : units.isError ? <Failed error={units.error} retry={() => void units.refetch()} /> : units.data.length === 0
            ? <Empty title={t('admin:organisation.noUnits')} icon={<Buildings2Icon aria-hidden />}>{t('admin:organisation.noUnitsText')}</Empty>
            : <Tree units={units.data} parent={undefined} titles={me.tenant.titles ?? {}} edit={mayWrite ? (item) => setDialog({ is: 'unit', item }) : undefined} />}
        </Panel>
        <People units={units.data ?? []} open={setDialog} />
      </div>
      {dialog?.is === 'unit' && <UnitForm units={units.data ?? []} item={dialog.item} close={close} />}
      {dialog?.is === 'person' && <PersonForm units={units.data ?? []} item={dialog.item} close={close} />}
      {dialog?.is === 'account' && <AccountDialog person={dialog.item} close={close} />}
    </>
  )
}

function Tree({ units, parent, titles, edit }: { units: Unit[]; parent: string | undefined; titles: Record<string, string>; edit: ((unit: Unit) => void) | undefined }) {
  const { t } = useTranslation()
  const children = units.filter((u) => (u.parent ?? '') === (parent ?? ''))
  if (children.length === 0) return null
  return (
    <ul className="tree">
      {children.map((unit) => (
        <li key={unit.id}>
          <div className="unit">
            <div className="grow"><strong>{unit.name}</strong> <span className="soft small nowrap">{t('admin:organisation.level', { level: unit.level })}</span>
              <div className={unit.manager ? 'small' : 'small fault'}>{unit.manager ? [titles[String(unit.level)], unit.managerName].filter(Boolean).join(': ') : t('admin:organisation.vacant')}</div>
            </div>
            {edit && <Button icon variant="tertiary" data-color="neutral" data-size="sm" aria-label={t('admin:organisation.editNamed', { name: unit.name })} title={t('admin:organisation.edit')} onClick={() => edit(unit)}><PencilIcon aria-hidden /></Button>}
          </div>
          <Tree units={units} parent={unit.id} titles={titles} edit={edit} />
        </li>
      ))}
    </ul>
  )
}

function People({ units, open }: { units: Unit[]; open: (dialog: Dialog) => void }) {
  const { t } = useTranslation()
  const mayWrite = useMay('directory.write')
  const mayAccounts = useMay('account.admin')
  const [left, setLeft] = useState(false)
  const [text, setText] = useState('')
  const [role, setRole] = useState('')
  const wanted = useDeferredValue(text.trim())
  const people = useInfiniteQuery({
    queryKey: ['people', wanted, role, left], initialPageParam: '',
    queryFn: ({ pageParam }) => data(() => identity.POST('/v1/persons/search', { body: { limit: 50, ...(left ? { includeLeft: true } : {}), ...(wanted ? { text: wanted } : {}), ...(role ? { role: role as (typeof roles)[number] } : {}), ...(pageParam ? { after: pageParam } : {}) } })),
    getNextPageParam: (page) => page.next,
  })
  const items = people.data?.pages.flatMap((page) => page.items) ?? []
  const now = Date.now()
  return (
    <Panel title={t('admin:organisation.people')} id="personer" actions={mayWrite && <Button variant="secondary" data-size="sm" onClick={() => open({ is: 'person' })}><PlusIcon aria-hidden />{t('admin:person.newTitle')}</Button>}>
      <div className="filters">
        <TextField label={t('admin:organisation.find')} type="search" data-search-field value={text} maxLength={120} onChange={(e) => setText(e.target.value)} />
        <SelectField label={t('admin:organisation.role')} value={role} onChange={(e) => setRole(e.target.value)}>
          <option value="">{t('admin:organisation.anyRole')}</option>
          {roles.map((r) => <option key={r} value={r}>{t(`app:role.${r}`)}</option>)}
        </SelectField>
        <Check label={t('admin:organisation.includeLeft')} checked={left} onChange={(e) => setLeft(e.target.checked)} />
      </div>
      {people.isPending ? <Loading rows={5} /> : people.isError ? <Failed error={people.error} retry={() => void people.refetch()} /> : items.length === 0 ? <Empty title={t('admin:organisation.none')} icon={<PersonIcon aria-hidden />}>{t('admin:organisation.noneText')}</Empty> : (
        <div className="table-wrap"><table className="plain-table">
          <thead><tr><th>{t('admin:organisation.name')}</th><th>{t('admin:organisation.unit')}</th><th>{t('admin:organisation.roles')}</th>{(mayWrite || mayAccounts) && <th><span className="sr-only">{t('admin:organisation.actions')}</span></th>}</tr></thead>
          <tbody>
            {items.map((p) => (
              <tr key={p.id}>
                <td><strong>{p.name}</strong><div className="soft small">{p.title}</div>
                  {p.left && <Tag data-size="sm" data-color="neutral">{t('admin:organisation.left')}</Tag>}
                  {awayAt(p.absences, now) && <Tag data-size="sm" data-color="warning">{t('admin:organisation.away')}</Tag>}
                </td>
                <td>{units.find((u) => u.id === p.unitId)?.name}</td>
                <td className="small">{[...new Set(p.roles.map((r) => t(`app:role.${r.role}`)))].join(', ')}</td>
                {(mayWrite || mayAccounts) && (
                  <td className="row-actions">
                    {mayWrite && <Button icon variant="tertiary" data-color="neutral" data-size="sm" aria-label={t('admin:organisation.editNamed', { name: p.name })} title={t('admin:organisation.edit')} onClick={() => open({ is: 'person', item: p })}><PencilIcon aria-hidden /></Button>}
                    {mayAccounts && <Button icon variant="tertiary" data-color="neutral" data-size="sm" aria-label={t('admin:organisation.accountNamed', { name: p.name })} title={t('admin:account.open')} onClick={() => open({ is: 'account', item: p })}><KeyVerticalIcon aria-hidden /></Button>}
                  </td>
                )}
              </tr>
            ))}
          </tbody>
        </table></div>
      )}
      {people.hasNextPage && <p className="more"><Button variant="secondary" onClick={() => void people.fetchNextPage()}>{t('app:more')}</Button></p>}
    </Panel>
  )
}
