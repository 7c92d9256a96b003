import { Button, Heading, Tag } from '@digdir/designsystemet-react'
import { ChatElipsisIcon, PaperclipIcon } from '@navikt/aksel-icons'
import { type FormEvent, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { components } from '../../api/deviation'
import { ChoiceGroup, TextArea } from '../../components/Field'
import { Refusal } from '../../components/states'
import { Time } from '../../components/Time'
import { toast } from '../../components/toast'
import { randomId } from '../report/draft'
import { NationalIdWarning } from '../report/StepFields'

type FollowUp = components['schemas']['FollowUp']
type MessageKind = components['schemas']['NewMessageKind']
export type Outgoing = { messageId: string; kind: MessageKind; text: string }

const way = ['sent', 'received', 'assigned', 'in-progress', 'measures', 'effect-check', 'closed'] as const

/** A report as its reporter sees it: state in plain words, dialogue, outcome. */
export function FollowUpView({ report, write, refresh }: { report: FollowUp; write: (message: Outgoing) => Promise<unknown>; refresh: () => void }) {
  const { t } = useTranslation()
  return (
    <article className="stack-6">
      <header className="stack-2">
        <div className="row-tight">
          <Tag data-color={report.state === 'closed' ? 'success' : report.state === 'rejected' ? 'neutral' : 'accent'}>{t(`common:state.${report.state}`)}</Tag>
          {report.caseNumber && <span className="soft small">{t('followup:number', { number: report.caseNumber })}</span>}
        </div>
        <Heading level={1} data-size="md" tabIndex={-1}>{report.summary}</Heading>
        <p className="soft small">{t('followup:submitted')} <Time at={report.submitted} form="plain" /></p>
      </header>
      {report.unanswered && (
        <div className="ds-alert" data-color="warning" role="status"><p className="strong">{t('followup:unanswered')}</p></div>
      )}
      {report.outcome && (
        <section className="card stack-2">
          <Heading level={2} data-size="xs">{t('followup:outcomeTitle')}</Heading>
          <p className="prewrap">{report.outcome}</p>
        </section>
      )}
      {report.measures.length > 0 && (
        <section className="card stack-2">
          <Heading level={2} data-size="xs">{t('followup:measuresTitle')}</Heading>
          <ul>{report.measures.map((measure) => <li key={measure}>{measure}</li>)}</ul>
        </section>
      )}
      <section className="card stack">
        <div className="spread">
          <Heading level={2} data-size="xs">{t('followup:stateTitle')}</Heading>
          {report.changed && <span className="soft small">{t('followup:changed')} <Time at={report.changed} /></span>}
        </div>
        <Way state={report.state} />
      </section>
      <Dialogue report={report} write={write} refresh={refresh} />
      {report.attachments.length > 0 && (
        <section className="card stack-2">
          <Heading level={2} data-size="xs">{t('followup:attachments')}</Heading>
          <ul className="plain stack-2">
            {report.attachments.map((file) => (
              <li key={file.id} className="row-tight"><PaperclipIcon aria-hidden />{file.name}{file.metadataRemoved && <span className="soft small">({t('followup:metadataRemoved')})</span>}</li>
            ))}
          </ul>
        </section>
      )}
    </article>
  )
}

function Way({ state }: { state: FollowUp['state'] }) {
  const { t } = useTranslation()
  const steps: readonly FollowUp['state'][] =
    state === 'rejected' ? ['sent', 'received', 'rejected'] : state === 'reopened' ? ['sent', 'received', 'reopened', 'measures', 'effect-check', 'closed'] : way
  const at = steps.indexOf(state)
  return (
    <ol className="way">
      {steps.map((step, i) => (
        <li key={step} data-past={i < at || undefined} data-now={i === at || undefined} aria-current={i === at ? 'step' : undefined}>
          {t(`common:state.${step}`)}
          {i === at && <div className="way-help">{t(`followup:way.${step}`)}</div>}
        </li>
      ))}
    </ol>
  )
}

function Dialogue({ report, write, refresh }: { report: FollowUp; write: (message: Outgoing) => Promise<unknown>; refresh: () => void }) {
  const { t } = useTranslation()
  const [kind, setKind] = useState<MessageKind>('message')
  const [text, setText] = useState('')
  const [fault, setFault] = useState<string>()
  const [error, setError] = useState<unknown>()
  const [busy, setBusy] = useState(false)
  // One id per message until it is through, so that trying again never doubles it.
  const messageId = useRef(randomId())

  async function send(event: FormEvent): Promise<void> {
    event.preventDefault()
    if (!text.trim()) return setFault(t('followup:missingText'))
    setBusy(true)
    setError(undefined)
    try {
      await write({ messageId: messageId.current, kind, text: text.trim() })
      messageId.current = randomId()
      setText('')
      toast(t(kind === 'message' ? 'followup:sent' : 'followup:proposalSent'))
      refresh()
    } catch (problem) {
      setError(problem)
    } finally {
      setBusy(false)
    }
  }

  return (
    <section className="card stack">
      <div className="spread">
        <Heading level={2} data-size="xs">{t('followup:dialogue')}</Heading>
        <button type="button" className="link-button small" onClick={refresh}>{t('followup:refresh')}</button>
      </div>
      {report.messages.length === 0 && <p className="soft row-tight"><ChatElipsisIcon aria-hidden />{t('followup:noMessages')}</p>}
      <ol className="dialogue">
        {report.messages.map((message) => (
          <li className="bubble" key={message.id} data-mine={message.from === 'reporter' || undefined}>
            <header>
              <strong>{t(message.from === 'reporter' ? 'followup:you' : 'followup:handler')}</strong>
              {message.kind !== 'message' && <span>{t(`common:message.${message.kind}`)}</span>}
              <span className="soft"><Time at={message.sent} /></span>
            </header>
            <p>{message.text}</p>
          </li>
        ))}
      </ol>
      <form className="stack" onSubmit={(event) => void send(event)} noValidate>
        <ChoiceGroup label={t('followup:kind')} hideLabel value={kind} onChange={(v) => setKind(v as MessageKind)} choices={[
          { value: 'message', label: report.unanswered ? t('followup:answer') : t('followup:write') },
          { value: 'measure-proposal', label: t('followup:propose'), help: t('followup:proposeHelp') },
        ]} />
        <TextArea label={kind === 'message' ? t(report.unanswered ? 'followup:writeAnswer' : 'followup:write') : t('followup:propose')}
          value={text} fault={fault} rows={4} maxLength={8000}
          onChange={(event) => { setText(event.target.value); setFault(undefined) }} after={<NationalIdWarning text={text} />} />
        <Refusal error={error} />
        <div><Button type="submit" loading={busy || undefined} disabled={busy}>{t('followup:send')}</Button></div>
      </form>
    </section>
  )
}
