import { Button } from '@digdir/designsystemet-react'
import { type FormEvent, useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { data, identity, onStepUp } from '../api/client'
import { TextField } from '../components/Field'
import { Modal } from '../components/Modal'
import { Refusal } from '../components/states'

type Asked = { action: string; answer: (done: boolean) => void }

/** Asks for the second factor (or the password) when the server wants it for an action. */
export function StepUpDialog({ secondFactor }: { secondFactor: boolean }) {
  const { t } = useTranslation()
  const [asked, setAsked] = useState<Asked>()
  const [proof, setProof] = useState('')
  const [error, setError] = useState<unknown>()
  const [busy, setBusy] = useState(false)
  useEffect(() => onStepUp((action) => new Promise((answer) => { setProof(''); setError(undefined); setAsked({ action, answer }) })), [])
  if (!asked) return null

  const finish = (done: boolean) => { asked.answer(done); setAsked(undefined) }
  async function submit(event: FormEvent): Promise<void> {
    event.preventDefault()
    setBusy(true)
    try {
      await data(() => identity.POST('/v1/me/step-up', { body: { action: asked!.action, ...(secondFactor ? { code: proof } : { password: proof }) } }))
      finish(true)
    } catch (problem) {
      setError(problem)
    } finally {
      setBusy(false)
    }
  }
  return (
    <Modal title={t('app:stepUp.title')} close={() => finish(false)}>
      <form onSubmit={(event) => void submit(event)}>
        <p>{t('app:stepUp.lead')}</p>
        {secondFactor ? (
          <TextField label={t('app:stepUp.code')} value={proof} inputMode="numeric" autoComplete="one-time-code" maxLength={6} required autoFocus onChange={(e) => setProof(e.target.value)} />
        ) : (
          <TextField label={t('app:stepUp.password')} type="password" value={proof} autoComplete="current-password" required autoFocus onChange={(e) => setProof(e.target.value)} />
        )}
        <Refusal error={error} />
        <div className="buttons">
          <Button type="submit" loading={busy || undefined}>{t('app:stepUp.confirm')}</Button>
          <Button type="button" variant="tertiary" onClick={() => finish(false)}>{t('common:cancel')}</Button>
        </div>
      </form>
    </Modal>
  )
}
