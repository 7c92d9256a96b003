import { Dialog } from '@digdir/designsystemet-react'
import { type ReactNode, useEffect, useId, useRef } from 'react'
import { useTranslation } from 'react-i18next'

/** A dialog that is open as long as it is drawn. Escape and the cross close it; focus comes back to where it was. */
export function Modal({ title, close, children, wide, placement }: {
  title: ReactNode; close: () => void; children: ReactNode; wide?: boolean; placement?: 'center' | 'right'
}) {
  const { t } = useTranslation()
  const titleId = useId()
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    const before = document.activeElement
    if (!dialog.current?.open) dialog.current?.showModal()
    return () => { if (before instanceof HTMLElement && before.isConnected) before.focus() }
  }, [])
  return (
    <Dialog ref={dialog} className="modal" data-wide={wide ?? false} closeButton={t('common:close')} placement={placement ?? 'center'} onClose={close} aria-labelledby={titleId}>
      <div className="stack">
        <h2 id={titleId}>{title}</h2>
        {children}
      </div>
    </Dialog>
  )
}
