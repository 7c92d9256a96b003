import { Button } from '@digdir/designsystemet-react'
import { type FormEvent, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { identity } from '../../api/client'
import { useMe } from '../../app/MeContext'
import { Panel } from '../../components/Page'
import { Refusal } from '../../components/states'
import { useSave } from '../../components/useSave'
import { asDays, asPeriods, awayAt, notOver } from '../../directory/absence'
import { AbsenceFields } from '../../directory/AbsenceFields'
import { usePersons } from '../../directory/directory'
import { PersonSelect } from '../../directory/PersonSelect'

/** When one is away, and who takes the cases meanwhile. */
export function Absence() {
  const { t } = useTranslation()
  const me = useMe()
  const persons = usePersons()
  const { busy, error, save } = useSave(['persons', 'people'], () => undefined)
  const [now] = useState(Date.now)
  const [days, setDays] = useState(() => asDays(notOver(me.absences, now)))
  const [delegate, setDelegate] = useState(me.delegate ?? '')
  const [fault, setFault] = useState<string>()
  const [saved, setSaved] = useState({ delegate: me.delegate ?? '', away: awayAt(me.absences, now) })
  const nameOf = (id: string) => persons.data?.find((p) => p.id === id)?.name ?? ''
  async function submit(event: FormEvent): Promise<void> {
    event.preventDefault()
    const periods = asPeriods(days)
    setFault(periods ? undefined : t('directory:absence.wrong'))
    if (!periods) return
    const over = (me.absences ?? []).filter((p) => p.to && Date.parse(p.to) <= now)
    await save(() => identity.PUT('/v1/me/absence', { body: { absences: [...over, ...periods], ...(delegate ? { delegate } : {}) } }).then((answer) => {
      setSaved({ delegate, away: awayAt(periods, Date.now()) })
      return answer
    }), t('account:absence.saved'))
  }
  return (
    <Panel title={t('account:absence.title')} id="fravar">
      <form className="stack" onSubmit={(event) => void submit(event)} noValidate>
        <p className="soft">{t('account:absence.lead')}</p>
        {saved.away && (
          <div className="ds-alert" data-color={saved.delegate ? 'info' : 'warning'}>
            <p>{saved.delegate ? t('account:absence.awayTo', { name: nameOf(saved.delegate) }) : t('account:absence.awayNobody')}</p>
          </div>
        )}
        <AbsenceFields value={days} fault={fault} onChange={setDays} />
        <PersonSelect label={t('account:absence.delegate')} help={t('account:absence.delegateHelp')} none={t('account:absence.noDelegate')} value={delegate} without={me.id} onChange={setDelegate} />
        <Refusal error={error} />
        <div><Button type="submit" variant="secondary" loading={busy || undefined} disabled={busy}>{t('common:save')}</Button></div>
      </form>
    </Panel>
  )
}
