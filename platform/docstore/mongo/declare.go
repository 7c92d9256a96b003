package mongo

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"varde.internal/platform/docstore"
)

// codeNamespaceNotFound is MongoDB's answer about a collection that does not
// exist yet.
const codeNamespaceNotFound = 26

// Declare implements docstore.Backend. Indexes are named by what they are, so a
// changed declaration makes a new one and drops the old; those that others
// made are left alone.
func (s *Store) Declare(ctx context.Context, schema docstore.Schema) error {
	if s.isDeclared(schema) {
		return nil
	}
	view := s.db.Collection(schema.Name).Indexes()
	wanted := indexes(schema)
	existing, err := view.ListSpecifications(ctx)
	if e := (mongo.CommandError{}); errors.As(err, &e) && e.Code == codeNamespaceNotFound {
		err = nil
	}
	if err != nil {
		return failed(ctx, err)
	}
	var old []string
	for _, spec := range existing {
		if _, keep := wanted[spec.Name]; keep {
			delete(wanted, spec.Name)
		} else if strings.HasPrefix(spec.Name, "x_") {
			old = append(old, spec.Name)
		}
	}
	models := make([]mongo.IndexModel, 0, len(wanted))
	for _, m := range wanted {
		models = append(models, m)
	}
	if len(models) > 0 {
		if _, err := view.CreateMany(ctx, models); err != nil {
			return failed(ctx, err)
		}
	}
	for _, name := range old {
		if err := view.DropOne(ctx, name); err != nil {
			return failed(ctx, err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.declared[schema.Name] = schema
	return nil
}

func indexes(schema docstore.Schema) map[string]mongo.IndexModel {
	out := map[string]mongo.IndexModel{}
	add := func(keys bson.D, partial bson.D, unique bool) {
		opt := options.Index()
		if unique {
			opt.SetUnique(true)
		}
		if len(partial) > 0 {
			opt.SetPartialFilterExpression(partial)
		}
		sum := sha256.Sum256(fmt.Appendf(nil, "%v %v %t", keys, partial, unique))
		name := "x_" + hex.EncodeToString(sum[:8])
		out[name] = mongo.IndexModel{Keys: keys, Options: opt.SetName(name)}
	}
	add(bson.D{{Key: "p.at", Value: 1}}, nil, false)
	add(bson.D{{Key: "t", Value: 1}, {Key: "i", Value: 1}}, nil, false)
	add(bson.D{{Key: "i", Value: 1}}, nil, false)
	for _, ix := range schema.Indexes {
		add(keysOf(ix), partialOf(ix), ix.Unique)
	}
	return out
}

// keysOf leaves out a second array: MongoDB cannot index two in one index.
func keysOf(ix docstore.SchemaIndex) bson.D {
	keys := bson.D{{Key: "t", Value: 1}}
	arrays := 0
	for _, p := range ix.Paths {
		if p.ThroughArray() {
			if arrays++; arrays > 1 {
				continue
			}
		}
		keys = append(keys, bson.E{Key: field(p), Value: 1})
	}
	return keys
}

func partialOf(ix docstore.SchemaIndex) bson.D {
	var out bson.D
	seen := map[string]bool{}
	for _, e := range ix.Where {
		if f := field(e.Path); !seen[f] {
			seen[f] = true
			out = append(out, bson.E{Key: f, Value: e.Value})
		}
	}
	if !ix.Unique {
		return out
	}
	for _, p := range ix.Paths { // binds documents that have all fields
		if f := field(p); !seen[f] {
			seen[f] = true
			out = append(out, bson.E{Key: f, Value: bson.D{{Key: "$type", Value: typeName(p.Kind)}}})
		}
	}
	return out
}

func typeName(k docstore.Kind) string {
	switch k {
	case docstore.KindNumber:
		return "number"
	case docstore.KindBool:
		return "bool"
	default:
		return "string"
	}
}
