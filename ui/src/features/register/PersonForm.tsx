import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { register } from '../../api/client'
import { EditDialog, Many, useFaults } from '../../components/EditDialog'
import { TextArea, TextField } from '../../components/Field'
import { filled, lines, type Schemas, useSave } from './model'

/** A row of a vendor's access list. */
export function PersonForm({ vendorId, accounts, item, close }: { vendorId: string; accounts: Schemas['AccountItem'][]; item?: Schemas['VendorPersonItem']; close: () => void }) {
  const { t } = useTranslation()
  const { busy, error, save } = useSave(close)
  const { faults, check } = useFaults()
  const [name, setName] = useState(item?.data.name ?? '')
  const [own, setOwn] = useState(item?.data.accounts ?? [])
  const [keys, setKeys] = useState(item?.data.keyFingerprints?.join('\n') ?? '')
  const [certs, setCerts] = useState(item?.data.certIds?.join('\n') ?? '')
  const [networks, setNetworks] = useState(item?.data.networks?.join('\n') ?? '')
  const submit = () => {
    if (!check({ name: name.trim() })) return
    const body = filled({ vendorId, name: name.trim(), accounts: own, keyFingerprints: lines(keys), certIds: lines(certs), networks: lines(networks) })
    void save(() => (item
      ? register.PUT('/v1/vendor-persons/{id}', { params: { path: { id: item.id } }, body: { data: body, revision: item.revision } })
      : register.POST('/v1/vendor-persons', { body: { data: body } })))
  }
  return (
    <EditDialog title={t(item ? 'register:person.edit' : 'register:person.new')} close={close} busy={busy} error={error} save={submit}>
      <TextField label={t('register:name')} value={name} fault={faults.name} maxLength={200} onChange={(e) => setName(e.target.value)} />
      {accounts.length > 0 && <Many label={t('register:person.accounts')} choices={accounts.map((a) => ({ id: a.id, name: a.data.name }))} value={own} onChange={setOwn} />}
      <TextArea label={t('register:person.networks')} help={t('register:onePerLine')} optional value={networks} rows={2} onChange={(e) => setNetworks(e.target.value)} />
      <TextArea label={t('register:person.keys')} help={t('register:onePerLine')} optional value={keys} rows={2} onChange={(e) => setKeys(e.target.value)} />
      <TextArea label={t('register:person.certs')} help={t('register:onePerLine')} optional value={certs} rows={2} onChange={(e) => setCerts(e.target.value)} />
    </EditDialog>
  )
}
