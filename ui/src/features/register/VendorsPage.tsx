import { Button, Tag } from '@digdir/designsystemet-react'
import { HandshakeIcon, PlusIcon } from '@navikt/aksel-icons'
import { Link } from '@tanstack/react-router'
import { useMemo, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useMay } from '../../app/MeContext'
import { Empty, Failed, Loading } from '../../components/states'
import { bestState, useAgreements, useCalendar, useVendors } from './model'
import { AgreementTag, Weaknesses } from './parts'
import { VendorForm } from './VendorForm'

export default function VendorsPage() {
  const { t } = useTranslation()
  const mayWrite = useMay('register.write')
  const [adding, setAdding] = useState(false)
  const vendors = useVendors()
  const agreements = useAgreements()
  const today = useMemo(() => ({ from: new Date(Date.now() - 60_000).toISOString(), to: new Date(Date.now() + 60_000).toISOString() }), [])
  const windows = useCalendar(today)
  if (vendors.isPending) return <Loading rows={5} />
  if (vendors.isError) return <Failed error={vendors.error} retry={() => void vendors.refetch()} />
  const add = mayWrite && <Button onClick={() => setAdding(true)}><PlusIcon aria-hidden />{t('register:vendor.newTitle')}</Button>
  return (
    <div className="stack">
      <div className="row">{add}</div>
      {vendors.data.length === 0 ? <div className="panel"><Empty title={t('register:noneYet')} icon={<HandshakeIcon aria-hidden />}>{t('register:noneText')}</Empty></div> : (
        <div className="panel table-wrap">
          <table className="plain-table">
            <thead><tr><th>{t('register:name')}</th><th>{t('register:vendor.agreement')}</th><th>{t('register:vendor.openNow')}</th><th>{t('register:weak')}</th></tr></thead>
            <tbody>
              {vendors.data.map((vendor) => {
                const states = (agreements.data ?? []).filter((a) => a.data.vendorId === vendor.id).map((a) => a.state)
                const open = (windows.data ?? []).filter((w) => w.window.data.vendorId === vendor.id && w.window.state === 'open').length
                return (
                  <tr key={vendor.id}>
                    <td><Link to="/register/leverandorer/$id" params={{ id: vendor.id }}>{vendor.data.name}</Link></td>
                    <td data-label={t('register:vendor.agreement')}>{agreements.data && <AgreementTag state={bestState(states)} />}</td>
                    <td data-label={t('register:vendor.openNow')}>{open > 0 ? <Tag data-size="sm" data-color="success">{t('register:vendor.windows', { count: open })}</Tag> : <span className="soft">{t('common:none')}</span>}</td>
                    <td><Weaknesses of={vendor.weaknesses} /></td>
                  </tr>
                )
              })}
            </tbody>
          </table>
        </div>
      )}
      {adding && <VendorForm close={() => setAdding(false)} />}
    </div>
  )
}
