import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { data, register } from '../../api/client'
import type { components } from '../../api/register'
import { useSave as useSaveAny } from '../../components/useSave'

export type Schemas = components['schemas']
export type AgreementState = Schemas['AgreementState']

const everything = { params: { query: { limit: 200 } } } as const

const all = { staleTime: 10_000 } as const
export const useVendors = () => useQuery({ ...all, queryKey: ['register', 'vendors'], queryFn: () => data(() => register.GET('/v1/vendors', everything)).then((l) => l.items) })
export const useAgreements = () => useQuery({ ...all, queryKey: ['register', 'agreements'], queryFn: () => data(() => register.GET('/v1/agreements', { params: { query: { limit: 200, ended: true } } })).then((l) => l.items) })
export const useSystems = () => useQuery({ ...all, queryKey: ['register', 'systems'], queryFn: () => data(() => register.GET('/v1/systems', everything)).then((l) => l.items) })
export const useAccounts = () => useQuery({ ...all, queryKey: ['register', 'accounts'], queryFn: () => data(() => register.GET('/v1/accounts', everything)).then((l) => l.items) })
export const useSources = () => useQuery({ ...all, queryKey: ['register', 'sources'], queryFn: () => data(() => register.GET('/v1/sources', everything)).then((l) => l.items) })
export const useOverview = (id: string) => useQuery({ ...all, queryKey: ['register', 'overview', id], queryFn: () => data(() => register.GET('/v1/vendors/{id}/overview', { params: { path: { id } } })) })

export function useCalendar(days: { from: string; to: string }) {
  return useQuery({
    queryKey: ['register', 'calendar', days], refetchInterval: 30_000,
    queryFn: () => data(() => register.GET('/v1/calendar', { params: { query: days } })).then((l) => l.items),
  })
}

/** Saves a change of the register, and says that it holds now. */
export function useSave(done: () => void) {
  const { t } = useTranslation()
  const { busy, error, save: saveAny } = useSaveAny(['register'], done)
  return { busy, error, save: <T>(call: () => Promise<{ data?: T; response: Response }>, said = t('register:changed')) => saveAny(call, said) }
}

const worstFirst: AgreementState[] = ['missing', 'expired', 'unsigned', 'not-yet-valid', 'missing-annexes', 'expiring', 'valid']

/** The state to show for a vendor with these agreements: the best one that counts now. */
export function bestState(states: AgreementState[]): AgreementState {
  return states.reduce<AgreementState>((best, s) => (worstFirst.indexOf(s) > worstFirst.indexOf(best) ? s : best), 'missing')
}

export const stateColor: Record<AgreementState, 'success' | 'warning' | 'danger'> = {
  'valid': 'success', 'expiring': 'warning', 'missing-annexes': 'warning', 'expired': 'danger', 'not-yet-valid': 'danger', 'unsigned': 'danger', 'missing': 'danger',
}

export const annexes = ['security-description', 'vulnerability-analysis', 'personal-data-per-form', 'configuration-map'] as const
export const points = ['deviation-handling', 'access-control', 'logging', 'confidentiality', 'audits', 'physical-measures', 'routine-documentation', 'personnel-lists'] as const

export const lines = (text: string): string[] => text.split('\n').map((line) => line.trim()).filter(Boolean)

/** The fields of a record without those that are empty, as the contract wants it. */
export function filled<T extends object>(record: T): T {
  return Object.fromEntries(Object.entries(record).filter(([, v]) => v !== undefined && v !== '' && !(Array.isArray(v) && v.length === 0))) as T
}

export function nameIn(items: { id: string; data: { name: string } }[] | undefined, id: string | undefined, fallback: string): string {
  return items?.find((item) => item.id === id)?.data.name ?? (id || fallback)
}
