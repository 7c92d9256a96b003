import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { data, deviation } from '../../api/client'
import type { components } from '../../api/deviation'
import { Empty, Failed, Loading } from '../../components/states'
import { usePageTitle } from '../../components/usePageTitle'
import { i18n } from '../../i18n'
import { useWho } from '../../public/PublicSession'
import { formText, type Form } from './form'
import { Questionnaire } from './Questionnaire'

type Schemas = components['schemas']
type Result<T> = { state: 'loading' } | { state: 'failed'; error: unknown } | { state: 'ready'; data: T }

function useLoaded<T>(load: () => Promise<T>, key: string): [Result<T>, () => void] {
  const [result, setResult] = useState<Result<T>>({ state: 'loading' })
  const [round, setRound] = useState(0)
  // biome-ignore lint: `load` is made anew at each drawing; `key` says what it loads
  useEffect(() => {
    let live = true
    setResult({ state: 'loading' })
    load().then(
      (data) => live && setResult({ state: 'ready', data }),
      (error: unknown) => live && setResult({ state: 'failed', error }),
    )
    return () => { live = false }
  }, [key, round])
  return [result, () => setRound((n) => n + 1)]
}

export default function ReportPage({ tenant }: { tenant?: string }) {
  const { t } = useTranslation()
  usePageTitle(t('report:title'))
  return tenant ? <ReportTo tenant={tenant} /> : <ChooseTenant />
}

function ChooseTenant() {
  const { t } = useTranslation()
  const who = useWho()
  const [tenants, again] = useLoaded(() => data(() => deviation.GET('/v1/public/tenants')), 'tenants')
  const own = who.state === 'signed-in' ? who.me.tenant.id : undefined
  const known = tenants.state === 'ready' ? tenants.data.items : []
  const only = known.length === 1 ? known[0]?.tenant : known.find((item) => item.tenant === own)?.tenant
  useEffect(() => {
    if (only) location.replace(`/meld/${only}`)
  }, [only])

  if (tenants.state === 'failed') return <Failed error={tenants.error} retry={again} />
  if (tenants.state === 'loading' || only) return <Loading rows={3} />
  if (known.length === 0) return <Empty title={t('report:chooseTenant.emptyTitle')}>{t('report:chooseTenant.emptyText')}</Empty>
  return (
    <div className="stack-6">
      <div className="stack-2">
        <h1>{t('report:chooseTenant.title')}</h1>
        <p className="soft">{t('report:chooseTenant.lead')}</p>
      </div>
      <nav className="stack-2" aria-label={t('report:chooseTenant.title')}>
        {known.map((item) => (
          <a className="door" key={item.tenant} href={`/meld/${item.tenant}`}>
            <strong>{item.name}</strong>
          </a>
        ))}
      </nav>
    </div>
  )
}

async function loadForms(tenant: string, own: boolean): Promise<{ forms: Schemas['FormSummary'][]; only?: Form; tenantName: string }> {
  const [list, tenants] = await Promise.all([
    data(() => deviation.GET('/v1/public/tenants/{tenant}/forms', { params: { path: { tenant } } })),
    data(() => deviation.GET('/v1/public/tenants')),
  ])
  const tenantName = tenants.items.find((item) => item.tenant === tenant)?.name ?? tenant
  const first = list.items[0]
  if (list.items.length !== 1 || !first) return { forms: list.items, tenantName }
  return { forms: list.items, only: await loadForm(tenant, first.formType, own), tenantName }
}

/** The form as everybody sees it; one's own municipality's names every system. */
function loadForm(tenant: string, formType: string, own: boolean): Promise<Form> {
  const open = () => data(() => deviation.GET('/v1/public/tenants/{tenant}/forms/{formType}', { params: { path: { tenant, formType } } }))
  if (!own) return open()
  return data(() => deviation.GET('/v1/forms/{formType}', { params: { path: { formType } } })).catch(open)
}

function ReportTo({ tenant }: { tenant: string }) {
  const who = useWho()
  // Known before the form is shown, because what is written must not change
  // under one's hands; but nobody waits long for whoever answers that.
  const [waited, setWaited] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => setWaited(true), 1500)
    return () => clearTimeout(timer)
  }, [])
  if (who.state === 'unknown' && !waited) return <Loading rows={4} />
  return <ReportFor tenant={tenant} own={who.state === 'signed-in' && who.me.tenant.id === tenant} />
}

function ReportFor({ tenant, own }: { tenant: string; own: boolean }) {
  const { t } = useTranslation()
  const [forms, again] = useLoaded(() => loadForms(tenant, own), tenant)
  const [formType, setFormType] = useState<string>()
  if (forms.state === 'failed') return <Failed error={forms.error} retry={again} />
  if (forms.state === 'loading') return <Loading rows={4} />
  const { only, tenantName } = forms.data
  if (only) return <Questionnaire key={only.formType} tenant={tenant} tenantName={tenantName} form={only} />
  if (formType) return <ChosenForm tenant={tenant} tenantName={tenantName} formType={formType} own={own} />
  if (forms.data.forms.length === 0) return <Empty title={t('report:chooseForm.emptyTitle')}>{t('report:chooseForm.emptyText')}</Empty>
  return (
    <div className="stack-6">
      <div className="stack-2">
        <p className="soft">{tenantName}</p>
        <h1>{t('report:chooseForm.title')}</h1>
      </div>
      <div className="stack-2">
        {forms.data.forms.map((form) => (
          <button type="button" className="door" key={form.formType} onClick={() => setFormType(form.formType)}>
            <strong>{formText({ texts: form.texts ?? {} }, i18n.language, form.title)}</strong>
          </button>
        ))}
      </div>
    </div>
  )
}

function ChosenForm({ tenant, tenantName, formType, own }: { tenant: string; tenantName: string; formType: string; own: boolean }) {
  const [form, again] = useLoaded(() => loadForm(tenant, formType, own), formType)
  if (form.state === 'failed') return <Failed error={form.error} retry={again} />
  if (form.state === 'loading') return <Loading rows={4} />
  return <Questionnaire tenant={tenant} tenantName={tenantName} form={form.data} />
}
