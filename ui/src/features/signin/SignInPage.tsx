import { Button } from '@digdir/designsystemet-react'
import { type FormEvent, useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { asProblem, data, identity } from '../../api/client'
import { TextField } from '../../components/Field'
import { Refusal } from '../../components/states'
import { usePageTitle } from '../../components/usePageTitle'
import { homeOf, loadMe, loadSession, safeReturn, signIn, type Session } from '../../session/session'

/** Sign-in: name and password, then the code where the account has a second factor. */
export default function SignInPage() {
  const { t } = useTranslation()
  usePageTitle(t('signin:title'))
  const query = new URLSearchParams(location.search)
  const [session, setSession] = useState<Session>()
  const [name, setName] = useState('')
  const [password, setPassword] = useState('')
  const [code, setCode] = useState('')
  const [asksCode, setAsksCode] = useState(false)
  const [mustChange, setMustChange] = useState(false)
  const [faults, setFaults] = useState<Record<string, string>>({})
  const [error, setError] = useState<unknown>()
  const [busy, setBusy] = useState(false)

  useEffect(() => { loadSession().then(setSession, () => undefined) }, [])

  async function go(): Promise<void> {
    const me = await loadMe()
    location.assign(safeReturn(query.get('til')) ?? homeOf(me))
  }

  async function enter(as: { name: string; password: string; code?: string }): Promise<void> {
    setBusy(true)
    setError(undefined)
    try {
      const opened = await signIn(as.name, as.password, as.code)
      if (opened.mustChangePassword) { setPassword(as.password); setMustChange(true) }
      else await go()
    } catch (thrown) {
      const problem = asProblem(thrown)
      if (problem.slug === 'second-factor-required') setAsksCode(true)
      else setError(problem)
    } finally {
      setBusy(false)
    }
  }

  function submit(event: FormEvent): void {
    event.preventDefault()
    const wrong: Record<string, string> = {}
    if (!name.trim()) wrong.name = t('signin:missingName')
    if (!password) wrong.password = t('signin:missingPassword')
    if (asksCode && !/^\d{6}$/.test(code)) wrong.code = t('signin:missingCode')
    setFaults(wrong)
    if (Object.keys(wrong).length === 0) void enter({ name: name.trim(), password, ...(asksCode ? { code } : {}) })
  }

  if (mustChange) return <ChangePassword current={password} done={go} />
  const demo = session?.demoAccounts ?? []
  return (
    <div className="stack-6">
      <form className="question" onSubmit={submit} noValidate>
        <div className="stack-2">
          <h1>{t('signin:title')}</h1>
          <p className="soft">{t(asksCode ? 'signin:codeLead' : query.has('utlopt') ? 'signin:expired' : 'signin:lead')}</p>
        </div>
        {asksCode ? (
          <TextField label={t('signin:code')} help={t('signin:codeHelp')} value={code} fault={faults.code} inputMode="numeric" autoComplete="one-time-code"
            maxLength={6} autoFocus onChange={(e) => setCode(e.target.value.replace(/\D/g, ''))} />
        ) : (
          <>
            <TextField label={t('signin:name')} help={t('signin:nameHelp')} name="username" value={name} fault={faults.name} autoComplete="username"
              autoCapitalize="none" spellCheck={false} maxLength={254} onChange={(e) => setName(e.target.value)} />
            <TextField label={t('signin:password')} name="password" type="password" value={password} fault={faults.password} autoComplete="current-password"
              maxLength={1024} onChange={(e) => setPassword(e.target.value)} />
          </>
        )}
        <Refusal error={error} />
        <div className="step-buttons">
          <Button type="submit" data-size="lg" loading={busy || undefined} disabled={busy}>{t('signin:submit')}</Button>
          {asksCode && <Button type="button" variant="tertiary" data-size="lg" onClick={() => { setAsksCode(false); setCode('') }}>{t('common:back')}</Button>}
        </div>
      </form>
      {demo.length > 0 && !asksCode && (
        <section className="stack" aria-labelledby="demo-title">
          <div className="stack-2">
            <h2 id="demo-title" className="strong">{t('signin:demoTitle')}</h2>
            <p className="soft">{t('signin:demoLead')}</p>
          </div>
          <div className="demo-accounts">
            {demo.map((account) => (
              <button type="button" key={account.name} disabled={busy} onClick={() => { setName(account.name); void enter(account) }}>
                <strong>{t(`signin:demoRole.${account.role}`)}</strong>
                <span className="soft small">{account.name}</span>
              </button>
            ))}
          </div>
        </section>
      )}
      <p className="soft">{t('signin:noAccount')} <a className="ds-link" href="/meld">{t('signin:noAccountLink')}</a>.</p>
    </div>
  )
}

function ChangePassword({ current, done }: { current: string; done: () => Promise<void> }) {
  const { t } = useTranslation()
  const [next, setNext] = useState('')
  const [again, setAgain] = useState('')
  const [faults, setFaults] = useState<Record<string, string>>({})
  const [error, setError] = useState<unknown>()
  const [busy, setBusy] = useState(false)

  async function submit(event: FormEvent): Promise<void> {
    event.preventDefault()
    const wrong: Record<string, string> = {}
    if ([...next].length < 12) wrong.next = t('signin:change.tooShort')
    else if (next !== again) wrong.again = t('signin:change.differs')
    setFaults(wrong)
    if (Object.keys(wrong).length > 0) return
    setBusy(true)
    setError(undefined)
    try {
      await data(() => identity.POST('/v1/me/password', { body: { current, new: next } }))
      await done()
    } catch (problem) {
      setError(problem)
      setBusy(false)
    }
  }

  return (
    <form className="question" onSubmit={(event) => void submit(event)} noValidate>
      <div className="stack-2">
        <h1>{t('signin:change.title')}</h1>
        <p className="soft">{t('signin:change.lead')}</p>
      </div>
      <TextField label={t('signin:change.new')} help={t('signin:change.newHelp')} type="password" autoComplete="new-password" value={next} fault={faults.next} onChange={(e) => setNext(e.target.value)} />
      <TextField label={t('signin:change.again')} type="password" autoComplete="new-password" value={again} fault={faults.again} onChange={(e) => setAgain(e.target.value)} />
      <Refusal error={error} />
      <div className="step-buttons"><Button type="submit" data-size="lg" loading={busy || undefined} disabled={busy}>{t('signin:change.submit')}</Button></div>
    </form>
  )
}
