package embedded

import (
	"strings"

	"varde.internal/platform/kql"
)

// texts takes the words out of the children of an And, or of an Or, and gives
// one question to the full-text index for them all, which finds what several
// words have in common much faster than we could from what each has; empty
// where nothing can answer it.
func (t *translating) texts(nodes []kql.Node, either bool) (rest []kql.Node, match string, any bool) {
	var of []string
	never := false
	for _, n := range nodes {
		switch n.(type) {
		case kql.Words, kql.Token:
			m := t.text(n)
			any = true
			if m != "" {
				of = append(of, m)
			}
			never = never || m == ""
		default:
			rest = append(rest, n)
		}
	}
	switch {
	case either:
		return rest, joined(of, " OR "), any
	case never:
		return rest, "", any
	}
	return rest, joined(of, " AND "), any
}

// joined puts questions together as a balanced tree: the full-text parser's
// depth is limited.
func joined(of []string, word string) string {
	if len(of) <= 1 {
		return strings.Join(of, "")
	}
	half := len(of) / 2
	return "(" + joined(of[:half], word) + word + joined(of[half:], word) + ")"
}

// wordsOnly says whether a node is nothing but words, joined all by "and" or
// all by "or".
func wordsOnly(n kql.Node) bool {
	var children []kql.Node
	switch n := n.(type) {
	case kql.And:
		children = n
	case kql.Or:
		children = n
	default:
		children = []kql.Node{n}
	}
	for _, c := range children {
		switch c.(type) {
		case kql.Words, kql.Token:
		default:
			return false
		}
	}
	return true
}

// text gives the question for the full-text index that such a node is.
func (t *translating) text(n kql.Node) (match string) {
	switch n := n.(type) {
	case kql.Words:
		return `"` + strings.Join(n.Tokens, " ") + `"`
	case kql.Token:
		match, err := t.vocabulary(n.Parts)
		if err != nil {
			t.err = err
		}
		return match
	case kql.And:
		_, match, _ = t.texts(n, false)
	case kql.Or:
		_, match, _ = t.texts(n, true)
	}
	return match
}

// matching asks the full-text index.
func (t *translating) matching(match string, negated bool) {
	if match == "" {
		t.constant(negated)
		return
	}
	not := ""
	if negated {
		not = "NOT "
	}
	t.out.add("seq "+not+"IN (SELECT rowid FROM words WHERE words MATCH ?)", match)
}

func (t *translating) constant(b bool) {
	if b {
		t.out.add("1")
	} else {
		t.out.add("0")
	}
}

// vocabulary gives the full-text query for the words that a pattern means: a
// prefix as it is, another pattern by the words of the partition.
func (t *translating) vocabulary(parts []string) (string, error) {
	if len(parts) == 2 && parts[1] == "" {
		return `"` + parts[0] + `" *`, nil
	}
	query, args := "SELECT term FROM vocabulary", []any{}
	if parts[0] != "" {
		query += " WHERE term >= ? AND term < ?"
		args = append(args, parts[0], parts[0]+"\U0010FFFF")
	}
	rows, err := t.db.QueryContext(t.ctx, query, args...)
	if err != nil {
		return "", err
	}
	defer func() { _ = rows.Close() }()
	var found []string
	for rows.Next() {
		var term string
		if err := rows.Scan(&term); err != nil {
			return "", err
		}
		if kql.Wild(parts, term) {
			found = append(found, `"`+term+`"`)
		}
	}
	return joined(found, " OR "), rows.Err()
}
