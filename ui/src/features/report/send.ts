import { asProblem, csrfHeaders, data, deviation, Problem, problemOf } from '../../api/client'
import type { components } from '../../api/deviation'
import { type Draft, type DraftFile, keptFile, unsent } from './draft'
import { answersToSend, type Form } from './form'

export type Receipt = components['schemas']['Receipt']
type Attachment = components['schemas']['Attachment']

// Everything an anonymous reporter sends leaves the session cookie behind, so
// that not even the front door can tie the report to a signed-in person.
const withoutSession = { credentials: 'omit' } as const

/** A place for files; of a report with a name, one that is counted as a signed-in person's. */
export async function openFilesPlace(tenant: string, named: boolean): Promise<string> {
  if (named) return (await data(() => deviation.POST('/v1/drafts'))).token
  const draft = await data(() => deviation.POST('/v1/public/drafts', { body: { tenant }, ...withoutSession }))
  return draft.token
}

function uploadHeaders(tenant: string, token: string, name: string): Record<string, string> {
  return {
    'Content-Type': 'application/octet-stream',
    'Varde-Draft': token,
    'Varde-Tenant': tenant,
    'Varde-File-Name': encodeURIComponent(name).slice(0, 600),
  }
}

/**
 * Sends one file without the session. Progress is asked for only where nobody
 * is signed in: the one request that can tell it always takes cookies along.
 */
export async function sendFile(
  tenant: string, token: string, file: DraftFile, progress?: (share: number) => void,
): Promise<Attachment> {
  const body = await keptFile(file.key)
  if (!body) throw new Problem(400, 'file-gone')
  const address = '/api/deviation/v1/public/attachments'
  const headers = uploadHeaders(tenant, token, file.name)
  if (!progress) {
    const response = await fetch(address, { method: 'POST', headers, body, ...withoutSession })
    if (!response.ok) throw await problemOf(response)
    return (await response.json()) as Attachment
  }
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest()
    request.open('POST', address)
    for (const [name, value] of Object.entries({ ...headers, ...csrfHeaders() })) request.setRequestHeader(name, value)
    request.upload.onprogress = (event) => event.lengthComputable && progress(event.loaded / event.total)
    request.onerror = () => reject(new Problem(0, 'offline'))
    request.onload = () => {
      if (request.status >= 200 && request.status < 300) return resolve(JSON.parse(request.responseText) as Attachment)
      const headers = { 'content-type': request.getResponseHeader('content-type') ?? '' }
      problemOf(new Response(request.responseText, { status: request.status, headers })).then(reject, reject)
    }
    request.send(body)
  })
}

export async function removeSentFile(tenant: string, token: string, id: string): Promise<void> {
  await data(() => deviation.DELETE('/v1/public/attachments/{attachmentId}', {
    params: { path: { attachmentId: id }, header: { 'Varde-Draft': token, 'Varde-Tenant': tenant } },
    ...withoutSession,
  }))
}

/** Sends the report; the same draft sent again gives the same receipt. */
export async function sendReport(tenant: string, form: Form, draft: Draft): Promise<Receipt> {
  const body = {
    tenant,
    submissionId: draft.submissionId,
    formType: form.formType,
    formVersion: draft.formVersion,
    answers: answersToSend(form, draft.answers),
    ...(draft.filesToken && draft.files.some((f) => f.sentId) ? { draft: draft.filesToken } : {}),
  }
  if (draft.anonymous === false) return data(() => deviation.POST('/v1/reports', { body }))
  try {
    return await data(() => deviation.POST('/v1/public/reports', { body, ...withoutSession }))
  } catch (error) {
    if (asProblem(error).slug !== 'proof-of-work-needed') throw error
    // Many reports come in: one that somebody's browser worked for gets through (N7).
    const params = { path: { tenant } }
    const challenge = await data(() => deviation.POST('/v1/public/tenants/{tenant}/challenges', { params, ...withoutSession }))
    const { solve } = await import('./proof') // seldom needed: it is no part of the form's first load
    const proof = await solve(challenge)
    return data(() => deviation.POST('/v1/public/reports', { body: { ...body, proof }, ...withoutSession }))
  }
}

/** Whether the place for files is gone: it lives a day, a kept draft a week. */
export function placeGone(error: unknown): boolean {
  return asProblem(error).slug === 'draft-not-found'
}

/**
 * Sends the files that wait, then the report. Files that are refused do not
 * hold the report up: they are left out, and named. A place that is gone is
 * opened once more and all files are sent again; then the report goes without.
 * What is decided is kept by `keep` before the report is tried, so that a
 * repeat sends the same and is known as the same.
 */
export async function deliver(
  tenant: string, form: Form, draft: Draft, keep: (part: Pick<Draft, 'files' | 'filesToken'>) => void,
): Promise<{ receipt: Receipt; left: string[] }> {
  let { files, filesToken: token } = draft
  const put = (changed: DraftFile[]) => {
    files = changed
    keep({ files, ...(token && { filesToken: token }) })
  }
  for (let again = false; ; again = true) {
    try {
      for (const file of files.filter((f) => !f.sentId && !f.left)) {
        let result: Partial<DraftFile>
        try {
          token ??= await openFilesPlace(tenant, draft.anonymous === false)
          result = { sentId: (await sendFile(tenant, token, file)).id }
        } catch (error) {
          const { status } = asProblem(error)
          if (placeGone(error) || status < 400 || status >= 500) throw error
          result = { left: true }
        }
        put(files.map((f) => (f.key === file.key ? { ...f, ...result } : f)))
      }
      const receipt = await sendReport(tenant, form, { ...draft, files, ...(token && { filesToken: token }) })
      return { receipt, left: files.filter((f) => f.left).map((f) => f.name) }
    } catch (error) {
      if (!placeGone(error) || files.every((f) => f.left)) throw error
      token = again ? token : undefined
      put(files.map((f) => (again ? { ...unsent(f), left: true } : f.left ? f : unsent(f))))
    }
  }
}

/** Whether a failure will pass by itself, so that sending is tried again. */
export function passes(error: unknown): boolean {
  return asProblem(error).temporary
}
