import { Button } from '@digdir/designsystemet-react'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useDeferredValue, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { cases, data } from '../../api/client'
import type { components } from '../../api/cases'
import { SelectField, TextField } from '../../components/Field'
import { PageHead } from '../../components/Page'
import { Empty, Failed, Loading } from '../../components/states'
import { CaseRow } from './CaseRow'
import { CaseTabs } from './CaseTabs'
import { NewCase } from './NewCase'
import { useSelection } from './Selection'

type Search = components['schemas']['CaseSearch']

/** Every case one may see, by filters. Filters stay in the page, never in its address. */
export default function AllCasesPage() {
  const { t } = useTranslation()
  const [text, setText] = useState('')
  const [state, setState] = useState('open')
  const [source, setSource] = useState('')
  const [severity, setSeverity] = useState('')
  const [sort, setSort] = useState<NonNullable<Search['sort']>>('newest')
  const wanted = useDeferredValue(text.trim())
  const body: Search = {
    ...(wanted ? { text: wanted } : {}),
    ...(state === 'open' ? { open: true } : state === 'closed' ? { states: ['closed', 'rejected'] } : {}),
    ...(source ? { sources: [source as 'report'] } : {}),
    ...(severity ? { severities: [severity as 'low'] } : {}),
    sort, limit: 50,
  }
  const found = useInfiniteQuery({
    queryKey: ['cases', body],
    initialPageParam: '',
    queryFn: ({ pageParam }) => data(() => cases.POST('/v1/cases/search', { body: { ...body, ...(pageParam ? { after: pageParam } : {}) } })),
    getNextPageParam: (page) => page.next,
    placeholderData: (before) => before,
  })
  const items = found.data?.pages.flatMap((page) => page.items) ?? []
  const { selection, bar } = useSelection(items)
  return (
    <>
      <PageHead title={t('queue:title')} lead={t('queue:all.lead')} />
      <CaseTabs />
      {bar(<NewCase />)}
      <div className="filters" role="search">
        <TextField label={t('queue:all.text')} type="search" data-search-field placeholder={t('queue:all.textHelp')} value={text} onChange={(e) => setText(e.target.value)} />
        <SelectField label={t('queue:all.state')} value={state} onChange={(e) => setState(e.target.value)}>
          <option value="open">{t('queue:all.open')}</option>
          <option value="closed">{t('queue:all.closed')}</option>
          <option value="">{t('queue:all.any')}</option>
        </SelectField>
        <SelectField label={t('queue:all.source')} value={source} onChange={(e) => setSource(e.target.value)}>
          <option value="">{t('queue:all.any')}</option>
          <option value="report">{t('queue:source.report')}</option>
          <option value="finding">{t('queue:source.finding')}</option>
          <option value="manual">{t('queue:source.manual')}</option>
        </SelectField>
        <SelectField label={t('queue:all.severity')} value={severity} onChange={(e) => setSeverity(e.target.value)}>
          <option value="">{t('queue:all.any')}</option>
          {(['critical', 'high', 'medium', 'low'] as const).map((s) => <option key={s} value={s}>{t(`case:severity.${s}`)}</option>)}
        </SelectField>
        <SelectField label={t('queue:all.sort')} value={sort} onChange={(e) => setSort(e.target.value as typeof sort)}>
          <option value="newest">{t('queue:all.newest')}</option>
          <option value="due">{t('queue:all.dueFirst')}</option>
          <option value="severity">{t('queue:all.severityFirst')}</option>
        </SelectField>
      </div>
      {found.isPending ? <Loading rows={6} /> : found.isError ? <Failed error={found.error} retry={() => void found.refetch()} /> : items.length === 0 ? (
        <div className="panel"><Empty title={t('queue:all.empty')}>{t('queue:all.emptyText')}</Empty></div>
      ) : (
        <>
          <ul className="rows panel">{items.map((item) => <CaseRow key={item.id} item={item} selection={selection} />)}</ul>
          {found.hasNextPage && <p className="more"><Button variant="secondary" loading={found.isFetchingNextPage || undefined} onClick={() => void found.fetchNextPage()}>{t('app:more')}</Button></p>}
        </>
      )}
    </>
  )
}
