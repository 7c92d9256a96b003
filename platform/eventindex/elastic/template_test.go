package elastic

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"varde.internal/schemas/ecs"
)

func TestTheTemplateHasEveryField(t *testing.T) {
	t.Parallel()
	types := map[ecs.Type]string{ecs.Keyword: "keyword", ecs.Text: "text", ecs.IP: "ip", ecs.Long: "long", ecs.Boolean: "boolean", ecs.Date: "date_nanos"}
	for _, f := range ecs.Fields() {
		at := property{Properties: mappings().Properties}
		for name := range strings.SplitSeq(f.Name, ".") {
			require.Contains(t, at.Properties, name, f.Name)
			at = at.Properties[name]
		}
		require.NotEmpty(t, types[f.Type], f.Name)
		require.Equal(t, types[f.Type], at.Type, f.Name)
		require.Empty(t, at.Properties, "%s is a value and holds nothing", f.Name)
	}
}

// What a sender names its own fields breaks no document.
func TestWhatHasKeysFromOutsideIsNotIndexed(t *testing.T) {
	t.Parallel()
	m := mappings()
	require.False(t, *m.Properties["labels"].Enabled)
	require.False(t, *m.Properties["log"].Properties["syslog"].Properties["structured_data"].Enabled)
	require.False(t, *m.Properties["winlog"].Properties["event_data"].Enabled)
	require.False(t, *m.Properties["winlog"].Properties["user_data"].Enabled)
}

// A mapping that changed under the same version would never reach a cluster
// that has the template already.
func TestAnotherMappingIsAnotherVersion(t *testing.T) {
	t.Parallel()
	sums := map[int]string{2: "b4195ff36d704098"}
	text, err := json.Marshal(mappings())
	require.NoError(t, err)
	sum := sha256.Sum256(text)
	require.Equal(t, sums[templateVersion], hex.EncodeToString(sum[:8]), "raise templateVersion, and write the sum of the new mapping here")
}
