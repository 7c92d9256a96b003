import { useCallback, useEffect, useRef, useState } from 'react'
import { asProblem, type Problem } from '../../api/client'
import { fieldFaults } from '../../components/problemText'
import { type Draft, unsent } from './draft'
import type { Form } from './form'
import { deliver, passes, type Receipt } from './send'

type Change = (part: Partial<Draft> | ((draft: Draft) => Partial<Draft>)) => void

export type Sending = {
  busy: boolean
  /** True where the report waits for a network. */
  waiting: boolean
  problem?: Problem | undefined
  receipt?: Receipt | undefined
  /** Names of the files that the report went without. */
  left: string[]
  send: (named: boolean) => void
  stop: () => void
}

const retryEvery = 20_000

/**
 * Sends the draft, now or when the network is back. Pressing send is kept in
 * the draft, so a report that met a dead network goes the next time the page
 * is open; its submission id makes a repeat harmless.
 */
export function useSending({ tenant, form, draft, change, onSent, onRefused }: {
  tenant: string; form: Form; draft: Draft; change: Change
  onSent: () => Promise<void>; onRefused: (faults: Record<string, string>) => void
}): Sending {
  const [busy, setBusy] = useState(false)
  const [waiting, setWaiting] = useState(false)
  const [problem, setProblem] = useState<Problem>()
  const [receipt, setReceipt] = useState<Receipt>()
  const [left, setLeft] = useState<string[]>([])
  const running = useRef(false)
  const latest = useRef(draft)
  latest.current = draft

  const attempt = useCallback(async (start: Draft) => {
    if (running.current) return
    running.current = true
    setBusy(true)
    setProblem(undefined)
    try {
      const answer = await deliver(tenant, form, start, change)
      setWaiting(false)
      setReceipt(answer.receipt)
      setLeft(answer.left)
      await onSent()
    } catch (error) {
      if (passes(error)) {
        setWaiting(true)
        setProblem(asProblem(error))
      } else {
        setWaiting(false)
        // Nothing was taken: what is sent next may have its files again.
        change((d) => ({ sending: false, files: d.files.map((f) => (f.left ? unsent(f) : f)) }))
        setProblem(asProblem(error))
        const faults = fieldFaults(asProblem(error))
        if (Object.keys(faults).length > 0) onRefused(faults)
      }
    } finally {
      running.current = false
      setBusy(false)
    }
  }, [tenant, form, change, onSent, onRefused])

  const latestAttempt = useRef(attempt)
  latestAttempt.current = attempt

  const pending = draft.sending === true && !receipt
  useEffect(() => {
    if (!pending) return
    const again = () => void latestAttempt.current(latest.current)
    again()
    addEventListener('online', again)
    const timer = setInterval(again, retryEvery)
    return () => {
      removeEventListener('online', again)
      clearInterval(timer)
    }
  }, [pending])

  return {
    busy, waiting, problem, receipt, left,
    send: (named) => {
      if (draft.sending) void attempt(draft)
      else change({ anonymous: !named, sending: true })
    },
    stop: () => { change({ sending: false }); setWaiting(false); setProblem(undefined) },
  }
}
