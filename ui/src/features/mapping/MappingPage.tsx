import { Button } from '@digdir/designsystemet-react'
import { DownloadIcon, UploadIcon } from '@navikt/aksel-icons'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { type DragEvent, useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { asProblem, data, sources } from '../../api/client'
import { useMay } from '../../app/MeContext'
import { TextArea } from '../../components/Field'
import { PageHead, Panel } from '../../components/Page'
import { Empty, Failed, Loading, Refusal } from '../../components/states'
import { type Draft, download, draftOf, type Form, mappingName, mappingText, usePreview, useSource } from './model'
import { PreviewList } from './PreviewList'
import { Rows } from './Rows'
import { SaveMapping } from './SaveMapping'
import { Versions } from './Versions'

/** What is read of a sample: enough for a guess, and what one call takes. */
const sampleBytes = 300_000

export default function MappingPage() {
  const { t } = useTranslation()
  const { kilde } = useSearch({ from: '/register/kilder/kartlegging' })
  const navigate = useNavigate()
  const mayWrite = useMay('source.write')
  const source = useSource(kilde)
  const [sample, setSample] = useState('')
  const [draft, setDraft] = useState<Draft>()
  const [before, setBefore] = useState<Form>()
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<unknown>()
  const { preview, failed } = usePreview(draft, sample)
  const saved = source.data?.item.data.mappingId

  async function run(work: () => Promise<void>) {
    setBusy(true)
    setError(undefined)
    try { await work() } catch (problem) { setError(asProblem(problem)) } finally { setBusy(false) }
  }
  const guess = (text: string) => run(async () => {
    const made = await data(() => sources.POST('/v1/mappings/guess', { body: { sample: text } }))
    const name = source.data ? mappingName(source.data.item.data.name) : made.mapping.name
    setSample(text)
    setDraft(draftOf({ ...made.mapping, name, revision: (before?.revision ?? 0) + 1 }, made.columns))
  })
  /** Opens a mapping that there is: its samples are the sample. */
  const open = (text: string, asSaved: boolean) => run(async () => {
    const read = await data(() => sources.POST('/v1/mappings/preview', { body: { text, sample: '' } }))
    if (!read.mapping) { setError(t('mapping:fileFault')); return }
    const lines = (read.mapping.samples ?? []).map((s) => s.line).join('\n')
    const columns = lines ? await data(() => sources.POST('/v1/mappings/guess', { body: { sample: lines } })).then((g) => g.columns, () => []) : []
    if (asSaved) setBefore(read.mapping)
    setSample(lines)
    setDraft(draftOf({ ...read.mapping, revision: (read.mapping.revision ?? 0) + 1 }, columns))
  })
  useEffect(() => {
    if (saved) void mappingText(saved).then((text) => open(text, true), setError)
    // eslint-disable-next-line react-hooks/exhaustive-deps -- once for each mapping that is saved
  }, [saved])

  if (!mayWrite) return <Empty title={t('common:failed.forbiddenTitle')}>{t('problem:forbidden')}</Empty>
  if (kilde && source.isPending) return <Loading rows={5} />
  if (kilde && source.isError) return <Failed error={source.error} retry={() => void source.refetch()} />
  const title = source.data ? t('mapping:titleOf', { name: source.data.item.data.name }) : t('mapping:title')
  return (
    <>
      <PageHead title={title} lead={t('mapping:lead')} back={{ to: '/register/kilder', label: t('mapping:back') }} />
      <div className="stack">
        <Panel title={t('mapping:sampleTitle')} id="sample">
          <Sample busy={busy} guess={(text) => void guess(text)} open={(text) => void open(text, false)} />
          {typeof error === 'string' ? <p className="strong" role="alert">{error}</p> : <Refusal error={error} />}
        </Panel>
        {draft && (
          <div className="mapping-grid">
            <Panel title={t('mapping:fieldsTitle')} id="fields">
              <p className="soft">{t(`mapping:format.${draft.base.format as 'csv'}`)} {t('mapping:fieldsHelp')}</p>
              <Rows draft={draft} change={setDraft} />
            </Panel>
            <Panel title={t('mapping:previewTitle')} id="preview"
              actions={preview?.text && <Button variant="tertiary" data-size="sm" onClick={() => download(`${draft.base.name}.yaml`, preview.text ?? '')}><DownloadIcon aria-hidden />{t('mapping:export')}</Button>}>
              <PreviewList preview={preview} failed={failed} />
            </Panel>
          </div>
        )}
        {draft && (
          <Panel title={t('mapping:saveTitle')} id="save">
            <SaveMapping draft={draft} change={setDraft} preview={preview} before={before} {...(source.data ? { source: source.data.item } : {})}
              created={(id) => void navigate({ to: '/register/kilder/kartlegging', search: { kilde: id } })} />
          </Panel>
        )}
        {source.data && <Versions history={source.data.history} current={saved} open={(text) => void open(text, false)} />}
      </div>
    </>
  )
}

/** A sample is pasted, dropped or chosen; a mapping file is opened the same way. */
function Sample({ busy, guess, open }: { busy: boolean; guess: (text: string) => void; open: (text: string) => void }) {
  const { t } = useTranslation()
  const [text, setText] = useState('')
  const read = async (file: File | undefined) => {
    if (!file) return
    const content = await file.slice(0, sampleBytes).text()
    if (/\.ya?ml$/i.test(file.name)) return open(content)
    const whole = file.size > sampleBytes ? content.slice(0, content.lastIndexOf('\n') + 1) : content
    setText(whole)
    guess(whole)
  }
  const drop = (event: DragEvent) => { event.preventDefault(); void read(event.dataTransfer.files[0]) }
  return (
    <div className="stack" onDragOver={(e) => e.preventDefault()} onDrop={drop}>
      <TextArea label={t('mapping:sample')} help={t('mapping:sampleHelp')} rows={6} spellCheck={false} className="ds-input mono" value={text} maxLength={sampleBytes} onChange={(e) => setText(e.target.value)} />
      <div className="row">
        <Button disabled={busy || text.trim() === ''} loading={busy || undefined} onClick={() => guess(text)}>{t('mapping:guess')}</Button>
        <label className="ds-button" data-variant="secondary"><UploadIcon aria-hidden />{t('mapping:choose')}
          <input type="file" className="sr-only" accept=".csv,.txt,.log,.json,.ndjson,.yaml,.yml,text/*" onChange={(e) => { void read(e.target.files?.[0]); e.target.value = '' }} />
        </label>
      </div>
      <p className="soft small">{t('mapping:privacy')}</p>
    </div>
  )
}
