import { useQuery } from '@tanstack/react-query'
import { data, identity } from '../api/client'
import type { components } from '../api/identity'

export type Person = components['schemas']['Person']
export type Unit = components['schemas']['Unit']

/** More than the largest municipality has managers and officers; whoever is beyond it is found by name. */
const atMost = 2_000

async function everyone(): Promise<Person[]> {
  const all: Person[] = []
  for (let after = ''; all.length < atMost;) {
    const page = await data(() => identity.POST('/v1/persons/search', { body: { limit: 200, ...(after ? { after } : {}) } }))
    all.push(...page.items)
    if (!page.next) break
    after = page.next
  }
  return all
}

/** The organisation chart, top first. */
export const useUnits = () => useQuery({ queryKey: ['units'], staleTime: 60_000, queryFn: () => data(() => identity.GET('/v1/units')).then((l) => l.items) })

/** Everybody who works here, by name, for pickers and for the names behind ids. */
export const usePersons = (enabled = true) => useQuery({ queryKey: ['persons'], staleTime: 60_000, enabled, queryFn: everyone })
