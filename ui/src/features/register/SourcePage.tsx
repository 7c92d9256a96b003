import { Button } from '@digdir/designsystemet-react'
import { MagnifyingGlassIcon } from '@navikt/aksel-icons'
import { Link, useNavigate, useParams } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useMay } from '../../app/MeContext'
import { PageHead, Panel } from '../../components/Page'
import { Failed, Loading, Refusal } from '../../components/states'
import { Time } from '../../components/Time'
import { usePersons } from '../../directory/directory'
import { formatNumber } from '../../i18n'
import { day, dayAndTime, duration } from '../../time/format'
import { keepView, startView } from '../search/model'
import { type Activity, lost, percent, signsOf, useActivity } from './activity'
import { type Schemas, useSources } from './model'
import { Weaknesses } from './parts'
import { setupsOf } from './setup'
import { SourceChart } from './SourceChart'
import { SourceForm } from './SourceForm'
import { Copyable, RenewKey, ShowKey, Signs } from './sourceParts'

/** One source: how it does, what is registered of it, how its sender is set up. */
export default function SourcePage() {
  const { t } = useTranslation()
  const { id } = useParams({ strict: false }) as { id: string }
  const sources = useSources()
  const activity = useActivity(id)
  const mayWrite = useMay('source.write')
  const [dialog, setDialog] = useState<'edit' | 'key'>()
  const [key, setKey] = useState<string>()
  if (sources.isPending || activity.isPending) return <Loading rows={6} />
  if (sources.isError) return <Failed error={sources.error} retry={() => void sources.refetch()} />
  const item = sources.data.find((s) => s.id === id)
  if (activity.isError && !item) return <Failed error={activity.error} retry={() => void activity.refetch()} />
  const a = activity.data
  const back = { to: '/register/kilder', label: t('register:tabs.sources') }
  return (
    <>
      <PageHead title={item?.data.name ?? t('register:source.unregistered')} back={back} lead={item ? t(`register:source.kinds.${item.data.kind}`) : t('register:source.unregisteredText')}
        above={a && <div className="tags-above"><Signs of={signsOf(a)} /></div>}
        actions={<><SearchLines id={id} />{mayWrite && item && <Button asChild variant="secondary"><Link to="/register/kilder/kartlegging" search={{ kilde: item.id }}>{t('register:source.mapping')}</Link></Button>}{mayWrite && item && <Button onClick={() => setDialog('edit')}>{t('register:edit')}</Button>}</>} />
      <div className="stack-6">
        {a?.silence && (
          <div className="ds-alert" data-color="danger">
            <p className="strong">{t('register:source.silentSince', { time: dayAndTime(a.silence.since) })}</p>
            <p>{t('register:source.silentText', { time: duration(a.expectedSeconds * 1000) })}</p>
          </div>
        )}
        {item?.weaknesses && item.weaknesses.length > 0 && <div className="ds-alert" data-color="warning"><Weaknesses of={item.weaknesses} /></div>}
        {a ? <Lines a={a} /> : <div className="ds-alert" data-color="warning"><p>{t('register:source.noActivity')}</p></div>}
        {item && <Registered item={item} a={a} />}
        {item && <Sender item={item} {...(mayWrite ? { renew: () => setDialog('key') } : {})} />}
      </div>
      {dialog === 'edit' && item && <SourceForm item={item} suggested={a?.suggestedSeconds} close={() => setDialog(undefined)} created={setKey} />}
      {dialog === 'key' && item && <RenewKey item={item} close={() => setDialog(undefined)} created={setKey} />}
      {key && <ShowKey value={key} close={() => setKey(undefined)} />}
    </>
  )
}

/** Opens the search on the source; what is searched for lies on the server, never in the address. */
function SearchLines({ id }: { id: string }) {
  const { t } = useTranslation()
  const navigate = useNavigate()
  const may = useMay('event.search')
  const [error, setError] = useState<unknown>()
  if (!may) return null
  const open = async () => {
    try {
      const viewId = await keepView({ ...startView, query: `varde.source: "${id}"` })
      await navigate({ to: '/sok/$viewId', params: { viewId } })
    } catch (e) {
      setError(e)
    }
  }
  return <><Button variant="secondary" onClick={() => void open()}><MagnifyingGlassIcon aria-hidden />{t('register:source.search')}</Button><Refusal error={error} /></>
}

function Fact({ name, children }: { name: string; children: React.ReactNode }) {
  return <><dt>{name}</dt><dd>{children}</dd></>
}

function Lines({ a }: { a: Activity }) {
  const { t } = useTranslation()
  const { total } = a
  return (
    <Panel title={t('register:source.linesTitle')} id="linjer">
      <SourceChart days={a.days} large />
      <div className="bars-ends small soft"><span>{day(`${a.days[0]?.date}T12:00:00Z`)}</span><span>{t('register:source.today')}</span></div>
      <dl className="facts">
        <Fact name={t('register:source.lastColumn')}>{a.lastReceived ? <Time at={a.lastReceived} /> : t('register:source.neverHeard')}</Fact>
        {a.lastEvent && <Fact name={t('register:source.lastEvent')}><Time at={a.lastEvent} /></Fact>}
        <Fact name={t('register:source.received')}>{formatNumber(total.received)}</Fact>
        <Fact name={t('register:source.lostColumn')}>{total.received > 0 ? percent(lost(total)) : '–'} <span className="soft small">{t('register:source.lostOf', { unparsed: formatNumber(total.unparsed), failed: formatNumber(total.failed) })}</span></Fact>
        <Fact name={t('register:source.size')}>{formatNumber(total.bytes / 1e6, { style: 'unit', unit: 'megabyte', maximumFractionDigits: 1 })}</Fact>
        {(total.slowedSeconds > 0 || total.refused > 0 || total.dropped > 0) && (
          <Fact name={t('register:source.slowedTitle')}>{t('register:source.slowedText', { time: duration(total.slowedSeconds * 1000), refused: formatNumber(total.refused), dropped: formatNumber(total.dropped) })}</Fact>
        )}
      </dl>
    </Panel>
  )
}

function Registered({ item, a }: { item: Schemas['SourceItem']; a: Activity | undefined }) {
  const { t } = useTranslation()
  const persons = usePersons()
  const s = item.data
  const list = (values: string[] | undefined) => (values?.length ? values.map((v) => <div key={v}>{v}</div>) : t('common:none'))
  const pairs = (values: Record<string, string> | undefined) => list(Object.entries(values ?? {}).map(([from, to]) => `${from} → ${to}`))
  return (
    <Panel title={t('register:source.registeredTitle')} id="registrert">
      <dl className="facts">
        <Fact name={t('register:source.responsible')}>{persons.data?.find((p) => p.id === s.responsible)?.name ?? t('register:system.vacant')}</Fact>
        <Fact name={t('register:source.rhythm')}>
          {!a || a.expectedSeconds === 0 ? t('register:source.noRhythm') : duration(a.expectedSeconds * 1000)}
          {a?.expectedDefault && <span className="soft small"> {t('register:source.byDefault')}</span>}
        </Fact>
        <Fact name={t('register:source.quota')}>{s.maxPerSecond ? formatNumber(s.maxPerSecond) : t('register:source.byDefault')}</Fact>
        <Fact name={t('register:source.retention')}>{s.retention || t('register:source.standard')}</Fact>
        <Fact name={t('register:source.format')}>{s.format || t('register:source.anyFormat')}</Fact>
        <Fact name={t('register:source.timeZone')}>{s.timeZone || 'Europe/Oslo'}</Fact>
        {s.kind === 'syslog' && <Fact name={t('register:source.addresses')}>{list(s.addresses)}</Fact>}
        {s.kind === 'syslog' && <Fact name={t('register:source.certificates')}>{list(s.certificates)}</Fact>}
        {s.shared && <Fact name={t('register:source.realms')}>{pairs(s.realms)}</Fact>}
        {s.shared && <Fact name={t('register:source.hosts')}>{pairs(s.hostTenants)}</Fact>}
      </dl>
    </Panel>
  )
}

function Sender({ item, renew }: { item: Schemas['SourceItem']; renew?: () => void }) {
  const { t } = useTranslation()
  const keyed = item.data.kind === 'bulk' || item.data.kind === 'import'
  return (
    <Panel title={t('register:source.setupTitle')} id="oppsett" actions={keyed && renew && <Button variant="secondary" data-size="sm" onClick={renew}>{t('register:source.newKey')}</Button>}>
      <div className="stack">
        <p className="soft">{t(keyed ? 'register:source.setupKey' : 'register:source.setupText')}</p>
        {setupsOf(item.data, item.id, location.hostname).map((setup) => (
          <section key={setup.title} className="stack-2"><h3 className="small strong">{setup.title}</h3><Copyable text={setup.lines} label={setup.title} /></section>
        ))}
      </div>
    </Panel>
  )
}
