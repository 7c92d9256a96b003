package ecs

// NAT is source.nat.* or destination.nat.*.
type NAT struct {
	IP   string `json:"ip,omitempty"`
	Port int    `json:"port,omitempty"`
}

// Geo is where an address was, in the words of whoever logged it.
type Geo struct {
	Country     string `json:"country_iso_code,omitempty"`
	CountryName string `json:"country_name,omitempty"`
	City        string `json:"city_name,omitempty"`
	Region      string `json:"region_name,omitempty"`
}

// Observer is observer.*: the firewall, VPN gateway, RADIUS server or sign-in
// service that saw an event between others.
type Observer struct {
	Name     string    `json:"name,omitempty"`
	Hostname string    `json:"hostname,omitempty"`
	IP       []string  `json:"ip,omitempty"`
	Vendor   string    `json:"vendor,omitempty"`
	Product  string    `json:"product,omitempty"`
	Type     string    `json:"type,omitempty"` // firewall, vpn, radius, proxy, idp
	Version  string    `json:"version,omitempty"`
	Serial   string    `json:"serial_number,omitempty"`
	Ingress  *Boundary `json:"ingress,omitempty"`
	Egress   *Boundary `json:"egress,omitempty"`
}

// Boundary is observer.ingress or observer.egress.
type Boundary struct {
	Zone      string     `json:"zone,omitempty"`
	Interface *Interface `json:"interface,omitempty"`
}

// Interface is a network interface of an observer.
type Interface struct {
	Name string `json:"name,omitempty"`
}

// HTTP is http.*.
type HTTP struct {
	Version  string        `json:"version,omitempty"`
	Request  *HTTPRequest  `json:"request,omitempty"`
	Response *HTTPResponse `json:"response,omitempty"`
}

// HTTPRequest is http.request.*.
type HTTPRequest struct {
	Method   string `json:"method,omitempty"`
	Referrer string `json:"referrer,omitempty"`
	ID       string `json:"id,omitempty"`
	Bytes    int64  `json:"bytes,omitempty"`
}

// HTTPResponse is http.response.*. The body is that of the answer, in bytes.
type HTTPResponse struct {
	Status int       `json:"status_code,omitempty"`
	Body   *HTTPBody `json:"body,omitempty"`
}

// HTTPBody is http.response.body.*.
type HTTPBody struct {
	Bytes int64 `json:"bytes,omitempty"`
}

// URL is url.*; Original is as the log has it.
type URL struct {
	Original string `json:"original,omitempty"`
	Full     string `json:"full,omitempty"`
	Scheme   string `json:"scheme,omitempty"`
	Domain   string `json:"domain,omitempty"`
	Port     int    `json:"port,omitempty"`
	Path     string `json:"path,omitempty"`
	Query    string `json:"query,omitempty"`
}

// UserAgent is user_agent.*.
type UserAgent struct {
	Original string `json:"original,omitempty"`
	Name     string `json:"name,omitempty"`
}

// Group is group.*: whose membership changed, or in what capacity one acted.
type Group struct {
	ID     string `json:"id,omitempty"`
	Name   string `json:"name,omitempty"`
	Domain string `json:"domain,omitempty"`
}

// Organization is organization.*: the customer of a cloud service.
type Organization struct {
	ID   string `json:"id,omitempty"`
	Name string `json:"name,omitempty"`
}

// Cloud is cloud.*.
type Cloud struct {
	Provider string        `json:"provider,omitempty"`
	Region   string        `json:"region,omitempty"`
	Account  *CloudAccount `json:"account,omitempty"`
}

// CloudAccount is cloud.account.*.
type CloudAccount struct {
	ID   string `json:"id,omitempty"`
	Name string `json:"name,omitempty"`
}

// Rule is rule.*: the rule or policy of a firewall or sign-in service that decided.
type Rule struct {
	ID   string `json:"id,omitempty"`
	Name string `json:"name,omitempty"`
}
