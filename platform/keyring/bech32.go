package keyring

import "strings"

// age takes an X25519 key as text only: Bech32 as in BIP 173, without its limit
// of length.

const bech32Alphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"

// bech32 encodes data under a lower-case prefix.
func bech32(prefix string, data []byte) string {
	var words []byte
	var acc, bits uint
	for _, b := range data {
		acc, bits = acc<<8|uint(b), bits+8
		for bits >= 5 {
			bits -= 5
			words = append(words, byte(acc>>bits&31))
		}
		acc &= 1<<bits - 1
	}
	if bits > 0 {
		words = append(words, byte(acc<<(5-bits)&31))
	}
	sum := checksum(prefix, words)
	var out strings.Builder
	out.WriteString(prefix + "1")
	for _, w := range append(words, sum[:]...) {
		out.WriteByte(bech32Alphabet[w])
	}
	return out.String()
}

func checksum(prefix string, words []byte) (sum [6]byte) {
	var values []byte
	for i := range len(prefix) {
		values = append(values, prefix[i]>>5)
	}
	values = append(values, 0)
	for i := range len(prefix) {
		values = append(values, prefix[i]&31)
	}
	values = append(append(values, words...), sum[:]...)
	mod := polymod(values) ^ 1
	for i := range sum {
		sum[i] = byte(mod >> (5 * (5 - i)) & 31)
	}
	return sum
}

func polymod(values []byte) uint32 {
	generator := [5]uint32{0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3}
	c := uint32(1)
	for _, v := range values {
		top := c >> 25
		c = c&0x1ffffff<<5 ^ uint32(v)
		for i, g := range generator {
			if top>>i&1 == 1 {
				c ^= g
			}
		}
	}
	return c
}
