import { Button } from '@digdir/designsystemet-react'
import { useQuery } from '@tanstack/react-query'
import { type FormEvent, type ReactNode, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { cases } from '../../api/client'
import { Check, ChoiceGroup, SelectField, TextArea, TextField } from '../../components/Field'
import { Modal } from '../../components/Modal'
import { Refusal } from '../../components/states'
import { fromLocalInput, toDateInput, toLocalInput } from '../../time/format'
import { candidatesQuery, type Case, type Schemas, useCaseAction } from './api'

type Props = { c: Case; close: () => void }
type Call = () => Promise<{ data?: Case; response: Response }>

/** The frame of every dialog here: fields, refusal, one primary button. */
function ActionDialog({ title, c, close, wide, submit, said, danger, build, children }: Props & {
  title: string; submit: string; said: string; wide?: boolean; danger?: boolean
  /** The call to make, or undefined where something is missing (the fields show what). */
  build: () => Call | undefined; children: ReactNode
}) {
  const { t } = useTranslation()
  const action = useCaseAction(c.summary.id, close)
  function onSubmit(event: FormEvent): void {
    event.preventDefault()
    const call = build()
    if (call) void action.run(call, said)
  }
  return (
    <Modal title={title} close={close} wide={wide ?? false}>
      <form onSubmit={onSubmit} noValidate>
        {children}
        <Refusal error={action.error} />
        <div className="buttons">
          <Button type="submit" loading={action.busy || undefined} disabled={action.busy} {...(danger ? { 'data-color': 'danger' as const } : {})}>{submit}</Button>
          <Button type="button" variant="tertiary" onClick={close}>{t('common:cancel')}</Button>
        </div>
      </form>
    </Modal>
  )
}

function useRequired() {
  const { t } = useTranslation()
  const [faults, setFaults] = useState<Record<string, string>>({})
  const check = (values: Record<string, string>, least = 1): boolean => {
    const wrong = Object.fromEntries(Object.entries(values).filter(([, v]) => v.trim().length < least).map(([k]) => [k, t('case:dialog.missing')]))
    setFaults(wrong)
    return Object.keys(wrong).length === 0
  }
  return { faults, check }
}

const path = (c: Case) => ({ path: { caseId: c.summary.id } })

export function PersonPicker({ c, label, help, value, fault, onChange, without }: {
  c: Case; label: string; help?: string; value: string; fault?: string | undefined; onChange: (id: string) => void; without?: (id: string) => boolean
}) {
  const { t } = useTranslation()
  const people = useQuery(candidatesQuery(c.summary.id))
  const shown = (people.data ?? []).filter((person) => !without?.(person.id))
  return (
    <SelectField label={label} help={people.isSuccess && shown.length === 0 ? t('case:dialog.nobody') : help} value={value} fault={fault} onChange={(e) => onChange(e.target.value)}>
      <option value="">{people.isPending ? t('common:loading') : t('case:dialog.choose')}</option>
      {shown.map((person) => <option key={person.id} value={person.id}>{[person.name ?? person.id, person.title, person.unit].filter(Boolean).join(', ')}</option>)}
    </SelectField>
  )
}

const loginKinds = ['approve-afterwards', 'misuse', 'register-error'] as const
const plainKinds = ['measures', 'accept-risk', 'no-action'] as const
const consequences = ['reaction', 'police-report', 'change-control'] as const

export function DecideDialog({ c, close }: Props) {
  const { t } = useTranslation()
  const kinds: Schemas['DecisionKind'][] = c.summary.source === 'finding' ? [...loginKinds, ...plainKinds] : [...plainKinds]
  const [kind, setKind] = useState<Schemas['DecisionKind']>()
  const [reason, setReason] = useState('')
  const [more, setMore] = useState<string[]>([])
  const { faults, check } = useRequired()
  return (
    <ActionDialog c={c} close={close} title={t('case:decision.decide')} submit={t('case:decision.submit')} said={t('case:decision.saved')} wide
      build={() => {
        if (!check({ kind: kind ?? '', reason }) || !kind) return undefined
        return () => cases.POST('/v1/cases/{caseId}/decisions', { params: path(c), body: { kind, reason: reason.trim(), ...(more.length ? { consequences: more as (typeof consequences)[number][] } : {}) } })
      }}>
      <ChoiceGroup label={t('case:decision.kind')} value={kind} fault={faults.kind} onChange={(v) => setKind(v as Schemas['DecisionKind'])}
        choices={kinds.map((k) => ({ value: k, label: t(`case:decision.kinds.${k}`), help: t(`case:decision.kindHelp.${k}`) }))} />
      <TextArea label={t('case:decision.reason')} help={t('case:decision.reasonHelp')} value={reason} fault={faults.reason} maxLength={8000} onChange={(e) => setReason(e.target.value)} />
      <fieldset className="group">
        <legend>{t('case:decision.consequences')} <span className="soft">({t('common:optional')})</span></legend>
        {consequences.map((k) => <Check key={k} label={t(`case:decision.consequence.${k}`)} checked={more.includes(k)} onChange={() => setMore(more.includes(k) ? more.filter((m) => m !== k) : [...more, k])} />)}
      </fieldset>
    </ActionDialog>
  )
}

function suggestionKeys(c: Case): string[] {
  if (c.summary.family === 'guessing') return ['guess1', 'guess2']
  if (c.summary.family === 'vendor-access' || c.summary.family === 'foreign-account') return ['vendor1', 'vendor2', 'vendor3']
  return ['report1', 'report2']
}

/** A new measure, or one that is not settled and is changed. */
export function MeasureDialog({ c, close, proposal, item }: Props & { proposal?: { id: string; text: string } | undefined; item?: Schemas['Measure'] | undefined }) {
  const { t } = useTranslation()
  const [kind, setKind] = useState<Schemas['MeasureKind']>(item?.kind ?? 'corrective')
  const [text, setText] = useState(item?.text ?? proposal?.text ?? '')
  const [owner, setOwner] = useState(item?.owner.id ?? '')
  const [due, setDue] = useState(() => toDateInput(item?.due ?? Date.now() + 14 * 86_400_000))
  const { faults, check } = useRequired()
  return (
    <ActionDialog c={c} close={close} title={t(item ? 'case:measures.editTitle' : 'case:measures.add')} submit={t(item ? 'common:save' : 'case:measures.submit')} said={t(item ? 'case:measures.changed' : 'case:measures.saved')} wide
      build={() => {
        const at = fromLocalInput(`${due}T16:00`)
        if (!check({ text, owner, due: at ? due : '' }) || !at) return undefined
        const body = { kind, text: text.trim(), owner, due: at.toISOString() }
        if (item) return () => cases.PATCH('/v1/cases/{caseId}/measures/{measureId}', { params: { path: { caseId: c.summary.id, measureId: item.id } }, body })
        return () => cases.POST('/v1/cases/{caseId}/measures', { params: path(c), body: { ...body, ...(proposal ? { proposal: proposal.id } : {}) } })
      }}>
      <ChoiceGroup label={t('case:measures.kind')} value={kind} onChange={(v) => setKind(v as Schemas['MeasureKind'])}
        choices={(['corrective', 'preventive'] as const).map((k) => ({ value: k, label: t(`case:measures.kinds.${k}`), help: t(`case:measures.kindHelp.${k}`) }))} />
      <TextArea label={t('case:measures.text')} value={text} fault={faults.text} rows={3} maxLength={4000} onChange={(e) => setText(e.target.value)} after={
        <div className="row-tight"><span className="small soft">{t('case:measures.suggestions')}</span>
          {suggestionKeys(c).map((key) => <button type="button" className="suggestion" key={key} onClick={() => setText(t(`case:measures.suggest.${key}`))}>{t(`case:measures.suggest.${key}`)}</button>)}
        </div>} />
      <PersonPicker c={c} label={t('case:measures.owner')} value={owner} fault={faults.owner} onChange={setOwner} />
      <TextField label={t('case:measures.due')} type="date" value={due} fault={faults.due} onChange={(e) => setDue(e.target.value)} />
    </ActionDialog>
  )
}

export function MoveMeasureDialog({ c, close, measureId }: Props & { measureId: string }) {
  const { t } = useTranslation()
  const [reason, setReason] = useState('')
  const { faults, check } = useRequired()
  return (
    <ActionDialog c={c} close={close} title={t('case:measures.moveTitle')} submit={t('case:measures.settleMoved')} said={t('case:measures.settled')}
      build={() => check({ reason }) ? () => cases.POST('/v1/cases/{caseId}/measures/{measureId}/settle', { params: { path: { caseId: c.summary.id, measureId } }, body: { result: 'moved', reason: reason.trim() } }) : undefined}>
      <TextArea label={t('case:measures.moveReason')} value={reason} fault={faults.reason} maxLength={4000} onChange={(e) => setReason(e.target.value)} />
    </ActionDialog>
  )
}

export function NoMeasuresDialog({ c, close }: Props) {
  const { t } = useTranslation()
  const [reason, setReason] = useState('')
  const { faults, check } = useRequired()
  return (
    <ActionDialog c={c} close={close} title={t('case:measures.noNeedTitle')} submit={t('common:save')} said={t('case:dialog.saved')}
      build={() => check({ reason }, 3) ? () => cases.POST('/v1/cases/{caseId}/no-measures', { params: path(c), body: { reason: reason.trim() } }) : undefined}>
      <TextArea label={t('case:measures.noNeedReason')} value={reason} fault={faults.reason} maxLength={8000} onChange={(e) => setReason(e.target.value)} />
    </ActionDialog>
  )
}

export function AskEffectDialog({ c, close }: Props) {
  const { t } = useTranslation()
  const [person, setPerson] = useState('')
  const [note, setNote] = useState('')
  const { faults, check } = useRequired()
  const owners = new Set(c.measures.map((m) => m.owner.id))
  return (
    <ActionDialog c={c} close={close} title={t('case:effect.ask')} submit={t('case:effect.ask')} said={t('case:dialog.saved')}
      build={() => check({ person }) ? () => cases.POST('/v1/cases/{caseId}/effect-checker', { params: path(c), body: { person, ...(note.trim() ? { note: note.trim() } : {}) } }) : undefined}>
      <PersonPicker c={c} label={t('case:effect.askWho')} help={t('case:effect.askHelp')} value={person} fault={faults.person} onChange={setPerson} without={(id) => owners.has(id)} />
      <TextArea label={t('case:dialog.assignNote')} optional value={note} rows={3} maxLength={2000} onChange={(e) => setNote(e.target.value)} />
    </ActionDialog>
  )
}

export function EffectDialog({ c, close }: Props) {
  const { t } = useTranslation()
  const [effective, setEffective] = useState('')
  const [note, setNote] = useState('')
  const { faults, check } = useRequired()
  return (
    <ActionDialog c={c} close={close} title={t('case:effect.check')} submit={t('common:save')} said={t('case:effect.saved')}
      build={() => check({ effective, note }) ? () => cases.POST('/v1/cases/{caseId}/effect-check', { params: path(c), body: { effective: effective === 'yes', note: note.trim() } }) : undefined}>
      <ChoiceGroup label={t('case:effect.effective')} value={effective} fault={faults.effective} onChange={setEffective} choices={[
        { value: 'yes', label: t('case:effect.works') }, { value: 'no', label: t('case:effect.worksNot'), help: t('case:effect.worksNotHelp') },
      ]} />
      <TextArea label={t('case:effect.note')} value={note} fault={faults.note} maxLength={4000} onChange={(e) => setNote(e.target.value)} />
    </ActionDialog>
  )
}

export function AssignDialog({ c, close }: Props) {
  const { t } = useTranslation()
  const [person, setPerson] = useState('')
  const [note, setNote] = useState('')
  const { faults, check } = useRequired()
  return (
    <ActionDialog c={c} close={close} title={t('case:dialog.assignTitle')} submit={t('case:actions.assign')} said={t('case:dialog.assigned')}
      build={() => check({ person }) ? () => cases.POST('/v1/cases/{caseId}/assign', { params: path(c), body: { person, ...(note.trim() ? { note: note.trim() } : {}) } }) : undefined}>
      <PersonPicker c={c} label={t('case:dialog.assignWho')} value={person} fault={faults.person} onChange={setPerson} without={(id) => id === c.summary.handler?.id} />
      <TextArea label={t('case:dialog.assignNote')} optional value={note} rows={3} maxLength={2000} onChange={(e) => setNote(e.target.value)} />
    </ActionDialog>
  )
}

export function AssessDialog({ c, close }: Props) {
  const { t } = useTranslation()
  const [kind, setKind] = useState(c.summary.kind)
  const [severity, setSeverity] = useState(c.summary.severity)
  const [personal, setPersonal] = useState<Schemas['PersonalData']>(c.personalData ?? 'unknown')
  const [aware, setAware] = useState('')
  const [reason, setReason] = useState('')
  const { faults, check } = useRequired()
  const clock = personal === 'yes' || personal === 'possible'
  return (
    <ActionDialog c={c} close={close} title={t('case:dialog.assessTitle')} submit={t('common:save')} said={t('case:dialog.assessed')}
      build={() => {
        if (!check({ reason }, 3)) return undefined
        const at = clock ? fromLocalInput(aware) : undefined
        return () => cases.POST('/v1/cases/{caseId}/assessment', { params: path(c), body: { kind, severity, personalData: personal, reason: reason.trim(), ...(at ? { awareAt: at.toISOString() } : {}) } })
      }}>
      <SelectField label={t('case:dialog.assessKind')} value={kind} onChange={(e) => setKind(e.target.value as typeof kind)}>
        {(['event', 'breach', 'weakness'] as const).map((k) => <option key={k} value={k}>{t(`case:kind.${k}`)}</option>)}
      </SelectField>
      <SelectField label={t('case:dialog.assessSeverity')} value={severity} onChange={(e) => setSeverity(e.target.value as typeof severity)}>
        {(['low', 'medium', 'high', 'critical'] as const).map((k) => <option key={k} value={k}>{t(`case:severity.${k}`)}</option>)}
      </SelectField>
      <SelectField label={t('case:dialog.assessPersonal')} help={t('case:dialog.assessPersonalHelp')} value={personal} onChange={(e) => setPersonal(e.target.value as typeof personal)}>
        {(['unknown', 'no', 'possible', 'yes'] as const).map((k) => <option key={k} value={k}>{t(`case:personalData.${k}`)}</option>)}
      </SelectField>
      {clock && <TextField label={t('case:dialog.assessAware')} optional type="datetime-local" max={toLocalInput(Date.now())} value={aware} onChange={(e) => setAware(e.target.value)} />}
      <TextArea label={t('case:dialog.assessReason')} value={reason} fault={faults.reason} rows={3} maxLength={4000} onChange={(e) => setReason(e.target.value)} />
    </ActionDialog>
  )
}

export function MeetDialog({ c, close, regime }: Props & { regime: 'gdpr' | 'digital-security' }) {
  const { t } = useTranslation()
  const [result, setResult] = useState('')
  const [note, setNote] = useState('')
  const { faults, check } = useRequired()
  return (
    <ActionDialog c={c} close={close} title={t('case:dialog.meetTitle', { regime: t(`case:regime.${regime}`) })} submit={t('common:save')} said={t('case:dialog.met')}
      build={() => check({ result, note }) ? () => cases.POST('/v1/cases/{caseId}/deadlines/{regime}/meet', { params: { path: { caseId: c.summary.id, regime } }, body: { result: result as 'notified', note: note.trim() } }) : undefined}>
      <ChoiceGroup label={t('case:dialog.meetResult')} value={result} fault={faults.result} onChange={setResult} choices={[
        { value: 'notified', label: t('case:dialog.meetNotified') }, { value: 'not-required', label: t('case:dialog.meetNot') },
      ]} />
      <TextArea label={t('case:dialog.meetNote')} value={note} fault={faults.note} rows={3} maxLength={4000} onChange={(e) => setNote(e.target.value)} />
    </ActionDialog>
  )
}

export function RestoredDialog({ c, close }: Props) {
  const { t } = useTranslation()
  const [at, setAt] = useState(() => toLocalInput(Date.now()))
  const { faults, check } = useRequired()
  return (
    <ActionDialog c={c} close={close} title={t('case:dialog.restoredTitle')} submit={t('common:save')} said={t('case:dialog.saved')}
      build={() => {
        const moment = fromLocalInput(at)
        return check({ at: moment ? at : '' }) && moment ? () => cases.POST('/v1/cases/{caseId}/restored', { params: path(c), body: { at: moment.toISOString() } }) : undefined
      }}>
      <TextField label={t('case:dialog.restoredAt')} type="datetime-local" value={at} fault={faults.at} max={toLocalInput(Date.now())} onChange={(e) => setAt(e.target.value)} />
    </ActionDialog>
  )
}

export function OutcomeDialog({ c, close }: Props) {
  const { t } = useTranslation()
  const [text, setText] = useState(c.outcome ?? '')
  const { faults, check } = useRequired()
  return (
    <ActionDialog c={c} close={close} title={t('case:dialog.outcomeTitle')} submit={t('common:save')} said={t('case:dialog.saved')}
      build={() => check({ text }, 3) ? () => cases.POST('/v1/cases/{caseId}/outcome', { params: path(c), body: { text: text.trim() } }) : undefined}>
      <TextArea label={t('case:dialog.closeOutcome')} help={t('case:dialog.outcomeHelp')} value={text} fault={faults.text} maxLength={8000} onChange={(e) => setText(e.target.value)} />
    </ActionDialog>
  )
}

export function CloseDialog({ c, close }: Props) {
  const { t } = useTranslation()
  const [summary, setSummary] = useState('')
  const [outcome, setOutcome] = useState(c.outcome ?? '')
  const asksOutcome = c.report !== undefined && !c.outcome
  const { faults, check } = useRequired()
  return (
    <ActionDialog c={c} close={close} title={t('case:dialog.closeTitle')} submit={t('case:next.close')} said={t('case:dialog.closed')}
      build={() => check({ summary, ...(asksOutcome ? { outcome } : {}) }) ? () => cases.POST('/v1/cases/{caseId}/close', { params: path(c), body: { summary: summary.trim(), ...(asksOutcome ? { outcome: outcome.trim() } : {}) } }) : undefined}>
      <TextArea label={t('case:dialog.closeSummary')} help={t('case:dialog.closeSummaryHelp')} value={summary} fault={faults.summary} maxLength={8000} onChange={(e) => setSummary(e.target.value)} />
      {asksOutcome && <TextArea label={t('case:dialog.closeOutcome')} help={t('case:dialog.outcomeHelp')} value={outcome} fault={faults.outcome} maxLength={8000} onChange={(e) => setOutcome(e.target.value)} />}
    </ActionDialog>
  )
}

export function ReasonDialog({ c, close, what }: Props & { what: 'reject' | 'reopen' }) {
  const { t } = useTranslation()
  const [reason, setReason] = useState('')
  const { faults, check } = useRequired()
  const body = () => ({ params: path(c), body: { reason: reason.trim() } })
  return (
    <ActionDialog c={c} close={close} title={t(`case:dialog.${what}Title`)} submit={t(`case:actions.${what}`)} danger={what === 'reject'}
      said={t(what === 'reject' ? 'case:dialog.rejected' : 'case:dialog.reopened')}
      build={() => check({ reason }, 3) ? () => (what === 'reject' ? cases.POST('/v1/cases/{caseId}/reject', body()) : cases.POST('/v1/cases/{caseId}/reopen', body())) : undefined}>
      <TextArea label={t(`case:dialog.${what}Reason`)} value={reason} fault={faults.reason} maxLength={8000} onChange={(e) => setReason(e.target.value)} />
    </ActionDialog>
  )
}
