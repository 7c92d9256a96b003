import type { Answers } from './form'

/**
 * A report that is being written, kept on this device only until it is sent or
 * thrown away. Answers lie in localStorage, files in IndexedDB (they are too
 * large for the other). Nothing leaves the device before the person sends.
 */
export type Draft = {
  /** Made before the first try and sent with every one, so a report sent twice exists once. */
  submissionId: string
  formType: string
  formVersion: number
  answers: Answers
  /** Id of the step shown; "review" at the end. */
  step: string
  anonymous?: boolean
  /** Set when the person pressed send: it goes as soon as there is a network. */
  sending?: boolean
  /** Place for files at the server, once one was sent. */
  filesToken?: string | undefined
  files: DraftFile[]
  saved: number
}

export type DraftFile = {
  key: string; name: string; type: string; size: number
  sentId?: string
  /** The server refused it when the report was sent: the report goes without it, each time it is tried. */
  left?: boolean
}

/** The file as it was before any try to send it. */
export const unsent = ({ key, name, type, size }: DraftFile): DraftFile => ({ key, name, type, size })

const prefix = 'varde.draft.'
/** A draft left alone so long is removed: it lies on a device that others may use. */
const keepFor = 7 * 24 * 3_600_000

/** Random and unguessable; `bytes` random bytes as URL-safe text. */
export function randomId(bytes = 24): string {
  const random = crypto.getRandomValues(new Uint8Array(bytes))
  return btoa(String.fromCharCode(...random)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

export function newDraft(formType: string, formVersion: number): Draft {
  return { submissionId: randomId(), formType, formVersion, answers: {}, step: '', files: [], saved: Date.now() }
}

export function loadDraft(tenant: string, formType: string, now = Date.now()): Draft | undefined {
  try {
    const text = localStorage.getItem(`${prefix}${tenant}.${formType}`)
    if (!text) return undefined
    const draft = JSON.parse(text) as Draft
    if (now - draft.saved > keepFor) {
      void removeDraft(tenant, formType)
      return undefined
    }
    return draft
  } catch {
    return undefined
  }
}

/** Keeps the draft; false where the device does not allow it. */
export function saveDraft(tenant: string, draft: Draft): boolean {
  try {
    localStorage.setItem(`${prefix}${tenant}.${draft.formType}`, JSON.stringify({ ...draft, saved: Date.now() }))
    return true
  } catch {
    return false
  }
}

export async function removeDraft(tenant: string, formType: string): Promise<void> {
  const draft = rawDraft(tenant, formType)
  try {
    localStorage.removeItem(`${prefix}${tenant}.${formType}`)
  } catch {
    // Nothing was kept where storage is forbidden.
  }
  await Promise.all((draft?.files ?? []).map((file) => removeFile(file.key)))
}

function rawDraft(tenant: string, formType: string): Draft | undefined {
  try {
    return JSON.parse(localStorage.getItem(`${prefix}${tenant}.${formType}`) ?? '') as Draft
  } catch {
    return undefined
  }
}

function database(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const open = indexedDB.open('varde-draft', 1)
    open.onupgradeneeded = () => open.result.createObjectStore('files')
    open.onsuccess = () => resolve(open.result)
    open.onerror = () => reject(open.error ?? new Error('indexedDB'))
  })
}

async function inStore<T>(mode: IDBTransactionMode, run: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const db = await database()
  try {
    return await new Promise<T>((resolve, reject) => {
      const transaction = db.transaction('files', mode)
      const request = run(transaction.objectStore('files'))
      transaction.oncomplete = () => resolve(request.result)
      transaction.onerror = () => reject(transaction.error ?? new Error('indexedDB'))
      transaction.onabort = () => reject(transaction.error ?? new Error('indexedDB'))
    })
  } finally {
    db.close()
  }
}

// Kept as bytes: some browsers cannot keep a Blob in IndexedDB in private windows.
type Kept = { bytes: ArrayBuffer; type: string }

export async function keepFile(key: string, file: Blob): Promise<void> {
  const kept: Kept = { bytes: await file.arrayBuffer(), type: file.type }
  await inStore('readwrite', (store) => store.put(kept, key))
}

export async function keptFile(key: string): Promise<Blob | undefined> {
  const kept = (await inStore<Kept | undefined>('readonly', (store) => store.get(key))) as Kept | undefined
  return kept && new Blob([kept.bytes], { type: kept.type })
}

export async function removeFile(key: string): Promise<void> {
  await inStore('readwrite', (store) => store.delete(key)).catch(() => undefined)
}
