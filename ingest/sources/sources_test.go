package sources

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var oslo = func() *time.Location {
	l, err := time.LoadLocation("Europe/Oslo")
	if err != nil {
		panic(err)
	}
	return l
}()

// Whatever is delivered again, each message counts once.
func TestADayCountsEachMessageOnce(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC)
	var all []Arrival
	for offset := range 100 {
		all = append(all, Arrival{Source: "vpn", Received: at.Add(time.Duration(offset) * time.Second), Event: at, Size: 3, Offset: int64(offset)})
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		var d Day
		for committed := 0; committed < len(all); {
			end := min(committed+1+random.IntN(30), len(all))
			d.add("events/0", all[committed:end], oslo)
			if random.IntN(3) > 0 { // else the process ends before the batch is committed
				committed = end
			}
		}
		d.add("events/1", all[:1], oslo)
		got := d.Sources["vpn"]
		require.EqualValues(t, 101, got.Received)
		require.EqualValues(t, 303, got.Bytes)
		require.EqualValues(t, 101, got.Hours[10], "the hour of the municipality's clock")
		require.Equal(t, at.Add(99*time.Second), got.LastReceived)
	}
}

func TestDatesAreThoseOfTheClockOnTheWall(t *testing.T) {
	t.Parallel()
	// 23:30 UTC is half past midnight, the day after the clock was set back.
	require.Equal(t, []string{"2026-10-24", "2026-10-25", "2026-10-26"}, dates(time.Date(2026, 10, 25, 23, 30, 0, 0, time.UTC), oslo, 3))
}

// A clock that is years ahead does not make a source look alive for years.
func TestTheLatestTimeTheLinesTellIsNoneOfTheFuture(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC)
	var v Tally
	v.add(Arrival{Received: at, Event: at.Add(-time.Hour)}, oslo)
	v.add(Arrival{Received: at, Event: at.AddDate(3, 0, 0)}, oslo)
	require.Equal(t, at.Add(-time.Hour), v.LastEvent)
}
