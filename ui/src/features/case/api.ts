import { queryOptions, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { cases, data } from '../../api/client'
import type { components } from '../../api/cases'
import { toast } from '../../components/toast'

export type Schemas = components['schemas']
export type Case = Schemas['Case']
export type Person = Schemas['Person']

export const caseQuery = (caseId: string) => queryOptions({
  queryKey: ['case', caseId],
  queryFn: () => data(() => cases.GET('/v1/cases/{caseId}', { params: { path: { caseId } } })),
  refetchInterval: 20_000,
})

export const candidatesQuery = (caseId: string) => queryOptions({
  queryKey: ['candidates', caseId],
  queryFn: () => data(() => cases.GET('/v1/cases/{caseId}/candidates', { params: { path: { caseId } } })).then((list) => list.items),
  staleTime: 60_000,
})

/** Runs an action on the case, shows the case as it then is, and tells that it was done. */
export function useCaseAction(caseId: string, done?: () => void) {
  const queries = useQueryClient()
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<unknown>()
  async function run(call: () => Promise<{ data?: Case; response: Response }>, said: string): Promise<boolean> {
    setBusy(true)
    setError(undefined)
    try {
      const changed = await data(call)
      queries.setQueryData(['case', caseId], changed)
      void queries.invalidateQueries({ queryKey: ['queue'] })
      void queries.invalidateQueries({ queryKey: ['cases'] })
      void queries.invalidateQueries({ queryKey: ['history', caseId] })
      void queries.invalidateQueries({ queryKey: ['candidates', caseId] })
      toast(said)
      done?.()
      return true
    } catch (problem) {
      setError(problem)
      return false
    } finally {
      setBusy(false)
    }
  }
  return { busy, error, run }
}

export const can = (c: Case, action: string) => c.allowed.includes(action)

export function personName(person: Person | undefined, fallback: string): string {
  return person?.name ?? fallback
}
