import { useQuery } from '@tanstack/react-query'
import { data, register, reparse } from '../../api/client'
import type { components } from '../../api/reparse'
import { useMay } from '../../app/MeContext'
import { i18n } from '../../i18n'

export type Schemas = components['schemas']
export type Job = Schemas['Job']

export const running = (job: Job | undefined): boolean => job?.state === 'waiting' || job?.state === 'running'

export function useGroups() {
  return useQuery({ queryKey: ['reparse', 'groups'], refetchInterval: 15_000, queryFn: () => data(() => reparse.GET('/v1/dead-letters', { params: { query: { limit: 200 } } })).then((l) => l.items) })
}

/** The latest jobs; asked for more often while one runs. */
export function useJobs() {
  return useQuery({
    queryKey: ['reparse', 'jobs'], refetchInterval: (query) => (query.state.data?.some(running) ? 1_000 : 15_000),
    queryFn: () => data(() => reparse.GET('/v1/jobs', { params: { query: { limit: 10 } } })).then((l) => l.items),
  })
}

/** Names of the sources, for those who may read the register. */
export function useSourceNames() {
  const may = useMay('register.read')
  const sources = useQuery({
    queryKey: ['register', 'sources'], staleTime: 10_000, enabled: may,
    queryFn: () => data(() => register.GET('/v1/sources', { params: { query: { limit: 200 } } })).then((l) => l.items),
  })
  const nameOf = (id: string): string => (id === 'unregistered' ? i18n.t('reparse:unregistered') : sources.data?.find((s) => s.id === id)?.data.name ?? i18n.t('reparse:goneSource'))
  return { sources: sources.data ?? [], nameOf }
}

/** Why a line stays, in plain words; what has no words yet says so. */
export function reasonText(slug: string): string {
  const key = `reparse:reason.${slug}`
  return i18n.exists(key) ? i18n.t(key) : i18n.t('reparse:otherReason')
}
