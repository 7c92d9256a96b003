import { Button } from '@digdir/designsystemet-react'
import { CameraIcon, CheckmarkIcon, FileIcon, PaperclipIcon, TrashIcon } from '@navikt/aksel-icons'
import { type DragEvent, useEffect, useRef, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { asProblem } from '../../api/client'
import { Fault } from '../../components/Field'
import { problemText } from '../../components/problemText'
import { type Draft, type DraftFile, keepFile, keptFile, randomId, removeFile, unsent } from './draft'
import { fileSize } from './fileSize'
import type { Form } from './form'
import { openFilesPlace, passes, placeGone, removeSentFile, sendFile } from './send'

type Props = {
  tenant: string; form: Form; draft: Draft; signedIn: boolean
  change: (part: Partial<Draft> | ((draft: Draft) => Partial<Draft>)) => void
}

const megabyte = 1024 * 1024

/** Photos and files: from the camera, the device, or dropped. Each is sent at once where there is a network. */
export default function Attachments({ tenant, form, draft, change, signedIn }: Props) {
  const { t } = useTranslation()
  const [fault, setFault] = useState<string>()
  const [progress, setProgress] = useState<Record<string, number | undefined>>({})
  const [over, setOver] = useState(false)
  const camera = useRef<HTMLInputElement>(null)
  const chooser = useRef<HTMLInputElement>(null)
  const { files: most, fileBytes } = form.limits
  const named = signedIn && draft.anonymous === false
  const largest = Math.floor(fileBytes / megabyte)

  async function add(chosen: FileList | null): Promise<void> {
    setFault(undefined)
    let token = draft.filesToken
    let count = draft.files.length
    for (const file of chosen ?? []) {
      if (count >= most) return setFault(t('report:files.tooMany', { files: most }))
      if (file.size > fileBytes) { setFault(t('report:files.tooLarge', { name: file.name, size: largest })); continue }
      const entry: DraftFile = { key: randomId(12), name: file.name, type: file.type, size: file.size }
      try {
        await keepFile(entry.key, file)
      } catch {
        return setFault(t('report:files.cannotKeep'))
      }
      count++
      change((d) => ({ files: [...d.files, entry] }))
      try {
        setProgress((p) => ({ ...p, [entry.key]: 0 }))
        const told = signedIn ? undefined : (share: number) => setProgress((p) => ({ ...p, [entry.key]: share }))
        const place = token ?? (await openFilesPlace(tenant, named))
        change({ filesToken: place })
        token = place
        const sent = await sendFile(tenant, place, entry, told).catch(async (error: unknown) => {
          if (!placeGone(error)) throw error
          // The place was left for more than its day: what lay there is sent again with the report.
          const fresh = token = await openFilesPlace(tenant, named)
          change((d) => ({ filesToken: fresh, files: d.files.map(unsent) }))
          return sendFile(tenant, fresh, entry, told)
        })
        change((d) => ({ files: d.files.map((f) => (f.key === entry.key ? { ...f, sentId: sent.id } : f)) }))
      } catch (error) {
        if (!passes(error)) { // refused for good: it is taken out again, with the reason
          setFault(problemText(asProblem(error)))
          change((d) => ({ files: d.files.filter((f) => f.key !== entry.key) }))
          await removeFile(entry.key)
        }
      } finally {
        setProgress(({ [entry.key]: _, ...rest }) => rest)
      }
    }
  }

  async function remove(file: DraftFile): Promise<void> {
    change((d) => ({ files: d.files.filter((f) => f.key !== file.key) }))
    await removeFile(file.key)
    // The server removes what no report claims after a day; being offline now is no harm.
    if (file.sentId && draft.filesToken) await removeSentFile(tenant, draft.filesToken, file.sentId).catch(() => undefined)
  }

  const drop = (event: DragEvent) => { event.preventDefault(); setOver(false); void add(event.dataTransfer.files) }
  return (
    <div className="stack">
      <div className="dropzone" data-over={over || undefined} onDrop={drop} onDragOver={(e) => { e.preventDefault(); setOver(true) }} onDragLeave={() => setOver(false)}>
        <div className="row">
          <Button type="button" variant="secondary" onClick={() => camera.current?.click()}><CameraIcon aria-hidden />{t('report:files.camera')}</Button>
          <Button type="button" variant="secondary" onClick={() => chooser.current?.click()}><PaperclipIcon aria-hidden />{t('report:files.choose')}</Button>
        </div>
        <span className="soft small">{t('report:files.drop')}</span>
        <input ref={camera} type="file" accept="image/*" capture="environment" hidden tabIndex={-1} aria-label={t('report:files.camera')} onChange={(e) => { void add(e.target.files); e.target.value = '' }} />
        <input ref={chooser} type="file" multiple hidden tabIndex={-1} aria-label={t('report:files.choose')} data-testid="files" onChange={(e) => { void add(e.target.files); e.target.value = '' }} />
      </div>
      <p className="soft small">{t('report:files.help', { files: most, size: largest })}</p>
      {fault && <Fault>{fault}</Fault>}
      {draft.files.length > 0 && (
        <ul className="files" aria-label={t('report:files.list')}>
          {draft.files.map((file) => (
            <li className="file" key={file.key}>
              <Thumbnail file={file} />
              <div className="grow">
                <div className="file-name">{file.name}</div>
                <Status file={file} share={progress[file.key]} running={file.key in progress} plain={signedIn} />
              </div>
              <Button type="button" icon variant="tertiary" data-color="neutral" aria-label={t('report:files.remove', { name: file.name })} onClick={() => void remove(file)}><TrashIcon aria-hidden /></Button>
            </li>
          ))}
        </ul>
      )}
    </div>
  )
}

function Status({ file, share, running, plain }: { file: DraftFile; share: number | undefined; running: boolean; plain: boolean }) {
  const { t } = useTranslation()
  if (file.sentId) return <span className="soft small row-tight"><CheckmarkIcon aria-hidden />{t('report:files.sent')} · {fileSize(file.size, t)}</span>
  if (!running) return <span className="soft small">{t('report:files.waiting')}</span>
  const percent = Math.round((share ?? 0) * 100)
  return (
    <>
      <progress {...(plain ? {} : { value: percent })} max={100} aria-label={file.name} />
      <span className="soft small" aria-live="polite">{plain ? t('report:files.sendingPlain') : t('report:files.sending', { percent })}</span>
    </>
  )
}

function Thumbnail({ file }: { file: DraftFile }) {
  const [address, setAddress] = useState<string>()
  useEffect(() => {
    if (!file.type.startsWith('image/')) return
    let made: string | undefined
    let live = true
    void keptFile(file.key).then((kept) => {
      if (!kept || !live) return
      made = URL.createObjectURL(kept)
      setAddress(made)
    })
    return () => { live = false; if (made) URL.revokeObjectURL(made) }
  }, [file.key, file.type])
  return address ? <img src={address} alt="" /> : <span className="file-sign"><FileIcon aria-hidden fontSize="1.75rem" /></span>
}
