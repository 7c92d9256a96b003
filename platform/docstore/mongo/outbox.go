package mongo

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"varde.internal/platform/docstore"
)

const leases = "docstore_leases"

func entries(r docstore.Record) ([]storedEntry, error) {
	var out []storedEntry
	for _, m := range r.Pending {
		raw, err := json.Marshal(m.Message)
		if err != nil {
			return nil, err
		}
		out = append(out, storedEntry{Seq: m.Seq, At: r.Updated, Topic: m.Topic, Message: string(raw)})
	}
	return out, nil
}

// Pending implements docstore.Backend. The condition and the order are on one
// field, so that its index gives the oldest first without a sort.
func (s *Store) Pending(ctx context.Context, collection string, limit int) ([]docstore.PendingDoc, error) {
	cur, err := s.db.Collection(collection).Find(ctx, bson.D{{Key: "p.at", Value: bson.D{{Key: "$gt", Value: ""}}}},
		options.Find().SetSort(bson.D{{Key: "p.at", Value: 1}}).SetLimit(int64(limit)).
			SetProjection(bson.D{{Key: "t", Value: 1}, {Key: "i", Value: 1}, {Key: "p", Value: 1}}))
	if err != nil {
		return nil, failed(ctx, err)
	}
	var docs []stored
	if err := cur.All(ctx, &docs); err != nil {
		return nil, failed(ctx, err)
	}
	out := make([]docstore.PendingDoc, 0, len(docs))
	for _, d := range docs {
		p := docstore.PendingDoc{Tenant: d.Tenant, ID: d.ID}
		for _, e := range d.Pending {
			m := docstore.PendingMessage{Seq: e.Seq, Topic: e.Topic}
			if err := json.Unmarshal([]byte(e.Message), &m.Message); err != nil {
				return nil, err
			}
			p.Messages = append(p.Messages, m)
		}
		out = append(out, p)
	}
	return out, nil
}

// ClearPending implements docstore.Backend.
func (s *Store) ClearPending(ctx context.Context, collection, tenant, id string, seq int64) error {
	_, err := s.db.Collection(collection).UpdateOne(ctx, bson.D{{Key: "_id", Value: key(tenant, id)}},
		bson.D{{Key: "$pull", Value: bson.D{{Key: "p", Value: bson.D{{Key: "n", Value: bson.D{{Key: "$lte", Value: seq}}}}}}}})
	return failed(ctx, err)
}

// Lease implements docstore.Backend. Times are this process's: clocks of the
// processes must agree to within a second or so. Where they do not, two relays
// may run at once, and messages leave twice.
func (s *Store) Lease(ctx context.Context, name, holder string, ttl time.Duration) (bool, error) {
	now := time.Now()
	_, err := s.db.Collection(leases).UpdateOne(ctx,
		bson.D{{Key: "_id", Value: name}, {Key: "$or", Value: bson.A{
			bson.D{{Key: "holder", Value: holder}},
			bson.D{{Key: "expires", Value: bson.D{{Key: "$lt", Value: now.UnixMilli()}}}},
		}}},
		bson.D{{Key: "$set", Value: bson.D{{Key: "holder", Value: holder}, {Key: "expires", Value: now.Add(ttl).UnixMilli()}}}},
		options.UpdateOne().SetUpsert(true))
	if err = failed(ctx, err); errors.Is(err, docstore.ErrExists) {
		return false, nil // another holds it: the upsert met its document
	}
	return err == nil, err
}

// Release implements docstore.Backend.
func (s *Store) Release(ctx context.Context, name, holder string) error {
	_, err := s.db.Collection(leases).DeleteOne(ctx, bson.D{{Key: "_id", Value: name}, {Key: "holder", Value: holder}})
	return failed(ctx, err)
}
