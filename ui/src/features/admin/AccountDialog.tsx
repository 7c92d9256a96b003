import { Button, Tag } from '@digdir/designsystemet-react'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { asProblem, data, identity } from '../../api/client'
import type { components } from '../../api/identity'
import { useMe } from '../../app/MeContext'
import { useFaults } from '../../components/EditDialog'
import { TextField } from '../../components/Field'
import { Modal } from '../../components/Modal'
import { Failed, Loading, Refusal } from '../../components/states'
import { Time } from '../../components/Time'
import { useSave } from '../../components/useSave'
import type { Person } from '../../directory/directory'
import { clock } from '../../time/format'
import { makePassword } from './makePassword'

type Account = components['schemas']['Account']

/** How a person signs in. An assigned password must be changed by the person (R32). */
export function AccountDialog({ person, close }: { person: Person; close: () => void }) {
  const { t } = useTranslation()
  const account = useQuery({
    queryKey: ['account', person.id],
    queryFn: () => data(() => identity.GET('/v1/persons/{personId}/account', { params: { path: { personId: person.id } } })).catch((error: unknown) => {
      if (asProblem(error).status === 404) return null
      throw error
    }),
  })
  return (
    <Modal title={t('admin:account.title', { name: person.name })} close={close}>
      {account.isPending ? <Loading rows={3} /> : account.isError ? <Failed error={account.error} retry={() => void account.refetch()} /> : account.data === null
        ? <NewAccount person={person} />
        : <Existing person={person} account={account.data} />}
    </Modal>
  )
}

/** Puts what was answered in the place of what was shown. */
function useAccountSave(person: Person) {
  const queries = useQueryClient()
  const { busy, error, save } = useSave([], () => undefined)
  const put = async (body: components['schemas']['AccountEdit'], said: string) => {
    const saved = await save(() => identity.PUT('/v1/persons/{personId}/account', { params: { path: { personId: person.id } }, body }), said)
    if (saved) queries.setQueryData(['account', person.id], saved)
    return saved !== undefined
  }
  const post = async (path: '/v1/persons/{personId}/account/unlock' | '/v1/persons/{personId}/account/sign-out', said: string) => {
    await save(() => identity.POST(path, { params: { path: { personId: person.id } } }), said)
    void queries.invalidateQueries({ queryKey: ['account', person.id] })
  }
  return { busy, error, put, post }
}

function PasswordField({ label, value, fault, onChange }: { label: string; value: string; fault?: string | undefined; onChange: (password: string) => void }) {
  const { t } = useTranslation()
  return (
    <div className="line-of-fields">
      <TextField label={label} help={t('admin:account.passwordHelp')} value={value} fault={fault} autoComplete="off" autoCapitalize="none" spellCheck={false} className="ds-input mono" maxLength={1024} onChange={(e) => onChange(e.target.value)} />
      <Button type="button" variant="secondary" onClick={() => onChange(makePassword())}>{t('admin:account.make')}</Button>
    </div>
  )
}

function NewAccount({ person }: { person: Person }) {
  const { t } = useTranslation()
  const me = useMe()
  const { busy, error, put } = useAccountSave(person)
  const { faults, check } = useFaults()
  const domain = me.tenant.domain ?? ''
  const [name, setName] = useState(() => (domain ? `@${domain}` : ''))
  const [password, setPassword] = useState('')
  function submit(event: FormEvent): void {
    event.preventDefault()
    const bare = name.trim() === `@${domain}` ? '' : name.trim()
    if (!check({ name: bare }, { password: [...password].length < 12 ? t('admin:account.short') : undefined })) return
    void put({ name: bare, password }, t('admin:account.created'))
  }
  return (
    <form onSubmit={submit} noValidate>
      <p>{t('admin:account.none')}</p>
      <TextField label={t('admin:account.name')} help={t('admin:account.nameHelp')} value={name} fault={faults.name} autoComplete="off" autoCapitalize="none" spellCheck={false} maxLength={254} onChange={(e) => setName(e.target.value)} />
      <PasswordField label={t('admin:account.passwordFirst')} value={password} fault={faults.password} onChange={setPassword} />
      <Refusal error={error} />
      <div className="buttons"><Button type="submit" loading={busy || undefined} disabled={busy}>{t('admin:account.create')}</Button></div>
    </form>
  )
}

function Existing({ person, account }: { person: Person; account: Account }) {
  const { t } = useTranslation()
  const { busy, error, put, post } = useAccountSave(person)
  const { faults, check } = useFaults()
  const [password, setPassword] = useState('')
  function submit(event: FormEvent): void {
    event.preventDefault()
    if (!check({}, { password: [...password].length < 12 ? t('admin:account.short') : undefined })) return
    void put({ password }, t('admin:account.assigned'))
  }
  const state = account.disabled ? 'disabled' : account.locked ? 'locked' : 'active'
  return (
    <>
      <dl className="facts tight">
        <dt>{t('admin:account.name')}</dt><dd>{account.name}</dd>
        <dt>{t('admin:account.state')}</dt>
        <dd className="row-tight"><Tag data-size="sm" data-color={state === 'active' ? 'success' : state === 'locked' ? 'warning' : 'neutral'}>{t(`admin:account.${state}`, { when: account.lockedUntil ? clock(account.lockedUntil) : '' })}</Tag>
          {account.mustChangePassword && <span className="soft small">{t('admin:account.mustChange')}</span>}</dd>
        {account.passwordChanged && <><dt>{t('admin:account.changed')}</dt><dd><Time at={account.passwordChanged} form="plain" /></dd></>}
        <dt>{t('admin:account.factor')}</dt><dd>{t(account.secondFactor ? 'admin:account.factorOn' : 'admin:account.factorOff')}</dd>
      </dl>
      <div className="row-tight">
        {account.locked && <Button data-size="sm" disabled={busy} onClick={() => void post('/v1/persons/{personId}/account/unlock', t('admin:account.unlocked'))}>{t('admin:account.unlock')}</Button>}
        <Button variant="secondary" data-size="sm" disabled={busy} onClick={() => void post('/v1/persons/{personId}/account/sign-out', t('admin:account.signedOut'))}>{t('admin:account.signOut')}</Button>
        {account.secondFactor && <Button variant="secondary" data-size="sm" disabled={busy} onClick={() => void put({ removeSecondFactor: true }, t('admin:account.removedFactor'))}>{t('admin:account.removeFactor')}</Button>}
        {account.disabled
          ? <Button variant="secondary" data-size="sm" disabled={busy} onClick={() => void put({ disabled: false }, t('admin:account.enabledDone'))}>{t('admin:account.enable')}</Button>
          : <Button variant="secondary" data-size="sm" data-color="danger" disabled={busy} onClick={() => void put({ disabled: true }, t('admin:account.disabledDone'))}>{t('admin:account.disable')}</Button>}
      </div>
      <form onSubmit={submit} noValidate>
        <PasswordField label={t('admin:account.password')} value={password} fault={faults.password} onChange={setPassword} />
        <Refusal error={error} />
        <div className="buttons"><Button type="submit" variant="secondary" loading={busy || undefined} disabled={busy}>{t('admin:account.assign')}</Button></div>
      </form>
    </>
  )
}
