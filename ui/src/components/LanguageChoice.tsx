import { LanguageIcon } from '@navikt/aksel-icons'
import { useTranslation } from 'react-i18next'
import { currentLanguage, type Language, languageNames, languages, setLanguage } from '../i18n'
import { toast } from './toast'

/** The languages by their own names. What is typed on the page stays when another is chosen. */
export function LanguageChoice({ onChosen }: { onChosen?: (language: Language) => void }) {
  const { t } = useTranslation()
  const choose = async (language: Language) => {
    try {
      await setLanguage(language)
      onChosen?.(language)
    } catch {
      toast(t('common:languageFailed'))
    }
  }
  return (
    <label className="language">
      <LanguageIcon aria-hidden />
      <span className="sr-only">{t('common:language')}</span>
      <select value={currentLanguage()} onChange={(event) => void choose(event.target.value as Language)}>
        {languages.map((language) => <option key={language} value={language} lang={language}>{languageNames[language]}</option>)}
      </select>
    </label>
  )
}
