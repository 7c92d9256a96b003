import { useQuery } from '@tanstack/react-query'
import { data, register } from '../../api/client'
import { useMay } from '../../app/MeContext'

export type NameOf = (field: string, value: string) => string

/** Names of the systems, vendors and sources behind the ids in events. */
export function useNames(): NameOf {
  const may = useMay('register.read')
  const names = useQuery({
    queryKey: ['register-names'], enabled: may, staleTime: 60_000,
    queryFn: async () => {
      const query = { params: { query: { limit: 200, ended: true } } }
      const lists = await Promise.all([
        data(() => register.GET('/v1/systems', query)), data(() => register.GET('/v1/vendors', query)), data(() => register.GET('/v1/sources', query)),
      ])
      return new Map(lists.flatMap((list) => list.items.map((item) => [item.id, item.data.name] as const)))
    },
  })
  return (field, value) => (/^varde\.(system|vendor|source)$/.test(field) ? (names.data?.get(value) ?? value) : value)
}
