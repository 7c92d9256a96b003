import { Button } from '@digdir/designsystemet-react'
import { FileTextIcon, PlusIcon } from '@navikt/aksel-icons'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useMay } from '../../app/MeContext'
import { Empty, Failed, Loading } from '../../components/states'
import { day } from '../../time/format'
import { AgreementForm } from './AgreementForm'
import { nameIn, type Schemas, useAgreements, useSystems, useVendors } from './model'
import { AgreementTag } from './parts'

export default function AgreementsPage() {
  const { t } = useTranslation()
  const mayWrite = useMay('register.write')
  const agreements = useAgreements()
  const vendors = useVendors()
  const systems = useSystems()
  const [editing, setEditing] = useState<{ item?: Schemas['AgreementItem'] }>()
  if (agreements.isPending) return <Loading rows={5} />
  if (agreements.isError) return <Failed error={agreements.error} retry={() => void agreements.refetch()} />
  return (
    <div className="stack">
      {mayWrite && <div className="row"><Button onClick={() => setEditing({})}><PlusIcon aria-hidden />{t('register:agreement.newTitle')}</Button></div>}
      {agreements.data.length === 0 ? <div className="panel"><Empty title={t('register:noneYet')} icon={<FileTextIcon aria-hidden />}>{t('register:noneText')}</Empty></div> : (
        <div className="panel table-wrap">
          <table className="plain-table">
            <thead><tr><th>{t('register:agreement.titleField')}</th><th>{t('register:agreement.vendor')}</th><th>{t('register:agreement.systems')}</th><th>{t('register:agreement.validity')}</th><th>{t('register:agreement.annexes')}</th><th /></tr></thead>
            <tbody>
              {agreements.data.map((a) => (
                <tr key={a.id}>
                  <td><strong>{a.data.title}</strong><div><AgreementTag state={a.state} /></div></td>
                  <td><Link to="/register/leverandorer/$id" params={{ id: a.data.vendorId }}>{nameIn(vendors.data, a.data.vendorId, t('register:unknown'))}</Link></td>
                  <td data-label={t('register:agreement.systems')}>{a.data.systems?.length ? a.data.systems.map((s) => nameIn(systems.data, s, s)).join(', ') : t('register:agreement.allSystems')}</td>
                  <td data-label={t('register:agreement.validity')} className="numeric">{day(a.validFrom)} – {a.validTo ? day(a.validTo) : t('register:open')}</td>
                  <td className="small">{t('register:agreement.annexCount', { n: a.data.annexes?.length ?? 0 })}<br />{t('register:agreement.pointCount', { n: a.data.checked?.length ?? 0 })}</td>
                  <td className="row-actions">{mayWrite && <Button variant="tertiary" data-size="sm" onClick={() => setEditing({ item: a })}>{t('register:edit')}</Button>}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {editing && <AgreementForm {...(editing.item ? { item: editing.item } : {})} close={() => setEditing(undefined)} />}
    </div>
  )
}
