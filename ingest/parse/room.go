package parse

import "varde.internal/schemas/ecs"

// room is what an event of a text log has beside itself, in one piece: an
// allocation for each part costs more than reading the line does. A part is
// used by pointing the event at it; what is not used stays zero and is not seen.
type room struct {
	log                ecs.Log
	syslog             ecs.LogSyslog
	facility, severity ecs.Coded
	host               ecs.Host
	process            ecs.Process
	service            ecs.Service
	user               ecs.User
	account            ecs.Account
	source             ecs.Endpoint
	network            ecs.Network
	related            ecs.Related
	ip, users, hosts   [2]string
	message            message
	taken              bool // the message: one may lie in another
}

// hold gives a message a place that lasts as long as the event's.
func (r *room) hold(m message) *message {
	if r.taken {
		apart := m // not m itself, which would then be allocated in either case
		return &apart
	}
	r.message, r.taken = m, true
	return &r.message
}
