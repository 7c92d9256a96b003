import { data, identity, setCsrf, web } from '../api/client'
import type { components } from '../api/identity'
import type { components as webComponents } from '../api/web'
import type { Language } from '../i18n'

export type Me = components['schemas']['Me']
export type Session = webComponents['schemas']['Session']

/** Whether this browser is signed in. Remembers the token for unsafe requests. */
export async function loadSession(): Promise<Session> {
  const session = await data(() => web.GET('/v1/session'))
  setCsrf(session.csrf)
  return session
}

/** Keeps the language with the account, so that it is the same wherever the person signs in. */
export async function saveLanguage(language: Language): Promise<void> {
  await data(() => identity.PUT('/v1/me/language', { body: { language } }))
}

export function loadMe(): Promise<Me> {
  return data(() => identity.GET('/v1/me'))
}

/** Whether the person may do the action anywhere; the server decides for each object. */
export function may(me: Me | undefined, action: string): boolean {
  return me?.allowed.some((p) => p.action === action && p.scope !== 'region') ?? false
}

export async function signIn(name: string, password: string, code?: string): Promise<Session> {
  const session = await data(() => web.POST('/v1/session', { body: { name, password, ...(code ? { code } : {}) } }))
  setCsrf(session.csrf)
  return session
}

export async function signOut(): Promise<void> {
  await data(() => web.DELETE('/v1/session'))
  setCsrf(undefined)
}

/** Where a person's work begins. */
export function homeOf(me: Me): string {
  if (may(me, 'case.handle')) return '/saker'
  if (may(me, 'event.search')) return '/sok'
  if (may(me, 'health.read')) return '/drift'
  if (may(me, 'case.list')) return '/saker'
  if (may(me, 'audit.read')) return '/revisjon'
  return '/mine'
}

/** Only an address of ours, never another site's. */
export function safeReturn(to: string | null | undefined): string | undefined {
  return to && /^\/(?![/\\])/.test(to) ? to : undefined
}
