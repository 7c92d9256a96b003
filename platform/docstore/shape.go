package docstore

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// timeForm is RFC 3339 with a fixed width, so that times compare as strings.
const timeForm = "2006-01-02T15:04:05.000000000Z"

// FormatTime gives the stored form of a time: RFC 3339 in UTC with exactly
// nine digits of fraction, whose order as text is the order in time.
func FormatTime(t time.Time) string { return t.UTC().Format(timeForm) }

// shape is what a Go type tells of its JSON: where times are (they are brought
// to their stored form), where arrays are, and which fields exist.
type shape struct {
	kind   Kind
	fields map[string]*shape // struct
	elem   *shape            // array or map
	array  bool
	mapped bool
}

var (
	timeType      = reflect.TypeFor[time.Time]()
	marshalerType = reflect.TypeFor[json.Marshaler]()
	textType      = reflect.TypeFor[encoding.TextMarshaler]()
)

// shapeOf describes t; memo ends the recursion of types that contain themselves.
func shapeOf(t reflect.Type, memo map[reflect.Type]*shape) *shape {
	if s, ok := memo[t]; ok {
		return s
	}
	if t.Kind() == reflect.Pointer && t != timeType {
		return shapeOf(t.Elem(), memo)
	}
	s := &shape{}
	memo[t] = s
	switch {
	case t == timeType:
		s.kind = KindTime
	case t.Implements(marshalerType) || reflect.PointerTo(t).Implements(marshalerType):
		s.kind = KindUnknown
	case t.Implements(textType) || reflect.PointerTo(t).Implements(textType):
		s.kind = KindString
	default:
		s.describe(t, memo)
	}
	return s
}

func (s *shape) describe(t reflect.Type, memo map[reflect.Type]*shape) {
	switch t.Kind() {
	case reflect.Bool:
		s.kind = KindBool
	case reflect.String:
		s.kind = KindString
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr,
		reflect.Float32, reflect.Float64:
		s.kind = KindNumber
	case reflect.Slice, reflect.Array:
		if t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8 {
			s.kind = KindString // base64
			return
		}
		s.kind, s.array, s.elem = KindObject, true, shapeOf(t.Elem(), memo)
	case reflect.Map:
		s.kind, s.mapped, s.elem = KindObject, true, shapeOf(t.Elem(), memo)
	case reflect.Struct:
		s.kind, s.fields = KindObject, map[string]*shape{}
		s.addFields(t, memo, map[string]int{}, 0)
	default:
		s.kind = KindUnknown
	}
}

// addFields follows encoding/json: names from tags, embedded structs are
// flattened, the shallower of two equal names wins.
func (s *shape) addFields(t reflect.Type, memo map[reflect.Type]*shape, depth map[string]int, level int) {
	for i := range t.NumField() {
		f := t.Field(i)
		tag := f.Tag.Get("json")
		if tag == "-" {
			continue
		}
		name, opts, _ := strings.Cut(tag, ",")
		ft := f.Type
		if ft.Kind() == reflect.Pointer {
			ft = ft.Elem()
		}
		if f.Anonymous && name == "" && ft.Kind() == reflect.Struct && ft != timeType {
			s.addFields(ft, memo, depth, level+1)
			continue
		}
		if !f.IsExported() {
			continue
		}
		if name == "" {
			name = f.Name
		}
		if d, taken := depth[name]; taken && d <= level {
			continue
		}
		depth[name] = level
		fs := shapeOf(f.Type, memo)
		if fs.kind != KindString && strings.Contains(","+opts+",", ",string,") {
			fs = &shape{kind: KindString}
		}
		s.fields[name] = fs
	}
}

var stepForm = regexp.MustCompile(`^[A-Za-z0-9_@-]*[A-Za-z_@-][A-Za-z0-9_@-]*$`)

// path resolves a field name as filters write it.
func (s *shape) path(field string) (Path, error) {
	switch m := Meta(field); m {
	case MetaID, MetaTenant:
		return Path{Meta: m, Kind: KindString}, nil
	case MetaUpdated:
		return Path{Meta: m, Kind: KindTime}, nil
	case MetaSchema:
		return Path{Meta: m, Kind: KindNumber}, nil
	}
	p := Path{}
	at := s
	for name := range strings.SplitSeq(field, ".") {
		if !stepForm.MatchString(name) {
			return Path{}, fmt.Errorf("%w %q: a name has letters, digits, '_', '-', '@', and not digits alone", ErrField, field)
		}
		switch {
		case at.fields != nil:
			next, ok := at.fields[name]
			if !ok {
				return Path{}, fmt.Errorf("%w %q: the type has no %q", ErrField, field, name)
			}
			at = next
		case at.mapped:
			at = at.elem
		case at.kind == KindUnknown:
		default:
			return Path{}, fmt.Errorf("%w %q: nothing lies below a value", ErrField, field)
		}
		step := Step{Name: name}
		if at.array {
			step.Each, at = true, at.elem
			if at.array {
				return Path{}, fmt.Errorf("%w %q: arrays of arrays cannot be searched", ErrField, field)
			}
		}
		p.Steps = append(p.Steps, step)
	}
	p.Kind = at.kind
	return p, nil
}

// encode gives the JSON that is stored: as encoding/json writes it, with every
// time.Time of the type in its stored form.
func (s *shape) encode(v any) ([]byte, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("docstore: encode: %w", err)
	}
	tree, err := decodeTree(raw)
	if err != nil {
		return nil, err
	}
	if _, ok := tree.(map[string]any); !ok {
		return nil, fmt.Errorf("docstore: encode: a document is a JSON object")
	}
	tree, err = s.normalise(tree)
	if err != nil {
		return nil, err
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(tree); err != nil {
		return nil, fmt.Errorf("docstore: encode: %w", err)
	}
	out := bytes.TrimSuffix(buf.Bytes(), []byte("\n"))
	if len(out) > MaxDocument {
		return nil, fmt.Errorf("%w: %d bytes", ErrTooLarge, len(out))
	}
	return out, nil
}

func decodeTree(raw []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var tree any
	if err := dec.Decode(&tree); err != nil {
		return nil, fmt.Errorf("docstore: decode: %w", err)
	}
	return tree, nil
}

func (s *shape) normalise(v any) (any, error) {
	var err error
	switch x := v.(type) {
	case map[string]any:
		for k, e := range x {
			if x[k], err = s.below(k).normalise(e); err != nil {
				return nil, err
			}
		}
	case []any:
		for i, e := range x {
			if x[i], err = s.element().normalise(e); err != nil {
				return nil, err
			}
		}
	case string:
		if s.kind == KindTime {
			return normaliseTime(x)
		}
	case json.Number:
		if _, err := number(x); err != nil {
			return nil, err
		}
	}
	return v, nil
}

func (s *shape) below(name string) *shape {
	if f, ok := s.fields[name]; ok {
		return f
	}
	if s.mapped {
		return s.elem
	}
	return &shape{}
}

func (s *shape) element() *shape {
	if s.array {
		return s.elem
	}
	return &shape{}
}

func normaliseTime(text string) (string, error) {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return "", fmt.Errorf("docstore: time: %w", err)
	}
	u := t.UTC()
	if u.Year() < 0 || u.Year() > 9999 {
		return "", fmt.Errorf("docstore: time: year %d has no RFC 3339 form", u.Year())
	}
	return FormatTime(u), nil
}

// number gives int64 where the number is one, else float64. A number that
// neither holds exactly is refused: the adapters would round it differently.
func number(n json.Number) (any, error) {
	if i, err := strconv.ParseInt(n.String(), 10, 64); err == nil {
		return i, nil
	}
	f, err := strconv.ParseFloat(n.String(), 64)
	if err != nil {
		return nil, fmt.Errorf("docstore: number %s is out of range", n)
	}
	if !strings.ContainsAny(n.String(), ".eE") && strconv.FormatFloat(f, 'f', -1, 64) != n.String() {
		return nil, fmt.Errorf("docstore: number %s is out of range", n)
	}
	return f, nil
}
