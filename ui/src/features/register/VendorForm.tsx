import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { register } from '../../api/client'
import { EditDialog, useFaults } from '../../components/EditDialog'
import { TextArea, TextField } from '../../components/Field'
import { filled, lines, type Schemas, useSave } from './model'
import { EndRecord } from './parts'

export function VendorForm({ item, close }: { item?: Schemas['VendorItem']; close: () => void }) {
  const { t } = useTranslation()
  const { busy, error, save } = useSave(close)
  const { faults, check } = useFaults()
  const [ending, setEnding] = useState(false)
  const [name, setName] = useState(item?.data.name ?? '')
  const [orgNumber, setOrgNumber] = useState(item?.data.orgNumber ?? '')
  const [contact, setContact] = useState(item?.data.contact ?? '')
  const [networks, setNetworks] = useState(item?.data.networks?.join('\n') ?? '')
  const submit = () => {
    const digits = orgNumber.replace(/\s/g, '')
    if (!check({ name: name.trim() }, { orgNumber: digits && !/^\d{9}$/.test(digits) ? t('register:vendor.orgNumberWrong') : undefined })) return
    const body = filled({ name: name.trim(), orgNumber: digits, contact: contact.trim(), networks: lines(networks) })
    void save(() => (item
      ? register.PUT('/v1/vendors/{id}', { params: { path: { id: item.id } }, body: { data: body, revision: item.revision } })
      : register.POST('/v1/vendors', { body: { data: body } })))
  }
  if (ending && item) return <EndRecord name={item.data.name} close={close} call={() => register.POST('/v1/vendors/{id}/end', { params: { path: { id: item.id } }, body: { revision: item.revision } })} />
  return (
    <EditDialog title={t(item ? 'register:vendor.editTitle' : 'register:vendor.newTitle')} close={close} busy={busy} error={error} save={submit}
      end={item && { label: t('register:end'), run: () => setEnding(true) }}>
      <TextField label={t('register:name')} value={name} fault={faults.name} maxLength={200} onChange={(e) => setName(e.target.value)} />
      <TextField label={t('register:vendor.orgNumber')} help={t('register:vendor.orgNumberHelp')} optional value={orgNumber} fault={faults.orgNumber} inputMode="numeric" onChange={(e) => setOrgNumber(e.target.value)} />
      <TextField label={t('register:vendor.contact')} optional value={contact} maxLength={300} onChange={(e) => setContact(e.target.value)} />
      <TextArea label={t('register:vendor.networks')} help={t('register:onePerLine')} optional value={networks} rows={3} onChange={(e) => setNetworks(e.target.value)} />
    </EditDialog>
  )
}
