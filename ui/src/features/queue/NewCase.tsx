import { Button } from '@digdir/designsystemet-react'
import { PlusIcon } from '@navikt/aksel-icons'
import { lazy, Suspense, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useMay } from '../../app/MeContext'

const Dialog = lazy(() => import('./NewCaseDialog').then((m) => ({ default: m.NewCaseDialog })))

/** The button for a case by hand, for those who may make one. */
export function NewCase() {
  const { t } = useTranslation()
  const may = useMay('case.create')
  const [open, setOpen] = useState(false)
  if (!may) return null
  return (
    <>
      <Button variant="secondary" onClick={() => setOpen(true)}><PlusIcon aria-hidden />{t('queue:byHand.title')}</Button>
      {open && <Suspense><Dialog close={() => setOpen(false)} /></Suspense>}
    </>
  )
}
