package sources

import (
	"context"

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
	out := sourcesapi.Activity{
		Source: a.Source, State: sourcesapi.ActivityState(a.State), LastReceived: a.LastReceived, LastEvent: a.LastEvent,
		Days: []sourcesapi.Day{}, Total: sourcesapi.Counts{Received: a.Total.Received, Unparsed: a.Total.Unparsed, Failed: a.Total.Failed, Bytes: a.Total.Bytes},
	}
	for i, t := range a.Days {
		out.Days = append(out.Days, sourcesapi.Day{Date: a.Dates[i], Received: t.Received, Unparsed: t.Unparsed, Failed: t.Failed, Bytes: t.Bytes})
	}
	return out
}
