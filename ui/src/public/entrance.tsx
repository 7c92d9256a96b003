import '../styles/public.css'
import '../styles/dialogue.css'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { loadTexts } from '../i18n'
import { PublicApp, textsFor } from './PublicApp'

/** The half that everyone can reach: reporting, follow-up, sign-in. */
export async function mount(root: HTMLElement): Promise<void> {
  await loadTexts('public', ...textsFor(location.pathname))
  createRoot(root).render(
    <StrictMode>
      <PublicApp path={location.pathname} />
    </StrictMode>,
  )
}
