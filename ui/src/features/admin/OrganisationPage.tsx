import { Button, Tag } from '@digdir/designsystemet-react'
import { Buildings2Icon, PersonIcon } from '@navikt/aksel-icons'
import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { useDeferredValue, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { data, identity } from '../../api/client'
import type { components } from '../../api/identity'
import { useMe } from '../../app/MeContext'
import { SelectField, TextField } from '../../components/Field'
import { PageHead, Panel } from '../../components/Page'
import { Empty, Failed, Loading } from '../../components/states'

type Unit = components['schemas']['Unit']
const roles = ['employee', 'superuser', 'responsible', 'system-owner', 'system-administrator', 'security-officer', 'controller', 'operations-manager', 'host-operator', 'regional-coordinator', 'auditor', 'administrator'] as const

export default function OrganisationPage() {
  const { t } = useTranslation()
  const me = useMe()
  const units = useQuery({ queryKey: ['units'], queryFn: () => data(() => identity.GET('/v1/units')).then((l) => l.items) })
  return (
    <>
      <PageHead title={t('admin:organisation.title')} lead={t('admin:organisation.lead', { tenant: me.tenant.name })} />
      <div className="org-grid">
        <Panel title={t('admin:organisation.units')} id="enheter">
          {units.isPending ? <Loading rows={5} /> : units.isError ? <Failed error={units.error} retry={() => void units.refetch()} /> : units.data.length === 0
            ? <Empty title={t('admin:organisation.noUnits')} icon={<Buildings2Icon aria-hidden />}>{t('admin:organisation.noUnitsText')}</Empty>
            : <Tree units={units.data} parent={undefined} titles={me.tenant.titles ?? {}} />}
        </Panel>
        <People units={units.data ?? []} />
      </div>
    </>
  )
}

function Tree({ units, parent, titles }: { units: Unit[]; parent: string | undefined; titles: Record<string, string> }) {
  const { t } = useTranslation()
  const children = units.filter((u) => (u.parent ?? '') === (parent ?? ''))
  if (children.length === 0) return null
  return (
    <ul className="tree">
      {children.map((unit) => (
        <li key={unit.id}>
          <div className="unit"><strong>{unit.name}</strong> <span className="soft small">{t('admin:organisation.level', { level: unit.level })}</span>
            <div className={unit.manager ? 'small' : 'small fault'}>{unit.manager ? `${titles[String(unit.level)] ? `${titles[String(unit.level)]}: ` : ''}${unit.managerName ?? unit.manager}` : t('admin:organisation.vacant')}</div>
          </div>
          <Tree units={units} parent={unit.id} titles={titles} />
        </li>
      ))}
    </ul>
  )
}

function People({ units }: { units: Unit[] }) {
  const { t } = useTranslation()
  const [text, setText] = useState('')
  const [role, setRole] = useState('')
  const wanted = useDeferredValue(text.trim())
  const people = useInfiniteQuery({
    queryKey: ['people', wanted, role], initialPageParam: '',
    queryFn: ({ pageParam }) => data(() => identity.POST('/v1/persons/search', { body: { limit: 50, ...(wanted ? { text: wanted } : {}), ...(role ? { role: role as (typeof roles)[number] } : {}), ...(pageParam ? { after: pageParam } : {}) } })),
    getNextPageParam: (page) => page.next,
  })
  const items = people.data?.pages.flatMap((page) => page.items) ?? []
  const now = Date.now()
  return (
    <Panel title={t('admin:organisation.people')} id="personer">
      <div className="filters">
        <TextField label={t('admin:organisation.find')} type="search" data-search-field value={text} maxLength={120} onChange={(e) => setText(e.target.value)} />
        <SelectField label={t('admin:organisation.role')} value={role} onChange={(e) => setRole(e.target.value)}>
          <option value="">{t('admin:organisation.anyRole')}</option>
          {roles.map((r) => <option key={r} value={r}>{t(`app:role.${r}`)}</option>)}
        </SelectField>
      </div>
      {people.isPending ? <Loading rows={5} /> : people.isError ? <Failed error={people.error} retry={() => void people.refetch()} /> : items.length === 0 ? <Empty title={t('admin:organisation.none')} icon={<PersonIcon aria-hidden />}>{t('admin:organisation.noneText')}</Empty> : (
        <table className="plain-table">
          <thead><tr><th>{t('admin:organisation.name')}</th><th>{t('admin:organisation.unit')}</th><th>{t('admin:organisation.roles')}</th></tr></thead>
          <tbody>
            {items.map((p) => (
              <tr key={p.id}>
                <td><strong>{p.name}</strong><div className="soft small">{p.title}</div>
                  {p.left && <Tag data-size="sm" data-color="neutral">{t('admin:organisation.left')}</Tag>}
                  {p.absences?.some((a) => Date.parse(a.from) <= now && (!a.to || now < Date.parse(a.to))) && <Tag data-size="sm" data-color="warning">{t('admin:organisation.away')}</Tag>}
                </td>
                <td>{units.find((u) => u.id === p.unitId)?.name}</td>
                <td className="small">{[...new Set(p.roles.map((r) => t(`app:role.${r.role}`)))].join(', ')}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {people.hasNextPage && <p className="more"><Button variant="secondary" onClick={() => void people.fetchNextPage()}>{t('app:more')}</Button></p>}
    </Panel>
  )
}
