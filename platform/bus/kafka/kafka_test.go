package kafka

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"go.uber.org/goleak"

	"varde.internal/platform/await"
	"varde.internal/platform/bus"
	"varde.internal/platform/bus/embedded"
	"varde.internal/platform/run/runtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestAddressesAreRead(t *testing.T) {
	t.Parallel()
	c, err := parseURL("kafka://user:p%40ss@one:1234,two,[::1]:99?tls=true&sasl=scram-sha-512&replication=3&segment=1048576")
	require.NoError(t, err)
	require.Equal(t, []string{"one:1234", "two:9092", "[::1]:99"}, c.brokers)
	require.NotNil(t, c.tls)
	require.Equal(t, "SCRAM-SHA-512", c.sasl.Name())
	require.Equal(t, 3, c.replication)
	require.Equal(t, 1<<20, c.segment)

	c, err = parseURL("kafka://localhost")
	require.NoError(t, err)
	require.Nil(t, c.sasl)
	require.Nil(t, c.tls)
	require.Equal(t, -1, c.replication)

	for _, bad := range []string{
		"", "http://x", "kafka://", "kafka://a,,b", "kafka://a?tls=maybe", "kafka://a?unknown=1",
		"kafka://u:secret@a?sasl=magic", "kafka://a?ca=/no/such/file", "kafka://u:secret@a?replication=x",
	} {
		_, err := parseURL(bad)
		require.Error(t, err, bad)
		require.NotContains(t, err.Error(), "secret", "an error never repeats the password")
	}
}

func TestTLSAndPasswords(t *testing.T) {
	t.Parallel()
	cert, ca := selfSigned(t)
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.TLS(&tls.Config{Certificates: []tls.Certificate{cert}}),
		kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-256", "one", "p1"), kfake.Superuser("SCRAM-SHA-512", "two", "p2"), kfake.Superuser("PLAIN", "three", "p3"))
	require.NoError(t, err)
	t.Cleanup(cluster.Close)
	host := cluster.ListenAddrs()[0]
	ready := func(user, pass, query string) error {
		b, err := Open("kafka://"+user+":"+pass+"@"+host+"?"+query, Options{Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
		require.NoError(t, err)
		defer func() { require.NoError(t, b.Close()) }()
		return b.Ready(t.Context())
	}
	trusted := "ca=" + url.QueryEscape(ca)
	require.NoError(t, ready("one", "p1", trusted))
	require.NoError(t, ready("two", "p2", trusted+"&sasl=scram-sha-512"))
	require.NoError(t, ready("three", "p3", trusted+"&sasl=plain"))
	require.Error(t, ready("one", "wrong", trusted))
	require.Error(t, ready("one", "p1", "tls=true"), "the system does not trust the certificate")
}

func selfSigned(t *testing.T) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, file
}

func TestOnlyWhatWasNotAcknowledgedIsSentAgain(t *testing.T) {
	t.Parallel()
	msgs := []kafkago.Message{{Key: []byte("a")}, {Key: []byte("b")}, {Key: []byte("c")}}
	rest, final := unsent(msgs, kafkago.WriteErrors{nil, kafkago.LeaderNotAvailable, io.ErrUnexpectedEOF})
	require.Equal(t, msgs[1:], rest)
	require.False(t, final)
	rest, final = unsent(msgs, errors.New("no connection"))
	require.Equal(t, msgs, rest)
	require.False(t, final)
	_, final = unsent(msgs, kafkago.WriteErrors{nil, kafkago.MessageSizeTooLarge, nil})
	require.True(t, final)
}

// A broker that goes away while messages are on their way is said in the log
// within seconds.
func TestPublishingThatWaitsIsSaid(t *testing.T) {
	t.Parallel()
	broker, err := embedded.Start(embedded.Options{Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	var text runtest.Log
	b, err := Open(broker.URL(), Options{Log: slog.New(slog.NewTextHandler(&text, nil))})
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	require.NoError(t, b.EnsureTopics(ctx, bus.TopicConfig{Name: "a", Partitions: 1, Retention: time.Hour}))
	require.NoError(t, b.Publish(ctx, "a", bus.Message{Value: []byte("one")}))
	require.NoError(t, broker.Close())
	waiting, giveUp := context.WithCancel(ctx)
	published := make(chan error, 1)
	go func() { published <- b.Publish(waiting, "a", bus.Message{Value: []byte("two")}) }()
	await.True(t, func() bool { return strings.Contains(text.String(), "publishing waits for the broker") })
	giveUp()
	require.ErrorIs(t, <-published, context.Canceled)
	require.NoError(t, b.Close())
}

func TestAClosedBusRefuses(t *testing.T) {
	t.Parallel()
	b, err := Open("kafka://127.0.0.1:1", Options{})
	require.NoError(t, err)
	require.NoError(t, b.Close())
	require.NoError(t, b.Close())
	require.ErrorIs(t, b.Publish(t.Context(), "a", bus.Message{}), errClosed)
	require.ErrorIs(t, b.Consume(t.Context(), "a", "g", bus.ConsumeOptions{}, nil), errClosed)
	require.ErrorIs(t, b.Follow(t.Context(), "a", nil, nil), errClosed)
}
