package installation

import (
	"encoding/base64"
	"slices"
)

// shared are the uses of derived keys that several parts have in common. Every
// other use is the part's own: asking for the same word in another part gives
// another key. So only deviation can read a reporter's identity, whatever else
// runs in the process.
var shared = map[string][]string{
	// What a report says instead of the reporter's person id: deviation makes
	// it, cases compares it with those who handle (N3).
	"reporter-exclusion": {"deviation", "cases"},
}

// secret derives the keys of one part: 32 bytes per use, the same at each start.
func (in *Installation) secret(part string) func(use string) []byte {
	return func(use string) []byte {
		if slices.Contains(shared[use], part) {
			return in.keys.Secret("shared/" + use)
		}
		return in.keys.Secret("part/" + part + "/" + use)
	}
}

// serviceSecret is what a part proves itself to identity with.
func (in *Installation) serviceSecret(part string) string {
	return base64.RawURLEncoding.EncodeToString(in.keys.Secret("service-token/" + part))
}
