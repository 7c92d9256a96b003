import { Button, Tag } from '@digdir/designsystemet-react'
import { FolderIcon } from '@navikt/aksel-icons'
import { useInfiniteQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { data, deviation } from '../../api/client'
import { useMe } from '../../app/MeContext'
import { PageHead } from '../../components/Page'
import { Empty, Failed, Loading } from '../../components/states'
import { Time } from '../../components/Time'

export default function MinePage() {
  const { t } = useTranslation()
  const me = useMe()
  const mine = useInfiniteQuery({
    queryKey: ['mine'], initialPageParam: '', refetchInterval: 30_000,
    queryFn: ({ pageParam }) => data(() => deviation.GET('/v1/reports', { params: { query: { limit: 50, ...(pageParam ? { after: pageParam } : {}) } } })),
    getNextPageParam: (page) => page.next,
  })
  const items = mine.data?.pages.flatMap((page) => page.items) ?? []
  const report = <a className="ds-button" data-variant="primary" href={`/meld/${me.tenant.id}`}>{t('mine:report')}</a>
  return (
    <>
      <PageHead title={t('mine:title')} lead={t('mine:lead')} actions={items.length > 0 && report} />
      {mine.isPending ? <Loading rows={4} /> : mine.isError ? <Failed error={mine.error} retry={() => void mine.refetch()} /> : items.length === 0 ? (
        <div className="panel"><Empty title={t('mine:empty')} icon={<FolderIcon aria-hidden />} action={report}>{t('mine:emptyText')}</Empty></div>
      ) : (
        <ul className="rows panel">
          {items.map((item) => (
            <li key={item.reportId}>
              <Link className="rowlink" to="/mine/$reportId" params={{ reportId: item.reportId }}>
                <div className="stack-2">
                  <span className="title">{item.summary}</span>
                  <span className="meta">{item.caseNumber && <span>{item.caseNumber}</span>}<span>{t('mine:sent')} <Time at={item.submitted} /></span></span>
                </div>
                <div className="side-info">
                  <Tag data-size="sm" data-color={item.state === 'closed' ? 'success' : 'accent'}>{t(`common:state.${item.state}`)}</Tag>
                  {item.unanswered && <Tag data-size="sm" data-color="warning">{t('mine:unanswered')}</Tag>}
                </div>
              </Link>
            </li>
          ))}
        </ul>
      )}
      {mine.hasNextPage && <p className="more"><Button variant="secondary" onClick={() => void mine.fetchNextPage()}>{t('app:more')}</Button></p>}
    </>
  )
}
