import { Button } from '@digdir/designsystemet-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { register } from '../../api/client'
import { SelectField, TextField } from '../../components/Field'
import { Refusal } from '../../components/states'
import { useSave } from '../../components/useSave'
import { filled, type Schemas, useSystems } from '../register/model'
import { fieldLabel } from './FieldChoice'
import { differences, type Draft, type Form, formOf, mappingName, type Preview } from './model'

type Created = { id: string; name: string; key: string }

/** Saves the mapping: as a new source with its key, or as the next version of one. */
export function SaveMapping({ draft, change, preview, before, source, created }: {
  draft: Draft; change: (draft: Draft) => void; preview: Preview | undefined; before: Form | undefined; source?: Schemas['SourceItem']; created: (id: string) => void
}) {
  const { t } = useTranslation()
  const systems = useSystems()
  const [name, setName] = useState('')
  const [kind, setKind] = useState<Schemas['Source']['kind']>('bulk')
  const [done, setDone] = useState<Created>()
  const { busy, error, save } = useSave(['register'], () => undefined)
  const text = preview?.text
  const ready = text !== undefined && preview?.faults.length === 0
  const system = draft.base.fields['service.name']?.constant ?? ''
  const setSystem = (to: string) => {
    const { 'service.name': _, ...rest } = draft.base.fields
    change({ ...draft, base: { ...draft.base, fields: to ? { ...rest, 'service.name': { constant: to } } : rest } })
  }
  async function submit() {
    if (!text) return
    if (source) {
      const { hasKey: _, mappingId: __, ...rest } = source.data
      await save(() => register.PUT('/v1/sources/{id}', { params: { path: { id: source.id } }, body: { data: filled({ ...rest, mapping: text }), revision: source.revision } }), t('mapping:savedVersion'))
      return
    }
    const made = await save(() => register.POST('/v1/sources', { body: { data: { name: name.trim(), kind, timeZone: draft.zone, mapping: text } } }), t('mapping:saved'))
    if (made) setDone({ id: made.item.id, name: made.item.data.name, key: made.apiKey })
  }
  if (done) return <SetUp of={done} go={() => created(done.id)} />
  const changes = source ? differences(before, formOf(draft)) : []
  return (
    <div className="stack">
      {source ? (
        changes.length === 0 ? <p>{t('mapping:noChange')}</p> : (
          <div className="table-wrap"><table className="plain-table">
            <thead><tr><th>{t('mapping:fieldColumn')}</th><th>{t('mapping:before')}</th><th>{t('mapping:after')}</th></tr></thead>
            <tbody>{changes.map((d) => <tr key={d.field}><td>{fieldLabel(d.field)}</td><td data-label={t('mapping:before')}>{d.before || t('mapping:notMapped')}</td><td data-label={t('mapping:after')}>{d.after || t('mapping:notMapped')}</td></tr>)}</tbody>
          </table></div>
        )
      ) : (
        <div className="two">
          <TextField label={t('mapping:name')} help={t('mapping:nameHelp')} value={name} maxLength={200}
            onChange={(e) => { setName(e.target.value); change({ ...draft, base: { ...draft.base, name: mappingName(e.target.value) } }) }} />
          <SelectField label={t('register:source.kind')} value={kind} onChange={(e) => setKind(e.target.value as 'bulk')}>
            {(['bulk', 'syslog', 'file', 'import'] as const).map((k) => <option key={k} value={k}>{t(`register:source.kinds.${k}`)}</option>)}
          </SelectField>
        </div>
      )}
      {!draft.rows.some((r) => r.field === 'service.name') && (
        <SelectField label={t('mapping:system')} help={t('mapping:systemHelp')} value={system} onChange={(e) => setSystem(e.target.value)}>
          <option value="">{t('mapping:noSystem')}</option>
          {system !== '' && !systems.data?.some((s) => (s.data.services?.[0] ?? s.data.name) === system) && <option value={system}>{system}</option>}
          {systems.data?.map((s) => <option key={s.id} value={s.data.services?.[0] ?? s.data.name}>{s.data.name}</option>)}
        </SelectField>
      )}
      <Refusal error={error} />
      <div className="row">
        <Button disabled={!ready || busy || (!source && name.trim() === '')} loading={busy || undefined} onClick={() => void submit()}>{t(source ? 'mapping:saveVersion' : 'mapping:save')}</Button>
      </div>
      <p className="soft small">{t('mapping:kept')}</p>
    </div>
  )
}

/** The key, which is shown this once, and the lines that send with it. */
function SetUp({ of, go }: { of: Created; go: () => void }) {
  const { t } = useTranslation()
  const send = `curl -H "Authorization: ApiKey ${of.key}" -H "Content-Type: text/plain" --data-binary @${t('mapping:fileName')} https://${t('mapping:collectorAddress')}/v1/lines`
  const bring = `varde import --url https://${t('mapping:collectorAddress')} --key-file ${t('mapping:keyFile')} ${t('mapping:fileName')}`
  return (
    <div className="stack" role="status">
      <p className="strong">{t('mapping:madeTitle', { name: of.name })}</p>
      <p>{t('register:source.keyText')}</p>
      <code className="logline">{of.key}</code>
      <p>{t('mapping:sendText')}</p>
      <code className="logline">{send}</code>
      <p>{t('mapping:importText')}</p>
      <code className="logline">{bring}</code>
      <div><Button variant="secondary" onClick={go}>{t('mapping:goOn')}</Button></div>
    </div>
  )
}
