package parse

import (
	"slices"
	"strings"

	"github.com/valyala/fastjson"

	"varde.internal/schemas/ecs"
)

// attributes of a record with its scope and resource, by name; maps in them
// are named by their path.
type attributes map[string]string

// Bounds of what is taken as labels.
const (
	mostAttributes = 256
	mostLabels     = 64
	maxLabelValue  = 1024
)

// gather adds a list of KeyValue; the nearer to the record, the later it comes
// and wins.
func (a attributes) gather(prefix string, list *fastjson.Value, depth int) {
	if list == nil || list.Type() != fastjson.TypeArray || depth > otlpDeep {
		return
	}
	pairs, _ := list.Array()
	for _, pair := range pairs {
		key, v := prefix+textOf(pair.Get("key")), pair.Get("value")
		if v == nil || key == prefix {
			continue
		}
		if inner := v.Get("kvlistValue", "values"); inner != nil {
			a.gather(key+".", inner, depth+1)
			continue
		}
		text := ""
		if one := v.Get("stringValue"); one != nil {
			text = textOf(one)
		} else if plain := otlpPlain(nil, v, depth); string(plain) != "null" {
			text = strings.Trim(string(plain), `"`)
		}
		if _, had := a[key]; had || len(a) < mostAttributes {
			a[key] = text
		}
	}
}

// first is the first value that is there.
func (a attributes) first(names ...string) string {
	for _, n := range names {
		if v := a[n]; v != "" {
			return v
		}
	}
	return ""
}

// take is first, and none of them is a label any more.
func (a attributes) take(names ...string) string {
	v := a.first(names...)
	for _, n := range names {
		delete(a, n)
	}
	return v
}

// event sets what an application says of an event of its own: who did what, and
// how it ended. It is an attempt as with the general formats (spoken).
func (a attributes) event(ev *ecs.Event, name string) {
	if user := a.take("user.name", "enduser.id"); user != "" {
		setLogin(ev, user)
	}
	if id := a.take("user.id"); id != "" {
		isUser(ev).ID = id
	}
	if mail := a.take("user.email"); mail != "" {
		isUser(ev).Email = mail
		if ev.User.Name == "" {
			setLogin(ev, mail)
		}
	}
	if full := a.take("user.full_name"); full != "" {
		isUser(ev).FullName = full
	}
	name = firstOf(a["event.action"], name)
	a.take("event.action", "event.name")
	ev.Event.Code, ev.Event.Reason = a.take("event.code"), a.take("event.reason")
	outcome := outcomeOf(a.take("event.outcome"))
	if name != "" {
		spoken(ev, name, outcome)
	} else {
		ev.Event.Outcome = outcome
	}
}

// around sets the machines, the request and the process around an event where
// its line has not said them.
func (a attributes) around(ev *ecs.Event) {
	end := func(into **ecs.Endpoint, address, port string) {
		if *into == nil {
			*into = partyPort(address, port)
		}
	}
	// Who asks: conventions name it from the server's side.
	end(&ev.Source, a.take("source.address", "source.ip", "client.address", "net.sock.peer.addr", "network.peer.address"),
		a.take("source.port", "client.port", "net.sock.peer.port", "network.peer.port"))
	end(&ev.Destination, a.take("destination.address", "destination.ip"), a.take("destination.port"))
	end(&ev.Server, a.take("server.address"), a.take("server.port"))
	if agent := a.take("user_agent.original", "http.user_agent"); agent != "" && ev.UserAgent == nil {
		ev.UserAgent = &ecs.UserAgent{Original: agent}
	}
	a.request(ev)
	if transport, protocol := a.take("network.transport"), a.take("network.protocol.name"); ev.Network == nil && transport+protocol != "" {
		ev.Network = &ecs.Network{Transport: transport, Protocol: protocol}
	}
	if text, kind := a.take("exception.message"), a.take("exception.type", "error.type"); ev.Error == nil && text+kind != "" {
		ev.Error = &ecs.Error{Message: text, Code: kind}
	}
	if path := a.take("log.file.path"); path != "" {
		if ev.Log == nil {
			ev.Log = &ecs.Log{}
		}
		ev.Log.File = &ecs.LogFile{Path: path}
	}
	if path, line := a.take("process.executable.path"), a.take("process.command_line"); path+line != "" {
		p := process(ev)
		p.Executable, p.CommandLine = firstOf(p.Executable, path), firstOf(p.CommandLine, line)
	}
	if cloud, region, account := a.take("cloud.provider"), a.take("cloud.region"), a.take("cloud.account.id"); ev.Cloud == nil && cloud+region+account != "" {
		ev.Cloud = &ecs.Cloud{Provider: cloud, Region: region}
		if account != "" {
			ev.Cloud.Account = &ecs.CloudAccount{ID: account}
		}
	}
}

// request sets what an instrumented server says of a request.
func (a attributes) request(ev *ecs.Event) {
	method, status := a.take("http.request.method", "http.method"), a.take("http.response.status_code", "http.status_code")
	if ev.HTTP == nil && (isMethod(method) || atoi(status) > 0) {
		ev.HTTP = &ecs.HTTP{}
		if isMethod(method) {
			ev.HTTP.Request = &ecs.HTTPRequest{Method: method}
		}
		if n := atoi(status); n > 0 {
			ev.HTTP.Response = &ecs.HTTPResponse{Status: n}
		}
	}
	full, path, query := a.take("url.full", "http.url"), a.take("url.path"), a.take("url.query")
	if ev.URL == nil && full+path+query != "" {
		ev.URL = &ecs.URL{Full: full, Path: path, Query: query}
	}
}

// rest keeps every other attribute as a label, in the order of their names as
// far as the bounds go; event.original has them all.
func (a attributes) rest(ev *ecs.Event) {
	names := make([]string, 0, len(a))
	for n := range a {
		names = append(names, n)
	}
	slices.Sort(names)
	for _, n := range names {
		key := strings.ReplaceAll(n, ".", "_")
		if len(ev.Labels) >= mostLabels {
			return
		}
		if _, taken := ev.Labels[key]; !taken && len(key) <= maxLabelValue/8 && len(a[n]) <= maxLabelValue {
			label(ev, key, a[n])
		}
	}
}
