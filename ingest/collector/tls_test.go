package collector

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"varde.internal/platform/run"
	"varde.internal/schemas/ecs"
	"varde.internal/schemas/topics"
)

// issued is a certificate with its key; signed by itself where by is nil.
type issued struct {
	der []byte
	key *ecdsa.PrivateKey
}

func issue(t testing.TB, name string, by *issued, change func(*x509.Certificate)) *issued {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	require.NoError(t, err)
	form := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true,
	}
	if change != nil {
		change(form)
	}
	parent, signer := form, key
	if by != nil {
		parent, err = x509.ParseCertificate(by.der)
		require.NoError(t, err)
		signer = by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, form, parent, key.Public(), signer)
	require.NoError(t, err)
	return &issued{der, key}
}

func (c *issued) write(t testing.TB, dir, name string) (certificate, key string) {
	t.Helper()
	certificate, key = filepath.Join(dir, name+".pem"), filepath.Join(dir, name+".key")
	secret, err := x509.MarshalPKCS8PrivateKey(c.key)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(certificate, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.der}), 0o600))
	require.NoError(t, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600))
	return certificate, key
}

func (c *issued) pair() tls.Certificate {
	return tls.Certificate{Certificate: [][]byte{c.der}, PrivateKey: c.key}
}

func authority(t testing.TB, name string) *issued {
	return issue(t, name, nil, func(c *x509.Certificate) {
		c.IsCA, c.KeyUsage, c.ExtKeyUsage = true, x509.KeyUsageCertSign, nil
	})
}

// speak sends a line over TLS with a certificate; err says that it was refused.
func speak(t testing.TB, address, line string, with ...tls.Certificate) error {
	t.Helper()
	c, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true, Certificates: with})
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := fmt.Fprintf(c, "%d %s", len(line), line); err != nil {
		return err
	}
	if err := c.CloseWrite(); err != nil {
		return err
	}
	require.NoError(t, c.SetReadDeadline(time.Now().Add(20*time.Second)))
	_, err = c.Read(make([]byte, 1)) // in TLS 1.3 a refusal comes after the handshake
	if err.Error() == "EOF" {
		return nil
	}
	return err
}

// A sender over TLS is known by the fingerprint of its certificate, or by a
// name that a trusted authority signed; every other is refused (RFC 5425).
func TestSyslogOverTLSKnowsItsSenders(t *testing.T) {
	t.Parallel()
	dir, trusted, other := t.TempDir(), authority(t, "Vaktmester CA"), authority(t, "Other CA")
	serverCert, serverKey := issue(t, "collector", nil, nil).write(t, dir, "server")
	clients, _ := trusted.write(t, dir, "clients")
	named := func(name string) func(*x509.Certificate) {
		return func(c *x509.Certificate) { c.DNSNames = []string{name} }
	}
	pinned := issue(t, "vpn01", nil, nil)
	r := newRig(t, func(c *Config, _ *run.Deps) {
		c.SyslogTLS = TLS{Listen: "127.0.0.1:0", Certificate: serverCert, Key: serverKey, Clients: clients}
	})
	r.sources.put(fact("bo", topics.KindSource, "pinned", topics.Source{Name: "VPN", Certificates: []string{topics.CertificateFingerprint(pinned.der)}}))
	r.sources.put(fact("bo", topics.KindSource, "named", topics.Source{Name: "Arkiv", Certificates: []string{"arkiv01.bo.example"}}))

	require.NoError(t, speak(t, r.SyslogTLS(), "<38>"+text, pinned.pair()))
	require.NoError(t, speak(t, r.SyslogTLS(), "<38>"+text, issue(t, "x", trusted, named("ARKIV01.bo.example")).pair()))
	require.NoError(t, speak(t, r.SyslogTLS(), "<38>"+text, issue(t, "x", trusted, named("nobody.bo.example")).pair()))
	for what, with := range map[string][]tls.Certificate{
		"none":                 nil,
		"signed by itself":     {issue(t, "x", nil, named("arkiv01.bo.example")).pair()},
		"of another authority": {issue(t, "x", other, named("arkiv01.bo.example")).pair()},
		"for servers only": {issue(t, "x", trusted, func(c *x509.Certificate) {
			c.DNSNames, c.ExtKeyUsage = []string{"arkiv01.bo.example"}, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		}).pair()},
		"run out": {issue(t, "x", trusted, func(c *x509.Certificate) {
			c.DNSNames, c.NotAfter = []string{"arkiv01.bo.example"}, time.Now().Add(-time.Minute)
		}).pair()},
	} {
		require.Error(t, speak(t, r.SyslogTLS(), "<38>must not arrive", with...), what)
	}
	events, _ := r.await(3, 0)
	from := map[string]int{}
	for _, e := range events {
		require.Equal(t, ecs.ProvenanceClientCert, e.Varde.Provenance)
		require.NotContains(t, e.Event.Original, "must not arrive")
		from[e.Varde.Source]++
	}
	require.Equal(t, map[string]int{"pinned": 1, "named": 1, unregistered: 1}, from)
}

// Who speaks no TLS, or nothing at all, holds up nobody else.
func TestSyslogOverTLSWithoutAHandshake(t *testing.T) {
	t.Parallel()
	dir, client := t.TempDir(), issue(t, "vpn01", nil, nil)
	serverCert, serverKey := issue(t, "collector", nil, nil).write(t, dir, "server")
	r := newRig(t, func(c *Config, _ *run.Deps) {
		c.SyslogTLS = TLS{Listen: "127.0.0.1:0", Certificate: serverCert, Key: serverKey}
	})
	r.sources.put(fact("bo", topics.KindSource, "pinned", topics.Source{Name: "VPN", Certificates: []string{topics.CertificateFingerprint(client.der)}}))
	for _, said := range []string{"", "<38>plain\n", "GET / HTTP/1.1\r\n\r\n"} {
		c, err := net.Dial("tcp", r.SyslogTLS())
		require.NoError(t, err)
		defer c.Close()
		_, err = c.Write([]byte(said))
		require.NoError(t, err)
	}
	require.NoError(t, speak(t, r.SyslogTLS(), "<38>"+text, client.pair()))

	// A renewed certificate is served without a restart; a broken file is not.
	renewed := issue(t, "renewed", nil, nil)
	renewed.write(t, dir, "server")
	shown := func() string {
		c, err := tls.Dial("tcp", r.SyslogTLS(), &tls.Config{InsecureSkipVerify: true, Certificates: []tls.Certificate{client.pair()}})
		require.NoError(t, err)
		defer c.Close()
		return c.ConnectionState().PeerCertificates[0].Subject.CommonName
	}
	require.Equal(t, "renewed", shown())
	require.NoError(t, os.WriteFile(serverCert, []byte("half a fi"), 0o600))
	require.Equal(t, "renewed", shown())
	r.await(1, 0)
}
