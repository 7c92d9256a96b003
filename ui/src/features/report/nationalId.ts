/**
 * Norwegian national identity numbers (fødselsnummer, D-nummer and the numbers
 * used for tests) in free text: eleven digits whose two control digits hold.
 * Only a warning hangs on it, so a date that cannot be is let pass as none.
 */
const weights1 = [3, 7, 6, 1, 8, 9, 4, 5, 2]
const weights2 = [5, 4, 3, 2, 7, 6, 5, 4, 3, 2]

function control(digits: number[], weights: number[]): number {
  const sum = weights.reduce((total, weight, i) => total + weight * (digits[i] ?? 0), 0)
  return (11 - (sum % 11)) % 11
}

/** Whether eleven digits are a number that can belong to a person. */
export function isNationalId(text: string): boolean {
  if (!/^\d{11}$/.test(text)) return false
  const digits = [...text].map(Number)
  const day = Number(text.slice(0, 2)) % 40 // D numbers add 40 to the day
  const month = Number(text.slice(2, 4)) % 40 // test numbers add 40 or 80 to the month
  if (day < 1 || day > 31 || month < 1 || month > 12) return false
  return control(digits, weights1) === digits[9] && control(digits, weights2) === digits[10]
}

/** Whether a text holds one, also written with the usual space or full stops. */
export function holdsNationalId(text: string): boolean {
  for (const match of text.matchAll(/(?<!\d)(\d{2})[ .]?(\d{2})[ .]?(\d{2})[ -]?(\d{5})(?!\d)/g)) {
    if (isNationalId(match.slice(1).join(''))) return true
  }
  return false
}
