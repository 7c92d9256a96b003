import { Button, Tag } from '@digdir/designsystemet-react'
import { DatabaseIcon, PlusIcon } from '@navikt/aksel-icons'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useMay } from '../../app/MeContext'
import { Empty, Failed, Loading } from '../../components/states'
import { Time } from '../../components/Time'
import { type Activity, lost, percent, signsOf, unregistered, useActivities } from './activity'
import { type Schemas, useSources } from './model'
import { Weaknesses } from './parts'
import { SourceChart } from './SourceChart'
import { SourceForm } from './SourceForm'
import { ShowKey, Signs } from './sourceParts'

/** Every source with how it does: what is wrong is seen without opening any. */
export default function SourcesPage() {
  const { t } = useTranslation()
  const mayWrite = useMay('source.write')
  const sources = useSources()
  const activities = useActivities()
  const [adding, setAdding] = useState(false)
  const [key, setKey] = useState<string>()
  if (sources.isPending) return <Loading rows={5} />
  if (sources.isError) return <Failed error={sources.error} retry={() => void sources.refetch()} />
  const of = (id: string) => activities.data?.find((a) => a.source === id)
  const strangers = of(unregistered)
  return (
    <div className="stack">
      {mayWrite && <div className="row"><Button onClick={() => setAdding(true)}><PlusIcon aria-hidden />{t('register:source.newTitle')}</Button>
        <Button asChild variant="secondary"><Link to="/register/kilder/kartlegging">{t('register:source.fromSample')}</Link></Button></div>}
      {activities.isError && <div className="ds-alert" data-color="warning"><p>{t('register:source.noActivity')}</p></div>}
      {sources.data.length === 0 && !strangers ? <div className="panel"><Empty title={t('register:noneYet')} icon={<DatabaseIcon aria-hidden />}>{t('register:noneText')}</Empty></div> : (
        <div className="panel table-wrap">
          <table className="plain-table">
            <thead><tr><th>{t('register:name')}</th><th>{t('register:source.stateColumn')}</th><th>{t('register:source.lastColumn')}</th><th>{t('register:source.daysColumn')}</th><th>{t('register:source.lostColumn')}</th><th>{t('register:source.retention')}</th><th>{t('register:source.knownBy')}</th></tr></thead>
            <tbody>
              {sources.data.map((s) => <Row key={s.id} item={s} activity={of(s.id)} />)}
              {strangers && <Row activity={strangers} />}
            </tbody>
          </table>
        </div>
      )}
      {adding && <SourceForm close={() => setAdding(false)} created={setKey} />}
      {key && <ShowKey value={key} close={() => setKey(undefined)} />}
    </div>
  )
}

function Row({ item, activity }: { item?: Schemas['SourceItem']; activity: Activity | undefined }) {
  const { t } = useTranslation()
  const s = item?.data
  return (
    <tr>
      <td>
        <Link to="/register/kilder/$id" params={{ id: item?.id ?? unregistered }}>{s?.name ?? t('register:source.unregistered')}</Link>{' '}
        {s?.shared && <Tag data-size="sm" data-color="info">{t('register:source.sharedTag')}</Tag>}
        {s && <div className="soft small">{t(`register:source.kinds.${s.kind}`)}</div>}
        {item?.weaknesses && item.weaknesses.length > 0 && <Weaknesses of={item.weaknesses} />}
      </td>
      <td>{activity && <Signs of={signsOf(activity)} />}</td>
      <td data-label={t('register:source.lastColumn')}>{activity?.lastReceived ? <Time at={activity.lastReceived} /> : t('register:source.neverHeard')}</td>
      <td>{activity && <SourceChart days={activity.days} />}</td>
      <td data-label={t('register:source.lostColumn')}>{activity && activity.total.received > 0 ? percent(lost(activity.total)) : '–'}</td>
      <td data-label={t('register:source.retention')}>{s?.retention || t('register:source.standard')}</td>
      <td data-label={t('register:source.knownBy')}>{s ? <KnownBy source={s} /> : '–'}</td>
    </tr>
  )
}

/** By what its lines are known to be its own. */
function KnownBy({ source }: { source: Schemas['Source'] }) {
  const { t } = useTranslation()
  const by = [
    ...(source.hasKey && source.kind === 'bulk' ? [t('register:source.byKey')] : []),
    ...(source.certificates?.length ? [t('register:source.byCertificate')] : []),
    ...(source.addresses?.length ? [t('register:source.byAddress')] : []),
    ...(source.kind === 'file' ? [t('register:source.byFile')] : []),
  ]
  return <>{by.length > 0 ? by.join(', ') : '–'}</>
}
