import { Button } from '@digdir/designsystemet-react'
import { CheckmarkCircleIcon } from '@navikt/aksel-icons'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { reparse } from '../../api/client'
import { useMay } from '../../app/MeContext'
import { EditDialog } from '../../components/EditDialog'
import { Empty, Failed, Loading, Refusal } from '../../components/states'
import { useSave } from '../../components/useSave'
import { formatNumber } from '../../i18n'
import { dayAndTime } from '../../time/format'
import { AgainForm } from './AgainForm'
import { JobCard } from './JobCard'
import { Letters } from './Letters'
import { type Job, reasonText, running, type Schemas, useGroups, useJobs, useSourceNames } from './model'

/** Lines that could not become events, and days to be read again. */
export default function ReparsePage() {
  const { t } = useTranslation()
  const mayRun = useMay('reparse.run')
  const jobs = useJobs()
  const { busy, error, save } = useSave(['reparse'], () => undefined)
  const one = jobs.data?.some(running) ?? false
  const run = (job: Job) => void save(() => reparse.POST('/v1/jobs', {
    body: { kind: 'reparse', from: job.from!, to: job.to!, unparsed: job.unparsed ?? false, ...(job.source ? { source: job.source } : {}) },
  }), t('reparse:started'))
  return (
    <div className="stack">
      <section className="stack" aria-labelledby="reparse-letters">
        <h2 id="reparse-letters" className="panel-title">{t('reparse:lettersTitle')}</h2>
        <p className="soft">{t('reparse:lettersLead')}</p>
        <Groups busy={one} />
      </section>
      {mayRun && (
        <section className="stack" aria-labelledby="reparse-again">
          <h2 id="reparse-again" className="panel-title">{t('reparse:againTitle')}</h2>
          <p className="soft">{t('reparse:againLead')}</p>
          <AgainForm busy={one} />
        </section>
      )}
      <section className="stack" aria-labelledby="reparse-jobs">
        <h2 id="reparse-jobs" className="panel-title">{t('reparse:jobsTitle')}</h2>
        <Refusal error={error} />
        {jobs.isPending && <Loading rows={2} />}
        {jobs.isError && <Failed error={jobs.error} retry={() => void jobs.refetch()} />}
        {jobs.data?.length === 0 && <p className="soft">{t('reparse:noJobs')}</p>}
        <ul className="stack plain">
          {jobs.data?.map((job, i) => (
            <JobCard key={job.id} job={job} again={i === 0 && mayRun && !busy && job.dryRun && job.state === 'done' && job.changed > 0 ? () => run(job) : undefined} />
          ))}
        </ul>
      </section>
    </div>
  )
}

function Groups({ busy: waits }: { busy: boolean }) {
  const { t } = useTranslation()
  const groups = useGroups()
  const [shown, setShown] = useState<Schemas['Group']>()
  const [discarding, setDiscarding] = useState<Schemas['Group']>()
  if (groups.isPending) return <Loading rows={3} />
  if (groups.isError) return <Failed error={groups.error} retry={() => void groups.refetch()} />
  if (groups.data.length === 0) return <div className="panel"><Empty title={t('reparse:none')} icon={<CheckmarkCircleIcon aria-hidden />}>{t('reparse:noneText')}</Empty></div>
  return (
    <>
      <ul className="stack plain">
        {groups.data.map((g) => <GroupCard key={g.id} group={g} waits={waits} show={() => setShown(g)} discard={() => setDiscarding(g)} />)}
      </ul>
      {shown && <Letters group={shown} close={() => setShown(undefined)} />}
      {discarding && <Discard group={discarding} close={() => setDiscarding(undefined)} />}
    </>
  )
}

function GroupCard({ group, waits, show, discard }: { group: Schemas['Group']; waits: boolean; show: () => void; discard: () => void }) {
  const { t } = useTranslation()
  const mayRun = useMay('reparse.run')
  const { nameOf } = useSourceNames()
  const { busy, error, save } = useSave(['reparse'], () => undefined)
  const replay = () => void save(() => reparse.POST('/v1/jobs', { body: { kind: 'replay', group: group.id } }), t('reparse:started'))
  const name = nameOf(group.source)
  return (
    <li className="panel panel-pad stack" aria-label={name}>
      <div><strong>{name}</strong>: {reasonText(group.reason)}</div>
      <p className="soft small">
        {t('reparse:counted', { count: group.count, formatted: formatNumber(group.count) })} · {t('reparse:between', { first: dayAndTime(group.first), last: dayAndTime(group.last) })}
        {group.dropped > 0 && ` · ${t('reparse:dropped', { count: group.dropped, formatted: formatNumber(group.dropped) })}`}
      </p>
      {group.sample && <code className="logline">{group.sample}</code>}
      {!group.replayable && <p className="small">{t('reparse:cannot')}</p>}
      <Refusal error={error} />
      <div className="row">
        <Button variant="secondary" data-size="sm" onClick={show}>{t('reparse:show')}</Button>
        {mayRun && group.replayable && group.kept > 0 && <Button data-size="sm" loading={busy || undefined} disabled={busy || waits} onClick={replay}>{t('reparse:replay')}</Button>}
        {mayRun && <Button variant="tertiary" data-size="sm" data-color="danger" disabled={waits} onClick={discard}>{t('reparse:discard')}</Button>}
      </div>
    </li>
  )
}

function Discard({ group, close }: { group: Schemas['Group']; close: () => void }) {
  const { t } = useTranslation()
  const { busy, error, save } = useSave(['reparse'], close)
  return (
    <EditDialog title={t('reparse:discardTitle')} close={close} submit={t('reparse:discard')} busy={busy} error={error} danger
      save={() => void save(() => reparse.POST('/v1/jobs', { body: { kind: 'discard', group: group.id } }), t('reparse:started'))}>
      <p>{t('reparse:discardText', { count: group.kept, formatted: formatNumber(group.kept) })}</p>
    </EditDialog>
  )
}
