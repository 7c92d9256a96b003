import { Button } from '@digdir/designsystemet-react'
import { CheckmarkCircleFillIcon, CircleIcon } from '@navikt/aksel-icons'
import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { cases } from '../../api/client'
import { Panel } from '../../components/Page'
import { categoryText, useReason } from '../../components/reason'
import { Refusal } from '../../components/states'
import { Time } from '../../components/Time'
import { dayAndTime, duration, exact, relative } from '../../time/format'
import { can, type Case, type Schemas, useCaseAction } from './api'
import type { Open, OpenDialog } from './open'

/** The one button, and a sentence on why. */
export function NextStep({ c, open }: { c: Case; open: Open }) {
  const { t } = useTranslation()
  const reason = useReason()
  const action = useCaseAction(c.summary.id)
  const next = nextOf(c)
  const press = () => {
    if (next?.opens) return open(next.opens)
    if (c.nextStep === 'settle-measures') return document.getElementById('tiltak')?.scrollIntoView({ behavior: 'smooth' })
    void action.run(() => cases.POST('/v1/cases/{caseId}/acknowledge', { params: { path: { caseId: c.summary.id } } }), t('case:acknowledged'))
  }
  const text = c.nextStep === 'none' ? t('case:next.noneText') : next ? t(next.text) : t('case:next.notYours')
  return (
    <section className="panel panel-pad next-step stack" aria-labelledby="neste">
      <h2 className="panel-title" id="neste">{t('case:next.title')}</h2>
      <p>{text}</p>
      <Refusal error={action.error} />
      {next && <Button data-size="md" loading={action.busy || undefined} disabled={action.busy} onClick={press}>{t(next.label)}</Button>}
      {c.involved && <p className="small">{t('case:involved')}</p>}
      <p className="small soft only-phone">{reason(c.routing.sentence ?? c.routing.steps.at(-1))}</p>
    </section>
  )
}

type Next = { label: string; text: string; opens?: OpenDialog }

/** What this person can do next; undefined where it is somebody else's turn. */
function nextOf(c: Case): Next | undefined {
  switch (c.nextStep) {
    case 'acknowledge':
      // Of a closed case it is what the reporter wrote that is seen, and no case that is taken on.
      if (c.summary.waitingFor === 'answer-after-closing') return can(c, 'acknowledge') ? { label: 'case:next.answer', text: 'case:next.answerText' } : undefined
      return can(c, 'acknowledge') ? { label: 'case:next.acknowledge', text: 'case:next.acknowledgeText' } : undefined
    case 'decide': return can(c, 'decide') ? { label: 'case:next.decide', text: 'case:next.decideText', opens: { is: 'decide' } } : undefined
    case 'add-measures': return can(c, 'measure') ? { label: 'case:next.add-measures', text: 'case:next.add-measuresText', opens: { is: 'measure' } } : undefined
    case 'settle-measures': return can(c, 'settle') ? { label: 'case:next.settle-measures', text: 'case:next.settle-measuresText' } : undefined
    case 'check-effect':
      if (can(c, 'check-effect')) return { label: 'case:next.check-effect', text: 'case:next.check-effectText', opens: { is: 'effect' } }
      return can(c, 'measure') && !c.effectChecker ? { label: 'case:next.check-effectAsk', text: 'case:next.check-effectText', opens: { is: 'ask-effect' } } : undefined
    case 'close': return closeOf(c)
    default: return undefined
  }
}

/** Closing, or the one thing that still stands before it. The outcome for the reporter is written while closing. */
function closeOf(c: Case): Next | undefined {
  const left = c.blockers.filter((b) => b.slug !== 'outcome-missing')
  if (left.length === 0) return can(c, 'close') || can(c, 'decide') ? { label: 'case:next.close', text: 'case:next.closeText', opens: { is: 'close' } } : undefined
  if (!can(c, 'decide')) return undefined
  const first = left[0]!
  if (first.slug === 'restored-missing') return { label: 'case:actions.restored', text: 'case:next.restoredText', opens: { is: 'restored' } }
  const regime = first.params?.regime
  if (first.slug === 'notification-open' && (regime === 'gdpr' || regime === 'digital-security')) return { label: 'case:deadlines.meet', text: 'case:next.notifyText', opens: { is: 'meet', regime } }
  return undefined
}

export function Routing({ c }: { c: Case }) {
  const { t } = useTranslation()
  const reason = useReason()
  const name = c.summary.handler?.name
  return (
    <Panel title={name ? t('case:routing.title', { name }) : t('case:routing.titleNobody')} id="vei">
      <div className="stack-2">
        <p>{reason(c.routing.sentence ?? c.routing.steps.at(-1))}</p>
        {c.routing.escalatesAt && <p className="small soft">{t('case:routing.escalates', { when: relative(c.routing.escalatesAt) })}</p>}
        {c.routing.escalations > 0 && <p className="small soft">{t('case:routing.escalated', { count: c.routing.escalations })}</p>}
        {c.routing.steps.length > 1 && (
          <details>
            <summary className="small">{t('case:routing.steps')}</summary>
            <ol className="small routing-steps">{c.routing.steps.map((step, i) => <li key={`${step.slug}${i}`}>{reason(step)}</li>)}</ol>
          </details>
        )}
      </div>
    </Panel>
  )
}

/** The clocks, running. */
export function Deadlines({ c, open }: { c: Case; open: Open }) {
  const { t } = useTranslation()
  const reason = useReason()
  const [now, setNow] = useState(Date.now())
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 30_000)
    return () => clearInterval(timer)
  }, [])
  if (c.deadlines.length === 0) return null
  const state = (d: Schemas['Deadline']) => {
    if (d.metAt) return t(d.overdue ? 'case:deadlines.metLate' : 'case:deadlines.met')
    const left = Date.parse(d.dueAt) - now
    return t(left >= 0 ? 'case:deadlines.left' : 'case:deadlines.over', { duration: duration(left) })
  }
  return (
    <Panel title={t('case:deadlines.title')} id="frister">
      {c.deadlines.map((d) => (
        <div className="clock-row" key={d.regime} data-met={(d.metAt && !d.overdue) || undefined} data-overdue={(d.overdue || (!d.metAt && Date.parse(d.dueAt) < now)) || undefined}>
          <span>{t(`case:regime.${d.regime}`)}</span>
          <strong title={exact(d.metAt ?? d.dueAt)}>{state(d)}</strong>
          <span className="soft">{t('case:deadlines.due', { when: dayAndTime(d.dueAt) })}. {reason(d.basis)}{d.note && ` ${d.note}`}</span>
          {(d.regime === 'gdpr' || d.regime === 'digital-security') && !d.metAt && can(c, 'assess') && (
            <span><Button variant="tertiary" data-size="sm" onClick={() => open({ is: 'meet', regime: d.regime as 'gdpr' })}>{t('case:deadlines.meet')}</Button></span>
          )}
        </div>
      ))}
    </Panel>
  )
}

/** What stands between the case and its closing, with what is in place already. */
export function Closing({ c }: { c: Case }) {
  const { t } = useTranslation()
  const reason = useReason()
  if (c.closed || c.summary.state === 'rejected' || c.summary.state === 'closed') return null
  const missing = new Set(c.blockers.map((b) => b.slug))
  const done = [
    missing.has('decision-missing') ? undefined : 'decision',
    missing.has('measures-missing') || missing.has('measure-unsettled') ? undefined : 'measures',
    [...missing].some((slug) => slug.startsWith('effect-check')) ? undefined : 'effect',
    !c.report || missing.has('outcome-missing') ? undefined : 'outcome',
  ].filter((d) => d !== undefined)
  return (
    <Panel title={t('case:closing.title')} id="lukking">
      <ul className="check-list">
        {done.map((d) => <li key={d} data-done><CheckmarkCircleFillIcon aria-label={t('common:yes')} />{t(`case:closing.has.${d}`)}</li>)}
        {c.blockers.map((b) => <li key={b.slug} data-open><CircleIcon aria-label={t('common:no')} /><span>{reason(b)}</span></li>)}
      </ul>
      {c.blockers.length === 0 && <p className="soft small">{t('case:closing.ready')}</p>}
    </Panel>
  )
}

export function Facts({ c, open }: { c: Case; open: Open }) {
  const { t } = useTranslation()
  const s = c.summary
  return (
    <Panel title={t('case:facts.title')} id="om" actions={can(c, 'assess') && <Button variant="tertiary" data-size="sm" onClick={() => open({ is: 'assess' })}>{t('case:actions.assess')}</Button>}>
      <dl className="facts tight">
        <dt>{t('case:facts.handler')}</dt><dd>{s.handler?.name ?? t('case:facts.nobody')}{s.handler?.title && <span className="soft">, {s.handler.title}</span>}</dd>
        {s.system && <><dt>{t('case:facts.system')}</dt><dd>{s.system.name ?? s.system.id}</dd></>}
        {s.unit && <><dt>{t('case:facts.unit')}</dt><dd>{s.unit.name ?? s.unit.id}</dd></>}
        {s.vendor && <><dt>{t('case:facts.vendor')}</dt><dd>{s.vendor.name ?? s.vendor.id}</dd></>}
        <dt>{t('case:facts.kind')}</dt><dd>{t(`case:kind.${s.kind}`)}</dd>
        {s.category && <><dt>{t('case:facts.category')}</dt><dd className="first-upper">{categoryText(s.category)}</dd></>}
        <dt>{t('case:facts.personalData')}</dt><dd>{t(`case:personalData.${c.personalData ?? 'unknown'}`)}</dd>
        <dt>{t('case:facts.created')}</dt><dd><Time at={s.created} form="plain" /></dd>
        {c.restoredAt && <><dt>{t('case:facts.restored')}</dt><dd><Time at={c.restoredAt} form="plain" /></dd></>}
      </dl>
    </Panel>
  )
}
