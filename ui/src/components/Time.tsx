import { useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { dayAndTime, exact, type Moment, relative } from '../time/format'

// One timer for all relative times on the page.
const listeners = new Set<() => void>()
let timer: ReturnType<typeof setInterval> | undefined

function useTick(): void {
  const [, set] = useState(0)
  useEffect(() => {
    const tick = () => set((n) => n + 1)
    listeners.add(tick)
    timer ??= setInterval(() => { for (const l of listeners) l() }, 30_000)
    return () => {
      listeners.delete(tick)
      if (listeners.size === 0) { clearInterval(timer); timer = undefined }
    }
  }, [])
}

/** A time, relative where that helps; the exact one on hover and for assistive technology. */
export function Time({ at, form = 'relative' }: { at: Moment; form?: 'relative' | 'exact' | 'plain' }) {
  useTick()
  useTranslation() // drawn again in another language
  const iso = new Date(at).toISOString()
  const shown = form === 'relative' ? relative(at) : form === 'exact' ? exact(at) : dayAndTime(at)
  return <time dateTime={iso} title={exact(at)}>{shown}</time>
}
