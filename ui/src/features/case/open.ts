import type { Schemas } from './api'

/** What a part of the case page can ask the page to open. */
export type OpenDialog =
  | { is: 'decide' | 'no-measures' | 'ask-effect' | 'effect' | 'assign' | 'assess' | 'restored' | 'outcome' | 'close' | 'reject' | 'reopen' | 'link' }
  | { is: 'measure'; proposal?: { id: string; text: string }; item?: Schemas['Measure'] }
  | { is: 'move-measure'; measureId: string }
  | { is: 'meet'; regime: 'gdpr' | 'digital-security' }
export type Open = (dialog: OpenDialog) => void
