package embedded

import (
	"context"
	"database/sql"
	"encoding/binary"
	"net/netip"
	"slices"
	"strings"

	"varde.internal/schemas/ecs"
)

// word is a value of the dictionary as a field has it.
type word struct {
	ip   bool
	text string
}

// stored is the form in which a value lies in the dictionary: the 16 bytes of
// an address, so that a network is a range, and other text as it is.
func (w word) stored() any {
	if w.ip {
		if addr, err := netip.ParseAddr(w.text); err == nil {
			b := addr.As16()
			return b[:]
		}
	}
	return w.text
}

func wordOf(col *column, text string) word { return word{col.ecs.Type == ecs.IP, text} }

// shown is the reverse of stored.
func shown(v any) string {
	switch v := v.(type) {
	case []byte:
		if addr, ok := netip.AddrFromSlice(v); ok {
			return addr.Unmap().String()
		}
		return string(v)
	case string:
		return v
	}
	return ""
}

// memory is a bounded map that forgets what was not asked for lately.
type memory[K comparable] struct {
	young, old map[K]int64
	limit      int // of each half
}

func newMemory[K comparable](limit int) *memory[K] {
	return &memory[K]{young: map[K]int64{}, limit: limit}
}

func (m *memory[K]) get(k K) (int64, bool) {
	if n, ok := m.young[k]; ok {
		return n, true
	}
	n, ok := m.old[k]
	if ok {
		m.put(k, n)
	}
	return n, ok
}

func (m *memory[K]) put(k K, n int64) {
	if len(m.young) >= m.limit {
		m.old, m.young = m.young, make(map[K]int64, m.limit)
	}
	m.young[k] = n
}

// How much of the dictionary and of the combinations a writer remembers, twice
// over: at most some 10 MiB for a partition with many names.
const (
	rememberedWords        = 32_768
	rememberedCombinations = 16_384
)

// learn gives every word of a batch its number: from memory, from the file, or
// a new one, which is put into the file.
func (a *appending) learn(ctx context.Context, words map[word]int64) error {
	unknown := make([]word, 0, len(words))
	for w := range words {
		if n, ok := a.p.words.get(w); ok {
			words[w] = n
		} else {
			unknown = append(unknown, w)
		}
	}
	// In order, so that pages of the file are met one after the other, and so
	// that the same batch makes the same file.
	slices.SortFunc(unknown, func(a, b word) int { return strings.Compare(a.text, b.text) })
	found, err := a.lookUp(ctx, unknown)
	if err != nil {
		return err
	}
	add := a.into("dict (code, value)", 2)
	for _, w := range unknown {
		form := w.stored()
		n, ok := found[keyOf(form)]
		if !ok {
			n = a.next.word
			a.next.word++
			found[keyOf(form)] = n
			if err := add.row(ctx, n, form); err != nil {
				return err
			}
		}
		words[w] = n
		a.p.words.put(word{w.ip, strings.Clone(w.text)}, n) // w may lie in a whole message
	}
	return add.flush(ctx)
}

// keyOf tells text and bytes apart.
func keyOf(form any) word {
	if b, ok := form.([]byte); ok {
		return word{true, string(b)}
	}
	return word{false, form.(string)}
}

// lookUp finds words in the file, many with one question.
func (a *appending) lookUp(ctx context.Context, unknown []word) (map[word]int64, error) {
	const at = 64
	found := map[word]int64{}
	for len(unknown) > 0 && a.next.word > 1 {
		n := min(at, len(unknown))
		args := make([]any, at)
		for i := range args {
			args[i] = unknown[min(i, n-1)].stored()
		}
		unknown = unknown[n:]
		err := a.query(ctx, "SELECT value, code FROM dict WHERE value IN (?"+strings.Repeat(", ?", at-1)+")", args, func(rows *sql.Rows) error {
			var value any
			var code int64
			if err := rows.Scan(&value, &code); err != nil {
				return err
			}
			found[keyOf(value)] = code
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// set gives the number of a set of values by their codes: the code of a single
// one, else a negative number whose members are noted. Combinations that were
// forgotten get a second number, which does no harm.
func (a *appending) set(ctx context.Context, codes []int64) (int64, error) {
	slices.Sort(codes)
	codes = slices.Compact(codes)
	if len(codes) == 1 {
		return codes[0], nil
	}
	a.key = a.key[:0]
	for _, c := range codes {
		a.key = binary.AppendVarint(a.key, c)
	}
	if n, ok := a.p.sets.get(string(a.key)); ok {
		return n, nil
	}
	n := -a.next.set
	a.next.set++
	for _, c := range codes {
		if err := a.members.row(ctx, n, c); err != nil {
			return 0, err
		}
	}
	a.p.sets.put(string(a.key), n)
	return n, nil
}

// labelMark stands between the key and the value of a label.
const labelMark = "\x00"

// labels gives the labels of an event as key and value in one, each value as long as a keyword may be.
func labels(e *ecs.Event) []ecs.Value {
	var out []ecs.Value
	for key := range e.Labels {
		f, ok := ecs.Lookup(ecs.LabelPrefix + key)
		if !ok {
			continue
		}
		for _, v := range f.Values(e) {
			out = append(out, ecs.Value{Text: key + labelMark + v.Text})
		}
	}
	return out
}
