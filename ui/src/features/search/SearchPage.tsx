import { Button } from '@digdir/designsystemet-react'
import { EyeIcon, EyeSlashIcon } from '@navikt/aksel-icons'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { asProblem, data, search } from '../../api/client'
import { PageHead } from '../../components/Page'
import { Failed, Loading } from '../../components/states'
import { type Context, rememberContext, rememberedContext, startView, type View, viewOf } from './model'
import { PurposeForm } from './PurposeForm'
import { Workbench } from './Workbench'

/** Search in log events. The address holds a view's opaque id, never the query. */
export default function SearchPage() {
  const { t } = useTranslation()
  const navigate = useNavigate()
  const { viewId } = useParams({ strict: false }) as { viewId?: string }
  const { sak } = useSearch({ strict: false }) as { sak?: string }
  const [context, setContext] = useState<Context>()
  const [looked, setLooked] = useState(false)
  const [ended, setEnded] = useState(false)

  // A context begun in this tab is taken up again after a reload.
  useEffect(() => {
    const id = sak ? undefined : rememberedContext()
    if (!id) return setLooked(true)
    data(() => search.GET('/v1/contexts/{context}', { params: { path: { context: id } } }))
      .then(setContext, () => rememberContext(undefined))
      .finally(() => setLooked(true))
  }, [sak])

  const stored = useQuery({
    queryKey: ['view', viewId], enabled: viewId !== undefined && context !== undefined, staleTime: Infinity,
    queryFn: () => data(() => search.GET('/v1/views/{id}', { params: { path: { id: viewId! } } })).then(viewOf),
  })

  const start = (started: Context) => {
    rememberContext(started.id)
    setEnded(false)
    setContext(started)
    if (sak) void navigate({ to: '/sok', replace: true })
  }
  const stop = (because?: unknown) => {
    rememberContext(undefined)
    setContext(undefined)
    setEnded(because !== undefined && /context/.test(asProblem(because).slug))
  }

  if (!looked) return <Loading rows={5} />
  if (!context) {
    return (
      <>
        <PageHead title={t('search:title')} lead={t('search:lead')} />
        {ended && <div className="ds-alert" data-color="info"><p>{t('search:context.expired')}</p></div>}
        <PurposeForm caseId={sak} started={start} />
      </>
    )
  }
  const view: View | undefined = viewId ? stored.data : startView
  return (
    <>
      <PageHead title={t('search:title')} lead={<ContextLine context={context} stop={() => stop()} />} />
      {view ? <Workbench key={context.id} context={context} initial={view} viewId={viewId} ended={stop} />
        : stored.isError ? <Failed error={stored.error} retry={() => void stored.refetch()} /> : <Loading rows={5} />}
    </>
  )
}

function ContextLine({ context, stop }: { context: Context; stop: () => void }) {
  const { t } = useTranslation()
  return (
    <div className="row context-line">
      <span>{t('search:context.purpose', { purpose: context.purpose })}</span>
      {context.caseNumber && <span>{t('search:context.case', { number: context.caseNumber })}</span>}
      {context.names ? <span className="row-tight names-shown"><EyeIcon aria-hidden />{t('search:context.names')}</span> : (
        <span className="row-tight"><EyeSlashIcon aria-hidden />{t('search:context.hidden')} {context.namesReason && t(`search:context.reason.${context.namesReason}`)}</span>
      )}
      <Button variant="tertiary" data-size="sm" onClick={stop}>{t('search:context.change')}</Button>
    </div>
  )
}
