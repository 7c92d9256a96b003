package sources

import (
	"context"
	"time"

	"varde.internal/schemas/gen/sourcesapi"
)

// api is the use cases in the types of the contract.
type api struct{ s *Service }

func (a api) ListActivity(ctx context.Context, days, limit int, after string) (sourcesapi.ActivityPage, error) {
	list, next, err := a.s.Activities(ctx, days, limit, after)
	out := sourcesapi.ActivityPage{Items: []sourcesapi.Activity{}, Next: next}
	for _, one := range list {
		out.Items = append(out.Items, activity(one))
	}
	return out, err
}

func (a api) GetActivity(ctx context.Context, source string, days int) (sourcesapi.Activity, error) {
	one, err := a.s.Activity(ctx, source, days)
	return activity(one), err
}

func activity(a Activity) sourcesapi.Activity {
	total := counts(a.Total)
	out := sourcesapi.Activity{
		Source: a.Source, State: sourcesapi.ActivityState(a.State), LastReceived: a.LastReceived, LastEvent: a.LastEvent,
		ExpectedSeconds: seconds(a.Expected), ExpectedDefault: a.Standards, SuggestedSeconds: seconds(a.Suggested),
		SlowedNow: a.SlowedNow, LastSlowed: a.Total.LastSlowed, Days: []sourcesapi.Day{}, Total: total,
	}
	if a.Silence != nil {
		out.Silence = sourcesapi.Silence{Since: a.Silence.Since, Raised: a.Silence.Raised}
	}
	for i, t := range a.Days {
		c := counts(t)
		out.Days = append(out.Days, sourcesapi.Day{Date: a.Dates[i], Received: c.Received, Unparsed: c.Unparsed, Failed: c.Failed, Bytes: c.Bytes,
			SlowedSeconds: c.SlowedSeconds, Refused: c.Refused, Dropped: c.Dropped})
	}
	return out
}

func counts(t Tally) sourcesapi.Counts {
	return sourcesapi.Counts{Received: t.Received, Unparsed: t.Unparsed, Failed: t.Failed, Bytes: t.Bytes,
		SlowedSeconds: (t.Slowed.Milliseconds + 999) / 1000, Refused: t.Slowed.Refused, Dropped: t.Slowed.Dropped}
}

func seconds(d time.Duration) int64 { return int64(d / time.Second) }
