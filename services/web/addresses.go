package web

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"varde.internal/platform/problem"
	webhttp "varde.internal/services/web/http"
)

var errFlood = problem.New(problem.KindTooMany, "too-many-from-here", "More is sent from your network than can be taken right now. What you wrote is not lost: try again in a minute.")

// AddressBounds hold what one address may send without sign-in (N7), so that
// one flooding address makes nobody else wait. Zero rates are off.
type AddressBounds struct {
	// Words: reports, messages and receipt codes.
	WordsPerMinute float64 `yaml:"wordsPerMinute" env:"WORDS_PER_MINUTE"`
	WordsBurst     int     `yaml:"wordsBurst" env:"WORDS_BURST"`
	// Files: places for files, and the files.
	FilesPerMinute float64 `yaml:"filesPerMinute" env:"FILES_PER_MINUTE"`
	FilesBurst     int     `yaml:"filesBurst" env:"FILES_BURST"`
}

// maxAddresses is how many are known before those that sent nothing lately go;
// sweepEvery how often these go anyway.
const (
	maxAddresses = 20_000
	sweepEvery   = time.Minute
)

// addresses bounds what each address sends. An address is known by a hash under
// a key of this process alone, in memory alone, and no longer than it is near
// its bound: nothing of it is logged, stored or passed on. Safe for concurrent use.
type addresses struct {
	bounds  AddressBounds
	trusted []netip.Prefix
	clock   func() time.Time
	warn    func() // once: somebody forwards who is not trusted to

	key [32]byte

	mu    sync.Mutex
	known map[[32]byte]*sender
	swept time.Time
}

// sender is what one address has left.
type sender struct{ words, files *rate.Limiter }

func newAddresses(bounds AddressBounds, trusted []string, clock func() time.Time, warn func()) (*addresses, error) {
	a := &addresses{bounds: bounds, clock: clock, warn: sync.OnceFunc(warn), known: map[[32]byte]*sender{}}
	_, _ = rand.Read(a.key[:])
	for _, text := range trusted {
		p, err := readPrefix(text)
		if err != nil {
			return nil, err
		}
		a.trusted = append(a.trusted, p)
	}
	return a, nil
}

// readPrefix reads a network ("10.1.0.0/16") or one address.
func readPrefix(text string) (netip.Prefix, error) {
	if p, err := netip.ParsePrefix(text); err == nil {
		return p.Masked(), nil
	}
	ip, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Prefix{}, errors.New("web.trustedProxies: a network such as 10.1.0.0/16, or one address")
	}
	ip = ip.Unmap()
	return netip.PrefixFrom(ip, ip.BitLen()), nil
}

func (a *addresses) trusts(ip netip.Addr) bool {
	for _, p := range a.trusted {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}

// client is the address a request came from: the peer's, or where that is a
// trusted proxy, the last one of X-Forwarded-For that is not one. ok is false
// where it is not known: behind a proxy nobody configured (it forwards, or is
// this machine), all people would share one bound.
func (a *addresses) client(peer netip.Addr, forwarded string) (ip netip.Addr, ok bool) {
	ip = peer.Unmap()
	if !a.trusts(ip) {
		if forwarded != "" && len(a.trusted) == 0 {
			return ip, false
		}
		return ip, ip.IsValid() && !ip.IsLoopback()
	}
	hops := strings.Split(forwarded, ",")
	for i := len(hops) - 1; i >= 0; i-- {
		hop := strings.TrimSpace(hops[i])
		if p, err := netip.ParseAddrPort(hop); err == nil {
			hop = p.Addr().String()
		}
		next, err := netip.ParseAddr(strings.Trim(hop, "[]"))
		if err != nil {
			return ip, false
		}
		if ip = next.Unmap(); !a.trusts(ip) {
			return ip, true
		}
	}
	return ip, false
}

// notice warns once where a proxy forwards that nobody configured. It is told
// of requests of people who are known alone: a line in the log at the time of a
// reporter's would date it.
func (a *addresses) notice(forwarded string) {
	if forwarded != "" && len(a.trusted) == 0 {
		a.warn()
	}
}

// keyOf is what an address is known by. Of IPv6 it is the /64, which is what a
// household or a machine is given whole.
func (a *addresses) keyOf(ip netip.Addr) (key [32]byte) {
	bits := ip.BitLen()
	if ip.Is6() {
		bits = 64
	}
	p, _ := ip.WithZone("").Prefix(bits)
	h := hmac.New(sha256.New, a.key[:])
	b := p.Addr().As16()
	h.Write(b[:])
	h.Sum(key[:0])
	return key
}

// admit refuses what goes beyond the bound of its address.
func (a *addresses) admit(kind sending, peer netip.Addr, forwarded string) error {
	if kind == sendsNothing {
		return nil
	}
	ip, ok := a.client(peer, forwarded)
	if !ok {
		return nil
	}
	key, now := a.keyOf(ip), a.clock()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sweep(now)
	s := a.known[key]
	if s == nil {
		s = &sender{limiter(a.bounds.WordsPerMinute, a.bounds.WordsBurst), limiter(a.bounds.FilesPerMinute, a.bounds.FilesBurst)}
		a.known[key] = s
	}
	l := s.words
	if kind == sendsFiles {
		l = s.files
	}
	if !l.AllowN(now, 1) {
		return errFlood
	}
	return nil
}

func limiter(perMinute float64, burst int) *rate.Limiter {
	if perMinute <= 0 {
		return rate.NewLimiter(rate.Inf, 1)
	}
	return rate.NewLimiter(rate.Limit(perMinute/60), burst)
}

// sweep forgets who has sent nothing for long enough to have all left; called
// with the lock.
func (a *addresses) sweep(now time.Time) {
	if len(a.known) < maxAddresses && now.Sub(a.swept) < sweepEvery {
		return
	}
	a.swept = now
	rested := func(l *rate.Limiter) bool { return l.Limit() == rate.Inf || l.TokensAt(now) >= float64(l.Burst()) }
	for key, s := range a.known {
		if rested(s.words) && rested(s.files) {
			delete(a.known, key)
		}
	}
	if len(a.known) >= maxAddresses {
		clear(a.known) // so many at once are no longer told apart by their bounds
	}
}

// sending is what a request sends without sign-in.
type sending int

const (
	sendsNothing sending = iota
	sendsWords
	sendsFiles
)

// sendingOf says what a request to a public path sends.
func sendingOf(method string, t webhttp.Target) sending {
	switch {
	case !t.Public || !unsafeMethod(method):
		return sendsNothing
	case strings.HasPrefix(t.Path, "/v1/public/drafts"), strings.HasPrefix(t.Path, "/v1/public/attachments"):
		return sendsFiles
	default:
		return sendsWords
	}
}
