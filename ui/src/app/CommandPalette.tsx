import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { type KeyboardEvent, useDeferredValue, useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { cases, data } from '../api/client'
import { useReason } from '../components/reason'
import { toast } from '../components/toast'
import { useMay, useMe } from './MeContext'
import { setColorScheme } from './colorScheme'
import { languageNames, languages, setLanguage } from '../i18n'
import type { NavItem } from './navigation'
import { keepLanguage } from './OwnLanguage'

type Command = { id: string; label: string; kind: 'page' | 'action' | 'case'; run: () => void }

/** Whether every word typed begins somewhere in the label. */
export function matches(label: string, typed: string): boolean {
  const text = ` ${label.toLowerCase()}`
  return typed.toLowerCase().split(/\s+/).filter(Boolean).every((word) => text.includes(` ${word}`) || text.includes(`-${word}`))
}

export function CommandPalette({ items, close, showHelp }: { items: NavItem[]; close: () => void; showHelp: () => void }) {
  const { t } = useTranslation()
  const navigate = useNavigate()
  const me = useMe()
  const reason = useReason()
  const dialog = useRef<HTMLDialogElement>(null)
  const [typed, setTyped] = useState('')
  const [at, setAt] = useState(0)
  const wanted = useDeferredValue(typed.trim())
  const mayCases = useMay('case.list')
  const found = useQuery({
    queryKey: ['palette', wanted],
    enabled: mayCases && wanted.length >= 2,
    queryFn: () => data(() => cases.POST('/v1/cases/search', { body: { text: wanted, limit: 6 } })),
  })
  useEffect(() => { dialog.current?.showModal() }, [])

  const commands: Command[] = [
    ...items.map((item): Command => ({
      id: item.to, label: t(`app:nav.${item.key}`), kind: 'page',
      run: () => (item.external ? location.assign(`${item.to}/${me.tenant.id}`) : void navigate({ to: item.to })),
    })),
    ...(['light', 'dark', 'auto'] as const).map((scheme): Command => ({ id: scheme, label: t(`app:palette.${scheme}`), kind: 'action', run: () => setColorScheme(scheme) })),
    ...languages.map((language): Command => ({
      id: language, label: t('app:palette.language', { language: languageNames[language] }), kind: 'action',
      run: () => void setLanguage(language).then(() => keepLanguage(language), () => toast(t('common:languageFailed'))),
    })),
    { id: 'shortcuts', label: t('app:palette.shortcuts'), kind: 'action', run: showHelp },
  ]
  const shown: Command[] = [
    ...(found.data?.items ?? []).map((item): Command => ({
      id: item.id, label: `${item.number} ${item.summary || reason(item.title)}`, kind: 'case',
      run: () => void navigate({ to: '/saker/$caseId', params: { caseId: item.id } }),
    })),
    ...commands.filter((command) => matches(command.label, typed)),
  ]
  const index = Math.min(at, Math.max(0, shown.length - 1))
  const run = (command: Command | undefined) => { if (command) { close(); command.run() } }

  function onKey(event: KeyboardEvent): void {
    if (event.key === 'ArrowDown') setAt(Math.min(index + 1, shown.length - 1))
    else if (event.key === 'ArrowUp') setAt(Math.max(index - 1, 0))
    else if (event.key === 'Enter') run(shown[index])
    else return
    event.preventDefault()
  }

  return (
    <dialog ref={dialog} className="ds-dialog palette" onClose={close} aria-label={t('app:palette.title')}
      onClick={(event) => { if (event.target === dialog.current) close() }}>
      <input role="combobox" aria-expanded aria-controls="palette-list" aria-activedescendant={shown[index] ? `palette-${index}` : undefined}
        aria-label={t('app:palette.title')} placeholder={t('app:palette.placeholder')} value={typed} autoFocus
        onChange={(event) => { setTyped(event.target.value); setAt(0) }} onKeyDown={onKey} />
      <ul id="palette-list" role="listbox" aria-label={t('app:palette.title')}>
        {shown.map((command, i) => (
          <li key={command.id} id={`palette-${i}`} role="option" aria-selected={i === index} onMouseMove={() => setAt(i)} onClick={() => run(command)}>
            {command.label}<span className="soft">{t(`app:palette.${command.kind}`)}</span>
          </li>
        ))}
        {shown.length === 0 && <li role="option" aria-selected={false} aria-disabled>{t('app:palette.none')}</li>}
      </ul>
    </dialog>
  )
}
