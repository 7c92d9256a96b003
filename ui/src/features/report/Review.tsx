import { Button } from '@digdir/designsystemet-react'
import { useTranslation } from 'react-i18next'
import { Refusal } from '../../components/states'
import { i18n } from '../../i18n'
import { answerText } from './answerText'
import type { Draft } from './draft'
import { answersToSend, type Form, formText, isAnswered, visibleFields, visibleSteps } from './form'
import type { Sending } from './useSending'


/** What will be sent, nothing else. */
export function Review({ form, draft, named, name, asksWho, onChange, onChangeWho, sending }: {
  form: Form; draft: Draft; named: boolean; name: string; asksWho: boolean
  onChange: (stepId: string) => void; onChangeWho: () => void; sending: Sending
}) {
  const { t } = useTranslation()
  const language = i18n.language
  const answers = answersToSend(form, draft.answers)
  return (
    <div className="stack">
      <dl className="review">
        <div>
          <dt>{t('report:review.as')}</dt>
          <dd>{named ? t('report:review.asNamed', { name }) : t('report:review.asAnonymous')}</dd>
          {asksWho && <dd className="change"><button type="button" className="link-button" onClick={onChangeWho} aria-label={t('report:review.changeWhat', { what: t('report:review.as') })}>{t('report:review.change')}</button></dd>}
        </div>
        {visibleSteps(form, draft.answers).map((step) => {
          const fields = visibleFields(step, answers).filter((f) => isAnswered(answers[f.name]))
          const files = step.fields.some((f) => f.widget === 'attachments') ? draft.files : []
          if (fields.length === 0 && files.length === 0) return null
          const title = formText(form, language, step.title)
          return (
            <div key={step.id}>
              <dt>{title}</dt>
              {fields.map((field) => {
                const label = formText(form, language, field.label)
                return <dd key={field.name}>{label && label !== title && <span className="review-label">{label}</span>}{answerText(form, field, answers, language)}</dd>
              })}
              {files.map((file) => <dd key={file.key}>{file.name}</dd>)}
              <dd className="change"><button type="button" className="link-button" onClick={() => onChange(step.id)} aria-label={t('report:review.changeWhat', { what: title })}>{t('report:review.change')}</button></dd>
            </div>
          )
        })}
      </dl>
      {sending.waiting ? (
        <div className="ds-alert" data-color="info" role="status">
          <p className="strong">{t('report:waiting.title')}</p>
          <p>{t('report:waiting.text')}</p>
          <p><Button type="button" variant="tertiary" onClick={sending.stop}>{t('report:waiting.change')}</Button></p>
        </div>
      ) : (
        <Refusal error={sending.problem} />
      )}
    </div>
  )
}
