import { Button } from '@digdir/designsystemet-react'
import { CheckmarkCircleIcon } from '@navikt/aksel-icons'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { cases, data } from '../../api/client'
import type { components } from '../../api/cases'
import { PageHead } from '../../components/Page'
import { Empty, Failed, Loading } from '../../components/states'
import { CaseRow } from './CaseRow'
import { CaseTabs } from './CaseTabs'
import { NewCase } from './NewCase'
import { useSelection } from './Selection'

type Section = components['schemas']['Section']
const sections: Section[] = ['new', 'overdue', 'waiting', 'this-week', 'later']

/** What must I do now: the manager's open cases by what is due. */
export default function QueuePage() {
  const { t } = useTranslation()
  const [section, setSection] = useState<Section>()
  const queue = useInfiniteQuery({
    queryKey: ['queue', section],
    initialPageParam: '',
    queryFn: ({ pageParam }) => data(() => cases.GET('/v1/queue', { params: { query: { ...(section ? { section } : {}), limit: 50, ...(pageParam ? { after: pageParam } : {}) } } })),
    getNextPageParam: (page) => page.next,
    refetchInterval: 15_000,
    placeholderData: (before) => before,
  })
  const counts = queue.data?.pages[0]?.counts ?? {}
  const items = queue.data?.pages.flatMap((page) => page.items) ?? []
  const { selection, bar } = useSelection(items)
  const shown = section ? [section] : sections
  return (
    <>
      <PageHead title={t('queue:title')} lead={t('queue:lead')} />
      <CaseTabs />
      {bar(<NewCase />)}
      {queue.isPending ? <Loading rows={6} /> : queue.isError && !queue.data ? <Failed error={queue.error} retry={() => void queue.refetch()} /> : (
        <>
          <div className="tiles" role="group" aria-label={t('queue:tabQueue')}>
            {sections.map((s) => (
              <button type="button" className="tile" key={s} aria-pressed={section === s} data-alarm={(s === 'overdue' && (counts[s] ?? 0) > 0) || undefined}
                onClick={() => setSection(section === s ? undefined : s)}>
                <strong>{counts[s] ?? 0}</strong>
                <span>{t(`queue:section.${s}`)}</span>
              </button>
            ))}
          </div>
          {items.length === 0 ? (
            <div className="panel"><Empty title={t(section ? 'queue:emptySection' : 'queue:empty')} icon={<CheckmarkCircleIcon aria-hidden />}>{t(section ? 'queue:emptySectionText' : 'queue:emptyText')}</Empty></div>
          ) : shown.map((s) => {
            const inSection = items.filter((item) => (item.section ?? 'later') === s)
            if (inSection.length === 0) return null
            return (
              <section key={s} aria-labelledby={`section-${s}`}>
                <h2 className="section-title" id={`section-${s}`}>{t(`queue:section.${s}`)}</h2>
                <ul className="rows panel">{inSection.map((item) => <CaseRow key={item.id} item={item} selection={selection} />)}</ul>
              </section>
            )
          })}
          {queue.hasNextPage && <p className="more"><Button variant="secondary" loading={queue.isFetchingNextPage || undefined} onClick={() => void queue.fetchNextPage()}>{t('app:more')}</Button></p>}
        </>
      )}
    </>
  )
}
