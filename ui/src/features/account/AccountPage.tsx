import { Button, ToggleGroup } from '@digdir/designsystemet-react'
import { type FormEvent, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { data, identity } from '../../api/client'
import { type ColorScheme, colorScheme, setColorScheme } from '../../app/colorScheme'
import { useMe } from '../../app/MeContext'
import { OwnLanguage } from '../../app/OwnLanguage'
import { TextField } from '../../components/Field'
import { PageHead, Panel } from '../../components/Page'
import { Refusal } from '../../components/states'
import { toast } from '../../components/toast'
import type { components } from '../../api/identity'
import { Absence } from './Absence'

export default function AccountPage() {
  const { t } = useTranslation()
  const me = useMe()
  const [scheme, setScheme] = useState<ColorScheme>(colorScheme())
  // Whoever sees the others of the municipality can name a delegate among them.
  const names = me.allowed.some((p) => p.action === 'directory.read' && p.scope !== 'own')
  return (
    <div className="narrow">
      <PageHead title={t('account:title')} lead={t('account:lead', { name: me.name, tenant: me.tenant.name })} />
      <div className="stack-6">
        <Panel title={t('account:roles')} id="roller">
          <ul>{me.roles.map((r, i) => <li key={`${r.role}${i}`}>{r.unitId && r.unitId === me.unit?.id ? t('account:roleIn', { role: t(`app:role.${r.role}`), unit: me.unit.name }) : t(`app:role.${r.role}`)}</li>)}</ul>
        </Panel>
        {names && !me.roles.some((r) => r.role === 'administrator') && <Absence />}
        <Panel title={t('account:appearance')} id="utseende">
          <ToggleGroup value={scheme} onChange={(value) => { setScheme(value as ColorScheme); setColorScheme(value as ColorScheme) }} aria-label={t('account:scheme')}>
            {(['auto', 'light', 'dark'] as const).map((s) => <ToggleGroup.Item key={s} value={s}>{t(`account:${s}`)}</ToggleGroup.Item>)}
          </ToggleGroup>
        </Panel>
        <Panel title={t('account:language')} id="sprak">
          <OwnLanguage />
        </Panel>
        <Password />
        <SecondFactor on={me.secondFactor} />
      </div>
    </div>
  )
}

function useAction() {
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<unknown>()
  const run = async (call: () => Promise<void>) => {
    setBusy(true)
    setError(undefined)
    await call().catch(setError)
    setBusy(false)
  }
  return { busy, error, run }
}

function Password() {
  const { t } = useTranslation()
  const { busy, error, run } = useAction()
  const [current, setCurrent] = useState('')
  const [next, setNext] = useState('')
  const [faults, setFaults] = useState<{ current?: string; next?: string }>({})
  function submit(event: FormEvent): void {
    event.preventDefault()
    const wrong = { ...(current ? {} : { current: t('account:password.missing') }), ...([...next].length < 12 ? { next: t('account:password.short') } : {}) }
    setFaults(wrong)
    if (Object.keys(wrong).length > 0) return
    void run(async () => {
      await data(() => identity.POST('/v1/me/password', { body: { current, new: next } }))
      setCurrent('')
      setNext('')
      toast(t('account:password.done'))
    })
  }
  return (
    <Panel title={t('account:password.title')} id="passord">
      <form className="stack" onSubmit={submit} noValidate>
        <TextField label={t('account:password.current')} type="password" autoComplete="current-password" value={current} fault={faults.current} onChange={(e) => setCurrent(e.target.value)} />
        <TextField label={t('account:password.new')} help={t('account:password.newHelp')} type="password" autoComplete="new-password" value={next} fault={faults.next} onChange={(e) => setNext(e.target.value)} />
        <Refusal error={error} />
        <div><Button type="submit" variant="secondary" loading={busy || undefined}>{t('account:password.submit')}</Button></div>
      </form>
    </Panel>
  )
}

function SecondFactor({ on: initially }: { on: boolean }) {
  const { t } = useTranslation()
  const { busy, error, run } = useAction()
  const [on, setOn] = useState(initially)
  const [password, setPassword] = useState('')
  const [code, setCode] = useState('')
  const [setup, setSetup] = useState<components['schemas']['SecondFactorSetup']>()
  const reset = () => { setPassword(''); setCode(''); setSetup(undefined) }
  function submit(event: FormEvent): void {
    event.preventDefault()
    void run(async () => {
      if (on) {
        await data(() => identity.POST('/v1/me/second-factor/remove', { body: { password, code } }))
        setOn(false)
        reset()
        toast(t('account:factor.removed'))
      } else if (!setup) {
        setSetup(await data(() => identity.POST('/v1/me/second-factor', { body: { password } })))
      } else {
        await data(() => identity.POST('/v1/me/second-factor/confirm', { body: { code } }))
        setOn(true)
        reset()
        toast(t('account:factor.done'))
      }
    })
  }
  const asksCode = on || setup !== undefined
  return (
    <Panel title={t('account:factor.title')} id="kodeapp">
      <form className="stack" onSubmit={submit} noValidate>
        <p className="soft">{t(on ? 'account:factor.on' : 'account:factor.off')}</p>
        {setup && (
          <div className="stack-2">
            <p>{t('account:factor.secret')}</p>
            <code className="logline">{setup.secret}</code>
            <a className="ds-link" href={setup.uri}>{t('account:factor.open')}</a>
          </div>
        )}
        {!setup && <TextField label={t('app:stepUp.password')} help={on ? undefined : t('account:factor.beginLead')} type="password" autoComplete="current-password" value={password} onChange={(e) => setPassword(e.target.value)} />}
        {asksCode && <TextField label={t('account:factor.code')} inputMode="numeric" autoComplete="one-time-code" maxLength={6} value={code} onChange={(e) => setCode(e.target.value.replace(/\D/g, ''))} />}
        <Refusal error={error} />
        <div><Button type="submit" variant="secondary" loading={busy || undefined} disabled={busy || (!setup && !password) || (asksCode && code.length !== 6)}>{t(on ? 'account:factor.remove' : setup ? 'account:factor.confirm' : 'account:factor.begin')}</Button></div>
      </form>
    </Panel>
  )
}
