import { Tag } from '@digdir/designsystemet-react'
import { useTranslation } from 'react-i18next'
import { Check, SelectField, TextField } from '../../components/Field'
import { FieldChoice } from './FieldChoice'
import { type Draft, type Row, timeField, translated } from './model'

const sureColor = { 'time': 'success', 'name-values': 'success', 'name': 'info', 'label': 'neutral', '': 'neutral' } as const
const actions = ['login', 'logoff', 'session-start', 'session-end', 'password-change', 'account-created', 'account-changed', 'account-deleted', 'account-locked', 'group-member', 'privilege'] as const

/** Their fields, what each becomes, and the translation of values. */
export function Rows({ draft, change }: { draft: Draft; change: (draft: Draft) => void }) {
  const { t } = useTranslation()
  const set = (at: number, part: Partial<Row>) => change({ ...draft, rows: draft.rows.map((r, i) => (i === at ? { ...r, ...part } : r)) })
  const timed = draft.rows.some((r) => r.field === timeField)
  const hasAction = draft.rows.some((r) => r.field === 'event.action')
  return (
    <div className="stack">
      <ul className="plain mapping-rows">
        {draft.rows.map((row, i) => (
          <li key={`${i}-${row.column}`}>
            <div>
              <strong>{row.column}</strong>{' '}
              {row.why && <Tag data-size="sm" data-color={sureColor[row.why]}>{t(`mapping:why.${row.why}`)}</Tag>}
              <div className="soft small mapping-examples">{row.examples.slice(0, 3).join(' · ')}</div>
            </div>
            <FieldChoice label={t('mapping:becomes', { name: row.column })} value={row.field} onChange={(field) => set(i, { field, why: '' })} />
            {translated(row.field) && <Translations row={row} set={(part) => set(i, part)} />}
          </li>
        ))}
      </ul>
      {!hasAction && <Check label={t('mapping:everyLogin')} checked={draft.everyLogin} onChange={(e) => change({ ...draft, everyLogin: e.target.checked })} />}
      {timed ? (
        <div className="two">
          <TextField label={t('mapping:timeForm')} help={t('mapping:timeFormHelp')} value={draft.timeForm} maxLength={100} onChange={(e) => change({ ...draft, timeForm: e.target.value })} />
          <TextField label={t('mapping:zone')} help={t('mapping:zoneHelp')} value={draft.zone} maxLength={50} onChange={(e) => change({ ...draft, zone: e.target.value })} />
        </div>
      ) : <p className="soft">{t('mapping:noTime')}</p>}
    </div>
  )
}

function Translations({ row, set }: { row: Row; set: (part: Partial<Row>) => void }) {
  const { t } = useTranslation()
  const words = [...new Set([...Object.keys(row.values), ...row.examples.filter((e) => e !== '')])].slice(0, 30)
  const choices = row.field === 'event.outcome' ? (['success', 'failure', 'unknown'] as const) : actions
  const put = (word: string, to: string) => {
    const { [word]: _, ...rest } = row.values
    set({ values: to ? { ...rest, [word]: to } : rest })
  }
  return (
    <fieldset className="group mapping-values">
      <legend className="small">{t('mapping:valuesTitle')}</legend>
      {words.map((word) => {
        const to = row.values[word] ?? ''
        const own = to !== '' && !choices.some((c) => c === to)
        return (
          <SelectField key={word} label={word} value={to} onChange={(e) => put(word, e.target.value)}>
            <option value="">{t(row.field === 'event.outcome' ? 'mapping:outcome.unknown' : 'mapping:asIs')}</option>
            {choices.filter((c) => c !== 'unknown').map((c) => <option key={c} value={c}>{row.field === 'event.outcome' ? t(`mapping:outcome.${c as 'success'}`) : t(`mapping:action.${c as 'login'}`)}</option>)}
            {own && <option value={to}>{to}</option>}
          </SelectField>
        )
      })}
    </fieldset>
  )
}
