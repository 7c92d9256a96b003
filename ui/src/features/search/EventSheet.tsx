import { Button, Tabs } from '@digdir/designsystemet-react'
import { ChevronLeftIcon, ChevronRightIcon, EyeSlashIcon, MinusCircleIcon, PinIcon, PlusCircleIcon } from '@navikt/aksel-icons'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { data, search } from '../../api/client'
import { useMay } from '../../app/MeContext'
import { Modal } from '../../components/Modal'
import { Failed, Loading } from '../../components/states'
import { exact } from '../../time/format'
import { facetText } from './Facets'
import { type Context, fieldName, type Schemas, valueText } from './model'
import { PinDialog } from './PinDialog'
import { Cell } from './Results'
import type { NameOf } from './useNames'

type Props = {
  context: Context; id: string; nameOf: NameOf; close: () => void; show: (id: string) => void
  before?: string | undefined; after?: string | undefined
  add: (field: string, value: string, not?: boolean) => void
  found: { query: string; from: string; to: string }
}

/** One event: as a readable sheet, as JSON, as the line it came as; what lies around it; pinned to a case. */
export function EventSheet({ context, id, nameOf, close, show, before, after, add, found }: Props) {
  const { t } = useTranslation()
  const mayPin = useMay('evidence.pin')
  const [around, setAround] = useState(false)
  const [pinning, setPinning] = useState(false)
  const event = useQuery({
    queryKey: ['event', context.id, id], staleTime: 60_000,
    queryFn: () => data(() => search.GET('/v1/contexts/{context}/events/{id}', { params: { path: { context: context.id, id } } })),
  })
  const why = context.namesReason ? t(`search:context.reason.${context.namesReason}`) : ''
  return (
    <Modal title={t('search:event.title')} close={close} wide placement="right">
      <div className="row-tight">
        <Button variant="tertiary" data-size="sm" disabled={!before} onClick={() => before && show(before)}><ChevronLeftIcon aria-hidden />{t('search:event.previous')}</Button>
        <Button variant="tertiary" data-size="sm" disabled={!after} onClick={() => after && show(after)}>{t('search:event.next')}<ChevronRightIcon aria-hidden /></Button>
        <span className="grow" />
        <Button variant="secondary" data-size="sm" aria-pressed={around} onClick={() => setAround(!around)}>{t('search:event.around')}</Button>
        {mayPin && <Button data-size="sm" onClick={() => setPinning(true)}><PinIcon aria-hidden />{t('search:event.pin')}</Button>}
      </div>
      {event.isPending ? <Loading rows={5} /> : event.isError ? <Failed error={event.error} retry={() => void event.refetch()} /> : around ? (
        <Around context={context} id={id} nameOf={nameOf} show={(other) => { setAround(false); show(other) }} />
      ) : (
        <Tabs defaultValue="readable">
          <Tabs.List>
            <Tabs.Tab value="readable">{t('search:event.readable')}</Tabs.Tab>
            <Tabs.Tab value="json">{t('search:event.json')}</Tabs.Tab>
            <Tabs.Tab value="raw">{t('search:event.raw')}</Tabs.Tab>
          </Tabs.List>
          <Tabs.Panel value="readable"><Readable detail={event.data} nameOf={nameOf} why={why} add={add} /></Tabs.Panel>
          <Tabs.Panel value="json"><pre className="logline">{JSON.stringify(event.data.event, null, 2)}</pre></Tabs.Panel>
          <Tabs.Panel value="raw">
            {event.data.original !== undefined ? <code className="logline">{event.data.original}</code> : <p className="hidden-value"><EyeSlashIcon aria-hidden />{t('search:event.rawHidden', { reason: why })}</p>}
            <p className="hash">{t('search:event.hash')} {event.data.sha256}</p>
          </Tabs.Panel>
        </Tabs>
      )}
      {pinning && <PinDialog eventId={id} caseId={context.caseId} found={found} searchId={context.id} close={() => setPinning(false)} />}
    </Modal>
  )
}

function Readable({ detail, nameOf, why, add }: { detail: Schemas['EventDetail']; nameOf: NameOf; why: string; add: Props['add'] }) {
  const { t } = useTranslation()
  const fields = Object.entries(detail.event.fields).filter(([name]) => name !== '@timestamp').sort(([a], [b]) => a.localeCompare(b))
  return (
    <dl className="event-fields">
      <div><dt>{t('search:event.time')}</dt><dd>{exact(detail.event.time)}</dd></div>
      {fields.map(([name, value]) => (
        <div key={name}>
          <dt title={name}>{fieldName(name)}<code className="soft">{fieldName(name) !== name && name}</code></dt>
          <dd>
            <span className="grow">{facetText(name, valueText(value), nameOf)}</span>
            {typeof value !== 'object' && name !== 'message' && name !== 'event.original' && (
              <span className="pivot">
                <button type="button" aria-label={`${t('search:event.only')}: ${fieldName(name)}`} title={t('search:event.only')} onClick={() => add(name, String(value))}><PlusCircleIcon aria-hidden /></button>
                <button type="button" aria-label={`${t('search:event.not')}: ${fieldName(name)}`} title={t('search:event.not')} onClick={() => add(name, String(value), true)}><MinusCircleIcon aria-hidden /></button>
              </span>
            )}
          </dd>
        </div>
      ))}
      {detail.event.hidden?.map((name) => <div key={name}><dt title={name}>{fieldName(name)}</dt><dd className="hidden-value"><EyeSlashIcon aria-hidden />{t('search:event.hiddenField', { reason: why })}</dd></div>)}
      {detail.received && <div><dt>{t('search:event.received')}</dt><dd>{exact(detail.received)}{Math.abs(detail.skewMs ?? 0) > 120_000 && <span className="soft"> {t('search:event.skew', { ms: detail.skewMs })}</span>}</dd></div>}
      {detail.provenance && <div><dt>{t('search:event.provenance')}</dt><dd>{detail.provenance}</dd></div>}
      <div><dt>{t('search:event.hash')}</dt><dd className="hash">{detail.sha256}</dd></div>
    </dl>
  )
}

function Around({ context, id, nameOf, show }: { context: Context; id: string; nameOf: NameOf; show: (id: string) => void }) {
  const { t } = useTranslation()
  const around = useQuery({
    queryKey: ['around', context.id, id],
    queryFn: () => data(() => search.POST('/v1/around', { body: { context: context.id, id, before: 25, after: 25 } })),
  })
  if (around.isPending) return <Loading rows={5} />
  if (around.isError) return <Failed error={around.error} retry={() => void around.refetch()} />
  return (
    <div className="stack-2">
      <p className="soft">{t('search:event.aroundTitle')}</p>
      <ol className="around">
        {around.data.items.map((event) => (
          <li key={event.id} data-here={event.id === id || undefined}>
            <button type="button" onClick={() => show(event.id)}>
              <span className="numeric nowrap">{exact(event.time)}</span>
              <span>{event.fields.message !== undefined ? valueText(event.fields.message) : <><Cell event={event} field="event.action" nameOf={nameOf} /> <Cell event={event} field="event.outcome" nameOf={nameOf} /></>}</span>
            </button>
          </li>
        ))}
      </ol>
    </div>
  )
}
