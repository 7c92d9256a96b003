import { Button } from '@digdir/designsystemet-react'
import { PadlockLockedIcon } from '@navikt/aksel-icons'
import { type ReactNode, useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { toast } from '../../components/toast'
import { i18n } from '../../i18n'
import { useWho } from '../../public/PublicSession'
import { relative } from '../../time/format'
import { unsent } from './draft'
import { type Answer, formText, type Form, missingFields, stepOf, visibleSteps } from './form'
import { ReceiptView } from './ReceiptView'
import { Review } from './Review'
import { fetchLater, StepFields } from './StepFields'
import { useDraft } from './useDraft'
import { useSending } from './useSending'

const WHO = 'who'
const REVIEW = 'review'

/** One question at a time, then a look over, then the receipt. */
export function Questionnaire({ tenant, tenantName, form }: { tenant: string; tenantName: string; form: Form }) {
  const { t } = useTranslation()
  const who = useWho()
  const { draft, change, throwAway, forget, kept, resumedFrom } = useDraft(tenant, form)
  const [showResumed, setShowResumed] = useState(resumedFrom !== undefined)
  const [faults, setFaults] = useState<Record<string, string>>({})
  const heading = useRef<HTMLHeadingElement>(null)
  const mayBeNamed = who.state === 'signed-in' && who.me.tenant.id === tenant && form.signIn !== 'none'
  const asksWho = mayBeNamed && form.signIn === 'optional'

  const sending = useSending({ tenant, form, draft, change, onSent: forget, onRefused: (refused) => {
    setFaults(refused)
    const first = Object.keys(refused)[0]
    const step = first && stepOf(form, first)
    if (step) go(step.id)
  } })

  const steps = [...(asksWho ? [WHO] : []), ...visibleSteps(form, draft.answers).map((step) => step.id), REVIEW]
  const at = Math.max(0, steps.indexOf(draft.step || steps[0]!))
  const current = steps[at]!
  const step = form.steps.find((s) => s.id === current)

  useEffect(() => void fetchLater(), [])

  function go(to: string, how: 'push' | 'none' = 'push'): void {
    change({ step: to })
    if (how === 'push') history.pushState({ step: to }, '')
  }

  // The browser's own back button goes back one question.
  useEffect(() => {
    const back = (event: PopStateEvent) => {
      const to = (event.state as { step?: string } | null)?.step
      change({ step: to ?? '' })
    }
    addEventListener('popstate', back)
    return () => removeEventListener('popstate', back)
  }, [change])

  // A screen reader hears the new question, and the page begins at its top.
  const drawn = useRef('')
  useEffect(() => {
    if (drawn.current && drawn.current !== current) {
      heading.current?.focus({ preventScroll: true })
      scrollTo({ top: 0 })
    }
    drawn.current = current
  }, [current])

  if (sending.receipt) return <ReceiptView tenant={tenant} tenantName={tenantName} receipt={sending.receipt} left={sending.left} named={draft.anonymous === false} />
  if (form.signIn === 'required' && who.state !== 'signed-in') {
    return who.state === 'unknown' ? null : <SignInNeeded tenant={tenant} />
  }

  function answer(name: string, value: Answer | undefined): void {
    change((d) => {
      const answers = { ...d.answers }
      if (value === undefined) delete answers[name]
      else answers[name] = value
      return { answers }
    })
    setFaults(({ [name]: _, ...rest }) => rest)
  }

  function next(): void {
    if (step) {
      const missing = missingFields(step, draft.answers)
      if (missing.length > 0) {
        setFaults(Object.fromEntries(missing.map((name) => [name, t('report:missing')])))
        requestAnimationFrame(() => document.querySelector<HTMLElement>('[aria-invalid="true"] input, [aria-invalid="true"]')?.focus())
        return
      }
    }
    setFaults({})
    setShowResumed(false)
    go(steps[at + 1]!)
  }

  const named = mayBeNamed && (form.signIn === 'required' || draft.anonymous === false)
  return (
    <form className="report" noValidate onSubmit={(event) => { event.preventDefault(); if (current === REVIEW) sending.send(named); else next() }}>
      {showResumed && resumedFrom !== undefined && !draft.sending && (
        <div className="ds-alert resumed" data-color="info" role="status">
          <p>{t('report:resumed', { when: relative(resumedFrom) })}{' '}
            <button type="button" className="link-button" onClick={() => { void throwAway(); setShowResumed(false) }}>{t('report:startAgain')}</button>
          </p>
        </div>
      )}
      <div className="progress">
        <span className="soft small">
          {tenantName} · {current === REVIEW ? t('report:lastStep') : t('report:step', { n: at + 1, of: steps.length - 1 })}
        </span>
        <progress value={at + 1} max={steps.length} aria-hidden />
      </div>
      <div className="question">
        {current === WHO && (
          <Question refTo={heading} title={t('report:who.title')}>
            <WhoStep name={who.state === 'signed-in' ? who.me.name : ''} anonymous={draft.anonymous} onChange={(anonymous) => change((d) => ({ anonymous, filesToken: undefined, files: d.files.map(unsent) }))} />
          </Question>
        )}
        {step && (
          <Question refTo={heading} title={formText(form, i18n.language, step.title)} help={formText(form, i18n.language, step.help)}>
            <StepFields key={step.id} tenant={tenant} form={form} step={step} draft={draft} change={change} answer={answer} faults={faults}
              signedIn={who.state !== 'anonymous'} />
          </Question>
        )}
        {current === REVIEW && (
          <Question refTo={heading} title={t('report:review.title')} help={t('report:review.lead')}>
            <Review form={form} draft={draft} named={named} name={who.state === 'signed-in' ? who.me.name : ''} asksWho={asksWho}
              onChange={(id) => go(id)} onChangeWho={() => go(WHO)} sending={sending} />
          </Question>
        )}
        <div className="step-buttons">
          <Button type="submit" data-size="lg" loading={sending.busy || undefined} disabled={sending.busy}>
            {current === REVIEW ? (sending.busy ? t('report:review.sending') : t('report:review.send')) : t('report:next')}
          </Button>
          {at > 0 && (
            <Button type="button" variant="tertiary" data-size="lg" disabled={sending.busy} onClick={() => go(steps[at - 1]!)}>{t('common:back')}</Button>
          )}
        </div>
      </div>
      <div className="kept">
        <PadlockLockedIcon aria-hidden />
        <span className="grow">{kept ? t('report:keptHere') : t('report:notKept')}</span>
        {Object.keys(draft.answers).length > 0 && (
          <button type="button" className="link-button" onClick={() => {
            if (!confirm(t('report:sureThrowAway'))) return
            void throwAway().then(() => toast(t('report:thrownAway')))
          }}>{t('report:throwAway')}</button>
        )}
        {who.state === 'anonymous' && form.signIn === 'optional' && at === 0 && (
          <span className="whole">
            {t('report:signInHint')} <a className="ds-link" href={`/logg-inn?til=${encodeURIComponent(`/meld/${tenant}`)}`}>{t('report:signInHintLink')}</a>.
          </span>
        )}
      </div>
    </form>
  )
}

function Question({ title, help, refTo, children }: { title: string; help?: string; refTo: React.Ref<HTMLHeadingElement>; children: ReactNode }) {
  return (
    <>
      <div className="stack-2">
        <h1 ref={refTo} tabIndex={-1}>{title}</h1>
        {help && <p className="soft">{help}</p>}
      </div>
      {children}
    </>
  )
}

function WhoStep({ name, anonymous, onChange }: { name: string; anonymous: boolean | undefined; onChange: (anonymous: boolean) => void }) {
  const { t } = useTranslation()
  const choices = [
    { value: false, label: t('report:who.named', { name }), help: t('report:who.namedHelp') },
    { value: true, label: t('report:who.anonymous'), help: t('report:who.anonymousHelp') },
  ]
  return (
    <fieldset className="group">
      <legend className="sr-only">{t('report:who.title')}</legend>
      {choices.map((choice) => (
        <label className="choice" key={String(choice.value)}>
          <input type="radio" name="who" checked={(anonymous ?? true) === choice.value} onChange={() => onChange(choice.value)} />
          <span>{choice.label}</span>
          <span className="choice-help">{choice.help}</span>
        </label>
      ))}
    </fieldset>
  )
}

function SignInNeeded({ tenant }: { tenant: string }) {
  const { t } = useTranslation()
  return (
    <div className="card stack">
      <h1>{t('report:signInNeeded.title')}</h1>
      <p>{t('report:signInNeeded.text')}</p>
      <div><a className="ds-button" data-variant="primary" href={`/logg-inn?til=${encodeURIComponent(`/meld/${tenant}`)}`}>{t('common:signIn')}</a></div>
    </div>
  )
}
