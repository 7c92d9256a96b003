package evtx

import (
	"encoding/binary"
	"errors"
	"unicode/utf16"
	"unicode/utf8"
)

// Tokens of binary XML; 0x40 is added where more of the same follows.
const (
	tokenEnd          = 0x00
	tokenOpen         = 0x01
	tokenCloseStart   = 0x02
	tokenCloseEmpty   = 0x03
	tokenEndElement   = 0x04
	tokenValue        = 0x05
	tokenAttribute    = 0x06
	tokenCDATA        = 0x07
	tokenCharRef      = 0x08
	tokenEntityRef    = 0x09
	tokenPITarget     = 0x0a
	tokenPIData       = 0x0b
	tokenTemplate     = 0x0c
	tokenSubstitution = 0x0d
	tokenOptional     = 0x0e
	tokenFragment     = 0x0f
	tokenMore         = 0x40
)

// Bounds that no honest file comes near.
const (
	maxDepth  = 48
	maxValues = 4096
	maxNodes  = 20_000
	maxXML    = 4 << 20
)

var (
	errShort  = errors.New("the binary XML reaches outside its record or chunk")
	errToken  = errors.New("the binary XML has a token that there is not")
	errDepth  = errors.New("the binary XML is nested too deep")
	errLarge  = errors.New("the binary XML is larger than any event is")
	errValues = errors.New("a template has too many values")
)

// node is a part of an element's content: an element, text that is escaped
// already, a place for a value, or a template with its values.
type node struct {
	element  *element
	text     string
	sub      int // -1: none
	optional bool
	instance *instance
}

type element struct {
	name    string
	attrs   []attribute
	content []node
}

type attribute struct {
	name string
	text []node
}

// instance is a template and the values that stand in its places.
type instance struct {
	content []node
	values  []value
}

// chunk is what the records of one chunk share: its bytes, to which all offsets
// refer, and what was read of it before.
type chunk struct {
	space     []byte
	data      []byte
	names     map[uint32]string
	templates map[uint32][]node
	nodes     int
	out       []byte
}

func (c *chunk) begin(b []byte) {
	c.data = b
	if c.names == nil {
		c.names, c.templates = map[uint32]string{}, map[uint32][]node{}
	}
	clear(c.names)
	clear(c.templates)
}

// xml is the text of the fragment that lies in [from, to).
func (c *chunk) xml(from, to int) ([]byte, error) {
	c.nodes = 0
	p := cursor{c: c, pos: from, end: to, dependency: true}
	content, err := p.content(0)
	if err != nil {
		return nil, err
	}
	w := writer{c: c, out: c.out[:0]}
	err = w.content(content, nil, 0)
	c.out = w.out
	if err != nil {
		return nil, err
	}
	if len(w.out) == 0 {
		return nil, errShort
	}
	return w.out, nil
}

// cursor reads binary XML between two places of the chunk.
type cursor struct {
	c        *chunk
	pos, end int
	// dependency says that elements are expected to have a dependency id, which
	// those of fragments inside values do not have.
	dependency bool
}

func (p *cursor) has(n int) bool { return n >= 0 && p.pos+n <= p.end }

func (p *cursor) byte() (byte, error) {
	if !p.has(1) {
		return 0, errShort
	}
	b := p.c.data[p.pos]
	p.pos++
	return b, nil
}

func (p *cursor) u16() (int, error) {
	if !p.has(2) {
		return 0, errShort
	}
	v := binary.LittleEndian.Uint16(p.c.data[p.pos:])
	p.pos += 2
	return int(v), nil
}

func (p *cursor) u32() (uint32, error) {
	if !p.has(4) {
		return 0, errShort
	}
	v := binary.LittleEndian.Uint32(p.c.data[p.pos:])
	p.pos += 4
	return v, nil
}

// content reads nodes up to the end of the element, fragment or room.
func (p *cursor) content(depth int) ([]node, error) {
	if depth > maxDepth {
		return nil, errDepth
	}
	var out []node
	for p.pos < p.end {
		if p.c.nodes++; p.c.nodes > maxNodes {
			return nil, errLarge
		}
		token := p.c.data[p.pos]
		switch token &^ tokenMore {
		case tokenEnd, tokenEndElement:
			p.pos++
			return out, nil
		case tokenFragment:
			if !p.has(4) {
				return nil, errShort
			}
			p.pos += 4
			continue
		}
		n, err := p.node(depth)
		if err != nil {
			return nil, err
		}
		out = append(out, n)
	}
	return out, nil
}

// node reads one node; the cursor stands on its token.
func (p *cursor) node(depth int) (node, error) {
	token, err := p.byte()
	if err != nil {
		return node{}, err
	}
	switch token &^ tokenMore {
	case tokenOpen:
		e, err := p.element(token&tokenMore != 0, depth)
		return node{element: e, sub: -1}, err
	case tokenTemplate:
		in, err := p.template(depth)
		return node{instance: in, sub: -1}, err
	case tokenPITarget:
		name, err := p.name()
		return node{text: "<?" + name + " ", sub: -1}, err
	case tokenPIData:
		text, err := p.text()
		return node{text: text + "?>", sub: -1}, err
	}
	p.pos--
	return p.textNode()
}

// textNode reads what can stand in an attribute, too.
func (p *cursor) textNode() (node, error) {
	token, err := p.byte()
	if err != nil {
		return node{}, err
	}
	n := node{sub: -1}
	switch token &^ tokenMore {
	case tokenValue:
		if kind, err := p.byte(); err != nil || kind != typeString {
			return n, errors.Join(err, errToken)
		}
		text, err := p.text()
		n.text = escaped(text)
		return n, err
	case tokenCDATA:
		text, err := p.text()
		n.text = escaped(text)
		return n, err
	case tokenCharRef:
		r, err := p.u16()
		n.text = escaped(string(rune(r)))
		return n, err
	case tokenEntityRef:
		name, err := p.name()
		n.text = "&" + escaped(name) + ";"
		return n, err
	case tokenSubstitution, tokenOptional:
		id, err := p.u16()
		if err != nil {
			return n, err
		}
		if _, err := p.byte(); err != nil { // the type stands with the value too
			return n, err
		}
		n.sub, n.optional = id, token == tokenOptional
		return n, nil
	}
	return n, errToken
}

// element reads what follows an opening token.
func (p *cursor) element(attributes bool, depth int) (*element, error) {
	if depth > maxDepth {
		return nil, errDepth
	}
	if p.begins(p.dependency) || !p.begins(!p.dependency) {
		p.skipDependency(p.dependency)
	} else {
		p.skipDependency(!p.dependency)
	}
	if _, err := p.u32(); err != nil { // the size, which the end token says too
		return nil, err
	}
	name, err := p.name()
	if err != nil {
		return nil, err
	}
	e := &element{name: name}
	if attributes {
		if _, err := p.u32(); err != nil {
			return nil, err
		}
		if e.attrs, err = p.attributes(); err != nil {
			return nil, err
		}
	}
	token, err := p.byte()
	if err != nil {
		return nil, err
	}
	switch token &^ tokenMore {
	case tokenCloseEmpty:
		return e, nil
	case tokenCloseStart:
		e.content, err = p.content(depth + 1)
		return e, err
	}
	return nil, errToken
}

// begins says whether a size and a name lie here that can be those of an
// element, with a dependency id before them or without.
func (p *cursor) begins(dependency bool) bool {
	at := p.pos
	if dependency {
		at += 2
	}
	if at+8 > p.end {
		return false
	}
	size, name := binary.LittleEndian.Uint32(p.c.data[at:]), binary.LittleEndian.Uint32(p.c.data[at+4:])
	_, ok := p.c.nameAt(name)
	return ok && size <= chunkSize
}

func (p *cursor) skipDependency(there bool) {
	if there {
		p.pos += 2
	}
}

func (p *cursor) attributes() ([]attribute, error) {
	var out []attribute
	for p.pos < p.end && p.c.data[p.pos]&^tokenMore == tokenAttribute {
		if p.c.nodes++; p.c.nodes > maxNodes {
			return nil, errLarge
		}
		p.pos++
		name, err := p.name()
		if err != nil {
			return nil, err
		}
		a := attribute{name: name}
		for p.pos < p.end && inAttribute(p.c.data[p.pos]) {
			n, err := p.textNode()
			if err != nil {
				return nil, err
			}
			a.text = append(a.text, n)
		}
		out = append(out, a)
	}
	return out, nil
}

func inAttribute(token byte) bool {
	switch token &^ tokenMore {
	case tokenValue, tokenCDATA, tokenCharRef, tokenEntityRef, tokenSubstitution, tokenOptional:
		return true
	}
	return false
}

// name reads the offset of a name, and passes over the name where it lies here.
func (p *cursor) name() (string, error) {
	at, err := p.u32()
	if err != nil {
		return "", err
	}
	name, ok := p.c.nameAt(at)
	if !ok {
		return "", errShort
	}
	if int(at) == p.pos {
		units := int(binary.LittleEndian.Uint16(p.c.data[at+6:]))
		p.pos += 8 + 2*units + 2
		if p.pos > p.end {
			return "", errShort
		}
	}
	return name, nil
}

// nameAt reads the name at a place of the chunk: the next one's place, a hash,
// its length in UTF-16 units, the units and a zero.
func (c *chunk) nameAt(at uint32) (string, bool) {
	if name, ok := c.names[at]; ok {
		return name, true
	}
	if at < 128 || int64(at)+8 > int64(len(c.data)) {
		return "", false
	}
	units := int(binary.LittleEndian.Uint16(c.data[at+6:]))
	if units == 0 || units > 1024 || int(at)+8+2*units > len(c.data) {
		return "", false
	}
	name := utf16Text(c.data[int(at)+8:][:2*units])
	for i := 0; i < len(name); i++ {
		if b := name[i]; b <= ' ' || b == '<' || b == '>' || b == '&' || b == '"' || b == '\'' || b == '/' || b == '=' || b == 0x7f {
			return "", false
		}
	}
	c.names[at] = name
	return name, true
}

// text reads a counted text of UTF-16.
func (p *cursor) text() (string, error) {
	units, err := p.u16()
	if err != nil {
		return "", err
	}
	if !p.has(2 * units) {
		return "", errShort
	}
	text := utf16Text(p.c.data[p.pos:][:2*units])
	p.pos += 2 * units
	return text, nil
}

// template reads an instance: which template, and its values.
func (p *cursor) template(depth int) (*instance, error) {
	if depth > maxDepth {
		return nil, errDepth
	}
	if !p.has(9) {
		return nil, errShort
	}
	p.pos += 5
	at, err := p.u32()
	if err != nil {
		return nil, err
	}
	content, size, err := p.c.template(at, depth)
	if err != nil {
		return nil, err
	}
	if int(at) == p.pos { // the definition lies here, where it is used first
		p.pos += size
	}
	count, err := p.u32()
	if err != nil {
		return nil, err
	}
	if count > maxValues || !p.has(4*int(count)) {
		return nil, errValues
	}
	in := &instance{content: content, values: make([]value, count)}
	place := p.pos + 4*int(count)
	for i := range in.values {
		size, kind := int(binary.LittleEndian.Uint16(p.c.data[p.pos:])), p.c.data[p.pos+2]
		p.pos += 4
		if place+size > p.end {
			return nil, errShort
		}
		in.values[i] = value{kind: kind, at: place, data: p.c.data[place : place+size]}
		place += size
	}
	p.pos = place
	return in, nil
}

// template reads the definition at a place of the chunk, once. size is that of
// the definition with its header.
func (c *chunk) template(at uint32, depth int) (content []node, size int, err error) {
	const head = 24
	if at < 128 || int64(at)+head > int64(len(c.data)) {
		return nil, 0, errShort
	}
	length := int64(binary.LittleEndian.Uint32(c.data[at+20:]))
	if int64(at)+head+length > int64(len(c.data)) {
		return nil, 0, errShort
	}
	size = head + int(length)
	if content, ok := c.templates[at]; ok {
		if content == nil {
			return nil, 0, errDepth // it is being read: a template inside itself
		}
		return content, size, nil
	}
	c.templates[at] = nil
	p := cursor{c: c, pos: int(at) + head, end: int(at) + size, dependency: true}
	if content, err = p.content(depth + 1); err != nil {
		delete(c.templates, at)
		return nil, 0, err
	}
	if content == nil {
		content = []node{}
	}
	c.templates[at] = content
	return content, size, nil
}

// utf16Text decodes little-endian UTF-16; half a pair becomes the mark for it.
func utf16Text(b []byte) string {
	out := make([]byte, 0, len(b)/2+8)
	return string(appendUTF16(out, b))
}

func appendUTF16(out, b []byte) []byte {
	for i := 0; i+1 < len(b); i += 2 {
		u := rune(binary.LittleEndian.Uint16(b[i:]))
		if u < utf8.RuneSelf {
			out = append(out, byte(u))
			continue
		}
		if utf16.IsSurrogate(u) {
			low := rune(0)
			if i+3 < len(b) {
				low = rune(binary.LittleEndian.Uint16(b[i+2:]))
			}
			if u = utf16.DecodeRune(u, low); u != utf8.RuneError {
				i += 2
			}
		}
		out = utf8.AppendRune(out, u)
	}
	return out
}
