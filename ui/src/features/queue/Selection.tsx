import { Button } from '@digdir/designsystemet-react'
import { type ReactNode, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Check } from '../../components/Field'
import { TogetherDialog } from './TogetherDialog'
import type { Summary } from './together'

export type Selection = { on: boolean; has: (id: string) => boolean; toggle: (id: string) => void }

const isOpen = (item: Summary) => !['closed', 'rejected', 'merged'].includes(item.state)

/** Lets several cases of a list be chosen and decided together; beside the button stands what else the page offers. */
export function useSelection(items: Summary[]): { selection: Selection; bar: (more?: ReactNode) => ReactNode } {
  const { t } = useTranslation()
  const [on, setOn] = useState(false)
  const [chosen, setChosen] = useState<Record<string, Summary>>({})
  const [deciding, setDeciding] = useState<Summary[]>()
  const open = items.filter(isOpen)
  const count = Object.keys(chosen).length
  const toggle = (id: string) => setChosen((all) => {
    const { [id]: had, ...rest } = all
    const item = open.find((i) => i.id === id)
    return had || !item ? rest : { ...rest, [id]: item }
  })
  const all = open.length > 0 && open.every((item) => chosen[item.id])
  const stop = () => { setOn(false); setChosen({}) }
  const bar = (more?: ReactNode) => (
    <>
      <div className="row case-tools">
        {more}
        <Button variant="tertiary" aria-pressed={on} onClick={() => (on ? stop() : setOn(true))}>{t(on ? 'queue:together.stop' : 'queue:together.start')}</Button>
      </div>
      {on && (
        <div className="panel choice-bar" role="region" aria-label={t('queue:together.start')}>
          <Check label={t('queue:together.all', { count: open.length })} checked={all} onChange={() => setChosen(all ? {} : Object.fromEntries(open.map((item) => [item.id, item])))} />
          <span className="soft" aria-live="polite">{t('queue:together.chosen', { count })}</span>
          <Button disabled={count === 0} onClick={() => setDeciding(Object.values(chosen))}>{t('queue:together.decide')}</Button>
        </div>
      )}
      {deciding && <TogetherDialog items={deciding} close={(failed) => { setDeciding(undefined); setChosen((c) => Object.fromEntries(Object.entries(c).filter(([id]) => failed.includes(id)))) }} />}
    </>
  )
  return { selection: { on, has: (id) => id in chosen, toggle }, bar }
}
