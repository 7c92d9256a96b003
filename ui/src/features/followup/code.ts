const key = 'varde.receipt'

/** Hands the code from the receipt to the follow-up page without an address that holds it. */
export function handOverCode(tenant: string, code: string): void {
  try {
    sessionStorage.setItem(key, JSON.stringify({ tenant, code }))
  } catch {
    // The person types it instead.
  }
}

/** Takes what was handed over; it is gone afterwards. */
export function takeCode(): { tenant: string; code: string } | undefined {
  try {
    const text = sessionStorage.getItem(key)
    sessionStorage.removeItem(key)
    return text ? (JSON.parse(text) as { tenant: string; code: string }) : undefined
  } catch {
    return undefined
  }
}
