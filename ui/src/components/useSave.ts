import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { data } from '../api/client'
import { toast } from './toast'

/** Saves a change, fetches anew what it may have changed (`stale`: beginnings of query keys), and says so. */
export function useSave(stale: string[], done: () => void) {
  const queries = useQueryClient()
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<unknown>()
  async function save<T>(call: () => Promise<{ data?: T; response: Response }>, said: string): Promise<T | undefined> {
    setBusy(true)
    setError(undefined)
    try {
      const saved = await data(call)
      for (const key of stale) void queries.invalidateQueries({ queryKey: [key] })
      toast(said)
      done()
      return saved
    } catch (problem) {
      setError(problem)
      return undefined
    } finally {
      setBusy(false)
    }
  }
  return { busy, error, save }
}
