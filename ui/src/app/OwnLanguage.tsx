import { asProblem } from '../api/client'
import { LanguageChoice } from '../components/LanguageChoice'
import { problemText } from '../components/problemText'
import { toast } from '../components/toast'
import type { Language } from '../i18n'
import { saveLanguage } from '../session/session'

/**
 * Keeps a choice of language with the account. Only from the workplace: on the
 * public pages it would leave a trace of when someone signed in was there (N3).
 */
export async function keepLanguage(language: Language): Promise<void> {
  await saveLanguage(language).catch((error: unknown) => toast(problemText(asProblem(error))))
}

export function OwnLanguage() {
  return <LanguageChoice onChosen={(language) => void keepLanguage(language)} />
}
