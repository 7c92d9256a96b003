package collector

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"varde.internal/schemas/ecs"
	"varde.internal/schemas/topics"
)

// TLS is syslog over TLS (RFC 5425). A sender shows a certificate; its source
// is the one that has the certificate's fingerprint or, where Clients signed
// it, one of its names.
type TLS struct {
	Listen string // address; empty: not
	// Certificate (with its chain) and Key are PEM files, read again when they
	// change, so that a renewal needs no restart.
	Certificate, Key string
	// Clients is a PEM file of the authorities whose clients are taken. Empty:
	// only clients whose fingerprint is in the register.
	Clients string
}

func (t TLS) validate() error {
	if t.Listen == "" {
		return nil
	}
	var errs []error
	if _, _, err := net.SplitHostPort(t.Listen); err != nil {
		errs = append(errs, fmt.Errorf("syslogTLS: %w", err))
	}
	if t.Certificate == "" || t.Key == "" {
		errs = append(errs, errors.New("syslogTLS: certificate and key are needed"))
	}
	return errors.Join(errs...)
}

// handshake is how long a client may take to show its certificate.
const handshake = 10 * time.Second

var errCertificate = errors.New("the client's certificate is not registered")

// config reads the files once, so that a mistake shows at the start.
func (t TLS) config(known *sources, now func() time.Time) (*tls.Config, error) {
	pair := &keyPair{certificate: t.Certificate, key: t.Key}
	if _, err := pair.get(nil); err != nil {
		return nil, fmt.Errorf("collector: syslog over TLS: %w", err)
	}
	var authorities *x509.CertPool
	if t.Clients != "" {
		text, err := os.ReadFile(t.Clients)
		if err != nil {
			return nil, fmt.Errorf("collector: syslog over TLS: %w", err)
		}
		authorities = x509.NewCertPool()
		if !authorities.AppendCertsFromPEM(text) {
			return nil, errors.New("collector: syslog over TLS: the file of clients' authorities has no certificate")
		}
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS12, GetCertificate: pair.get, ClientAuth: tls.RequireAnyClientCert,
		// A resumed session would skip the check of the certificate's validity.
		SessionTicketsDisabled: true,
		VerifyConnection: func(s tls.ConnectionState) error {
			leaf := s.PeerCertificates[0]
			if at := now(); at.Before(leaf.NotBefore) || at.After(leaf.NotAfter) {
				return errors.New("the client's certificate is not valid now")
			}
			if _, ok := known.byFingerprint(leaf); ok {
				return nil
			}
			if authorities == nil {
				return errCertificate
			}
			between := x509.NewCertPool()
			for _, c := range s.PeerCertificates[1:] {
				between.AddCert(c)
			}
			_, err := leaf.Verify(x509.VerifyOptions{
				Roots: authorities, Intermediates: between, CurrentTime: now(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
			})
			return err
		},
	}, nil
}

// serveTLS shakes hands and reads the messages of one connection.
func (m *Module) serveTLS(ctx context.Context, conn net.Conn) {
	defer conn.Close()
	secure, ok := conn.(*tls.Conn)
	if !ok {
		return
	}
	limited, cancel := context.WithTimeout(ctx, handshake)
	err := secure.HandshakeContext(limited)
	cancel()
	if err != nil {
		m.metrics.refused.WithLabelValues("tls", "handshake").Inc()
		m.deps.Log.Info("a syslog client over TLS was refused", "err", err)
		return
	}
	leaf := secure.ConnectionState().PeerCertificates[0]
	m.serve(ctx, conn, func() (src Source, registered, ok bool) {
		if m.admits(secure.ConnectionState()) != nil { // the register no longer has it
			return Source{}, false, false
		}
		if src, ok = m.sources.byFingerprint(leaf); ok {
			return src, true, true
		}
		if src, ok = m.sources.byName(leaf); ok {
			return src, true, true
		}
		// An authority that the operator named vouches for it.
		src, ok = m.sources.stranger()
		return src, false, ok
	}, "tls", ecs.ProvenanceClientCert)
}

// byFingerprint finds the source that declares a certificate itself.
func (s *sources) byFingerprint(c *x509.Certificate) (Source, bool) {
	shown := topics.CertificateFingerprint(c.Raw)
	return s.declaring(func(declared string) bool { return declared == shown })
}

// byName finds the source that declares a name of the certificate (RFC 5425,
// section 5.2: the alternative names; the common name only where there is none).
func (s *sources) byName(c *x509.Certificate) (Source, bool) {
	names := slices.Clone(c.DNSNames)
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	if len(names) == 0 && c.Subject.CommonName != "" {
		names = append(names, c.Subject.CommonName)
	}
	return s.declaring(func(declared string) bool {
		return slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, declared) })
	})
}

func (s *sources) declaring(is func(declared string) bool) (Source, bool) {
	for _, src := range s.all() {
		if slices.ContainsFunc(src.Certificates, is) {
			return src, true
		}
	}
	return Source{}, false
}

// keyPair is the server's certificate, read again when its file changes.
type keyPair struct {
	certificate, key string

	mu   sync.Mutex
	read [sha256.Size]byte
	pair *tls.Certificate
}

// get keeps the last good pair: a file that is half written must not end the
// service.
func (k *keyPair) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	certificate, err := os.ReadFile(k.certificate)
	var key []byte
	if err == nil {
		key, err = os.ReadFile(k.key)
	}
	if err == nil {
		sum := sha256.Sum256(slices.Concat(certificate, key))
		if k.pair != nil && sum == k.read {
			return k.pair, nil
		}
		var pair tls.Certificate
		if pair, err = tls.X509KeyPair(certificate, key); err == nil {
			k.pair, k.read = &pair, sum
		}
	}
	if k.pair != nil {
		return k.pair, nil
	}
	return nil, err
}
