import { Button } from '@digdir/designsystemet-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { register } from '../../api/client'
import { EditDialog, useFaults } from '../../components/EditDialog'
import { Check, SelectField, TextArea, TextField } from '../../components/Field'
import { usePersons } from '../../directory/directory'
import { duration } from '../../time/format'
import { filled, lines, type Schemas, useSave } from './model'
import { EndRecord } from './parts'

const hour = 3600

/** "REALM = tenant" by the line, and back. */
const pairsText = (pairs: Record<string, string> | undefined) => Object.entries(pairs ?? {}).map(([from, to]) => `${from} = ${to}`).join('\n')
function pairsOf(text: string): Record<string, string> | undefined {
  const pairs = lines(text).map((line) => line.split('=').map((part) => part.trim()))
  return pairs.length > 0 && pairs.every(([from, to]) => from && to) ? Object.fromEntries(pairs as [string, string][]) : undefined
}

/** Everything that the register keeps of a source. `suggested` is a longest silence in seconds that fits what was heard. */
export function SourceForm({ item, suggested, close, created }: { item?: Schemas['SourceItem']; suggested?: number | undefined; close: () => void; created: (key: string) => void }) {
  const { t } = useTranslation()
  const persons = usePersons()
  const { busy, error, save } = useSave(close)
  const { faults, check } = useFaults()
  const [ending, setEnding] = useState(false)
  const [s, setS] = useState<Schemas['Source']>(item?.data ?? { name: '', kind: 'syslog', timeZone: 'Europe/Oslo', silentAfterSeconds: 24 * hour })
  const [addresses, setAddresses] = useState((s.addresses ?? []).join('\n'))
  const [certificates, setCertificates] = useState((s.certificates ?? []).join('\n'))
  const [realms, setRealms] = useState(pairsText(s.realms))
  const [hosts, setHosts] = useState(pairsText(s.hostTenants))
  const set = (part: Partial<Schemas['Source']>) => setS({ ...s, ...part })
  const count = (name: 'maxPerSecond' | 'maxBurst') => ({ type: 'number', min: 0, value: s[name] || '', onChange: (e: { target: { value: string } }) => set({ [name]: Math.max(0, Math.round(Number(e.target.value))) }) })
  const submit = async () => {
    const pairs = (text: string) => (lines(text).length > 0 && !pairsOf(text) ? t('register:source.pairFault') : undefined)
    if (!check({ name: s.name.trim() }, { realms: s.shared ? pairs(realms) : undefined, hosts: s.shared ? pairs(hosts) : undefined })) return
    const { hasKey: _, realms: __, hostTenants: ___, ...rest } = s
    const shared = s.shared ? { realms: pairsOf(realms), hostTenants: pairsOf(hosts) } : {}
    const body = filled({ ...rest, ...shared, name: s.name.trim(), addresses: lines(addresses), certificates: lines(certificates) }) as Schemas['Source']
    if (item) return void save(() => register.PUT('/v1/sources/{id}', { params: { path: { id: item.id } }, body: { data: body, revision: item.revision } }))
    const saved = await save(() => register.POST('/v1/sources', { body: { data: body } }))
    if (saved?.apiKey) created(saved.apiKey)
  }
  if (ending && item) return <EndRecord name={item.data.name} close={close} call={() => register.POST('/v1/sources/{id}/end', { params: { path: { id: item.id } }, body: { revision: item.revision } })} />
  return (
    <EditDialog title={t(item ? 'register:source.editTitle' : 'register:source.newTitle')} close={close} busy={busy} error={error} save={() => void submit()} wide
      end={item && { label: t('register:end'), run: () => setEnding(true) }}>
      <TextField label={t('register:name')} value={s.name} fault={faults.name} maxLength={200} onChange={(e) => set({ name: e.target.value })} />
      <div className="two">
        <SelectField label={t('register:source.kind')} value={s.kind} onChange={(e) => set({ kind: e.target.value as 'file' })}>
          {(['syslog', 'bulk', 'file', 'import'] as const).map((k) => <option key={k} value={k}>{t(`register:source.kinds.${k}`)}</option>)}
        </SelectField>
        <SelectField label={t('register:source.responsible')} value={s.responsible ?? ''} onChange={(e) => set({ responsible: e.target.value })}>
          <option value="">{t('register:system.vacant')}</option>
          {persons.data?.map((p) => <option key={p.id} value={p.id}>{p.name}</option>)}
        </SelectField>
        <TextField label={t('register:source.format')} help={t('register:source.formatHelp')} optional value={s.format ?? ''} maxLength={50} onChange={(e) => set({ format: e.target.value })} />
        <TextField label={t('register:source.timeZone')} optional value={s.timeZone ?? ''} maxLength={50} onChange={(e) => set({ timeZone: e.target.value })} />
      </div>
      {s.kind === 'syslog' && (
        <div className="two">
          <TextArea label={t('register:source.addresses')} help={t('register:source.addressesHelp')} optional rows={3} value={addresses} onChange={(e) => setAddresses(e.target.value)} />
          <TextArea label={t('register:source.certificates')} help={t('register:source.certificatesHelp')} optional rows={3} value={certificates} onChange={(e) => setCertificates(e.target.value)} />
        </div>
      )}
      <div className="two">
        <div className="stack-2">
          <TextField label={t('register:source.silent')} help={t('register:source.silentHelp')} type="number" min={0} disabled={s.irregular ?? false} value={Math.round((s.silentAfterSeconds ?? 0) / hour) || ''} onChange={(e) => set({ silentAfterSeconds: Math.max(0, Number(e.target.value)) * hour })} />
          {suggested && !s.irregular ? <div><Button type="button" variant="tertiary" data-size="sm" onClick={() => set({ silentAfterSeconds: suggested })}>{t('register:source.suggested', { time: duration(suggested * 1000) })}</Button></div> : null}
          <Check label={t('register:source.irregular')} checked={s.irregular ?? false} onChange={(e) => set({ irregular: e.target.checked })} />
        </div>
        <TextField label={t('register:source.retention')} help={t('register:source.retentionHelp')} optional value={s.retention ?? ''} maxLength={50} onChange={(e) => set({ retention: e.target.value })} />
        <TextField label={t('register:source.quota')} help={t('register:source.quotaHelp')} optional {...count('maxPerSecond')} />
        <TextField label={t('register:source.burst')} help={t('register:source.burstHelp')} optional {...count('maxBurst')} />
      </div>
      <Check label={t('register:source.shared')} checked={s.shared ?? false} onChange={(e) => set({ shared: e.target.checked })} />
      {s.shared && (
        <div className="two">
          <TextArea label={t('register:source.realms')} help={t('register:source.realmsHelp')} optional rows={3} fault={faults.realms} value={realms} onChange={(e) => setRealms(e.target.value)} />
          <TextArea label={t('register:source.hosts')} help={t('register:source.hostsHelp')} optional rows={3} fault={faults.hosts} value={hosts} onChange={(e) => setHosts(e.target.value)} />
        </div>
      )}
    </EditDialog>
  )
}
