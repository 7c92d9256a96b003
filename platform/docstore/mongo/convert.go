package mongo

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// fromJSON gives a JSON object as BSON: integers as int64, other numbers as
// doubles. Docstore has refused numbers that neither holds.
func fromJSON(raw []byte) (bson.D, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var tree map[string]any
	if err := dec.Decode(&tree); err != nil {
		return nil, fmt.Errorf("docstore: %w", err)
	}
	v, err := toBSON(tree)
	if err != nil {
		return nil, err
	}
	return v.(bson.D), nil
}

func toBSON(v any) (any, error) {
	switch x := v.(type) {
	case map[string]any:
		out := make(bson.D, 0, len(x))
		for k, e := range x {
			b, err := toBSON(e)
			if err != nil {
				return nil, err
			}
			out = append(out, bson.E{Key: escapeName(k), Value: b})
		}
		slices.SortFunc(out, func(a, b bson.E) int { return strings.Compare(a.Key, b.Key) })
		return out, nil
	case []any:
		out := make(bson.A, len(x))
		for i, e := range x {
			var err error
			if out[i], err = toBSON(e); err != nil {
				return nil, err
			}
		}
		return out, nil
	case json.Number:
		if i, err := strconv.ParseInt(x.String(), 10, 64); err == nil {
			return i, nil
		}
		return x.Float64()
	default:
		return v, nil
	}
}

func toJSON(d bson.D) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	err := enc.Encode(plain(d))
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), err
}

func plain(v any) any {
	switch x := v.(type) {
	case bson.D:
		out := make(map[string]any, len(x))
		for _, e := range x {
			out[unescapeName(e.Key)] = plain(e.Value)
		}
		return out
	case bson.A:
		out := make([]any, len(x))
		for i, e := range x {
			out[i] = plain(e)
		}
		return out
	default:
		return v
	}
}

var (
	escaper   = strings.NewReplacer("~", "~0", ".", "~1", "$", "~2", "\x00", "~3")
	unescaper = strings.NewReplacer("~0", "~", "~1", ".", "~2", "$", "~3", "\x00")
)

func escapeName(k string) string {
	if k == "" {
		return "~4"
	}
	return escaper.Replace(k)
}

func unescapeName(k string) string {
	if k == "~4" {
		return ""
	}
	return unescaper.Replace(k)
}
