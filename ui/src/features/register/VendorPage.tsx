import { Button } from '@digdir/designsystemet-react'
import { CheckmarkCircleIcon, ExclamationmarkTriangleIcon } from '@navikt/aksel-icons'
import { useParams } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { register } from '../../api/client'
import { useMay } from '../../app/MeContext'
import { PageHead, Panel } from '../../components/Page'
import { Failed, Loading } from '../../components/states'
import { day, dayAndTime } from '../../time/format'
import { AgreementForm } from './AgreementForm'
import { annexes, points, type Schemas, useOverview } from './model'
import { AgreementTag, EndRecord, Weaknesses, WindowTag } from './parts'
import { PersonForm } from './PersonForm'
import { VendorForm } from './VendorForm'
import { RequestWindow } from './WindowForms'

type Dialog = { is: 'vendor' | 'request' } | { is: 'agreement'; item?: Schemas['AgreementItem'] } | { is: 'person'; item?: Schemas['VendorPersonItem'] } | { is: 'end-person'; item: Schemas['VendorPersonItem'] }

/** A vendor at a glance: what is wrong first, then agreements, people, windows. */
export default function VendorPage() {
  const { t } = useTranslation()
  const { id } = useParams({ strict: false }) as { id: string }
  const overview = useOverview(id)
  const mayWrite = useMay('register.write')
  const mayRequest = useMay('window.request')
  const [dialog, setDialog] = useState<Dialog>()
  if (overview.isPending) return <Loading rows={6} />
  if (overview.isError) return <Failed error={overview.error} retry={() => void overview.refetch()} />
  const o = overview.data
  const v = o.vendor.data
  const close = () => setDialog(undefined)
  const wrong = [
    ...o.systems.filter((s) => !['valid', 'expiring'].includes(s.agreementState)).map((s) => t('register:vendor.systemBad', { system: s.name, state: t(`register:agreementState.${s.agreementState}`).toLowerCase() })),
    ...(o.people.length === 0 ? [t('register:vendor.noPeople')] : []),
  ]
  return (
    <>
      <PageHead title={v.name} back={{ to: '/register/leverandorer', label: t('register:tabs.vendors') }} lead={[v.orgNumber, v.contact].filter(Boolean).join(' · ')}
        above={<div className="row-tight tags-above"><AgreementTag state={o.agreementState} /></div>}
        actions={<>{mayWrite && <Button variant="secondary" onClick={() => setDialog({ is: 'vendor' })}>{t('register:edit')}</Button>}{mayRequest && <Button onClick={() => setDialog({ is: 'request' })}>{t('register:window.request')}</Button>}</>} />
      <div className="stack-6">
        <div className="ds-alert" data-color={wrong.length > 0 ? 'danger' : 'success'}>
          <p className="strong">{t('register:vendor.glance')}</p>
          {wrong.length > 0 ? <ul className="plain weak-list">{wrong.map((text) => <li key={text}><ExclamationmarkTriangleIcon aria-hidden />{text}</li>)}</ul> : <p className="row-tight"><CheckmarkCircleIcon aria-hidden />{t('register:vendor.good')}</p>}
        </div>
        <Panel title={t('register:tabs.windows')} id="vinduer">
          {o.windows.length === 0 ? <p className="soft">{t('register:window.noneText')}</p> : (
            <ul className="plain list">{o.windows.map((w) => <li key={w.id} className="spread"><span>{dayAndTime(w.data.from)} – {dayAndTime(w.data.to)}{w.data.reason && <span className="soft"> · {w.data.reason}</span>}</span><WindowTag state={w.state} /></li>)}</ul>
          )}
        </Panel>
        <Panel title={t('register:vendor.agreements')} id="avtaler" actions={mayWrite && <Button variant="secondary" data-size="sm" onClick={() => setDialog({ is: 'agreement' })}>{t('register:agreement.newTitle')}</Button>}>
          {o.agreements.length === 0 ? <p className="soft">{t('register:agreementState.missing')}</p> : (
            <ul className="plain list">
              {o.agreements.map((a) => (
                <li key={a.id} className="spread">
                  <span className="stack-2">
                    <strong>{a.data.title}</strong>
                    <span className="soft small">{day(a.validFrom)} – {a.validTo ? day(a.validTo) : t('register:open')} · {t('register:agreement.annexCount', { n: a.data.annexes?.length ?? 0, of: annexes.length })} · {t('register:agreement.pointCount', { n: a.data.checked?.length ?? 0, of: points.length })}</span>
                  </span>
                  <span className="row-tight"><AgreementTag state={a.state} />{mayWrite && <Button variant="tertiary" data-size="sm" onClick={() => setDialog({ is: 'agreement', item: a })}>{t('register:edit')}</Button>}</span>
                </li>
              ))}
            </ul>
          )}
        </Panel>
        <Panel title={t('register:vendor.systems')} id="systemer">
          {o.systems.length === 0 ? <p className="soft">{t('common:none')}</p> : (
            <ul className="plain list">{o.systems.map((s) => <li key={s.systemId} className="spread"><span>{s.name}</span><span className="row-tight">{s.validTo && <span className="soft small">{t('register:vendor.until', { day: day(s.validTo) })}</span>}<AgreementTag state={s.agreementState} /></span></li>)}</ul>
          )}
        </Panel>
        <Panel title={t('register:vendor.people')} id="tilgangsliste" actions={mayWrite && <Button variant="secondary" data-size="sm" onClick={() => setDialog({ is: 'person' })}>{t('register:person.new')}</Button>}>
          {o.people.length === 0 ? <p className="soft">{t('register:vendor.noPeople')}</p> : (
            <ul className="plain list">
              {o.people.map((p) => (
                <li key={p.id} className="spread">
                  <span className="stack-2"><strong>{p.data.name}</strong>
                    <span className="soft small">{[...(p.data.accounts ?? []).map((a) => o.accounts.find((x) => x.id === a)?.data.name ?? a), ...(p.data.networks ?? []), ...(p.data.certIds ?? [])].join(' · ')}</span>
                    {p.weaknesses && p.weaknesses.length > 0 && <Weaknesses of={p.weaknesses} />}
                  </span>
                  {mayWrite && <span className="row-tight"><Button variant="tertiary" data-size="sm" onClick={() => setDialog({ is: 'person', item: p })}>{t('register:edit')}</Button><Button variant="tertiary" data-size="sm" onClick={() => setDialog({ is: 'end-person', item: p })}>{t('register:end')}</Button></span>}
                </li>
              ))}
            </ul>
          )}
        </Panel>
        {o.accounts.length > 0 && (
          <Panel title={t('register:vendor.accountsTitle')} id="kontoer">
            <ul className="plain list">{o.accounts.map((a) => <li key={a.id}><code>{a.data.realm ? `${a.data.realm}\\` : ''}{a.data.name}</code></li>)}</ul>
          </Panel>
        )}
      </div>
      {dialog?.is === 'vendor' && <VendorForm item={o.vendor} close={close} />}
      {dialog?.is === 'request' && <RequestWindow vendorId={id} close={close} />}
      {dialog?.is === 'agreement' && <AgreementForm vendorId={id} {...(dialog.item ? { item: dialog.item } : {})} close={close} />}
      {dialog?.is === 'person' && <PersonForm vendorId={id} accounts={o.accounts} {...(dialog.item ? { item: dialog.item } : {})} close={close} />}
      {dialog?.is === 'end-person' && <EndRecord name={dialog.item.data.name} close={close} call={() => register.POST('/v1/vendor-persons/{id}/end', { params: { path: { id: dialog.item.id } }, body: { revision: dialog.item.revision } })} />}
    </>
  )
}
