import { Button, Tag } from '@digdir/designsystemet-react'
import { useTranslation } from 'react-i18next'
import { cases } from '../../api/client'
import { useMe } from '../../app/MeContext'
import { Panel } from '../../components/Page'
import { Refusal } from '../../components/states'
import { Time } from '../../components/Time'
import { day } from '../../time/format'
import { can, type Case, useCaseAction } from './api'
import type { Open } from './open'

export function Measures({ c, open }: { c: Case; open: Open }) {
  const { t } = useTranslation()
  const me = useMe()
  const action = useCaseAction(c.summary.id)
  const done = (measureId: string) => action.run(
    () => cases.POST('/v1/cases/{caseId}/measures/{measureId}/settle', { params: { path: { caseId: c.summary.id, measureId } }, body: { result: 'done' } }),
    t('case:measures.settled'),
  )
  const may = can(c, 'measure')
  return (
    <Panel title={t('case:measures.title')} id="tiltak" actions={may && (
      <>
        {c.measures.length === 0 && !c.noMeasures && <Button variant="tertiary" data-size="sm" onClick={() => open({ is: 'no-measures' })}>{t('case:measures.noNeed')}</Button>}
        <Button variant="secondary" data-size="sm" onClick={() => open({ is: 'measure' })}>{t('case:measures.add')}</Button>
      </>
    )}>
      <Refusal error={action.error} />
      {c.measures.length === 0 && <p className="soft">{c.noMeasures ? t('case:measures.noneNeeded', { reason: c.noMeasures }) : t('case:measures.none')}</p>}
      <ul className="plain">
        {c.measures.map((m) => {
          const late = m.state === 'open' && Date.parse(m.due) < Date.now()
          return (
            <li className="measure" key={m.id}>
              <div className="stack-2">
                <span className="row-tight">
                  <Tag data-size="sm" data-color={m.kind === 'corrective' ? 'fire' : 'info'}>{t(`case:measures.kinds.${m.kind}`)}</Tag>
                  <Tag data-size="sm" data-color={m.state === 'done' ? 'success' : m.state === 'moved' ? 'neutral' : late ? 'danger' : 'accent'}>{late ? t('case:measures.late') : t(`case:measures.state.${m.state}`)}</Tag>
                  {m.proposal && <span className="small soft">{t('case:measures.fromReporter')}</span>}
                </span>
                <p className="prewrap">{m.text}</p>
                <span className="soft small">{m.owner.name ?? m.owner.id} · {m.settledAt ? <Time at={m.settledAt} /> : t('case:measures.dueOn', { day: day(m.due) })}{m.reason && ` · ${m.reason}`}</span>
              </div>
              {m.state === 'open' && (may || (can(c, 'settle') && m.owner.id === me.id)) && (
                <div className="row-tight no-print">
                  <Button variant="secondary" data-size="sm" disabled={action.busy} onClick={() => void done(m.id)}>{t('case:measures.settleDone')}</Button>
                  <Button variant="tertiary" data-size="sm" disabled={action.busy} onClick={() => open({ is: 'move-measure', measureId: m.id })}>{t('case:measures.settleMoved')}</Button>
                  {may && <Button variant="tertiary" data-size="sm" disabled={action.busy} aria-label={t('case:measures.editNamed', { text: m.text })} onClick={() => open({ is: 'measure', item: m })}>{t('case:measures.edit')}</Button>}
                </div>
              )}
            </li>
          )
        })}
      </ul>
    </Panel>
  )
}

export function EffectCheck({ c, open }: { c: Case; open: Open }) {
  const { t } = useTranslation()
  return (
    <Panel title={t('case:effect.title')} id="effekt" actions={
      <>
        {can(c, 'measure') && <Button variant="tertiary" data-size="sm" onClick={() => open({ is: 'ask-effect' })}>{t('case:effect.ask')}</Button>}
        {can(c, 'check-effect') && <Button variant="secondary" data-size="sm" onClick={() => open({ is: 'effect' })}>{t('case:effect.check')}</Button>}
      </>
    }>
      {c.effectCheck ? (
        <div className="stack-2">
          <div><Tag data-color={c.effectCheck.effective ? 'success' : 'danger'}>{t(c.effectCheck.effective ? 'case:effect.isEffective' : 'case:effect.notEffective')}</Tag></div>
          <p className="prewrap">{c.effectCheck.note}</p>
          <span className="soft small">{c.effectCheck.by.name ?? c.effectCheck.by.id}, <Time at={c.effectCheck.at} /></span>
        </div>
      ) : <p className="soft">{c.effectChecker ? t('case:effect.asked', { name: c.effectChecker.name ?? c.effectChecker.id }) : t('case:effect.none')}</p>}
    </Panel>
  )
}
