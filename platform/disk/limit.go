package disk

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Limit is an amount of free space: "1GiB", "500MiB", or a share of the file
// system such as "5%". The zero value is no limit.
type Limit struct {
	bytes uint64
	share float64 // 0 to 1, where bytes is 0
}

// Bytes is a limit of n bytes.
func Bytes(n uint64) Limit { return Limit{bytes: n} }

var units = []struct {
	name string
	size uint64
}{{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}}

var errLimit = errors.New("must be an amount such as 5GiB or 500MiB, or a share such as 5%")

// UnmarshalText implements encoding.TextUnmarshaler.
func (l *Limit) UnmarshalText(text []byte) error {
	s := strings.TrimSpace(string(text))
	if number, ok := strings.CutSuffix(s, "%"); ok {
		share, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		if err != nil || !(share >= 0 && share < 100) {
			return errLimit
		}
		*l = Limit{share: share / 100}
		return nil
	}
	for _, u := range units {
		if number, ok := strings.CutSuffix(s, u.name); ok {
			n, err := strconv.ParseUint(strings.TrimSpace(number), 10, 32)
			if err != nil {
				return errLimit
			}
			*l = Limit{bytes: n * u.size}
			return nil
		}
	}
	if s == "0" || s == "" {
		*l = Limit{}
		return nil
	}
	return errLimit
}

// MarshalText gives the form that UnmarshalText reads.
func (l Limit) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// String is the form of a configuration.
func (l Limit) String() string {
	if l.share > 0 {
		return strconv.FormatFloat(l.share*100, 'f', -1, 64) + "%"
	}
	return amount(l.bytes)
}

// of is the limit in bytes for a file system of the size.
func (l Limit) of(size uint64) uint64 {
	if l.share > 0 {
		return uint64(l.share * float64(size))
	}
	return l.bytes
}

// amount writes bytes in the largest unit that divides them.
func amount(n uint64) string {
	if n == 0 {
		return "0"
	}
	for _, u := range units {
		if n%u.size == 0 {
			return fmt.Sprint(n/u.size, u.name)
		}
	}
	return fmt.Sprint(n, "B")
}

// about writes bytes for people.
func about(n uint64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	default:
		return fmt.Sprintf("%d MiB", n>>20)
	}
}
