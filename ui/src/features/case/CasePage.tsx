import { Button, Dropdown } from '@digdir/designsystemet-react'
import { MenuElipsisHorizontalIcon, PrinterSmallIcon } from '@navikt/aksel-icons'
import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { cases, data } from '../../api/client'
import { PageHead, Panel } from '../../components/Page'
import { useReason } from '../../components/reason'
import { Failed, Loading } from '../../components/states'
import { SeverityTag, StateTag } from '../../components/tags'
import { Time } from '../../components/Time'
import { can, type Case, caseQuery } from './api'
import { Closing, Deadlines, Facts, NextStep, Routing } from './CaseSide'
import { Decisions } from './Decisions'
import { Dialogue } from './Dialogue'
import {
  AskEffectDialog, AssessDialog, AssignDialog, CloseDialog, DecideDialog, EffectDialog, MeasureDialog, MeetDialog, MoveMeasureDialog,
  NoMeasuresDialog, OutcomeDialog, ReasonDialog, RestoredDialog,
} from './dialogs'
import { Evidence } from './Evidence'
import { Findings } from './Findings'
import { History } from './History'
import { LinkDialog } from './LinkDialog'
import { Links } from './Links'
import { EffectCheck, Measures } from './Measures'
import type { Open, OpenDialog } from './open'
import { Story } from './Story'
import { Told } from './Told'

/** A case as a story: what happened, why it came here, what the clock says, the next step. */
export default function CasePage() {
  const { t } = useTranslation()
  const { caseId } = useParams({ strict: false }) as { caseId: string }
  const found = useQuery(caseQuery(caseId))
  if (found.isPending) return <Loading rows={6} />
  if (found.isError) return <Failed error={found.error} retry={() => void found.refetch()}><a className="ds-link" href="/saker">{t('case:back')}</a></Failed>
  return <CaseView c={found.data} />
}

function CaseView({ c }: { c: Case }) {
  const { t } = useTranslation()
  const reason = useReason()
  const [dialog, setDialog] = useState<OpenDialog>()
  const caseId = c.summary.id
  const evidence = useQuery({
    queryKey: ['evidence', caseId],
    queryFn: () => data(() => cases.GET('/v1/cases/{caseId}/evidence', { params: { path: { caseId }, query: { limit: 200 } } })),
  })
  const title = c.summary.source !== 'finding' && c.summary.summary ? c.summary.summary : reason(c.summary.title)
  const open: Open = setDialog
  return (
    <>
      <PageHead title={title} back={{ to: '/saker', label: t('case:back') }}
        above={<div className="row-tight tags-above"><span className="numeric soft">{c.summary.number}</span><StateTag state={c.summary.state} /><SeverityTag severity={c.summary.severity} /></div>}
        actions={<Actions c={c} open={open} />} />
      {c.summary.explained && c.summary.state !== 'closed' && (
        <div className="ds-alert" data-color="success"><p className="strong">{t('case:explainedTitle')}</p><p>{t('case:explainedText')}</p></div>
      )}
      <div className="case-grid">
        <div className="case-body">
          <Story c={c} />
          <Told c={c} />
          <Findings c={c} evidence={evidence.data?.items ?? []} />
          {c.closed && (
            <Panel title={t('common:state.closed')} id="lukket">
              <p className="prewrap">{c.closed.summary}</p>
              <p className="soft small">{c.closed.by.name ?? c.closed.by.id}, <Time at={c.closed.at} /></p>
            </Panel>
          )}
          <Decisions c={c} open={open} />
          <Measures c={c} open={open} />
          <EffectCheck c={c} open={open} />
          <Dialogue c={c} open={open} />
          <Evidence c={c} result={evidence} />
          <History caseId={caseId} />
        </div>
        <div className="case-next"><NextStep c={c} open={open} /></div>
        <aside className="case-side">
          <Deadlines c={c} open={open} />
          <Closing c={c} />
          <Routing c={c} />
          <Facts c={c} open={open} />
          <Links c={c} open={open} />
        </aside>
      </div>
      {dialog && <Dialogs c={c} dialog={dialog} close={() => setDialog(undefined)} />}
    </>
  )
}

function Actions({ c, open }: { c: Case; open: Open }) {
  const { t } = useTranslation()
  const more = ([
    can(c, 'assign') && 'assign',
    can(c, 'decide') && c.report && 'outcome',
    can(c, 'decide') && 'restored',
    can(c, 'reject') && 'reject',
    can(c, 'reopen') && 'reopen',
  ] as const).filter((a) => typeof a === 'string')
  return (
    <>
      <Button variant="tertiary" onClick={() => print()}><PrinterSmallIcon aria-hidden />{t('case:print')}</Button>
      {more.length > 0 && (
        <Dropdown.TriggerContext>
          <Dropdown.Trigger variant="secondary"><MenuElipsisHorizontalIcon aria-hidden />{t('app:options')}</Dropdown.Trigger>
          <Dropdown>
            <Dropdown.List>
              {more.map((action) => <Dropdown.Item key={action}><Dropdown.Button onClick={() => open({ is: action })}>{t(`case:actions.${action}`)}</Dropdown.Button></Dropdown.Item>)}
            </Dropdown.List>
          </Dropdown>
        </Dropdown.TriggerContext>
      )}
    </>
  )
}

function Dialogs({ c, dialog, close }: { c: Case; dialog: OpenDialog; close: () => void }) {
  switch (dialog.is) {
    case 'decide': return <DecideDialog c={c} close={close} />
    case 'measure': return <MeasureDialog c={c} close={close} proposal={dialog.proposal} item={dialog.item} />
    case 'link': return <LinkDialog c={c} close={close} />
    case 'move-measure': return <MoveMeasureDialog c={c} close={close} measureId={dialog.measureId} />
    case 'no-measures': return <NoMeasuresDialog c={c} close={close} />
    case 'ask-effect': return <AskEffectDialog c={c} close={close} />
    case 'effect': return <EffectDialog c={c} close={close} />
    case 'assign': return <AssignDialog c={c} close={close} />
    case 'assess': return <AssessDialog c={c} close={close} />
    case 'meet': return <MeetDialog c={c} close={close} regime={dialog.regime} />
    case 'restored': return <RestoredDialog c={c} close={close} />
    case 'outcome': return <OutcomeDialog c={c} close={close} />
    case 'close': return <CloseDialog c={c} close={close} />
    case 'reject':
    case 'reopen': return <ReasonDialog c={c} close={close} what={dialog.is} />
  }
}
