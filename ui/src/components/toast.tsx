import { useSyncExternalStore } from 'react'

type Toast = { id: number; text: string; undo?: { label: string; run: () => void } }

let toasts: Toast[] = []
let next = 1
const listeners = new Set<() => void>()

function set(to: Toast[]): void {
  toasts = to
  for (const listener of listeners) listener()
}

/** Tells for a few seconds that something was done, with a way back where there is one. */
export function toast(text: string, undo?: Toast['undo']): void {
  const id = next++
  set([...toasts, { id, text, ...(undo ? { undo } : {}) }])
  setTimeout(() => set(toasts.filter((t) => t.id !== id)), undo ? 10_000 : 5_000)
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

export function Toasts() {
  const shown = useSyncExternalStore(subscribe, () => toasts)
  return (
    <div className="toasts no-print" role="status" aria-live="polite">
      {shown.map((t) => (
        <div className="toast" key={t.id}>
          <span>{t.text}</span>
          {t.undo && (
            <button type="button" onClick={() => { t.undo?.run(); set(toasts.filter((o) => o.id !== t.id)) }}>
              {t.undo.label}
            </button>
          )}
        </div>
      ))}
    </div>
  )
}
