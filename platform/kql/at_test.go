package kql_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"varde.internal/platform/kql"
)

// The bar marks the position.
func TestWhatCanStandAtAPosition(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		query  string
		kind   kql.PlaceKind
		field  string
		at     string
		prefix string
	}{
		{"|", kql.PlaceField, "", "", ""},
		{"us|", kql.PlaceField, "", "us", "us"},
		{"us|er", kql.PlaceField, "", "user", "us"},
		{"event.out|: x", kql.PlaceField, "", "event.out", "event.out"},
		{"user |", kql.PlaceWord, "", "", ""},
		{"user.name:|", kql.PlaceValue, "user.name", "", ""},
		{"bruker: |", kql.PlaceValue, "user.name", "", ""},
		{"user: ka|", kql.PlaceValue, "user.name", "ka", "ka"},
		{`user: "ka|`, kql.PlaceValue, "user.name", `"ka`, "ka"},
		{"ip: fe80::|1", kql.PlaceValue, "source.ip", "fe80::1", "fe80::"},
		{"user: (a or |", kql.PlaceValue, "user.name", "", ""},
		{"user: (a or b|)", kql.PlaceValue, "user.name", "b", "b"},
		{"user: (a or b) |", kql.PlaceWord, "", "", ""},
		{"user: (a or b) and |", kql.PlaceField, "", "", ""},
		{"user: a |", kql.PlaceWord, "", "", ""},
		{"user: a an|", kql.PlaceWord, "", "an", "an"},
		{"user: a and (ho|", kql.PlaceField, "", "ho", "ho"},
		{"not ho|", kql.PlaceField, "", "ho", "ho"},
		{"time >= now|", kql.PlaceValue, "@timestamp", "now", "now"},
	} {
		pos := strings.Index(c.query, "|")
		text := strings.Replace(c.query, "|", "", 1)
		p := kql.At(text, pos)
		require.Equal(t, c.kind, p.Kind, c.query)
		require.Equal(t, c.field, p.Field.Name, c.query)
		require.Equal(t, c.at, text[p.Start:p.End], c.query)
		require.Equal(t, c.prefix, p.Prefix, c.query)
	}
}
