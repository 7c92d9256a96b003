import { Button, Dropdown } from '@digdir/designsystemet-react'
import { ArrowsCirclepathIcon, MagnifyingGlassIcon } from '@navikt/aksel-icons'
import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { asProblem, data, search } from '../../api/client'
import { Check } from '../../components/Field'
import { Empty, Failed, Loading } from '../../components/states'
import { formatNumber } from '../../i18n'
import { EventSheet } from './EventSheet'
import { Facets } from './Facets'
import { HistogramChart } from './Histogram'
import { withFilter } from './kql'
import { type Context, defaultColumns, fieldName, gapText, keepView, momentsOf, type Range, rangeText, type View } from './model'
import { QueryBar } from './QueryBar'
import { Results } from './Results'
import { SavedViews } from './SavedViews'
import { TimeRange } from './TimeRange'
import { useNames } from './useNames'

const facetFields = ['event.outcome', 'event.action', 'host.name', 'user.name', 'source.ip', 'varde.system', 'varde.vendor', 'event.dataset']

/** Query bar, time, histogram, facets, results: one search and what it found. */
export function Workbench({ context, initial, viewId, ended }: { context: Context; initial: View; viewId?: string | undefined; ended: (because: unknown) => void }) {
  const { t } = useTranslation()
  const navigate = useNavigate()
  const nameOf = useNames()
  const [typed, setTyped] = useState(initial.query)
  const [view, setView] = useState(initial)
  const [now, setNow] = useState(() => Date.now())
  const [opened, setOpened] = useState<string>()

  // Back and forward in the browser, or a link: the view at the address is shown.
  const own = useRef(viewId)
  useEffect(() => {
    if (own.current === viewId) return
    own.current = viewId
    setView(initial)
    setTyped(initial.query)
    setNow(Date.now())
  }, [viewId, initial])

  async function apply(next: View): Promise<void> {
    setView(next)
    setTyped(next.query)
    setNow(Date.now())
    setOpened(undefined)
    try {
      const id = await keepView(next, { caseId: context.caseId })
      own.current = id
      await navigate({ to: '/sok/$viewId', params: { viewId: id } })
    } catch {
      // The search itself runs and says what is wrong; only its address is not kept.
    }
  }

  const moments = momentsOf(view.range, now)
  const base = { context: context.id, query: view.query, ...moments }
  const found = useInfiniteQuery({
    queryKey: ['search', base, view.ascending], initialPageParam: '', staleTime: Infinity, retry: false,
    queryFn: ({ pageParam }) => data(() => search.POST('/v1/search', { body: { ...base, limit: 100, ascending: view.ascending, ...(pageParam ? { after: pageParam } : {}) } })),
    getNextPageParam: (page) => page.next,
  })
  const histogram = useQuery({
    queryKey: ['histogram', base], staleTime: Infinity, retry: false, placeholderData: keepPreviousData, enabled: !found.isError,
    queryFn: () => data(() => search.POST('/v1/histogram', { body: { ...base, timezone: 'Europe/Oslo' } })),
  })
  const facets = useQuery({
    queryKey: ['terms', base], staleTime: Infinity, retry: false, placeholderData: keepPreviousData, enabled: !found.isError,
    queryFn: () => data(() => search.POST('/v1/terms', { body: { ...base, fields: facetFields, limit: 8 } })).then((list) => list.items),
  })
  useEffect(() => {
    if (found.isError && /context/.test(asProblem(found.error).slug)) ended(found.error)
  }, [found.isError, found.error, ended])

  const events = found.data?.pages.flatMap((page) => page.items) ?? []
  const first = found.data?.pages[0]
  const at = events.findIndex((event) => event.id === opened)
  const add = (field: string, value: string, not?: boolean) => void apply({ ...view, query: withFilter(view.query, field, value, not) })
  const setRange = (range: Range) => void apply({ ...view, query: typed, range })

  return (
    <div className="workbench">
      <div className="panel panel-pad search-head">
        <QueryBar context={context} value={typed} onChange={setTyped} run={(query) => void apply({ ...view, query })} moments={moments} />
        <div className="row">
          <TimeRange range={view.range} onChange={setRange} />
          <SavedViews view={view} open={(id) => void navigate({ to: '/sok/$viewId', params: { viewId: id } })} viewId={viewId} />
        </div>
      </div>
      {first?.gaps && first.gaps.length > 0 && (
        <div className="ds-alert" data-color="warning" role="status"><p>{t('search:results.gaps', { when: first.gaps.map((gap) => gapText(gap.from, gap.to)).join(', ') })}</p></div>
      )}
      {histogram.data && <HistogramChart histogram={histogram.data} total={first?.total ?? 0} zoom={(from, to) => setRange({ from, to })} />}
      <div className="search-grid">
        <div className="facet-column">{facets.data ? <Facets facets={facets.data} nameOf={nameOf} add={add} /> : !found.isError && <Loading rows={4} />}</div>
        <section aria-label={t('search:results.title')} className="stack">
          <div className="spread">
            <p className="numeric" role="status">
              {first && <><strong>{t(first.exact ? 'search:results.total' : 'search:results.totalMore', { count: first.total, formatted: formatNumber(first.total) })}</strong>
                {first.tookMs !== undefined && <span className="soft"> · {t('search:results.took', { ms: first.tookMs })}</span>}</>}
            </p>
            <div className="row-tight">
              <Columns columns={view.columns} onChange={(columns) => setView({ ...view, columns })} />
              <Button variant="tertiary" data-size="sm" onClick={() => void apply({ ...view, ascending: !view.ascending })}>{t(view.ascending ? 'search:results.oldest' : 'search:results.newest')}</Button>
              <Button variant="tertiary" data-size="sm" onClick={() => setNow(Date.now())}><ArrowsCirclepathIcon aria-hidden />{t('search:results.refresh')}</Button>
            </div>
          </div>
          {found.isPending ? <Loading rows={8} /> : found.isError ? <Failed error={found.error} retry={() => void found.refetch()} /> : events.length === 0 ? (
            <div className="panel"><Empty title={t('search:results.empty')} icon={<MagnifyingGlassIcon aria-hidden />}>{t('search:results.emptyText', { range: rangeText(view.range) })}</Empty></div>
          ) : (
            <Results events={events} columns={view.columns} nameOf={nameOf} open={setOpened} opened={opened}
              more={found.hasNextPage ? () => void found.fetchNextPage() : undefined} loadingMore={found.isFetchingNextPage} />
          )}
        </section>
      </div>
      {opened && (
        <EventSheet context={context} id={opened} nameOf={nameOf} close={() => setOpened(undefined)} show={setOpened} add={add}
          before={at > 0 ? events[at - 1]?.id : undefined} after={at >= 0 ? events[at + 1]?.id : undefined} found={{ query: view.query, ...moments }} />
      )}
    </div>
  )
}

function Columns({ columns, onChange }: { columns: string[]; onChange: (columns: string[]) => void }) {
  const { t } = useTranslation()
  const fields = useQuery({ queryKey: ['fields'], staleTime: Infinity, queryFn: () => data(() => search.GET('/v1/fields')).then((list) => list.items) })
  const names = [...new Set([...defaultColumns, ...(fields.data ?? []).map((f) => f.name)])].filter((name) => name !== '@timestamp')
  return (
    <Dropdown.TriggerContext>
      <Dropdown.Trigger variant="tertiary" data-size="sm">{t('search:results.columns')}</Dropdown.Trigger>
      <Dropdown className="column-menu">
        <div className="stack-2">
          {names.map((name) => (
            <Check key={name} checked={columns.includes(name)} onChange={() => onChange(columns.includes(name) ? columns.filter((c) => c !== name) : [...columns, name])}
              label={<>{fieldName(name)} {fieldName(name) !== name && <code className="soft small">{name}</code>}</>} />
          ))}
        </div>
      </Dropdown>
    </Dropdown.TriggerContext>
  )
}
