import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { data, register } from '../../api/client'
import { EditDialog, Many, useFaults } from '../../components/EditDialog'
import { Check, SelectField, TextArea, TextField } from '../../components/Field'
import { dayAndTime, fromLocalInput, toLocalInput } from '../../time/format'
import { filled, type Schemas, useSave, useSystems, useVendors } from './model'
import { AgreementTag } from './parts'

const hours = [1, 2, 4, 8]

/** Asks for an access window; it counts for nothing until it is approved (R24). */
export function RequestWindow({ vendorId, close }: { vendorId?: string; close: () => void }) {
  const { t } = useTranslation()
  const vendors = useVendors()
  const systems = useSystems()
  const { busy, error, save } = useSave(close)
  const { faults, check } = useFaults()
  const [vendor, setVendor] = useState(vendorId ?? '')
  const [chosen, setChosen] = useState<string[]>([])
  const [people, setPeople] = useState<string[]>([])
  const [from, setFrom] = useState(() => toLocalInput(Date.now()))
  const [to, setTo] = useState(() => toLocalInput(Date.now() + 4 * 3_600_000))
  const [duration, setDuration] = useState(0)
  const [reason, setReason] = useState('')
  const [emergency, setEmergency] = useState(false)
  const listed = useQuery({
    queryKey: ['register', 'people', vendor], enabled: vendor !== '',
    queryFn: () => data(() => register.GET('/v1/vendor-persons', { params: { query: { vendorId: vendor, limit: 200 } } })).then((l) => l.items),
  })
  // The systems the vendor serves first; any system can be asked for.
  const serves = (systems.data ?? []).filter((s) => s.data.vendors?.includes(vendor))
  const offered = serves.length > 0 ? serves : (systems.data ?? [])
  const submit = () => {
    const a = fromLocalInput(from)
    const b = fromLocalInput(to)
    if (!check({ vendor, systems: chosen, reason: reason.trim() }, { to: !a || !b || a >= b ? t('register:window.order') : undefined }) || !a || !b) return
    const body = filled({ vendorId: vendor, systems: chosen, persons: people, from: a.toISOString(), to: b.toISOString(), reason: reason.trim(), durationSeconds: duration ? duration * 3_600 : undefined, emergency: emergency || undefined })
    void save(() => register.POST('/v1/windows', { body: { data: body } }), t('register:window.requested'))
  }
  return (
    <EditDialog title={t('register:window.requestTitle')} close={close} submit={t('register:window.submit')} busy={busy} error={error} save={submit} wide>
      <SelectField label={t('register:window.vendor')} value={vendor} fault={faults.vendor} disabled={vendorId !== undefined} onChange={(e) => { setVendor(e.target.value); setChosen([]); setPeople([]) }}>
        <option value="">{t('register:choose')}</option>
        {vendors.data?.map((v) => <option key={v.id} value={v.id}>{v.data.name}</option>)}
      </SelectField>
      <Many label={t('register:window.systems')} choices={offered.map((s) => ({ id: s.id, name: s.data.name }))} value={chosen} onChange={setChosen} fault={faults.systems} />
      {listed.data && listed.data.length > 0 && <Many label={t('register:window.people')} help={t('register:window.peopleHelp')} choices={listed.data.map((p) => ({ id: p.id, name: p.data.name }))} value={people} onChange={setPeople} />}
      <div className="two">
        <TextField label={t('register:window.from')} type="datetime-local" value={from} onChange={(e) => setFrom(e.target.value)} />
        <TextField label={t('register:window.to')} type="datetime-local" value={to} fault={faults.to} onChange={(e) => setTo(e.target.value)} />
      </div>
      <SelectField label={t('register:window.duration')} value={String(duration)} onChange={(e) => setDuration(Number(e.target.value))}>
        <option value="0">{t('register:window.fixed')}</option>
        {hours.map((h) => <option key={h} value={h}>{t('register:window.hours', { count: h })}</option>)}
      </SelectField>
      <TextArea label={t('register:window.reason')} value={reason} fault={faults.reason} rows={2} maxLength={500} onChange={(e) => setReason(e.target.value)} />
      <Check label={t('register:window.emergency')} checked={emergency} onChange={(e) => setEmergency(e.target.checked)} />
    </EditDialog>
  )
}

/** Approves a window; one that has begun can be recorded as opened already (C6 follows where the agreement is not in order). */
export function ApproveWindow({ entry, close }: { entry: Schemas['CalendarEntry']; close: () => void }) {
  const { t } = useTranslation()
  const { busy, error, save } = useSave(close)
  const { faults, check } = useFaults()
  const [after, setAfter] = useState(false)
  const [at, setAt] = useState(() => toLocalInput(Date.now()))
  const [reason, setReason] = useState('')
  const w = entry.window
  const valid = ['valid', 'expiring', 'missing-annexes'].includes(entry.agreementState)
  const begun = Date.parse(w.data.from) <= Date.now()
  const submit = () => {
    const moment = fromLocalInput(at)
    if (after && !check({ reason: reason.trim() }, { at: !moment || moment.getTime() > Date.now() ? t('register:window.notLater') : undefined })) return
    const body = { revision: w.revision, ...(after && moment ? { afterTheFact: true, approvedAt: moment.toISOString(), reason: reason.trim() } : {}) }
    void save(() => register.POST('/v1/windows/{id}/approve', { params: { path: { id: w.id } }, body }), t('register:window.approved'))
  }
  return (
    <EditDialog title={t('register:window.approveTitle')} close={close} submit={t('register:window.approve')} busy={busy} error={error} save={submit}>
      <p>{t('register:window.approveText', { vendor: entry.vendorName, systems: entry.systemNames.join(', '), from: dayAndTime(w.data.from), to: dayAndTime(w.data.to) })}</p>
      {w.data.reason && <p className="soft">{w.data.reason}</p>}
      <p className="row-tight">{t('register:vendor.agreement')}: <AgreementTag state={entry.agreementState} /></p>
      {!valid && <div className="ds-alert" data-color="danger"><p>{t(after ? 'register:window.afterWarn' : 'register:window.approveWarn', { state: t(`register:agreementState.${entry.agreementState}`).toLowerCase() })}</p></div>}
      {begun && <Check label={t('register:window.after')} checked={after} onChange={(e) => setAfter(e.target.checked)} />}
      {after && (
        <>
          <TextField label={t('register:window.afterAt')} type="datetime-local" value={at} fault={faults.at} max={toLocalInput(Date.now())} onChange={(e) => setAt(e.target.value)} />
          <TextArea label={t('register:window.afterReason')} value={reason} fault={faults.reason} rows={2} maxLength={500} onChange={(e) => setReason(e.target.value)} />
        </>
      )}
    </EditDialog>
  )
}

/** Moves the end of an approved window that is not over, earlier or later. */
export function ExtendWindow({ entry, close }: { entry: Schemas['CalendarEntry']; close: () => void }) {
  const { t } = useTranslation()
  const { busy, error, save } = useSave(close)
  const { faults, check } = useFaults()
  const w = entry.window
  const [to, setTo] = useState(() => toLocalInput(Date.parse(w.data.to) + 2 * 3_600_000))
  const [reason, setReason] = useState('')
  const submit = () => {
    const end = fromLocalInput(to)
    if (!check({}, { to: !end || end.getTime() <= Date.parse(w.data.from) ? t('register:window.order') : undefined }) || !end) return
    void save(() => register.POST('/v1/windows/{id}/extend', { params: { path: { id: w.id } }, body: { to: end.toISOString(), revision: w.revision, ...(reason.trim() ? { reason: reason.trim() } : {}) } }), t('register:window.extended'))
  }
  return (
    <EditDialog title={t('register:window.extendTitle')} close={close} submit={t('common:save')} busy={busy} error={error} save={submit}>
      <p>{t('register:window.extendText', { vendor: entry.vendorName, systems: entry.systemNames.join(', '), to: dayAndTime(w.data.to) })}</p>
      <TextField label={t('register:window.newEnd')} type="datetime-local" value={to} fault={faults.to} onChange={(e) => setTo(e.target.value)} />
      <TextField label={t('register:window.revokeReason')} optional value={reason} maxLength={500} onChange={(e) => setReason(e.target.value)} />
    </EditDialog>
  )
}

export function RevokeWindow({ entry, close }: { entry: Schemas['CalendarEntry']; close: () => void }) {
  const { t } = useTranslation()
  const { busy, error, save } = useSave(close)
  const [reason, setReason] = useState('')
  const w = entry.window
  return (
    <EditDialog title={t('register:window.revokeTitle')} close={close} submit={t('register:window.revoke')} busy={busy} error={error}
      save={() => void save(() => register.POST('/v1/windows/{id}/revoke', { params: { path: { id: w.id } }, body: filled({ reason: reason.trim(), revision: w.revision }) }), t('register:window.revoked'))}>
      <p>{t('register:window.revokeText')}</p>
      <TextField label={t('register:window.revokeReason')} optional value={reason} maxLength={500} onChange={(e) => setReason(e.target.value)} />
    </EditDialog>
  )
}
