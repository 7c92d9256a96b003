package ecs

// registry is the one list of what can be searched; the embedded columns, the
// Elasticsearch mapping, the names rule and completion are made from it. A new
// field of Event gets its row here. Sorted by name.
var registry = []Field{
	{Name: "@timestamp", Type: Date, Aliases: []string{"time", "tid"}, get: func(e *Event) []Value { return date(e.Timestamp) }},
	{Name: "client.ip", Type: IP, Person: true, get: func(e *Event) []Value { return text(e.Client.or().IP) }},
	{Name: "destination.domain", Type: Keyword, Person: true, get: func(e *Event) []Value {
		if e.Destination != nil {
			return text(e.Destination.Domain)
		}
		return nil
	}},
	{Name: "destination.ip", Type: IP, Person: true, get: func(e *Event) []Value {
		if e.Destination != nil {
			return text(e.Destination.IP)
		}
		return nil
	}},
	{Name: "destination.mac", Type: Keyword, Person: true, get: func(e *Event) []Value {
		if e.Destination != nil {
			return text(e.Destination.MAC)
		}
		return nil
	}},
	{Name: "destination.port", Type: Long, get: func(e *Event) []Value {
		if e.Destination != nil {
			return number(int64(e.Destination.Port))
		}
		return nil
	}},
	{Name: "error.code", Type: Keyword, get: func(e *Event) []Value {
		if e.Error != nil {
			return text(e.Error.Code)
		}
		return nil
	}},
	{Name: "error.message", Type: Keyword, Person: true, Raw: true, get: func(e *Event) []Value {
		if e.Error != nil {
			return text(e.Error.Message)
		}
		return nil
	}},
	{Name: "event.action", Type: Keyword, Aliases: []string{"action", "handling"}, Choices: actions, get: func(e *Event) []Value { return text(e.Event.Action) }},
	{Name: "event.category", Type: Keyword, Many: true, Aliases: []string{"category"}, Choices: []string{"authentication", "session", "iam", "process", "configuration", "network", "web"}, get: func(e *Event) []Value { return texts(e.Event.Category) }},
	{Name: "event.code", Type: Keyword, get: func(e *Event) []Value { return text(e.Event.Code) }},
	{Name: "event.created", Type: Date, get: func(e *Event) []Value { return date(e.Event.Created) }},
	{Name: "event.dataset", Type: Keyword, Aliases: []string{"dataset"}, get: func(e *Event) []Value { return text(e.Event.Dataset) }},
	{Name: "event.duration", Type: Long, get: func(e *Event) []Value { return number(e.Event.Duration) }},
	{Name: "event.end", Type: Date, get: func(e *Event) []Value { return date(e.Event.End) }},
	{Name: "event.hash", Type: Keyword, get: func(e *Event) []Value { return text(e.Event.Hash) }},
	{Name: "event.id", Type: Keyword, Aliases: []string{"id"}, get: func(e *Event) []Value { return text(e.Event.ID) }},
	{Name: "event.ingested", Type: Date, get: func(e *Event) []Value { return date(e.Event.Ingested) }},
	{Name: "event.kind", Type: Keyword, Choices: []string{"event", "alert", "state"}, get: func(e *Event) []Value { return text(e.Event.Kind) }},
	{Name: "event.module", Type: Keyword, get: func(e *Event) []Value { return text(e.Event.Module) }},
	{Name: "event.original", Type: Text, Person: true, Raw: true, Stored: true, get: func(e *Event) []Value { return text(e.Event.Original) }},
	{Name: "event.outcome", Type: Keyword, Aliases: []string{"outcome", "utfall"}, Choices: []string{"success", "failure", "unknown"}, get: func(e *Event) []Value { return text(e.Event.Outcome) }},
	{Name: "event.provider", Type: Keyword, get: func(e *Event) []Value { return text(e.Event.Provider) }},
	{Name: "event.reason", Type: Keyword, Aliases: []string{"reason"}, get: func(e *Event) []Value { return text(e.Event.Reason) }},
	{Name: "event.severity", Type: Long, get: func(e *Event) []Value { return number(int64(e.Event.Severity)) }},
	{Name: "event.start", Type: Date, get: func(e *Event) []Value { return date(e.Event.Start) }},
	{Name: "event.timezone", Type: Keyword, get: func(e *Event) []Value { return text(e.Event.Timezone) }},
	{Name: "event.type", Type: Keyword, Many: true, Aliases: []string{"type"}, Choices: []string{"start", "end", "info", "change", "user", "group", "denied"}, get: func(e *Event) []Value { return texts(e.Event.Type) }},
	{Name: "group.id", Type: Keyword, get: func(e *Event) []Value { return text(e.Group.or().ID) }},
	{Name: "group.name", Type: Keyword, get: func(e *Event) []Value { return text(e.Group.or().Name) }},
	{Name: "host.ip", Type: IP, Many: true, get: func(e *Event) []Value {
		if e.Host != nil {
			return texts(e.Host.IP)
		}
		return nil
	}},
	{Name: "host.name", Type: Keyword, Aliases: []string{"host", "maskin"}, get: func(e *Event) []Value {
		if e.Host != nil {
			return text(e.Host.Name)
		}
		return nil
	}},
	{Name: "http.request.method", Type: Keyword, get: func(e *Event) []Value { return text(e.HTTP.request().Method) }},
	{Name: "http.response.status_code", Type: Long, get: func(e *Event) []Value { return number(int64(e.HTTP.response().Status)) }},
	{Name: "log.file.path", Type: Keyword, get: func(e *Event) []Value {
		if e.Log != nil && e.Log.File != nil {
			return text(e.Log.File.Path)
		}
		return nil
	}},
	{Name: "log.level", Type: Keyword, get: func(e *Event) []Value {
		if e.Log != nil {
			return text(e.Log.Level)
		}
		return nil
	}},
	{Name: "log.offset", Type: Long, get: func(e *Event) []Value {
		if e.Log != nil {
			return number(e.Log.Offset)
		}
		return nil
	}},
	{Name: "log.syslog.appname", Type: Keyword, get: func(e *Event) []Value {
		if e.Log != nil && e.Log.Syslog != nil {
			return text(e.Log.Syslog.Appname)
		}
		return nil
	}},
	{Name: "log.syslog.facility.code", Type: Long, get: func(e *Event) []Value {
		if e.Log != nil && e.Log.Syslog != nil && e.Log.Syslog.Facility != nil {
			return []Value{{Number: int64(e.Log.Syslog.Facility.Code)}}
		}
		return nil
	}},
	{Name: "log.syslog.facility.name", Type: Keyword, get: func(e *Event) []Value {
		if e.Log != nil && e.Log.Syslog != nil && e.Log.Syslog.Facility != nil {
			return text(e.Log.Syslog.Facility.Name)
		}
		return nil
	}},
	{Name: "log.syslog.hostname", Type: Keyword, get: func(e *Event) []Value {
		if e.Log != nil && e.Log.Syslog != nil {
			return text(e.Log.Syslog.Hostname)
		}
		return nil
	}},
	{Name: "log.syslog.msgid", Type: Keyword, get: func(e *Event) []Value {
		if e.Log != nil && e.Log.Syslog != nil {
			return text(e.Log.Syslog.MsgID)
		}
		return nil
	}},
	{Name: "log.syslog.priority", Type: Long, get: func(e *Event) []Value {
		if e.Log != nil && e.Log.Syslog != nil {
			return number(int64(e.Log.Syslog.Priority))
		}
		return nil
	}},
	{Name: "log.syslog.procid", Type: Keyword, get: func(e *Event) []Value {
		if e.Log != nil && e.Log.Syslog != nil {
			return text(e.Log.Syslog.ProcID)
		}
		return nil
	}},
	{Name: "log.syslog.severity.code", Type: Long, get: func(e *Event) []Value {
		if e.Log != nil && e.Log.Syslog != nil && e.Log.Syslog.Severity != nil {
			return []Value{{Number: int64(e.Log.Syslog.Severity.Code)}}
		}
		return nil
	}},
	{Name: "log.syslog.severity.name", Type: Keyword, get: func(e *Event) []Value {
		if e.Log != nil && e.Log.Syslog != nil && e.Log.Syslog.Severity != nil {
			return text(e.Log.Syslog.Severity.Name)
		}
		return nil
	}},
	{Name: "message", Type: Text, Person: true, Raw: true, Aliases: []string{"text", "tekst"}, get: func(e *Event) []Value { return text(e.Message) }},
	{Name: "network.application", Type: Keyword, get: func(e *Event) []Value { return text(e.Network.or().Application) }},
	{Name: "network.protocol", Type: Keyword, get: func(e *Event) []Value {
		if e.Network != nil {
			return text(e.Network.Protocol)
		}
		return nil
	}},
	{Name: "network.transport", Type: Keyword, get: func(e *Event) []Value {
		if e.Network != nil {
			return text(e.Network.Transport)
		}
		return nil
	}},
	{Name: "observer.hostname", Type: Keyword, get: func(e *Event) []Value { return text(e.Observer.or().Hostname) }},
	{Name: "observer.product", Type: Keyword, get: func(e *Event) []Value { return text(e.Observer.or().Product) }},
	{Name: "observer.vendor", Type: Keyword, get: func(e *Event) []Value { return text(e.Observer.or().Vendor) }},
	{Name: "organization.id", Type: Keyword, get: func(e *Event) []Value { return text(e.Org.or().ID) }},
	{Name: "process.command_line", Type: Keyword, Person: true, Raw: true, get: func(e *Event) []Value {
		if e.Process != nil {
			return text(e.Process.CommandLine)
		}
		return nil
	}},
	{Name: "process.executable", Type: Keyword, get: func(e *Event) []Value { return text(e.Process.or().Executable) }},
	{Name: "process.name", Type: Keyword, Aliases: []string{"program"}, get: func(e *Event) []Value {
		if e.Process != nil {
			return text(e.Process.Name)
		}
		return nil
	}},
	{Name: "process.pid", Type: Long, Aliases: []string{"pid"}, get: func(e *Event) []Value {
		if e.Process != nil {
			return number(int64(e.Process.PID))
		}
		return nil
	}},
	{Name: "process.tty", Type: Keyword, get: func(e *Event) []Value {
		if e.Process != nil {
			return text(e.Process.TTY)
		}
		return nil
	}},
	{Name: "process.working_directory", Type: Keyword, Person: true, get: func(e *Event) []Value {
		if e.Process != nil {
			return text(e.Process.WorkingDir)
		}
		return nil
	}},
	{Name: "related.hash", Type: Keyword, Person: true, Many: true, get: func(e *Event) []Value {
		if e.Related != nil {
			return texts(e.Related.Hash)
		}
		return nil
	}},
	{Name: "related.hosts", Type: Keyword, Person: true, Many: true, get: func(e *Event) []Value {
		if e.Related != nil {
			return texts(e.Related.Hosts)
		}
		return nil
	}},
	{Name: "related.ip", Type: IP, Person: true, Many: true, get: func(e *Event) []Value {
		if e.Related != nil {
			return texts(e.Related.IP)
		}
		return nil
	}},
	{Name: "related.user", Type: Keyword, Person: true, Many: true, get: func(e *Event) []Value {
		if e.Related != nil {
			return texts(e.Related.User)
		}
		return nil
	}},
	{Name: "rule.name", Type: Keyword, get: func(e *Event) []Value { return text(e.Rule.or().Name) }},
	{Name: "service.name", Type: Keyword, Aliases: []string{"service"}, get: func(e *Event) []Value {
		if e.Service != nil {
			return text(e.Service.Name)
		}
		return nil
	}},
	{Name: "service.type", Type: Keyword, get: func(e *Event) []Value {
		if e.Service != nil {
			return text(e.Service.Type)
		}
		return nil
	}},
	{Name: "source.domain", Type: Keyword, Person: true, get: func(e *Event) []Value {
		if e.Source != nil {
			return text(e.Source.Domain)
		}
		return nil
	}},
	{Name: "source.geo.country_iso_code", Type: Keyword, Person: true, get: func(e *Event) []Value { return text(e.Source.or().Geo.or().Country) }},
	{Name: "source.ip", Type: IP, Person: true, Aliases: []string{"ip", "adresse"}, get: func(e *Event) []Value {
		if e.Source != nil {
			return text(e.Source.IP)
		}
		return nil
	}},
	{Name: "source.mac", Type: Keyword, Person: true, get: func(e *Event) []Value {
		if e.Source != nil {
			return text(e.Source.MAC)
		}
		return nil
	}},
	{Name: "source.nat.ip", Type: IP, Person: true, get: func(e *Event) []Value { return text(e.Source.or().NAT.or().IP) }},
	{Name: "source.port", Type: Long, get: func(e *Event) []Value {
		if e.Source != nil {
			return number(int64(e.Source.Port))
		}
		return nil
	}},
	{Name: "url.domain", Type: Keyword, get: func(e *Event) []Value { return text(e.URL.or().Domain) }},
	{Name: "url.path", Type: Keyword, Person: true, get: func(e *Event) []Value { return text(e.URL.or().Path) }},
	{Name: "user.domain", Type: Keyword, Person: true, get: func(e *Event) []Value {
		if e.User != nil {
			return text(e.User.Domain)
		}
		return nil
	}},
	{Name: "user.effective.domain", Type: Keyword, Person: true, get: func(e *Event) []Value {
		if e.User != nil && e.User.Effective != nil {
			return text(e.User.Effective.Domain)
		}
		return nil
	}},
	{Name: "user.effective.id", Type: Keyword, Person: true, get: func(e *Event) []Value {
		if e.User != nil && e.User.Effective != nil {
			return text(e.User.Effective.ID)
		}
		return nil
	}},
	{Name: "user.effective.name", Type: Keyword, Person: true, get: func(e *Event) []Value {
		if e.User != nil && e.User.Effective != nil {
			return text(e.User.Effective.Name)
		}
		return nil
	}},
	{Name: "user.email", Type: Keyword, Person: true, get: func(e *Event) []Value {
		if e.User != nil {
			return text(e.User.Email)
		}
		return nil
	}},
	{Name: "user.full_name", Type: Keyword, Person: true, get: func(e *Event) []Value {
		if e.User != nil {
			return text(e.User.FullName)
		}
		return nil
	}},
	{Name: "user.id", Type: Keyword, Person: true, get: func(e *Event) []Value {
		if e.User != nil {
			return text(e.User.ID)
		}
		return nil
	}},
	{Name: "user.name", Type: Keyword, Person: true, Aliases: []string{"user", "bruker"}, get: func(e *Event) []Value {
		if e.User != nil {
			return text(e.User.Name)
		}
		return nil
	}},
	{Name: "user.roles", Type: Keyword, Person: true, Many: true, get: func(e *Event) []Value {
		if e.User != nil {
			return texts(e.User.Roles)
		}
		return nil
	}},
	{Name: "user.target.domain", Type: Keyword, Person: true, get: func(e *Event) []Value {
		if e.User != nil && e.User.Target != nil {
			return text(e.User.Target.Domain)
		}
		return nil
	}},
	{Name: "user.target.email", Type: Keyword, Person: true, get: func(e *Event) []Value { return text(e.User.or().Target.or().Email) }},
	{Name: "user.target.id", Type: Keyword, Person: true, get: func(e *Event) []Value {
		if e.User != nil && e.User.Target != nil {
			return text(e.User.Target.ID)
		}
		return nil
	}},
	{Name: "user.target.name", Type: Keyword, Person: true, get: func(e *Event) []Value {
		if e.User != nil && e.User.Target != nil {
			return text(e.User.Target.Name)
		}
		return nil
	}},
	{Name: "user_agent.original", Type: Keyword, Person: true, get: func(e *Event) []Value { return text(e.UserAgent.or().Original) }},
	{Name: "varde.account.name", Type: Keyword, Person: true, Aliases: []string{"account", "konto"}, get: func(e *Event) []Value {
		if e.Varde.Account != nil {
			return text(e.Varde.Account.Name)
		}
		return nil
	}},
	{Name: "varde.account.realm", Type: Keyword, get: func(e *Event) []Value {
		if e.Varde.Account != nil {
			return text(e.Varde.Account.Realm)
		}
		return nil
	}},
	{Name: "varde.attempt", Type: Boolean, Aliases: []string{"attempt"}, Choices: []string{"true", "false"}, get: func(e *Event) []Value { return flag(e.Varde.Attempt) }},
	{Name: "varde.generation", Type: Long, get: func(e *Event) []Value { return number(int64(e.Varde.Generation)) }},
	{Name: "varde.key.ca", Type: Keyword, get: func(e *Event) []Value {
		if e.Varde.Key != nil {
			return text(e.Varde.Key.CA)
		}
		return nil
	}},
	{Name: "varde.key.ca_type", Type: Keyword, get: func(e *Event) []Value {
		if e.Varde.Key != nil {
			return text(e.Varde.Key.CAType)
		}
		return nil
	}},
	{Name: "varde.key.cert_id", Type: Keyword, Person: true, get: func(e *Event) []Value {
		if e.Varde.Key != nil {
			return text(e.Varde.Key.CertID)
		}
		return nil
	}},
	{Name: "varde.key.cert_serial", Type: Keyword, Person: true, get: func(e *Event) []Value {
		if e.Varde.Key != nil {
			return text(e.Varde.Key.CertSerial)
		}
		return nil
	}},
	{Name: "varde.key.fingerprint", Type: Keyword, Person: true, get: func(e *Event) []Value {
		if e.Varde.Key != nil {
			return text(e.Varde.Key.Fingerprint)
		}
		return nil
	}},
	{Name: "varde.key.type", Type: Keyword, get: func(e *Event) []Value {
		if e.Varde.Key != nil {
			return text(e.Varde.Key.Type)
		}
		return nil
	}},
	{Name: "varde.method", Type: Keyword, Aliases: []string{"method"}, Choices: []string{"password", "publickey", "certificate", "keyboard-interactive", "hostbased", "gssapi", "none"}, get: func(e *Event) []Value { return text(e.Varde.Method) }},
	{Name: "varde.parser", Type: Keyword, get: func(e *Event) []Value { return text(e.Varde.Parser) }},
	{Name: "varde.partition", Type: Keyword, get: func(e *Event) []Value { return text(e.Varde.Partition) }},
	{Name: "varde.provenance", Type: Keyword, Choices: []string{"client-certificate", "api-key", "file", "import", "topic", "poll", "tcp", "udp"}, get: func(e *Event) []Value { return text(e.Varde.Provenance) }},
	{Name: "varde.repeat", Type: Long, get: func(e *Event) []Value { return number(int64(e.Varde.Repeat)) }},
	{Name: "varde.session", Type: Keyword, Aliases: []string{"session"}, get: func(e *Event) []Value { return text(e.Varde.Session) }},
	{Name: "varde.skew_ms", Type: Long, get: func(e *Event) []Value { return number(e.Varde.SkewMS) }},
	{Name: "varde.source", Type: Keyword, Aliases: []string{"kilde"}, get: func(e *Event) []Value { return text(e.Varde.Source) }},
	{Name: "varde.station", Type: Keyword, Person: true, Aliases: []string{"station"}, get: func(e *Event) []Value { return text(e.Varde.Station) }},
	{Name: "varde.system", Type: Keyword, Aliases: []string{"system"}, get: func(e *Event) []Value { return text(e.Varde.System) }},
	{Name: "varde.tenant", Type: Keyword, get: func(e *Event) []Value { return text(e.Varde.Tenant) }},
	{Name: "varde.vendor", Type: Keyword, Aliases: []string{"vendor", "leverandør"}, get: func(e *Event) []Value { return text(e.Varde.Vendor) }},
	{Name: "winlog.channel", Type: Keyword, get: func(e *Event) []Value { return text(e.Winlog.or().Channel) }},
	{Name: "winlog.logon.type", Type: Keyword, Aliases: []string{"logontype"}, get: func(e *Event) []Value { return text(e.Winlog.or().Logon.or().Type) }},
	{Name: "winlog.record_id", Type: Keyword, get: func(e *Event) []Value { return text(e.Winlog.or().RecordID) }},
}

// byName maps names and aliases to places in registry.
var byName = index()

func index() map[string]int {
	m := make(map[string]int, 2*len(registry))
	for i, f := range registry {
		m[f.Name] = i
		for _, a := range f.Aliases {
			m[a] = i
		}
	}
	return m
}
