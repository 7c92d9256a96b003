import { Button, Tag } from '@digdir/designsystemet-react'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { data, reparse } from '../../api/client'
import { useMay } from '../../app/MeContext'
import { Modal } from '../../components/Modal'
import { Failed, Loading, Refusal } from '../../components/states'
import { useSave } from '../../components/useSave'
import { formatNumber } from '../../i18n'
import { day, dayAndTime } from '../../time/format'
import { CaseChoice } from './CaseChoice'
import { type Job, reasonText, running, useSourceNames } from './model'

const color = { waiting: 'info', running: 'info', done: 'success', cancelled: 'neutral', failed: 'danger' } as const

/** What a job does, how far it has come, and what became of it. */
export function JobCard({ job, again }: { job: Job; again?: (() => void) | undefined }) {
  const { t } = useTranslation()
  const { nameOf } = useSourceNames()
  const mayRun = useMay('reparse.run')
  const [showing, setShowing] = useState(false)
  const { busy, error, save } = useSave(['reparse'], () => undefined)
  const title = job.dryRun ? t('reparse:kind.preview') : t(`reparse:kind.${job.kind}`)
  return (
    <li className="panel panel-pad stack" aria-label={title}>
      <div className="row">
        <strong>{title}</strong>
        <Tag data-size="sm" data-color={color[job.state]}>{t(job.cancelling ? 'reparse:cancelling' : `reparse:state.${job.state}`)}</Tag>
        <span className="soft small">{dayAndTime(job.created)}</span>
      </div>
      <p className="small">
        {job.from && job.to && t('reparse:days', { from: day(job.from), to: day(new Date(new Date(job.to).getTime() - 1)) })}
        {job.source && ` ${t('reparse:ofSource', { name: nameOf(job.source) })}`}
      </p>
      {running(job) && (
        <div role="status">
          <progress max={Math.max(job.total, 1)} value={job.done} aria-label={title} />
          <span className="small"> {t('reparse:progress', { done: formatNumber(job.done), total: formatNumber(job.total) })}</span>
        </div>
      )}
      {job.state === 'failed' && <p>{t('reparse:jobFailed')}</p>}
      {(job.done > 0 || !running(job)) && (
        <p>{job.dryRun ? t('reparse:wouldChange', { changed: formatNumber(job.changed), done: formatNumber(job.done) }) : t(`reparse:outcome.${job.kind}`, { changed: formatNumber(job.changed), unchanged: formatNumber(job.unchanged), failed: formatNumber(job.failed) })}</p>
      )}
      {job.reasons && Object.keys(job.reasons).length > 0 && (
        <details>
          <summary>{t('reparse:whyLeft', { failed: formatNumber(job.failed) })}</summary>
          <ul>{Object.entries(job.reasons).map(([slug, count]) => <li key={slug}>{formatNumber(count)}: {reasonText(slug)}</li>)}</ul>
        </details>
      )}
      <Refusal error={error} />
      <div className="row">
        {running(job) && mayRun && !job.cancelling && <Button variant="secondary" data-size="sm" disabled={busy} onClick={() => void save(() => reparse.POST('/v1/jobs/{id}/cancel', { params: { path: { id: job.id } } }), t('reparse:cancelled'))}>{t('reparse:cancel')}</Button>}
        {job.dryRun && job.state === 'done' && job.changed > 0 && <Button variant="secondary" data-size="sm" onClick={() => setShowing(true)}>{t('reparse:examples')}</Button>}
        {again && <Button data-size="sm" onClick={again}>{t('reparse:doIt')}</Button>}
      </div>
      {showing && <Examples job={job} close={() => setShowing(false)} />}
    </li>
  )
}

/** Some events of a preview: field by field, as it is and as it would be. */
function Examples({ job, close }: { job: Job; close: () => void }) {
  const { t } = useTranslation()
  const [caseId, setCaseId] = useState('')
  const examples = useQuery({
    queryKey: ['reparse', 'examples', job.id, caseId],
    queryFn: () => data(() => reparse.POST('/v1/jobs/{id}/examples', { params: { path: { id: job.id } }, body: caseId ? { caseId } : {} })),
  })
  return (
    <Modal title={t('reparse:examples')} close={close} wide>
      <CaseChoice value={caseId} choose={setCaseId} />
      {examples.isPending && <Loading rows={3} />}
      {examples.isError && <Failed error={examples.error} retry={() => void examples.refetch()} />}
      {examples.data?.items.map((e) => (
        <section key={e.id} className="stack" aria-label={dayAndTime(e.time)}>
          <h3 className="small">{dayAndTime(e.time)}</h3>
          {e.raw && <code className="logline">{e.raw}</code>}
          <div className="table-wrap">
            <table className="plain-table">
              <thead><tr><th>{t('reparse:field')}</th><th>{t('reparse:before')}</th><th>{t('reparse:after')}</th></tr></thead>
              <tbody>
                {e.changes.map((c) => (
                  <tr key={c.field}>
                    <td><code>{c.field}</code></td>
                    {c.hidden ? <td colSpan={2} className="soft">{t('reparse:hidden')}</td> : <><td data-label={t('reparse:before')}>{c.before || '–'}</td><td data-label={t('reparse:after')}>{c.after || '–'}</td></>}
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </section>
      ))}
    </Modal>
  )
}
