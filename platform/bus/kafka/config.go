package kafka

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"
)

// config is what a kafka:// URL says.
type config struct {
	brokers     []string
	tls         *tls.Config
	sasl        sasl.Mechanism
	replication int // -1: the broker's default
	segment     int // segment.bytes of topics; 0: the broker's default
}

// parseURL reads kafka://[user:password@]host[:port][,host[:port]…][?…]; see
// Open for the parameters. It splits by hand because net/url refuses several
// hosts. Errors never repeat the URL: it holds a password.
func parseURL(raw string) (config, error) {
	c := config{replication: -1}
	rest, ok := strings.CutPrefix(raw, "kafka://")
	if !ok {
		return c, errors.New("kafka: the address must begin with kafka://")
	}
	rest, query, _ := strings.Cut(rest, "?")
	rest = strings.TrimSuffix(rest, "/")
	user, pass := "", ""
	if i := strings.LastIndex(rest, "@"); i >= 0 {
		u, err := url.Parse("kafka://" + rest[:i] + "@h")
		if err != nil {
			return c, errors.New("kafka: the user or password in the address is not escaped")
		}
		user = u.User.Username()
		pass, _ = u.User.Password()
		rest = rest[i+1:]
	}
	for _, host := range strings.Split(rest, ",") {
		if host == "" {
			return c, errors.New("kafka: the address names an empty host")
		}
		if i := strings.LastIndex(host, ":"); i < 0 || strings.HasSuffix(host, "]") {
			host += ":9092"
		}
		c.brokers = append(c.brokers, host)
	}
	q, err := url.ParseQuery(query)
	if err != nil {
		return c, errors.New("kafka: the parameters of the address are malformed")
	}
	return c, c.parameters(q, user, pass)
}

func (c *config) parameters(q url.Values, user, pass string) error {
	mechanism := q.Get("sasl")
	for name, values := range q {
		v := values[0]
		var err error
		switch name {
		case "sasl":
		case "tls":
			var on bool
			if on, err = strconv.ParseBool(v); on && c.tls == nil {
				c.tls = &tls.Config{MinVersion: tls.VersionTLS12}
			}
		case "ca":
			err = c.trust(v)
		case "replication":
			c.replication, err = strconv.Atoi(v)
		case "segment":
			c.segment, err = strconv.Atoi(v)
		default:
			err = errors.New("unknown parameter")
		}
		if err != nil {
			return fmt.Errorf("kafka: parameter %s of the address: %w", name, err)
		}
	}
	if user == "" && mechanism == "" {
		return nil
	}
	var err error
	switch mechanism {
	case "plain":
		c.sasl = plain.Mechanism{Username: user, Password: pass}
	case "", "scram-sha-256":
		c.sasl, err = scram.Mechanism(scram.SHA256, user, pass)
	case "scram-sha-512":
		c.sasl, err = scram.Mechanism(scram.SHA512, user, pass)
	default:
		err = errors.New("kafka: parameter sasl must be plain, scram-sha-256 or scram-sha-512")
	}
	return err
}

// trust makes the PEM certificates in file the only ones that are trusted.
func (c *config) trust(file string) error {
	pem, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if c.tls == nil {
		c.tls = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	c.tls.RootCAs = x509.NewCertPool()
	if !c.tls.RootCAs.AppendCertsFromPEM(pem) {
		return errors.New("no certificate in the file")
	}
	return nil
}
