import { Button, Dropdown } from '@digdir/designsystemet-react'
import { BookmarkIcon, LinkIcon } from '@navikt/aksel-icons'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { data, search } from '../../api/client'
import { TextField } from '../../components/Field'
import { Modal } from '../../components/Modal'
import { Refusal } from '../../components/states'
import { toast } from '../../components/toast'
import { keepView, type View } from './model'

export function SavedViews({ view, viewId, open }: { view: View; viewId?: string | undefined; open: (id: string) => void }) {
  const { t } = useTranslation()
  const [saving, setSaving] = useState(false)
  const views = useQuery({ queryKey: ['views'], queryFn: () => data(() => search.GET('/v1/views', { params: { query: { limit: 100 } } })).then((list) => list.items) })
  const copy = () => navigator.clipboard.writeText(location.href).then(() => toast(t('search:views.copied')))
  return (
    <div className="row-tight">
      <Dropdown.TriggerContext>
        <Dropdown.Trigger variant="tertiary" data-size="sm"><BookmarkIcon aria-hidden />{t('search:views.title')}</Dropdown.Trigger>
        <Dropdown>
          <Dropdown.List>
            {(views.data ?? []).map((v) => <Dropdown.Item key={v.id}><Dropdown.Button onClick={() => open(v.id)}>{v.name}</Dropdown.Button></Dropdown.Item>)}
            {views.data?.length === 0 && <li className="soft menu-note">{t('search:views.none')}</li>}
            <Dropdown.Item><Dropdown.Button onClick={() => setSaving(true)}>{t('search:views.save')}</Dropdown.Button></Dropdown.Item>
          </Dropdown.List>
        </Dropdown>
      </Dropdown.TriggerContext>
      {viewId && <Button variant="tertiary" data-size="sm" onClick={() => void copy()}><LinkIcon aria-hidden />{t('search:views.copy')}</Button>}
      {saving && <SaveDialog view={view} close={() => setSaving(false)} open={open} />}
    </div>
  )
}

function SaveDialog({ view, close, open }: { view: View; close: () => void; open: (id: string) => void }) {
  const { t } = useTranslation()
  const queries = useQueryClient()
  const [name, setName] = useState('')
  const [fault, setFault] = useState<string>()
  const [error, setError] = useState<unknown>()
  async function submit(event: FormEvent): Promise<void> {
    event.preventDefault()
    if (!name.trim()) return setFault(t('search:views.missing'))
    try {
      const id = await keepView(view, { name: name.trim() })
      void queries.invalidateQueries({ queryKey: ['views'] })
      toast(t('search:views.saved'))
      close()
      open(id)
    } catch (problem) {
      setError(problem)
    }
  }
  return (
    <Modal title={t('search:views.save')} close={close}>
      <form onSubmit={(event) => void submit(event)} noValidate>
        <TextField label={t('search:views.name')} help={t('search:views.nameHelp')} value={name} fault={fault} maxLength={100} onChange={(e) => setName(e.target.value)} />
        <Refusal error={error} />
        <div className="buttons"><Button type="submit">{t('common:save')}</Button><Button type="button" variant="tertiary" onClick={close}>{t('common:cancel')}</Button></div>
      </form>
    </Modal>
  )
}
