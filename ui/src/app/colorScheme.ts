/** Light, dark, or as the device is set. Kept on the device. */
export type ColorScheme = 'auto' | 'light' | 'dark'

const key = 'varde.colorScheme'

export function colorScheme(): ColorScheme {
  try {
    const stored = localStorage.getItem(key)
    return stored === 'light' || stored === 'dark' ? stored : 'auto'
  } catch {
    return 'auto'
  }
}

export function applyColorScheme(scheme: ColorScheme = colorScheme()): void {
  document.documentElement.dataset.colorScheme = scheme
  document.documentElement.style.colorScheme = scheme === 'auto' ? 'light dark' : scheme
}

export function setColorScheme(scheme: ColorScheme): void {
  try {
    if (scheme === 'auto') localStorage.removeItem(key)
    else localStorage.setItem(key, scheme)
  } catch {
    // Private windows may forbid storage; the choice then lasts as long as the page.
  }
  applyColorScheme(scheme)
}
