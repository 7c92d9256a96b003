package collector

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"varde.internal/schemas/topics"
)

func TestAReplayMovesTimesAndDoublesNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	at := time.Now().Add(-30 * 24 * time.Hour).UTC().Truncate(time.Second)
	file := at.Format(time.RFC3339) + " arkiv01 sshd[7]: line 0\n\n" + at.Add(time.Second).Format("Jan _2 15:04:05") + " arkiv01 sshd[7]: line 1\n<999>broken"
	replay := func(shift time.Duration) Replayed {
		done, err := Replay(t.Context(), r.deps, Default(), ReplayFile{
			Source: Source{ID: "replayed", Tenant: "bo", Source: topics.Source{TimeZone: "UTC"}}, Name: "capture/arkiv01.log",
			Open:   func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(file)), nil },
			ReadAt: at.Add(time.Minute), Shift: shift,
		})
		require.NoError(t, err)
		return done
	}
	require.Equal(t, Replayed{Events: 2, Dead: 1}, replay(29*24*time.Hour))
	require.Equal(t, Replayed{Events: 2, Dead: 1}, replay(29*24*time.Hour))
	events, failed := r.await(4, 2)
	require.Equal(t, failed[0].ID, failed[1].ID)
	for i := range 2 {
		require.Equal(t, at.Add(29*24*time.Hour+time.Duration(i)*time.Second), events[i].Timestamp)
		require.True(t, strings.HasPrefix(events[i].Event.Original, strings.SplitN(events[i].Event.Original, " arkiv01", 2)[0]))
	}
	ids := map[string]int{}
	for _, e := range events {
		ids[e.Event.ID]++
		require.Contains(t, e.Event.Original, at.Add(29*24*time.Hour).Format("02"))
	}
	require.Len(t, ids, 2)
	replay(28 * 24 * time.Hour)
	events, _ = r.await(6, 3)
	require.NotContains(t, ids, events[4].Event.ID, "other lines are other events")
}
