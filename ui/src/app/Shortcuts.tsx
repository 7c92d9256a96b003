import { useNavigate } from '@tanstack/react-router'
import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Modal } from '../components/Modal'

const goTo: Record<string, string> = { s: '/saker', l: '/sok', r: '/register' }

function typing(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
}

/** Ctrl-K, `?`, `/` and `g` followed by a letter. Single letters never act while one types. */
export function useShortcuts() {
  const navigate = useNavigate()
  const [palette, setPalette] = useState(false)
  const [help, setHelp] = useState(false)
  useEffect(() => {
    let afterG = 0
    const onKey = (event: KeyboardEvent) => {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') {
        event.preventDefault()
        setPalette((open) => !open)
        return
      }
      if (typing(event.target) || event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]')) return
      if (event.key === '?') setHelp(true)
      else if (event.key === '/') {
        const field = document.querySelector<HTMLElement>('[data-search-field]')
        if (field) { event.preventDefault(); field.focus() }
      } else if (event.key === 'g') afterG = Date.now()
      else if (Date.now() - afterG < 1500 && goTo[event.key]) { afterG = 0; void navigate({ to: goTo[event.key]! }) }
    }
    addEventListener('keydown', onKey)
    return () => removeEventListener('keydown', onKey)
  }, [navigate])
  return { palette, setPalette, help, setHelp }
}

export function ShortcutsDialog({ close }: { close: () => void }) {
  const { t } = useTranslation()
  const rows: [string[], string][] = [
    [['Ctrl', 'K'], 'palette'], [['?'], 'help'], [['/'], 'focusSearch'], [['g', 's'], 'cases'], [['g', 'l'], 'search'], [['g', 'r'], 'register'], [['Esc'], 'escape'],
  ]
  return (
    <Modal title={t('app:shortcuts.title')} close={close}>
      <dl className="facts">
        {rows.map(([keys, what]) => (
          <div key={what} style={{ display: 'contents' }}>
            <dt>{keys.map((key, i) => <span key={key}>{i > 0 && (keys[0] === 'g' ? ` ${t('app:shortcuts.then')} ` : ' ')}<kbd>{key}</kbd></span>)}</dt>
            <dd>{t(`app:shortcuts.${what}`)}</dd>
          </div>
        ))}
      </dl>
    </Modal>
  )
}
