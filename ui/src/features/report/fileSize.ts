import { formatNumber } from '../../i18n'

const megabyte = 1024 * 1024

/** A size in kB or MB, with the figures of the language shown. */
export function fileSize(bytes: number, t: (key: string, values: Record<string, string>) => string): string {
  const large = bytes >= megabyte
  const size = formatNumber(large ? bytes / megabyte : Math.max(1, bytes / 1024), { maximumFractionDigits: large ? 1 : 0 })
  return large ? t('common:file.sizeLarge', { size }) : t('common:file.size', { size })
}
