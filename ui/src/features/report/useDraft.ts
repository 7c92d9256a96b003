import { useCallback, useEffect, useRef, useState } from 'react'
import { type Draft, loadDraft, newDraft, removeDraft, saveDraft } from './draft'
import type { Form } from './form'

/** The draft of a form, kept on the device at every change. */
export function useDraft(tenant: string, form: Form) {
  const [found] = useState(() => {
    const kept = loadDraft(tenant, form.formType)
    // A draft of another version of the form keeps its answers and is asked anew from the start.
    return kept && kept.formVersion !== form.version ? { ...kept, formVersion: form.version, step: '', sending: false } : kept
  })
  const [draft, setDraft] = useState<Draft>(() => found ?? newDraft(form.formType, form.version))
  const [kept, setKept] = useState(true)
  const thrownAway = useRef(false)

  useEffect(() => {
    const untouched = Object.keys(draft.answers).length === 0 && draft.files.length === 0
    if (!untouched && !thrownAway.current) setKept(saveDraft(tenant, draft))
  }, [draft, tenant])

  const change = useCallback((part: Partial<Draft> | ((draft: Draft) => Partial<Draft>)) => {
    thrownAway.current = false
    setDraft((current) => ({ ...current, ...(typeof part === 'function' ? part(current) : part) }))
  }, [])

  const throwAway = useCallback(async () => {
    thrownAway.current = true
    await removeDraft(tenant, form.formType)
    setDraft(newDraft(form.formType, form.version))
  }, [tenant, form])

  /** Forgets what was kept without changing what is shown: for the receipt. */
  const forget = useCallback(async () => {
    thrownAway.current = true
    await removeDraft(tenant, form.formType)
  }, [tenant, form])

  return { draft, change, throwAway, forget, kept, resumedFrom: found?.saved }
}
