import { Button } from '@digdir/designsystemet-react'
import { MagnifyingGlassIcon } from '@navikt/aksel-icons'
import { useQuery } from '@tanstack/react-query'
import { type KeyboardEvent, useEffect, useId, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { data, search } from '../../api/client'
import { i18n } from '../../i18n'
import { faultParts, inWords, withProposal } from './kql'
import { type Context, fieldName, type Schemas } from './model'

type Props = {
  context: Context; value: string; onChange: (query: string) => void; run: (query: string) => void
  moments: { from: string; to: string }
}

function useLater<T>(value: T, ms: number): T {
  const [later, setLater] = useState(value)
  useEffect(() => {
    const timer = setTimeout(() => setLater(value), ms)
    return () => clearTimeout(timer)
  }, [value, ms])
  return later
}

/** A search bar that helps while typing: fields and values to choose, faults under the word, the meaning in words. */
export function QueryBar({ context, value, onChange, run, moments }: Props) {
  const { t } = useTranslation()
  const id = useId()
  const input = useRef<HTMLInputElement>(null)
  const behind = useRef<HTMLDivElement>(null)
  const [caret, setCaret] = useState(0)
  const [focused, setFocused] = useState(false)
  const [closed, setClosed] = useState(true)
  const [at, setAt] = useState(-1)
  const typed = useLater(value, 180)
  const typedCaret = useLater(caret, 180)

  const explained = useQuery({
    queryKey: ['explain', typed], staleTime: Infinity, retry: false,
    queryFn: () => data(() => search.POST('/v1/explain', { body: { query: typed } })),
  })
  const completion = useQuery({
    queryKey: ['complete', context.id, typed, typedCaret, moments.from], enabled: focused && !closed, staleTime: 30_000, retry: false,
    queryFn: () => data(() => search.POST('/v1/complete', { body: { context: context.id, query: typed, position: Math.min(typedCaret, typed.length), ...moments } })),
  })
  const fresh = typed === value
  const proposals = fresh && focused && !closed ? (completion.data?.items ?? []).slice(0, 12) : []
  const fault = fresh && explained.data && !explained.data.valid ? explained.data.error : undefined
  const needsNames = fresh && !context.names ? (explained.data?.personFields ?? []) : []

  function take(item: Schemas['Proposal']): void {
    if (!completion.data) return
    const next = withProposal(value, completion.data, item)
    onChange(next.query)
    setAt(-1)
    requestAnimationFrame(() => {
      input.current?.focus()
      input.current?.setSelectionRange(next.caret, next.caret)
      setCaret(next.caret)
    })
  }

  function onKey(event: KeyboardEvent): void {
    const open = proposals.length > 0
    if (event.key === 'ArrowDown') { setClosed(false); if (open) setAt((at + 1) % proposals.length) }
    else if (event.key === 'ArrowUp' && open) setAt(at <= 0 ? proposals.length - 1 : at - 1)
    else if (event.key === 'Escape' && open) { setClosed(true); setAt(-1) }
    else if ((event.key === 'Enter' || event.key === 'Tab') && open && at >= 0) take(proposals[at]!)
    else if (event.key === 'Enter') { setClosed(true); setAt(-1); run(value) }
    else return
    event.preventDefault()
  }

  const parts = fault ? faultParts(value, fault) : undefined
  return (
    <div className="query" role="search">
      <div className="query-row">
        <div className="query-field" data-fault={fault ? true : undefined}>
          <MagnifyingGlassIcon aria-hidden />
          <div className="query-text">
            <div className="query-behind" ref={behind} aria-hidden>{parts && <>{parts[0]}<mark>{parts[1]}</mark>{parts[2]}</>}</div>
            <input ref={input} data-search-field role="combobox" aria-autocomplete="list" aria-expanded={proposals.length > 0} aria-controls={`${id}-list`}
              aria-activedescendant={at >= 0 && proposals[at] ? `${id}-${at}` : undefined} aria-label={t('search:query.label')} aria-invalid={fault ? true : undefined}
              aria-describedby={`${id}-help`} placeholder={t('search:query.placeholder')} value={value} autoComplete="off" autoCapitalize="none" spellCheck={false} maxLength={4000}
              onChange={(e) => { onChange(e.target.value); setCaret(e.target.selectionStart ?? 0); setClosed(false); setAt(-1) }}
              onSelect={(e) => setCaret(e.currentTarget.selectionStart ?? 0)}
              onScroll={(e) => { if (behind.current) behind.current.scrollLeft = e.currentTarget.scrollLeft }}
              onFocus={() => setFocused(true)} onBlur={() => { setFocused(false); setClosed(true); setAt(-1) }} onKeyDown={onKey} />
          </div>
        </div>
        <Button onClick={() => run(value)}>{t('search:query.run')}</Button>
      </div>
      <ul className="proposals" id={`${id}-list`} role="listbox" aria-label={t('search:query.proposals')} hidden={proposals.length === 0}>
        {proposals.map((item, i) => (
          <li key={`${item.kind}${item.text}`} id={`${id}-${i}`} role="option" aria-selected={i === at} onMouseDown={(e) => { e.preventDefault(); take(item) }} onMouseMove={() => setAt(i)}>
            <code>{item.text}</code>
            <span className="soft small">{item.kind === 'field' ? fieldName(item.text.replace(/:\s*$/, '')) : item.count !== undefined ? t('search:query.count', { count: item.count }) : ''}</span>
          </li>
        ))}
      </ul>
      <div className="query-help small" id={`${id}-help`} aria-live="polite">
        {fault ? <Fault fault={fault} replace={(near) => onChange(value.slice(0, fault.start) + near + value.slice(fault.end))} />
          : needsNames.length > 0 ? <span className="fault">{t('search:query.needsNames', { fields: needsNames.map(fieldName).join(', ') })}</span>
            : explained.data?.root && value.trim() ? <span className="soft">{t('search:query.means', { words: inWords(explained.data.root, (key, values) => t(`search:means.${key}`, values ?? {}), fieldName) })}</span>
              : <span className="soft">{completion.data?.hidden && focused ? t('search:query.hiddenValues') : t('search:query.help')}</span>}
      </div>
    </div>
  )
}

function Fault({ fault, replace }: { fault: Schemas['QueryError']; replace: (near: string) => void }) {
  const { t } = useTranslation()
  const key = `search:fault.${fault.slug}`
  return (
    <span className="fault">
      <span>{i18n.exists(key) ? t(key) : t('search:fault.other')}</span>
      {fault.near && fault.near.length > 0 && (
        <span>{t('search:query.near')}{' '}
          {fault.near.slice(0, 3).map((near) => <button type="button" className="link-button" key={near} onClick={() => replace(near)}>{near}</button>)}?
        </span>
      )}
    </span>
  )
}
