import { DownloadIcon } from '@navikt/aksel-icons'
import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { data, deviation } from '../../api/client'
import { useMe } from '../../app/MeContext'
import { Panel } from '../../components/Page'
import { Time } from '../../components/Time'
import { i18n } from '../../i18n'
import { dayAndTime } from '../../time/format'
import { fileSize } from '../report/fileSize'
import { type Answers, formText } from '../report/form'
import { answerText } from '../report/answerText'
import type { Case } from './api'

/** What the reporter told, in their words, question by question. */
export function Story({ c }: { c: Case }) {
  const { t } = useTranslation()
  const me = useMe()
  const report = c.report
  const form = useQuery({
    queryKey: ['form', me.tenant.id, report?.formType],
    enabled: report !== undefined, staleTime: Infinity,
    queryFn: () => data(() => deviation.GET('/v1/forms/{formType}', { params: { path: { formType: report!.formType } } })),
  })
  if (!report) return null
  const answers = report.answers as Answers
  const fields = form.data?.steps.flatMap((step) => step.fields.map((field) => ({ step, field }))).filter(({ field }) => field.name && answers[field.name] !== undefined)
  return (
    <Panel title={t('case:story.title')} id="fortelling">
      <div className="stack">
        <p className="soft">{t(report.anonymous ? 'case:story.reportedAnonymously' : 'case:story.reportedNamed', { when: dayAndTime(report.submitted) })}</p>
        {(report.ongoing || report.passLine) && (
          <div className="row-tight">
            {report.ongoing && <span className="ds-tag" data-color="danger" data-size="sm">{t('case:story.ongoing')}</span>}
            {report.passLine && <span className="ds-tag" data-color="warning" data-size="sm">{t('case:story.passLine')}</span>}
          </div>
        )}
        <dl className="answers">
          {fields ? fields.map(({ step, field }) => (
            <div key={field.name}>
              <dt>{formText(form.data!, i18n.language, field.label) || formText(form.data!, i18n.language, step.title)}</dt>
              <dd>{answerText(form.data!, field, answers, i18n.language)}</dd>
            </div>
          )) : <div><dd>{c.summary.summary}</dd></div>}
          {report.occurred && <div><dt>{t('case:story.occurred')}</dt><dd><Time at={report.occurred} form="plain" /></dd></div>}
        </dl>
        {report.attachments.length > 0 && (
          <div className="stack-2">
            <h3 className="strong">{t('case:story.attachments')}</h3>
            <ul className="plain stack-2">
              {report.attachments.map((file) => (
                <li key={file.id} className="attachment">
                  <a className="ds-link row-tight" download={file.name} href={`/api/cases/v1/cases/${c.summary.id}/attachments/${file.id}`} aria-label={t('case:story.download', { name: file.name })}>
                    <DownloadIcon aria-hidden />{file.name}
                  </a>
                  <span className="soft small">{fileSize(file.size, t)}</span>
                  <span className="hash">{t('case:evidence.hash', { hash: file.sha256 })}</span>
                </li>
              ))}
            </ul>
          </div>
        )}
      </div>
    </Panel>
  )
}
