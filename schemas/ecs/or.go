package ecs

// or gives the part, or an empty one where the event has none: the registry
// reads through it.

func (p *Endpoint) or() *Endpoint         { return orEmpty(p) }
func (p *User) or() *User                 { return orEmpty(p) }
func (p *Network) or() *Network           { return orEmpty(p) }
func (p *Observer) or() *Observer         { return orEmpty(p) }
func (p *Group) or() *Group               { return orEmpty(p) }
func (p *Organization) or() *Organization { return orEmpty(p) }
func (p *Rule) or() *Rule                 { return orEmpty(p) }
func (p *URL) or() *URL                   { return orEmpty(p) }
func (p *UserAgent) or() *UserAgent       { return orEmpty(p) }
func (p *NAT) or() *NAT                   { return orEmpty(p) }
func (p *Geo) or() *Geo                   { return orEmpty(p) }

func orEmpty[T any](p *T) *T {
	if p == nil {
		return new(T)
	}
	return p
}

func (p *HTTP) request() *HTTPRequest   { return orEmpty(orEmpty(p).Request) }
func (p *HTTP) response() *HTTPResponse { return orEmpty(orEmpty(p).Response) }
