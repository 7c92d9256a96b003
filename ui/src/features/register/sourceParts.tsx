import { Button, Tag } from '@digdir/designsystemet-react'
import { FilesIcon } from '@navikt/aksel-icons'
import { useTranslation } from 'react-i18next'
import { register } from '../../api/client'
import { EditDialog } from '../../components/EditDialog'
import { Modal } from '../../components/Modal'
import { toast } from '../../components/toast'
import type { Sign } from './activity'
import { type Schemas, useSave } from './model'

const color = { speaks: 'success', silent: 'danger', never: 'neutral', slowed: 'warning', failures: 'warning' } as const

export function Signs({ of }: { of: Sign[] }) {
  const { t } = useTranslation()
  return <span className="row-tight">{of.map((sign) => <Tag key={sign} data-size="sm" data-color={color[sign]}>{t(`register:source.sign.${sign}`)}</Tag>)}</span>
}

/** Text to be copied as it is. */
export function Copyable({ text, label }: { text: string; label: string }) {
  const { t } = useTranslation()
  return (
    <div className="stack-2">
      <code className="logline" role="region" tabIndex={0} aria-label={label}>{text}</code>
      <div><Button variant="tertiary" data-size="sm" onClick={() => void navigator.clipboard.writeText(text).then(() => toast(t('register:source.lineCopied')))}><FilesIcon aria-hidden />{t('register:source.copy')}</Button></div>
    </div>
  )
}

export function ShowKey({ value, close }: { value: string; close: () => void }) {
  const { t } = useTranslation()
  return (
    <Modal title={t('register:source.keyTitle')} close={close}>
      <p>{t('register:source.keyText')}</p>
      <code className="logline">{value}</code>
      <div><Button onClick={() => void navigator.clipboard.writeText(value).then(() => toast(t('register:source.copied')))}><FilesIcon aria-hidden />{t('register:source.copy')}</Button></div>
    </Modal>
  )
}

export function RenewKey({ item, close, created }: { item: Schemas['SourceItem']; close: () => void; created: (key: string) => void }) {
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
