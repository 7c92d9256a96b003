import { addTexts } from '.'

// Every text there is. Imported by the workplace, which the entrance does not load.
addTexts(import.meta.glob<{ default: Record<string, unknown> }>('./*/*.json'))
