import i18n from 'i18next'
import { initReactI18next } from 'react-i18next'
import names from './names.json'

/**
 * Texts lie in one file per language and feature (`nb/case.json`). A page
 * loads the features it shows before it is drawn, so no key is ever seen.
 * Keys are always written whole (case:decide.title): a test finds every
 * missing and every unused one, and that each language has every key.
 */
export type TextFiles = Record<string, () => Promise<{ default: Record<string, unknown> }>>

// The entrance knows of its own texts only: the list of all would be a large part of the report form's first load.
const files: TextFiles = import.meta.glob<{ default: Record<string, unknown> }>('./*/{common,problem,public,report,followup,signin}.json')

/** Makes more texts known, by the paths that this file would have for them. */
export function addTexts(more: TextFiles): void {
  Object.assign(files, more)
}

/** The languages that can be chosen, in the order they are offered. */
export const languages = ['nb', 'nn', 'en'] as const
export type Language = (typeof languages)[number]

/** What each language calls itself; never translated. */
export const languageNames: Record<Language, string> = names

/**
 * For Intl. Chromium knows nynorsk's plural forms but not its dates and
 * numbers, and would take the device's language for them; bokmål writes
 * figures and months alike, and words that differ lie in our own files.
 */
const locales: Record<Language, string[]> = { nb: ['nb-NO'], nn: ['nn-NO', 'nb-NO'], en: ['en-GB'] }

const storageKey = 'varde.language'

export function isLanguage(value: unknown): value is Language {
  return languages.some((language) => language === value)
}

/** The first of the browser's languages that there are texts in; bokmål where there is none. */
export function guessLanguage(wanted: readonly string[]): Language {
  for (const tag of wanted) {
    const language = tag.toLowerCase().split('-')[0]
    if (language === 'no') return 'nb'
    if (isLanguage(language)) return language
  }
  return 'nb'
}

function firstLanguage(): Language {
  try {
    const stored = localStorage.getItem(storageKey)
    if (isLanguage(stored)) return stored
  } catch {
    // Private windows may forbid storage; the browser's own languages say enough.
  }
  return guessLanguage(navigator.languages ?? [navigator.language])
}

const started = i18n.use(initReactI18next).init({
  lng: firstLanguage(),
  fallbackLng: 'nb',
  ns: [],
  resources: {},
  interpolation: { escapeValue: false }, // React escapes
  returnNull: false,
  missingInterpolationHandler: () => '', // a rule may leave a parameter out
  react: { useSuspense: false },
})

/** The language shown now. */
export function currentLanguage(): Language {
  return isLanguage(i18n.language) ? i18n.language : 'nb'
}

/** What Intl is to be asked for in the language shown now. */
export function locale(): string[] {
  return locales[currentLanguage()]
}

/** A number as the language writes it. */
export function formatNumber(n: number, options?: Intl.NumberFormatOptions): string {
  return new Intl.NumberFormat(locale(), options).format(n)
}

const loaded = new Set<string>()

/** A language has each text that bokmål has (a test says so), so that only one needs to be fetched. */
async function load(language: Language, features: Iterable<string>): Promise<void> {
  await Promise.all([...features].map(async (feature) => {
    const held = files[`./${language}/${feature}.json`] ? language : 'nb'
    if (i18n.hasResourceBundle(held, feature)) return
    const texts = await files[`./${held}/${feature}.json`]?.()
    if (texts) i18n.addResourceBundle(held, feature, texts.default)
  }))
}

/** Loads the texts of the features named, in the chosen language. */
export async function loadTexts(...features: string[]): Promise<void> {
  await started
  for (const feature of features) loaded.add(feature)
  await load(currentLanguage(), features)
  document.documentElement.lang = currentLanguage()
}

/**
 * Shows the page that is open in another language, without drawing it anew:
 * what is typed and not sent stays. Kept on the device. Rejects, and changes
 * nothing, where the texts cannot be fetched.
 */
export async function setLanguage(language: Language): Promise<void> {
  await started
  await load(language, loaded)
  await i18n.changeLanguage(language)
  await load(language, loaded) // what a page asked for meanwhile
  document.documentElement.lang = language
  try {
    localStorage.setItem(storageKey, language)
  } catch {
    // The choice then lasts as long as the page.
  }
}

export { i18n }
