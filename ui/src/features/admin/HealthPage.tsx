import { Tag } from '@digdir/designsystemet-react'
import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { data, web } from '../../api/client'
import { PageHead } from '../../components/Page'
import { Failed, Loading } from '../../components/states'
import { i18n } from '../../i18n'

/** The installation's own health: which parts are ready, and what those that are not wait for. */
export default function HealthPage() {
  const { t } = useTranslation()
  const health = useQuery({ queryKey: ['health'], refetchInterval: 10_000, queryFn: () => data(() => web.GET('/v1/health')) })
  return (
    <>
      <PageHead title={t('admin:health.title')} lead={t('admin:health.lead')} />
      {health.isPending ? <Loading rows={5} /> : health.isError ? <Failed error={health.error} retry={() => void health.refetch()} /> : (
        <div className="stack">
          <div className="ds-alert" data-color={health.data.ready ? 'success' : 'warning'} role="status">
            <p className="strong">{t(health.data.ready ? 'admin:health.allReady' : 'admin:health.notReady')}</p>
            <p className="small">{t('admin:health.updated')}</p>
          </div>
          <div className="panel table-wrap">
            <table className="plain-table">
              <thead><tr><th>{t('admin:health.part')}</th><th>{t('admin:health.state')}</th><th /></tr></thead>
              <tbody>
                {health.data.parts.map((part) => {
                  const key = `admin:health.parts.${part.name}`
                  return (
                    <tr key={part.name}>
                      <td><strong>{i18n.exists(key) ? t(key) : part.name}</strong> <code className="soft small">{part.name}</code></td>
                      <td><Tag data-size="sm" data-color={part.ready ? 'success' : part.reachable ? 'warning' : 'danger'}>{t(part.ready ? 'admin:health.ready' : part.reachable ? 'admin:health.starting' : 'admin:health.unreachable')}</Tag></td>
                      <td className="soft small">{part.engine && t('admin:health.waitsFor', { engine: part.engine })} {part.detail}</td>
                    </tr>
                  )
                })}
              </tbody>
            </table>
          </div>
        </div>
      )}
    </>
  )
}
