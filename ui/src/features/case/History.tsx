import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { cases, data } from '../../api/client'
import { Panel } from '../../components/Page'
import { Failed, Loading } from '../../components/states'
import { Time } from '../../components/Time'
import { i18n } from '../../i18n'

export function History({ caseId }: { caseId: string }) {
  const { t } = useTranslation()
  const history = useQuery({
    queryKey: ['history', caseId],
    queryFn: () => data(() => cases.GET('/v1/cases/{caseId}/history', { params: { path: { caseId }, query: { limit: 200 } } })),
  })
  return (
    <Panel title={t('case:history.title')} id="historikk">
      {history.isPending ? <Loading rows={3} /> : history.isError ? <Failed error={history.error} retry={() => void history.refetch()} /> : (
        <ol className="history">
          {history.data.items.map((entry) => {
            const key = `case:history.action.${entry.action}`
            return (
              <li key={entry.id}>
                <div>{i18n.exists(key) ? t(key) : entry.action}</div>
                {entry.text && <div className="prewrap">{entry.text}</div>}
                <div className="soft small">{entry.by?.name ?? (entry.by ? entry.by.id : t('case:history.system'))}, <Time at={entry.at} /></div>
              </li>
            )
          })}
        </ol>
      )}
    </Panel>
  )
}
