import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useDeferredValue, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { cases, data } from '../../api/client'
import { EditDialog, useFaults } from '../../components/EditDialog'
import { ChoiceGroup, SelectField, TextField } from '../../components/Field'
import { useReason } from '../../components/reason'
import { Failed, Loading } from '../../components/states'
import { relative } from '../../time/format'
import { type Case, type Schemas, useCaseAction } from './api'

type Kind = Schemas['NewLinkKind']
const kinds: Kind[] = ['related', 'duplicate-of', 'has-duplicate', 'caused-by', 'cause-of']
const shown = 8

/** Finds another case and says what this one is to it. */
export function LinkDialog({ c, close }: { c: Case; close: () => void }) {
  const { t } = useTranslation()
  const reason = useReason()
  const action = useCaseAction(c.summary.id, close)
  const { faults, check } = useFaults()
  const [kind, setKind] = useState<Kind>('related')
  const [text, setText] = useState('')
  const [other, setOther] = useState('')
  const wanted = useDeferredValue(text.trim())
  const found = useQuery({
    queryKey: ['cases', 'to-link', wanted], placeholderData: keepPreviousData,
    queryFn: () => data(() => cases.POST('/v1/cases/search', { body: { ...(wanted ? { text: wanted } : {}), sort: 'newest', limit: shown + 1 } })).then((l) => l.items),
  })
  const offered = (found.data ?? []).filter((item) => item.id !== c.summary.id).slice(0, shown)
  const submit = () => {
    if (!check({}, { other: offered.some((item) => item.id === other) ? undefined : t('case:links.choose') })) return
    void action.run(() => cases.POST('/v1/cases/{caseId}/links', { params: { path: { caseId: c.summary.id } }, body: { caseId: other, kind } }), t('case:links.added'))
  }
  return (
    <EditDialog title={t('case:links.addTitle', { number: c.summary.number })} close={close} submit={t('case:links.submit')} busy={action.busy} error={action.error} save={submit}>
      <SelectField label={t('case:links.kind')} value={kind} onChange={(e) => setKind(e.target.value as Kind)}>
        {kinds.map((k) => <option key={k} value={k}>{t(`case:links.kinds.${k}`)}</option>)}
      </SelectField>
      <TextField label={t('case:links.find')} help={t('case:links.findHelp')} type="search" value={text} maxLength={200} onChange={(e) => { setText(e.target.value); setOther('') }} />
      {found.isPending ? <Loading rows={3} /> : found.isError ? <Failed error={found.error} retry={() => void found.refetch()} /> : offered.length === 0 ? <p className="soft" role="status">{t('case:links.noHits')}</p> : (
        <ChoiceGroup label={t('case:links.which')} value={other} fault={faults.other} onChange={setOther} choices={offered.map((item) => ({
          value: item.id,
          label: item.source !== 'finding' && item.summary ? item.summary : reason(item.title),
          help: [item.number, item.system?.name ?? item.unit?.name, t(`common:state.${item.state}`), relative(item.created)].filter(Boolean).join(' · '),
        }))} />
      )}
    </EditDialog>
  )
}
