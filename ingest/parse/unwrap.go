package parse

import (
	"bytes"
	"encoding/json"
)

// wrappers are the names under which services put many events into one object:
// diagnostic settings and CloudTrail, Graph, Google, Keycloak's and others' exports.
var wrappers = [...]string{`"records"`, `"Records"`, `"value"`, `"items"`, `"events"`, `"logs"`, `"Logs"`, `"results"`}

// unwrap returns the objects of a page of events: an object that holds an array
// of objects under one of wrappers, and beside it only what a page has, a link
// to the next one and counts. Everything else is nil.
func unwrap(object []byte) [][]byte {
	if !mayWrap(object) {
		return nil
	}
	var array []byte
	at := 1
	for {
		at += separators(object[at:])
		if at >= len(object) || object[at] != '"' {
			break
		}
		n := stringEnd(object[at:])
		if n < 0 {
			return nil
		}
		key := object[at : at+n]
		at += n
		at += separators(object[at:])
		if at >= len(object) {
			return nil
		}
		end := valueEnd(object[at:])
		if end <= 0 {
			return nil
		}
		switch value := object[at : at+end]; {
		case isWrapper(key) && value[0] == '[' && array == nil:
			array = value
		case value[0] == '{' || value[0] == '[' || !besideEvents(string(key[1:len(key)-1])):
			return nil
		}
		at += end
	}
	if array == nil || !json.Valid(array) {
		return nil
	}
	var parts [][]byte
	for rest := bytes.TrimLeft(array[1:len(array)-1], " \t\r\n"); len(rest) > 0; rest = bytes.TrimLeft(rest, " \t\r\n,") {
		end := objectEnd(rest)
		if end < 0 {
			return nil // an array of anything but objects is data of an event
		}
		parts = append(parts, rest[:end:end])
		rest = rest[end:]
	}
	return parts
}

// mayWrap is a cheap look before the exact one.
func mayWrap(object []byte) bool {
	for _, w := range wrappers {
		if i := bytes.Index(object, []byte(w)); i > 0 {
			if after := bytes.TrimLeft(object[i+len(w):], " \t\r\n:"); len(after) > 0 && after[0] == '[' {
				return true
			}
		}
	}
	return false
}

func isWrapper(key []byte) bool {
	for _, w := range wrappers {
		if string(key) == w {
			return true
		}
	}
	return false
}

// besideEvents lists what services write next to the array of a page.
func besideEvents(key string) bool {
	if key != "" && key[0] == '@' {
		return key != "@timestamp"
	}
	switch key {
	case "kind", "etag", "nextPageToken", "next", "nextLink", "count", "total", "page", "size", "limit", "took", "cursor", "has_more":
		return true
	}
	return false
}

// separators counts what stands between the parts of an object.
func separators(b []byte) int {
	return len(b) - len(bytes.TrimLeft(b, " \t\r\n,:"))
}

// stringEnd returns the length of the JSON string at the beginning of b, or -1.
func stringEnd(b []byte) int {
	for i := 1; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return -1
}

// valueEnd returns the length of the JSON value at the beginning of b, or -1.
func valueEnd(b []byte) int {
	switch b[0] {
	case '{':
		return objectEnd(b)
	case '"':
		return stringEnd(b)
	case '[':
		depth := 0
		for i := 0; i < len(b); i++ {
			switch b[i] {
			case '"':
				n := stringEnd(b[i:])
				if n < 0 {
					return -1
				}
				i += n - 1
			case '[':
				depth++
			case ']':
				if depth--; depth == 0 {
					return i + 1
				}
			}
		}
		return -1
	}
	n := bytes.IndexAny(b, ",}]")
	return n
}
