import { ChevronLeftIcon } from '@navikt/aksel-icons'
import { useQuery } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { data, deviation } from '../../api/client'
import { Failed, Loading } from '../../components/states'
import { usePageTitle } from '../../components/usePageTitle'
import { FollowUpView } from '../followup/FollowUpView'

export default function MyReportPage() {
  const { t } = useTranslation()
  const { reportId } = useParams({ strict: false }) as { reportId: string }
  usePageTitle(t('mine:title'))
  const report = useQuery({
    queryKey: ['mine', reportId], refetchInterval: 20_000,
    queryFn: () => data(() => deviation.GET('/v1/reports/{reportId}', { params: { path: { reportId } } })),
  })
  return (
    <div className="narrow">
      <Link className="crumb" to="/mine"><ChevronLeftIcon aria-hidden />{t('mine:title')}</Link>
      {report.isPending ? <Loading rows={4} /> : report.isError ? <Failed error={report.error} retry={() => void report.refetch()} /> : (
        <FollowUpView report={report.data} refresh={() => void report.refetch()}
          write={(message) => data(() => deviation.POST('/v1/reports/{reportId}/messages', { params: { path: { reportId } }, body: message }))} />
      )}
    </div>
  )
}
