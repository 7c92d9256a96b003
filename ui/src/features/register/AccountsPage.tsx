import { Button, Tag } from '@digdir/designsystemet-react'
import { PersonIcon, PlusIcon } from '@navikt/aksel-icons'
import { useQuery } from '@tanstack/react-query'
import { useDeferredValue, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { data, register } from '../../api/client'
import { EditDialog, Many, useFaults } from '../../components/EditDialog'
import { useMay } from '../../app/MeContext'
import { SelectField, TextArea, TextField } from '../../components/Field'
import { Empty, Failed, Loading } from '../../components/states'
import { usePersons } from '../../directory/directory'
import { filled, lines, nameIn, type Schemas, useAccounts, useSave, useSystems, useVendors } from './model'
import { EndRecord } from './parts'

const flags = ['dual-login', 'guest', 'shared'] as const

export default function AccountsPage() {
  const { t } = useTranslation()
  const mayWrite = useMay('register.write')
  const vendors = useVendors()
  const persons = usePersons()
  const [text, setText] = useState('')
  const wanted = useDeferredValue(text.trim())
  const every = useAccounts()
  const found = useQuery({
    queryKey: ['register', 'account-search', wanted], enabled: wanted !== '',
    queryFn: () => data(() => register.POST('/v1/accounts/search', { body: { text: wanted, limit: 100 } })).then((l) => l.items),
  })
  const accounts = wanted ? found : every
  const [editing, setEditing] = useState<{ item?: Schemas['AccountItem'] }>()
  const belongs = (a: Schemas['Account']) => (a.vendorId ? nameIn(vendors.data, a.vendorId, a.vendorId) : a.personId ? (persons.data?.find((p) => p.id === a.personId)?.name ?? t('register:unknown')) : t('register:account.nobody'))
  return (
    <div className="stack">
      <div className="filters">
        <TextField label={t('register:account.find')} type="search" data-search-field value={text} maxLength={200} onChange={(e) => setText(e.target.value)} />
        {mayWrite && <Button onClick={() => setEditing({})}><PlusIcon aria-hidden />{t('register:account.newTitle')}</Button>}
      </div>
      {accounts.isPending ? <Loading rows={5} /> : accounts.isError ? <Failed error={accounts.error} retry={() => void accounts.refetch()} /> : accounts.data.length === 0 ? <div className="panel"><Empty title={t('register:noneYet')} icon={<PersonIcon aria-hidden />}>{t('register:noneText')}</Empty></div> : (
        <div className="panel table-wrap">
          <table className="plain-table">
            <thead><tr><th>{t('register:name')}</th><th>{t('register:account.belongs')}</th><th>{t('register:account.aliases')}</th><th>{t('register:account.flags')}</th><th /></tr></thead>
            <tbody>
              {accounts.data.map((a) => (
                <tr key={a.id}>
                  <td><code>{a.data.realm && `${a.data.realm}\\`}{a.data.name}</code></td>
                  <td>{belongs(a.data)} {a.data.vendorId && <Tag data-size="sm" data-color="fire">{t('register:account.vendor')}</Tag>}</td>
                  <td className="small soft">{a.data.aliases?.join(', ')}</td>
                  <td>{a.data.flags?.map((f) => <Tag key={f} data-size="sm" data-color="info">{t(`register:account.flag.${f}`)}</Tag>)}</td>
                  <td className="row-actions">{mayWrite && <Button variant="tertiary" data-size="sm" onClick={() => setEditing({ item: a })}>{t('register:edit')}</Button>}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {editing && <AccountForm {...(editing.item ? { item: editing.item } : {})} close={() => setEditing(undefined)} />}
    </div>
  )
}

function AccountForm({ item, close }: { item?: Schemas['AccountItem']; close: () => void }) {
  const { t } = useTranslation()
  const persons = usePersons()
  const vendors = useVendors()
  const systems = useSystems()
  const { busy, error, save } = useSave(close)
  const { faults, check } = useFaults()
  const [ending, setEnding] = useState(false)
  const [a, setA] = useState<Schemas['Account']>(item?.data ?? { name: '' })
  const [aliases, setAliases] = useState(item?.data.aliases?.join('\n') ?? '')
  const owner = a.vendorId ? `vendor:${a.vendorId}` : a.personId ? `person:${a.personId}` : ''
  const setOwner = (value: string) => {
    const { vendorId: _v, personId: _p, ...rest } = a
    const [kind, id] = value.split(':')
    setA(kind === 'vendor' ? { ...rest, vendorId: id! } : kind === 'person' ? { ...rest, personId: id! } : rest)
  }
  const submit = () => {
    if (!check({ name: a.name.trim() })) return
    const body = filled({ ...a, name: a.name.trim(), aliases: lines(aliases) })
    void save(() => (item
      ? register.PUT('/v1/accounts/{id}', { params: { path: { id: item.id } }, body: { data: body, revision: item.revision } })
      : register.POST('/v1/accounts', { body: { data: body } })))
  }
  if (ending && item) return <EndRecord name={item.data.name} close={close} call={() => register.POST('/v1/accounts/{id}/end', { params: { path: { id: item.id } }, body: { revision: item.revision } })} />
  return (
    <EditDialog title={t(item ? 'register:account.editTitle' : 'register:account.newTitle')} close={close} busy={busy} error={error} save={submit} wide
      end={item && { label: t('register:end'), run: () => setEnding(true) }}>
      <div className="two">
        <TextField label={t('register:name')} value={a.name} fault={faults.name} maxLength={200} onChange={(e) => setA({ ...a, name: e.target.value })} />
        <TextField label={t('register:account.realm')} help={t('register:account.realmHelp')} optional value={a.realm ?? ''} maxLength={200} onChange={(e) => setA({ ...a, realm: e.target.value })} />
      </div>
      <SelectField label={t('register:account.belongs')} value={owner} onChange={(e) => setOwner(e.target.value)}>
        <option value="">{t('register:account.nobody')}</option>
        <optgroup label={t('register:account.vendor')}>{vendors.data?.map((v) => <option key={v.id} value={`vendor:${v.id}`}>{v.data.name}</option>)}</optgroup>
        <optgroup label={t('register:account.person')}>{persons.data?.map((p) => <option key={p.id} value={`person:${p.id}`}>{p.name}</option>)}</optgroup>
      </SelectField>
      <TextArea label={t('register:account.aliases')} help={t('register:onePerLine')} optional value={aliases} rows={2} onChange={(e) => setAliases(e.target.value)} />
      <Many label={t('register:account.systems')} help={t('register:account.all')} choices={(systems.data ?? []).map((s) => ({ id: s.id, name: s.data.name }))} value={a.systems ?? []} onChange={(v) => setA({ ...a, systems: v })} />
      <Many label={t('register:account.flags')} choices={flags.map((f) => ({ id: f, name: t(`register:account.flag.${f}`) }))} value={a.flags ?? []} onChange={(v) => setA({ ...a, flags: v as (typeof flags)[number][] })} />
    </EditDialog>
  )
}
