const megabyte = 1024 * 1024

/** A size in kB or MB, as Norwegians write numbers. */
export function fileSize(bytes: number, t: (key: string, values: Record<string, string>) => string): string {
  const large = bytes >= megabyte
  const size = new Intl.NumberFormat('nb-NO', { maximumFractionDigits: large ? 1 : 0 }).format(large ? bytes / megabyte : Math.max(1, bytes / 1024))
  return large ? t('common:file.sizeLarge', { size }) : t('common:file.size', { size })
}
