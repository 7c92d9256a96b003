package deviation

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"varde.internal/platform/httpx/httpxtest"
	"varde.internal/schemas/gen/deviationapi"
)

// worked finds the number as a browser does.
func worked(t *testing.T, c Challenge) Proof {
	t.Helper()
	for n := range c.Tries {
		key, err := c.derive(n)
		require.NoError(t, err)
		if key == c.Key {
			return Proof{c, n}
		}
	}
	require.Fail(t, "a challenge without an answer")
	return Proof{}
}

func TestAProofIsOfAChallengeOfOurs_N7(t *testing.T) {
	t.Parallel()
	secret := []byte("challenge-challenge-challenge-ch")
	c, err := NewChallenge(secret, "bo", Work{Rounds: 10, Tries: 40}, t0)
	require.NoError(t, err)
	good := worked(t, c)
	ends, ok := good.Check(secret, "bo", t0)
	require.True(t, ok)
	require.Equal(t, t0.Add(proofLife).Unix(), ends.Unix())
	for name, change := range map[string]func(p *Proof){
		"another number":     func(p *Proof) { p.Number = (p.Number + 1) % p.Tries },
		"a number too large": func(p *Proof) { p.Number += p.Tries },
		"less than nothing":  func(p *Proof) { p.Number = -1 },
		"fewer rounds":       func(p *Proof) { p.Rounds = 1 },
		"another key":        func(p *Proof) { p.Key = strings.Repeat("0", 32) },
		"a later end":        func(p *Proof) { p.Nonce += "0" },
		"no signature":       func(p *Proof) { p.Signature = "" },
	} {
		p := good
		change(&p)
		_, ok := p.Check(secret, "bo", t0)
		require.False(t, ok, name)
	}
	_, ok = good.Check(secret, "lia", t0)
	require.False(t, ok, "of another municipality")
	_, ok = good.Check(secret, "bo", t0.Add(proofLife+time.Second))
	require.False(t, ok, "when it has ended")
	_, ok = good.Check([]byte("another"), "bo", t0)
	require.False(t, ok, "under another key")
}

// A flood uses up what is taken without a proof; who brings one still gets
// through, at once, and each proof takes one report.
func TestInAFloodAProofGetsAnHonestReportThrough_N7(t *testing.T) {
	t.Parallel()
	w := start(t, func(c *Config) {
		c.AnonymousBurst, c.AnonymousPerMinute = 10, 1
		c.ProvenBurst, c.ProvenPerMinute = 8, 1
		c.Work = Work{Rounds: 10, Tries: 20}
	})
	send := func(key string, proof *Proof) httpxtest.Response {
		body := submission(key)
		if proof != nil {
			body["proof"] = deviationapi.Proof{Nonce: proof.Nonce, Rounds: proof.Rounds, Tries: proof.Tries, Key: proof.Key, Signature: proof.Signature, Number: proof.Number}
		}
		return w.call("POST", "/v1/public/reports", "", body)
	}
	challenge := func() Challenge {
		got := httpxtest.Decode[deviationapi.Challenge](t, w.call("POST", "/v1/public/tenants/bo/challenges", "", nil))
		return Challenge{got.Nonce, got.Rounds, got.Tries, got.Key, got.Signature}
	}
	taken := 0
	for i := range 20 {
		r := send(fmt.Sprintf("flood%02d", i), nil)
		if r.Status == 201 {
			taken++
			continue
		}
		require.Equal(t, 429, r.Status)
		require.Equal(t, "proof-of-work-needed", r.Slug())
	}
	require.Equal(t, 5, taken, "half of the burst")

	proof := worked(t, challenge())
	require.Equal(t, 201, send("honest", &proof).Status)
	require.Equal(t, 201, send("honest", &proof).Status, "the same report again is the same report")
	require.Equal(t, "proof-of-work-needed", send("another", &proof).Slug(), "a proof takes one report")
	made := proof
	made.Signature = strings.Repeat("0", 64)
	require.Equal(t, "proof-of-work-needed", send("made-up", &made).Slug())

	// Signed in, nobody is asked for anything.
	require.Equal(t, 201, w.call("POST", "/v1/reports", w.token("person-employee"), submission("mine")).Status)

	// The more comes with proofs, the more each costs; in the end they wait too.
	first := challenge().Tries
	for i := range 7 {
		p := worked(t, challenge())
		require.Equal(t, 201, send(fmt.Sprintf("proven%02d", i), &p).Status)
	}
	require.Greater(t, challenge().Tries, first)
	p := worked(t, challenge())
	require.Equal(t, "too-many-reports", send("last", &p).Slug())
	w.clock.Move(10 * time.Minute)
	p = worked(t, challenge())
	require.Equal(t, 201, send("last", &p).Status)

	// Nothing of a proof is kept.
	for place, text := range w.everything() {
		require.NotContains(t, text, proof.Signature, place)
		require.NotContains(t, text, proof.Nonce, place)
	}
}

func TestAChallengeIsOfAKnownMunicipality(t *testing.T) {
	t.Parallel()
	w := start(t)
	require.Equal(t, 404, w.call("POST", "/v1/public/tenants/nowhere/challenges", "", nil).Status)
}
