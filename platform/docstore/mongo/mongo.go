// Package mongo keeps docstore collections in MongoDB: the production store. A
// write returns when a majority of the replica set has it in its journal. It
// uses no transaction over documents, change stream, script or text index.
//
// A document is stored as
//
//	{_id: "TENANT/ID", t: tenant, i: id, n: version, s: schema, u: updated,
//	 v: {the value}, p: [{n: seq, at: time, topic, m: message as JSON}]}
//
// with p its outbox. Names in v that MongoDB cannot have (with '.', '$', NUL, or
// empty) are escaped with '~'.
package mongo

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"strings"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"

	"varde.internal/platform/docstore"
)

// Store is a connection to a database. It implements docstore.Store.
type Store struct {
	client  *mongo.Client
	db      *mongo.Database
	signals docstore.Signals

	mu       sync.Mutex
	declared map[string]docstore.Schema
}

var _ docstore.Store = (*Store)(nil)

// operationTimeout bounds a call whose context has no deadline of its own.
const operationTimeout = 30 * time.Second

// Open prepares a connection to a mongodb:// or mongodb+srv:// URL, whose path
// names the database ("varde" without one). It does not wait for the server:
// Ready tells whether that answers.
func Open(_ context.Context, rawURL string) (*Store, error) {
	u, err := url.Parse(rawURL)
	if err != nil || (u.Scheme != "mongodb" && u.Scheme != "mongodb+srv") {
		return nil, errors.New("docstore: no mongodb:// address") // it may hold a password: not shown
	}
	journal := true
	client, err := mongo.Connect(options.Client().ApplyURI(rawURL).
		SetWriteConcern(&writeconcern.WriteConcern{W: writeconcern.WCMajority, Journal: &journal}).
		SetRetryWrites(true).SetRetryReads(true).
		SetServerSelectionTimeout(10 * time.Second).SetTimeout(operationTimeout).
		SetAppName("varde"))
	if err != nil {
		return nil, fmt.Errorf("docstore: %w", err)
	}
	name := strings.Trim(u.Path, "/")
	if name == "" {
		name = "varde"
	}
	return &Store{client: client, db: client.Database(name), declared: map[string]docstore.Schema{}}, nil
}

// Ready says whether the server answers.
func (s *Store) Ready(ctx context.Context) error {
	if err := s.client.Ping(ctx, nil); err != nil {
		return failed(ctx, err)
	}
	return nil
}

// Close ends the connection.
func (s *Store) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return s.client.Disconnect(ctx)
}

// Signals tells this process's relays of its writes.
func (s *Store) Signals() *docstore.Signals { return &s.signals }

// failed maps the driver's errors; where the context has ended, that is why.
func failed(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case mongo.IsDuplicateKeyError(err):
		return docstore.ErrExists
	case ctx.Err() != nil && !errors.Is(err, ctx.Err()):
		return fmt.Errorf("%w (%w)", ctx.Err(), err)
	default:
		return err
	}
}

func key(tenant, id string) string { return tenant + "/" + id }

// stored is a document as it lies in MongoDB.
type stored struct {
	Key     string        `bson:"_id"`
	Tenant  string        `bson:"t"`
	ID      string        `bson:"i"`
	Version int64         `bson:"n"`
	Schema  int           `bson:"s"`
	Updated string        `bson:"u"`
	Value   bson.D        `bson:"v"`
	Pending []storedEntry `bson:"p,omitempty"`
}

type storedEntry struct {
	Seq     int64  `bson:"n"`
	At      string `bson:"at"`
	Topic   string `bson:"topic"`
	Message string `bson:"m"`
}

func (d stored) record() (docstore.Record, error) {
	raw, err := toJSON(d.Value)
	return docstore.Record{Tenant: d.Tenant, ID: d.ID, Version: d.Version, Schema: d.Schema, Updated: d.Updated, Doc: raw}, err
}

// Insert implements docstore.Backend.
func (s *Store) Insert(ctx context.Context, collection string, r docstore.Record) error {
	value, err := fromJSON(r.Doc)
	if err != nil {
		return err
	}
	pending, err := entries(r)
	if err != nil {
		return err
	}
	_, err = s.db.Collection(collection).InsertOne(ctx, stored{
		Key: key(r.Tenant, r.ID), Tenant: r.Tenant, ID: r.ID, Version: r.Version,
		Schema: r.Schema, Updated: r.Updated, Value: value, Pending: pending,
	})
	return failed(ctx, err)
}

var withoutPending = bson.D{{Key: "p", Value: 0}}

// Get implements docstore.Backend.
func (s *Store) Get(ctx context.Context, collection string, scope docstore.Scope, id string) (docstore.Record, error) {
	filter := bson.D{{Key: "_id", Value: key(scope.Tenant, id)}}
	if scope.System {
		filter = bson.D{{Key: "i", Value: id}}
	}
	found, err := s.records(ctx, collection, filter, options.Find().SetLimit(2))
	switch {
	case err != nil:
		return docstore.Record{}, err
	case len(found) == 0:
		return docstore.Record{}, docstore.ErrNotFound
	case len(found) > 1:
		return docstore.Record{}, docstore.ErrAmbiguous
	default:
		return found[0], nil
	}
}

func (s *Store) records(ctx context.Context, collection string, filter any, opt *options.FindOptionsBuilder) ([]docstore.Record, error) {
	cur, err := s.db.Collection(collection).Find(ctx, filter, opt.SetProjection(withoutPending))
	if err != nil {
		return nil, failed(ctx, err)
	}
	var docs []stored
	if err := cur.All(ctx, &docs); err != nil {
		return nil, failed(ctx, err)
	}
	out := make([]docstore.Record, 0, len(docs))
	for _, d := range docs {
		r, err := d.record()
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

// Replace implements docstore.Backend.
func (s *Store) Replace(ctx context.Context, collection string, r docstore.Record) error {
	value, err := fromJSON(r.Doc)
	if err != nil {
		return err
	}
	pending, err := entries(r)
	if err != nil {
		return err
	}
	update := bson.D{{Key: "$set", Value: bson.D{
		{Key: "v", Value: value}, {Key: "n", Value: r.Version}, {Key: "s", Value: r.Schema}, {Key: "u", Value: r.Updated},
	}}}
	if len(pending) > 0 {
		update = append(update, bson.E{Key: "$push", Value: bson.D{{Key: "p", Value: bson.D{{Key: "$each", Value: pending}}}}})
	}
	id := key(r.Tenant, r.ID)
	res, err := s.db.Collection(collection).UpdateOne(ctx, bson.D{{Key: "_id", Value: id}, {Key: "n", Value: r.Version - 1}}, update)
	if err != nil {
		return failed(ctx, err)
	}
	if res.MatchedCount == 0 {
		return s.absentOr(ctx, collection, id, docstore.ErrConflict)
	}
	return nil
}

// absentOr tells why a conditional write matched nothing.
func (s *Store) absentOr(ctx context.Context, collection, id string, other error) error {
	err := s.db.Collection(collection).FindOne(ctx, bson.D{{Key: "_id", Value: id}},
		options.FindOne().SetProjection(bson.D{{Key: "_id", Value: 1}})).Err()
	switch {
	case errors.Is(err, mongo.ErrNoDocuments):
		return docstore.ErrNotFound
	case err != nil:
		return failed(ctx, err)
	default:
		return other
	}
}

// Delete implements docstore.Backend.
func (s *Store) Delete(ctx context.Context, collection, tenant, id string) error {
	k := key(tenant, id)
	res, err := s.db.Collection(collection).DeleteOne(ctx, bson.D{{Key: "_id", Value: k}, {Key: "p.0", Value: bson.D{{Key: "$exists", Value: false}}}})
	if err != nil {
		return failed(ctx, err)
	}
	if res.DeletedCount == 0 {
		return s.absentOr(ctx, collection, k, docstore.ErrPending)
	}
	return nil
}

// Find implements docstore.Backend.
func (s *Store) Find(ctx context.Context, collection string, q docstore.Query) ([]docstore.Record, error) {
	return s.records(ctx, collection, where(q), options.Find().SetSort(orderBy(q.Sort)).SetLimit(int64(q.Limit)))
}

// Count implements docstore.Backend.
func (s *Store) Count(ctx context.Context, collection string, q docstore.Query) (int, error) {
	n, err := s.db.Collection(collection).CountDocuments(ctx, where(q))
	return int(n), failed(ctx, err)
}

// GroupCount implements docstore.Backend.
func (s *Store) GroupCount(ctx context.Context, collection string, q docstore.Query, path docstore.Path) ([]docstore.Group, error) {
	stages := mongo.Pipeline{{{Key: "$match", Value: where(q)}}}
	for i, step := range path.Steps {
		if step.Each {
			stages = append(stages, bson.D{{Key: "$unwind", Value: "$" + field(docstore.Path{Steps: path.Steps[:i+1]})}})
		}
	}
	stages = append(stages, bson.D{{Key: "$group", Value: bson.D{
		{Key: "_id", Value: "$" + field(path)}, {Key: "c", Value: bson.D{{Key: "$sum", Value: 1}}},
	}}})
	cur, err := s.db.Collection(collection).Aggregate(ctx, stages)
	if err != nil {
		return nil, failed(ctx, err)
	}
	var rows []struct {
		Value any   `bson:"_id"`
		Count int64 `bson:"c"`
	}
	if err := cur.All(ctx, &rows); err != nil {
		return nil, failed(ctx, err)
	}
	counts := map[any]int{} // absent and null are one group
	for _, r := range rows {
		if n, ok := r.Value.(int32); ok {
			r.Value = int64(n)
		}
		counts[r.Value] += int(r.Count)
	}
	out := make([]docstore.Group, 0, len(counts))
	for v, n := range counts {
		out = append(out, docstore.Group{Value: v, Count: n})
	}
	return out, nil
}

func (s *Store) isDeclared(schema docstore.Schema) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	known, ok := s.declared[schema.Name]
	return ok && reflect.DeepEqual(known, schema)
}
