package parse

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

func TestLinesLoseNothing(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 200_000)
	for _, text := range []string{"", "a", "a\n", "\n\n", "a\nb", "0123456789\n", "01234567890\n", "0123456789", long + "\nb\n", "a\n" + long} {
		for _, r := range []io.Reader{strings.NewReader(text), iotest.OneByteReader(strings.NewReader(text))} {
			lines := NewLines(r, 10)
			var back strings.Builder
			var line Line
			var size int64
			for {
				next, err := lines.Next(line)
				if errors.Is(err, io.EOF) {
					break
				}
				require.NoError(t, err)
				require.Equal(t, line.Piece, next.Rest)
				require.LessOrEqual(t, len(next.Text), 10)
				back.Write(next.Text)
				if !next.Piece && !next.Open {
					back.WriteByte('\n')
				}
				size += next.Size
				line = next
			}
			require.Equal(t, text, back.String())
			require.EqualValues(t, len(text), size)
		}
	}
}
