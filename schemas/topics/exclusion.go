package topics

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
)

// ExclusionOf is Report.ReporterExclusion: an HMAC of the reporter's person id
// under the key that the deviation and cases services share. It is bound to
// the report, so that two reports of one person do not show as such.
func ExclusionOf(key []byte, tenant, reportID, personID string) string {
	h := hmac.New(sha256.New, key)
	for _, part := range []string{"reporter-exclusion", tenant, reportID, personID} {
		sum := sha256.Sum256([]byte(part)) // fixed length: parts cannot run together
		h.Write(sum[:])
	}
	return hex.EncodeToString(h.Sum(nil))
}
