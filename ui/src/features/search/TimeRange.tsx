import { Button } from '@digdir/designsystemet-react'
import { CalendarIcon } from '@navikt/aksel-icons'
import { type FormEvent, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { TextField } from '../../components/Field'
import { Modal } from '../../components/Modal'
import { fromLocalInput, toLocalInput } from '../../time/format'
import { lasts, momentsOf, type Range, rangeText } from './model'

export function TimeRange({ range, onChange }: { range: Range; onChange: (range: Range) => void }) {
  const { t } = useTranslation()
  const [custom, setCustom] = useState(false)
  const fixed = 'from' in range
  return (
    <div className="time-range">
      <CalendarIcon aria-hidden />
      <select className="ds-input" aria-label={t('search:time.label')} value={fixed ? 'fixed' : range.last}
        onChange={(e) => (e.target.value === 'custom' ? setCustom(true) : e.target.value !== 'fixed' && onChange({ last: e.target.value }))}>
        {fixed && <option value="fixed">{rangeText(range)}</option>}
        {!fixed && !lasts.some((l) => l === range.last) && <option value={range.last}>{range.last}</option>}
        {lasts.map((last) => <option key={last} value={last}>{t(`search:time.${last}`)}</option>)}
        <option value="custom">{t('search:time.custom')}</option>
      </select>
      {custom && <CustomRange range={range} close={() => setCustom(false)} onChange={onChange} />}
    </div>
  )
}

function CustomRange({ range, close, onChange }: { range: Range; close: () => void; onChange: (range: Range) => void }) {
  const { t } = useTranslation()
  const [moments] = useState(() => momentsOf(range, Date.now()))
  const [from, setFrom] = useState(toLocalInput(moments.from))
  const [to, setTo] = useState(toLocalInput(moments.to))
  const [fault, setFault] = useState<string>()
  function submit(event: FormEvent): void {
    event.preventDefault()
    const a = fromLocalInput(from)
    const b = fromLocalInput(to)
    if (!a || !b || a >= b) return setFault(t('search:time.invalid'))
    onChange({ from: a.toISOString(), to: b.toISOString() })
    close()
  }
  return (
    <Modal title={t('search:time.custom')} close={close}>
      <form onSubmit={submit} noValidate>
        <TextField label={t('search:time.from')} type="datetime-local" value={from} onChange={(e) => setFrom(e.target.value)} />
        <TextField label={t('search:time.to')} type="datetime-local" value={to} fault={fault} onChange={(e) => setTo(e.target.value)} />
        <div className="buttons"><Button type="submit">{t('search:time.apply')}</Button><Button type="button" variant="tertiary" onClick={close}>{t('common:cancel')}</Button></div>
      </form>
    </Modal>
  )
}
