import { asProblem, csrfHeaders, data, deviation, Problem, problemOf } from '../../api/client'
import type { components } from '../../api/deviation'
import { type Draft, type DraftFile, keptFile } from './draft'
import { answersToSend, type Form } from './form'

export type Receipt = components['schemas']['Receipt']
type Attachment = components['schemas']['Attachment']

// Everything an anonymous reporter sends leaves the session cookie behind, so
// that not even the front door can tie the report to a signed-in person.
const withoutSession = { credentials: 'omit' } as const

export async function openFilesPlace(tenant: string): Promise<string> {
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

/** Sends one file. Progress is told where the browser can tell it without sending the session along. */
export async function sendFile(
  tenant: string, token: string, file: DraftFile, signedIn: boolean, progress: (share: number) => void,
): Promise<Attachment> {
  const body = await keptFile(file.key)
  if (!body) throw new Problem(400, 'file-gone')
  const address = '/api/deviation/v1/public/attachments'
  const headers = uploadHeaders(tenant, token, file.name)
  if (signedIn) {
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
  if (draft.anonymous !== false) {
    return data(() => deviation.POST('/v1/public/reports', { body, ...withoutSession }))
  }
  return data(() => deviation.POST('/v1/reports', { body }))
}

/** Whether a failure will pass by itself, so that sending is tried again. */
export function passes(error: unknown): boolean {
  return asProblem(error).temporary
}
