import createClient, { type Middleware } from 'openapi-fetch'
import type { paths as AuditPaths } from './audit'
import type { paths as CasesPaths } from './cases'
import type { components } from './common'
import type { paths as DeviationPaths } from './deviation'
import type { paths as IdentityPaths } from './identity'
import type { paths as RegisterPaths } from './register'
import type { paths as ReparsePaths } from './reparse'
import type { paths as SearchPaths } from './search'
import type { paths as SourcesPaths } from './sources'
import type { paths as WebPaths } from './web'

export type ProblemBody = components['schemas']['Problem']

/** What the server (or the network) refused, ready to be put into words. */
export class Problem extends Error {
  readonly slug: string
  readonly status: number
  readonly body: Partial<ProblemBody>

  constructor(status: number, slug: string, body: Partial<ProblemBody> = {}) {
    super(body.detail ?? slug)
    this.name = 'Problem'
    this.status = status
    this.slug = slug
    this.body = body
  }

  /** True where trying again later can help. */
  get temporary(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 502
  }
}

/** Reads whatever was thrown as a Problem; a failed fetch is "offline". */
export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error
  if (error instanceof TypeError) return new Problem(0, 'offline')
  if (error instanceof DOMException && error.name === 'TimeoutError') return new Problem(0, 'timeout')
  return new Problem(500, 'unexpected')
}

function slugOf(type: string | undefined): string {
  return type?.split('/').pop() || 'unexpected'
}

let csrf = ''

/** Remembers the token that an unsafe request with a session must carry. */
export function setCsrf(token: string | undefined): void {
  csrf = token ?? ''
}

/** The headers that an unsafe request outside the typed clients must carry. */
export function csrfHeaders(): Record<string, string> {
  return csrf ? { 'Varde-Csrf': csrf } : {}
}

type Listener = () => void
const signedOutListeners = new Set<Listener>()

/** Calls back when the server says that the session has ended. */
export function onSignedOut(listener: Listener): () => void {
  signedOutListeners.add(listener)
  return () => signedOutListeners.delete(listener)
}

type StepUpAsker = (action: string) => Promise<boolean>
let askForStepUp: StepUpAsker | undefined

/** Registers who asks the person for the second factor (or the password). */
export function onStepUp(asker: StepUpAsker): void {
  askForStepUp = asker
}

/** Turns an answer that is not OK into the Problem it describes. */
export async function problemOf(response: Response): Promise<Problem> {
  let body: Partial<ProblemBody> = {}
  if (response.headers.get('content-type')?.includes('json')) {
    body = (await response.json().catch(() => ({}))) as Partial<ProblemBody>
  }
  const fallback = response.status >= 500 ? 'unavailable' : response.status === 404 ? 'not-found' : 'unexpected'
  return new Problem(response.status, body.type ? slugOf(body.type) : fallback, body)
}

// A wrong password is a 401 too, but no end of the session.
const wrongProof = new Set(['wrong-credentials', 'second-factor-required'])

const middleware: Middleware = {
  onRequest({ request }) {
    if (request.method !== 'GET' && request.method !== 'HEAD' && csrf) request.headers.set('Varde-Csrf', csrf)
    return request
  },
  async onResponse({ response, request }) {
    if (response.ok) return response
    const problem = await problemOf(response)
    const signingIn = /\/api\/web\/v1\/session$|\/me\/step-up$/.test(new URL(request.url).pathname)
    if (response.status === 401 && !signingIn && !wrongProof.has(problem.slug)) {
      for (const listener of signedOutListeners) listener()
    }
    throw problem
  },
}

/** A typed client of one service, by its name in the address. */
export function client<P extends object>(service: string) {
  const made = createClient<P>({ baseUrl: `${location.origin}/api/${service}`, credentials: 'same-origin' })
  made.use(middleware)
  return made
}

export const web = client<WebPaths>('web')
export const identity = client<IdentityPaths>('identity')
export const deviation = client<DeviationPaths>('deviation')
export const audit = client<AuditPaths>('audit')
export const cases = client<CasesPaths>('cases')
export const search = client<SearchPaths>('search')
export const register = client<RegisterPaths>('register')
export const sources = client<SourcesPaths>('sources')
export const reparse = client<ReparsePaths>('reparse')

/**
 * The data of a typed call. Asks for the step-up once where the server wants
 * one, and makes the call again.
 */
export async function data<T>(call: () => Promise<{ data?: T; response: Response }>): Promise<T> {
  try {
    return (await call()).data as T
  } catch (error) {
    const problem = asProblem(error)
    if (problem.slug === 'step-up-required' && askForStepUp) {
      const action = problem.body.params?.action ?? ''
      if (await askForStepUp(action)) return (await call()).data as T
      throw new Problem(403, 'step-up-cancelled')
    }
    throw problem
  }
}
