package parse

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A stream that reuses the room of its events says the same of every line as one
// that does not: nothing of one line is seen in the next.
func TestReusedRoomHoldsNothingOfTheLineBefore(t *testing.T) {
	t.Parallel()
	var files []string
	for _, root := range []string{"../../cmd/demo/captures", "../../../shared/corpora/crowdsec-hub"} {
		_ = filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() {
				files = append(files, path)
			}
			return nil // there may be no corpora beside the clone
		})
	}
	plain, err := NewStream(Options{})
	require.NoError(t, err)
	reusing, err := NewStream(Options{Reuse: true})
	require.NoError(t, err)
	lines := 0
	for _, name := range files {
		raw, err := os.ReadFile(name)
		require.NoError(t, err)
		for line := range strings.Lines(string(raw)) {
			line = strings.TrimRight(line, "\r\n")
			want, wantErr := plain.Parse([]byte(line), reference)
			got, gotErr := reusing.Parse([]byte(line), reference)
			require.Equal(t, wantErr, gotErr, line)
			if wantErr == nil {
				require.Equal(t, string(want.AppendJSON(nil)), string(got.AppendJSON(nil)), line)
			}
			lines++
		}
	}
	require.Greater(t, lines, 200)
}
