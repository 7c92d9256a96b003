// Without letters and digits that are mixed up when read aloud.
const letters = 'abcdefghjkmnpqrstuvwxyz23456789'

/** A password to hand over once: 16 characters of 31, some 79 bits, in groups one can read out. */
export function makePassword(): string {
  const out: string[] = []
  while (out.length < 16) {
    // Bytes that would make some letters likelier are left out.
    for (const byte of crypto.getRandomValues(new Uint8Array(32))) {
      if (byte < 256 - (256 % letters.length) && out.length < 16) out.push(letters[byte % letters.length]!)
    }
  }
  return [0, 4, 8, 12].map((at) => out.slice(at, at + 4).join('')).join('-')
}
