import { Button } from '@digdir/designsystemet-react'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { cases, data } from '../../api/client'
import { useMe } from '../../app/MeContext'
import { Check, TextArea } from '../../components/Field'
import { Panel } from '../../components/Page'
import { Failed, Loading, Refusal } from '../../components/states'
import { Time } from '../../components/Time'
import { toast } from '../../components/toast'
import { randomId } from '../report/draft'
import { can, type Case } from './api'
import type { Open } from './open'

/** The dialogue with whoever reported, without knowing who that is. */
export function Dialogue({ c, open }: { c: Case; open: Open }) {
  const { t } = useTranslation()
  const me = useMe()
  const queries = useQueryClient()
  const caseId = c.summary.id
  const messages = useQuery({
    queryKey: ['messages', caseId], enabled: c.report !== undefined, refetchInterval: 20_000,
    queryFn: () => data(() => cases.GET('/v1/cases/{caseId}/messages', { params: { path: { caseId }, query: { limit: 200 } } })),
  })
  const [text, setText] = useState('')
  const [question, setQuestion] = useState(true)
  const [fault, setFault] = useState<string>()
  const [error, setError] = useState<unknown>()
  const [busy, setBusy] = useState(false)
  const messageId = useRef(randomId())
  if (!c.report) return null

  async function send(event: FormEvent): Promise<void> {
    event.preventDefault()
    if (!text.trim()) return setFault(t('case:dialogue.missing'))
    setBusy(true)
    setError(undefined)
    try {
      await data(() => cases.POST('/v1/cases/{caseId}/messages', { params: { path: { caseId } }, body: { messageId: messageId.current, text: text.trim(), question } }))
      messageId.current = randomId()
      setText('')
      toast(t('case:dialogue.sent'))
      void queries.invalidateQueries({ queryKey: ['messages', caseId] })
      void queries.invalidateQueries({ queryKey: ['case', caseId] })
    } catch (problem) {
      setError(problem)
    } finally {
      setBusy(false)
    }
  }

  const items = messages.data?.items ?? []
  return (
    <Panel title={t('case:dialogue.title')} id="dialog">
      <div className="stack">
        {messages.isPending ? <Loading rows={2} /> : messages.isError ? <Failed error={messages.error} retry={() => void messages.refetch()} /> : items.length === 0 ? <p className="soft">{t('case:dialogue.none')}</p> : (
          <ol className="dialogue">
            {items.map((m) => (
              <li className="bubble" key={m.id} data-mine={m.from === 'handler' || undefined}>
                <header>
                  <strong>{m.from === 'reporter' ? t('case:dialogue.reporter') : m.by?.id === me.id ? t('case:dialogue.you') : m.by?.name}</strong>
                  {m.kind !== 'message' && <span>{t(`common:message.${m.kind}`)}</span>}
                  <span className="soft"><Time at={m.sent} /></span>
                </header>
                <p>{m.text}</p>
                {m.kind === 'measure-proposal' && can(c, 'measure') && (
                  <Button variant="tertiary" data-size="sm" onClick={() => open({ is: 'measure', proposal: { id: m.id, text: m.text } })}>{t('case:measures.useProposal')}</Button>
                )}
              </li>
            ))}
          </ol>
        )}
        {can(c, 'message') && (
          <form className="stack no-print" onSubmit={(event) => void send(event)} noValidate>
            <TextArea label={t('case:dialogue.ask')} help={t('case:dialogue.hint')} value={text} fault={fault} rows={3} maxLength={8000} onChange={(e) => { setText(e.target.value); setFault(undefined) }} />
            <Check label={t('case:dialogue.question')} checked={question} onChange={(e) => setQuestion(e.target.checked)} />
            <Refusal error={error} />
            <div><Button type="submit" variant="secondary" loading={busy || undefined} disabled={busy}>{t('case:dialogue.send')}</Button></div>
          </form>
        )}
      </div>
    </Panel>
  )
}
