import { Button, Tag } from '@digdir/designsystemet-react'
import { DatabaseIcon, FilesIcon, PlusIcon } from '@navikt/aksel-icons'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { register } from '../../api/client'
import { EditDialog, useFaults } from '../../components/EditDialog'
import { useMay } from '../../app/MeContext'
import { Check, SelectField, TextField } from '../../components/Field'
import { Modal } from '../../components/Modal'
import { Empty, Failed, Loading } from '../../components/states'
import { toast } from '../../components/toast'
import { duration } from '../../time/format'
import { usePersons } from '../../directory/directory'
import { filled, type Schemas, useSave, useSources } from './model'
import { EndRecord, Weaknesses } from './parts'

export default function SourcesPage() {
  const { t } = useTranslation()
  const mayWrite = useMay('source.write')
  const sources = useSources()
  const persons = usePersons()
  const [editing, setEditing] = useState<{ item?: Schemas['SourceItem'] }>()
  const [key, setKey] = useState<string>()
  const [renewing, setRenewing] = useState<Schemas['SourceItem']>()
  if (sources.isPending) return <Loading rows={5} />
  if (sources.isError) return <Failed error={sources.error} retry={() => void sources.refetch()} />
  return (
    <div className="stack">
      {mayWrite && <div className="row"><Button onClick={() => setEditing({})}><PlusIcon aria-hidden />{t('register:source.newTitle')}</Button>
        <Button asChild variant="secondary"><Link to="/register/kilder/kartlegging">{t('register:source.fromSample')}</Link></Button></div>}
      {sources.data.length === 0 ? <div className="panel"><Empty title={t('register:noneYet')} icon={<DatabaseIcon aria-hidden />}>{t('register:noneText')}</Empty></div> : (
        <div className="panel table-wrap">
          <table className="plain-table">
            <thead><tr><th>{t('register:name')}</th><th>{t('register:source.kind')}</th><th>{t('register:source.responsible')}</th><th>{t('register:source.silentColumn')}</th><th>{t('register:weak')}</th><th /></tr></thead>
            <tbody>
              {sources.data.map((s) => (
                <tr key={s.id}>
                  <td><strong>{s.data.name}</strong> {s.data.shared && <Tag data-size="sm" data-color="info">{t('register:source.shared')}</Tag>}</td>
                  <td>{t(`register:source.kinds.${s.data.kind}`)}<div className="soft small">{t(s.data.hasKey ? 'register:source.hasKey' : 'register:source.noKey')}</div></td>
                  <td data-label={t('register:source.responsible')}>{persons.data?.find((p) => p.id === s.data.responsible)?.name ?? t('register:system.vacant')}</td>
                  <td data-label={t('register:source.silentColumn')}>{s.data.silentAfterSeconds ? duration(s.data.silentAfterSeconds * 1000) : ''}</td>
                  <td><Weaknesses of={s.weaknesses} /></td>
                  <td className="row-actions">{mayWrite && <Button variant="tertiary" data-size="sm" onClick={() => setEditing({ item: s })}>{t('register:edit')}</Button>}
                    {mayWrite && <Button asChild variant="tertiary" data-size="sm"><Link to="/register/kilder/kartlegging" search={{ kilde: s.id }}>{t('register:source.mapping')}</Link></Button>}
                    {mayWrite && s.data.hasKey && <Button variant="tertiary" data-size="sm" onClick={() => setRenewing(s)}>{t('register:source.newKey')}</Button>}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {editing && <SourceForm {...(editing.item ? { item: editing.item } : {})} close={() => setEditing(undefined)} created={setKey} />}
      {renewing && <RenewKey item={renewing} close={() => setRenewing(undefined)} created={setKey} />}
      {key && (
        <Modal title={t('register:source.keyTitle')} close={() => setKey(undefined)}>
          <p>{t('register:source.keyText')}</p>
          <code className="logline">{key}</code>
          <div><Button onClick={() => void navigator.clipboard.writeText(key).then(() => toast(t('register:source.copied')))}><FilesIcon aria-hidden />{t('register:source.copy')}</Button></div>
        </Modal>
      )}
    </div>
  )
}

function RenewKey({ item, close, created }: { item: Schemas['SourceItem']; close: () => void; created: (key: string) => void }) {
  const { t } = useTranslation()
  const { busy, error, save } = useSave(close)
  const renew = async () => {
    const saved = await save(() => register.POST('/v1/sources/{id}/key', { params: { path: { id: item.id } } }), t('register:source.newKeyDone'))
    if (saved?.apiKey) created(saved.apiKey)
  }
  return (
    <EditDialog title={t('register:source.newKeyTitle', { name: item.data.name })} close={close} submit={t('register:source.newKey')} busy={busy} error={error} save={() => void renew()} danger>
      <p>{t('register:source.newKeyText')}</p>
    </EditDialog>
  )
}

function SourceForm({ item, close, created }: { item?: Schemas['SourceItem']; close: () => void; created: (key: string) => void }) {
  const { t } = useTranslation()
  const persons = usePersons()
  const { busy, error, save } = useSave(close)
  const { faults, check } = useFaults()
  const [ending, setEnding] = useState(false)
  const [s, setS] = useState<Schemas['Source']>(item?.data ?? { name: '', kind: 'syslog', timeZone: 'Europe/Oslo', silentAfterSeconds: 86_400 })
  const set = (part: Partial<Schemas['Source']>) => setS({ ...s, ...part })
  const submit = async () => {
    if (!check({ name: s.name.trim() })) return
    const { hasKey: _, ...rest } = s
    const body = filled({ ...rest, name: s.name.trim() })
    if (item) return void save(() => register.PUT('/v1/sources/{id}', { params: { path: { id: item.id } }, body: { data: body, revision: item.revision } }))
    const saved = await save(() => register.POST('/v1/sources', { body: { data: body } }))
    if (saved?.apiKey) created(saved.apiKey)
  }
  if (ending && item) return <EndRecord name={item.data.name} close={close} call={() => register.POST('/v1/sources/{id}/end', { params: { path: { id: item.id } }, body: { revision: item.revision } })} />
  return (
    <EditDialog title={t(item ? 'register:source.editTitle' : 'register:source.newTitle')} close={close} busy={busy} error={error} save={() => void submit()}
      end={item && { label: t('register:end'), run: () => setEnding(true) }}>
      <TextField label={t('register:name')} value={s.name} fault={faults.name} maxLength={200} onChange={(e) => set({ name: e.target.value })} />
      <SelectField label={t('register:source.kind')} value={s.kind} onChange={(e) => set({ kind: e.target.value as 'file' })}>
        {(['syslog', 'bulk', 'file', 'import'] as const).map((k) => <option key={k} value={k}>{t(`register:source.kinds.${k}`)}</option>)}
      </SelectField>
      <div className="two">
        <TextField label={t('register:source.format')} help={t('register:source.formatHelp')} optional value={s.format ?? ''} maxLength={50} onChange={(e) => set({ format: e.target.value })} />
        <TextField label={t('register:source.timeZone')} optional value={s.timeZone ?? ''} maxLength={50} onChange={(e) => set({ timeZone: e.target.value })} />
      </div>
      <div className="two">
        <TextField label={t('register:source.silent')} type="number" min={0} value={Math.round((s.silentAfterSeconds ?? 0) / 3600)} onChange={(e) => set({ silentAfterSeconds: Number(e.target.value) * 3600 })} />
        <SelectField label={t('register:source.responsible')} value={s.responsible ?? ''} onChange={(e) => set({ responsible: e.target.value })}>
          <option value="">{t('register:system.vacant')}</option>
          {persons.data?.map((p) => <option key={p.id} value={p.id}>{p.name}</option>)}
        </SelectField>
      </div>
      <Check label={t('register:source.shared')} checked={s.shared ?? false} onChange={(e) => set({ shared: e.target.checked })} />
    </EditDialog>
  )
}
