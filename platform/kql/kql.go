// Package kql parses the Kibana Query Language subset documented in
// docs/search.md into a tree that both event-index adapters translate.
package kql

// Query is a parsed query. The zero value matches every event.
type Query struct {
	Text string // as written
	Root Node   // nil matches all
}
