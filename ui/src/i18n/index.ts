import i18n from 'i18next'
import { initReactI18next } from 'react-i18next'

/**
 * Texts lie in one file per language and feature (`nb/case.json`). A page
 * loads the features it shows before it is drawn, so no key is ever seen.
 * Keys are always written whole (case:decide.title): a test finds every
 * missing and every unused one.
 */
const files = import.meta.glob<{ default: Record<string, unknown> }>('./*/*.json')

/** Languages that can be chosen. A missing text in another language falls back to bokmål. */
export const languages = ['nb'] as const
export type Language = (typeof languages)[number]

const storageKey = 'varde.language'

function chosenLanguage(): Language {
  try {
    const stored = localStorage.getItem(storageKey)
    return languages.find((l) => l === stored) ?? 'nb'
  } catch {
    return 'nb' // storage is forbidden in some private windows
  }
}

const started = i18n.use(initReactI18next).init({
  lng: chosenLanguage(),
  fallbackLng: 'nb',
  ns: [],
  resources: {},
  interpolation: { escapeValue: false }, // React escapes
  returnNull: false,
  missingInterpolationHandler: () => '', // a rule may leave a parameter out
  react: { useSuspense: false },
})

/** Loads the texts of the features named, in the chosen language and in bokmål. */
export async function loadTexts(...features: string[]): Promise<void> {
  await started
  const wanted = new Set([i18n.language, 'nb'])
  await Promise.all(
    features.flatMap((feature) =>
      [...wanted].map(async (language) => {
        if (i18n.hasResourceBundle(language, feature)) return
        const load = files[`./${language}/${feature}.json`]
        if (!load) return
        const texts = await load()
        i18n.addResourceBundle(language, feature, texts.default)
      }),
    ),
  )
  document.documentElement.lang = i18n.language
}

export { i18n }
