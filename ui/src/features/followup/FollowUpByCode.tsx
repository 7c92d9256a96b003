import { Button } from '@digdir/designsystemet-react'
import { type FormEvent, useCallback, useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { data, deviation } from '../../api/client'
import type { components } from '../../api/deviation'
import { SelectField, TextField } from '../../components/Field'
import { Refusal } from '../../components/states'
import { usePageTitle } from '../../components/usePageTitle'
import { takeCode } from './code'
import { FollowUpView } from './FollowUpView'

type Schemas = components['schemas']

// The code alone opens the report; the session stays out of it, so that a
// signed-in person can follow an anonymous report without being tied to it.
const withoutSession = { credentials: 'omit' } as const

/** Follow-up with the receipt code. The code lives in this page's memory and nowhere else. */
export default function FollowUpByCode() {
  const { t } = useTranslation()
  usePageTitle(t('followup:title'))
  const [tenants, setTenants] = useState<Schemas['TenantChoice'][]>([])
  const [tenant, setTenant] = useState('')
  const [code, setCode] = useState('')
  const [faults, setFaults] = useState<{ tenant?: string; code?: string }>({})
  const [error, setError] = useState<unknown>()
  const [busy, setBusy] = useState(false)
  const [report, setReport] = useState<Schemas['FollowUp']>()

  const open = useCallback(async (from: { tenant: string; code: string }) => {
    setBusy(true)
    setError(undefined)
    try {
      setReport(await data(() => deviation.POST('/v1/public/follow-up', { body: from, ...withoutSession })))
      scrollTo({ top: 0 })
    } catch (problem) {
      setError(problem)
    } finally {
      setBusy(false)
    }
  }, [])

  useEffect(() => {
    data(() => deviation.GET('/v1/public/tenants')).then(({ items }) => {
      setTenants(items)
      if (items.length === 1) setTenant(items[0]!.tenant)
    }, setError)
    const handed = takeCode()
    if (handed) {
      setTenant(handed.tenant)
      setCode(handed.code)
      void open(handed)
    }
  }, [open])

  function submit(event: FormEvent): void {
    event.preventDefault()
    const wrong = {
      ...(tenant ? {} : { tenant: t('followup:missingTenant') }),
      ...(code.trim().length >= 16 ? {} : { code: t('followup:missingCode') }),
    }
    setFaults(wrong)
    if (Object.keys(wrong).length === 0) void open({ tenant, code: code.trim() })
  }

  if (report) {
    return (
      <div className="stack-6">
        <FollowUpView report={report} refresh={() => void open({ tenant, code: code.trim() })}
          write={(message) => data(() => deviation.POST('/v1/public/follow-up/messages', { body: { tenant, code: code.trim(), ...message }, ...withoutSession }))} />
        <div><Button type="button" variant="tertiary" onClick={() => { setReport(undefined); setCode('') }}>{t('followup:leave')}</Button></div>
      </div>
    )
  }
  return (
    <form className="question" onSubmit={submit} noValidate>
      <div className="stack-2">
        <h1>{t('followup:title')}</h1>
        <p className="soft">{t('followup:lead')}</p>
      </div>
      <SelectField label={t('followup:tenant')} value={tenant} fault={faults.tenant} onChange={(e) => setTenant(e.target.value)}>
        <option value="">{t('followup:chooseTenant')}</option>
        {tenants.map((item) => <option key={item.tenant} value={item.tenant}>{item.name}</option>)}
      </SelectField>
      <TextField label={t('followup:code')} help={t('followup:codeHelp')} value={code} fault={faults.code} className="ds-input mono"
        autoComplete="off" autoCapitalize="characters" spellCheck={false} maxLength={60} onChange={(e) => setCode(e.target.value)} />
      <Refusal error={error} />
      <div className="step-buttons"><Button type="submit" data-size="lg" loading={busy || undefined} disabled={busy}>{t('followup:open')}</Button></div>
    </form>
  )
}
