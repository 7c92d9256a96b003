import { Button } from '@digdir/designsystemet-react'
import { useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Check, ChoiceGroup, TextArea } from '../../components/Field'
import { useFaults } from '../../components/EditDialog'
import { Modal } from '../../components/Modal'
import { problemText } from '../../components/problemText'
import { useReason } from '../../components/reason'
import { closes, type Kind, kindsFor, type Result, runTogether, stepsOf, type Summary } from './together'

/** One decision with one reason for several cases; each is decided by itself, and what was refused is told. */
export function TogetherDialog({ items, close }: { items: Summary[]; close: (failed: string[]) => void }) {
  const { t } = useTranslation()
  const reasonOf = useReason()
  const queries = useQueryClient()
  const [kind, setKind] = useState<Kind>()
  const [reason, setReason] = useState('')
  const [closing, setClosing] = useState(false)
  const [checked, setChecked] = useState('')
  const [results, setResults] = useState<Record<string, Result>>({})
  const [busy, setBusy] = useState(false)
  const { faults, check } = useFaults()
  const alsoClose = closing && closes(kind)
  const failed = items.filter((item) => results[item.id]?.problem)
  const count = Object.keys(results).length
  const over = !busy && count === items.length

  async function run(): Promise<void> {
    if (!kind) return
    setBusy(true)
    const before = results
    setResults(Object.fromEntries(Object.entries(before).filter(([, r]) => !r.problem)))
    await runTogether(items, stepsOf(kind, reason.trim(), alsoClose ? checked.trim() : undefined), before, (id, result) => setResults((all) => ({ ...all, [id]: result })))
    setBusy(false)
    for (const key of ['queue', 'cases', 'case', 'history']) void queries.invalidateQueries({ queryKey: [key] })
  }
  function onSubmit(event: FormEvent): void {
    event.preventDefault()
    const short = (text: string) => (text.trim().length < 3 ? t('problem:required') : undefined)
    if (check({ kind: kind ?? '' }, { reason: short(reason), checked: alsoClose ? short(checked) : undefined })) void run()
  }
  const done = () => close(failed.map((item) => item.id))
  return (
    <Modal title={t('queue:together.title', { count: items.length })} close={busy ? () => undefined : done} wide>
      {count === 0 && !busy ? (
        <form onSubmit={onSubmit} noValidate>
          <ChoiceGroup label={t('case:decision.kind')} value={kind} fault={faults.kind} onChange={(v) => setKind(v as Kind)}
            choices={kindsFor(items).map((k) => ({ value: k, label: t(`case:decision.kinds.${k}`), help: t(`case:decision.kindHelp.${k}`) }))} />
          <TextArea label={t('case:decision.reason')} help={t('queue:together.reasonHelp')} value={reason} fault={faults.reason} maxLength={8000} onChange={(e) => setReason(e.target.value)} />
          {closes(kind) && <Check label={t('queue:together.close')} checked={closing} onChange={(e) => setClosing(e.target.checked)} />}
          {alsoClose && <TextArea label={t('queue:together.checked')} help={t('queue:together.checkedHelp')} value={checked} fault={faults.checked} rows={3} maxLength={4000} onChange={(e) => setChecked(e.target.value)} />}
          <div className="buttons">
            <Button type="submit">{t('queue:together.submit', { count: items.length })}</Button>
            <Button type="button" variant="tertiary" onClick={done}>{t('common:cancel')}</Button>
          </div>
        </form>
      ) : (
        <div className="stack">
          <div role="status" className="stack-2">
            <progress value={count} max={items.length} aria-label={t('queue:together.title', { count: items.length })} />
            <p>{over ? t('queue:together.done', { count: items.length - failed.length, total: items.length }) : t('queue:together.running', { count, total: items.length })}</p>
          </div>
          {failed.length > 0 && (
            <>
              <h3 className="strong">{t('queue:together.failed', { count: failed.length })}</h3>
              <ul className="plain stack-2">
                {failed.map((item) => (
                  <li key={item.id}>
                    <span className="numeric">{item.number}</span> {item.summary || reasonOf(item.title)}:{' '}
                    {results[item.id]!.done > 0 && t('queue:together.halfway')} {problemText(results[item.id]!.problem!)}
                  </li>
                ))}
              </ul>
            </>
          )}
          {over && (
            <div className="buttons">
              <Button type="button" onClick={done}>{t('common:close')}</Button>
              {failed.length > 0 && <Button type="button" variant="secondary" onClick={() => void run()}>{t('queue:together.again')}</Button>}
            </div>
          )}
        </div>
      )}
    </Modal>
  )
}
