package mongo

import (
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"varde.internal/platform/docstore"
)

// where translates a query. Values stay values of BSON; only field names,
// whose form docstore has checked, become part of the query's structure.
func where(q docstore.Query) bson.D {
	n := node(q.Where)
	if q.Scope.System {
		return n
	}
	own := bson.D{{Key: "t", Value: q.Scope.Tenant}}
	if len(n) == 0 {
		return own
	}
	return bson.D{{Key: "$and", Value: bson.A{own, n}}}
}

func node(n docstore.Node) bson.D {
	switch n.Op {
	case docstore.OpAnd:
		return all("$and", n.Kids, bson.D{})
	case docstore.OpOr:
		return all("$or", n.Kids, bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: bson.A{}}}}})
	case docstore.OpNot:
		return bson.D{{Key: "$nor", Value: bson.A{node(n.Kids[0])}}}
	case docstore.OpIn:
		return bson.D{{Key: field(n.Path), Value: bson.D{{Key: "$in", Value: bson.A(n.Values)}}}}
	case docstore.OpExists:
		// $ne null would ask it of all elements of an array on the way.
		return bson.D{{Key: field(n.Path), Value: bson.D{{Key: "$type", Value: bson.A{"string", "double", "int", "long", "bool", "object", "array"}}}}}
	case docstore.OpPrefix:
		p, _ := n.Values[0].(string)
		b := docstore.Bounds{Gte: p}
		if end, ok := docstore.AfterPrefix(p); ok {
			b.Lt = end
		}
		return within(n.Path, b)
	default:
		return within(n.Path, n.Bounds)
	}
}

func all(op string, kids []docstore.Node, none bson.D) bson.D {
	if len(kids) == 0 {
		return none
	}
	list := bson.A{}
	for _, k := range kids {
		list = append(list, node(k))
	}
	return bson.D{{Key: op, Value: list}}
}

// within asks for one value inside the bounds. Over an array MongoDB would let
// different elements meet each bound, so those need $elemMatch.
func within(p docstore.Path, b docstore.Bounds) bson.D {
	var cond bson.D
	for _, end := range []struct {
		op string
		v  any
	}{{"$gte", b.Gte}, {"$gt", b.Gt}, {"$lte", b.Lte}, {"$lt", b.Lt}} {
		if end.v != nil {
			cond = append(cond, bson.E{Key: end.op, Value: end.v})
		}
	}
	plain := bson.D{{Key: field(p), Value: cond}}
	if len(cond) == 1 {
		return plain
	}
	element := bson.D{{Key: "$elemMatch", Value: cond}}
	if last := lastEach(p); last >= 0 {
		if rest := p.Steps[last+1:]; len(rest) > 0 {
			element = bson.D{{Key: "$elemMatch", Value: bson.D{{Key: names(rest), Value: cond}}}}
		}
		return bson.D{{Key: field(docstore.Path{Steps: p.Steps[:last+1]}), Value: element}}
	}
	if p.Kind != docstore.KindUnknown {
		return plain
	}
	return bson.D{{Key: "$or", Value: bson.A{
		bson.D{{Key: field(p), Value: element}},
		bson.D{{Key: "$and", Value: bson.A{plain,
			bson.D{{Key: field(p), Value: bson.D{{Key: "$not", Value: bson.D{{Key: "$type", Value: "array"}}}}}}}}},
	}}}
}

func lastEach(p docstore.Path) int {
	for i := len(p.Steps) - 1; i >= 0; i-- {
		if p.Steps[i].Each {
			return i
		}
	}
	return -1
}

func names(steps []docstore.Step) string {
	out := make([]string, len(steps))
	for i, s := range steps {
		out[i] = s.Name
	}
	return strings.Join(out, ".")
}

func field(p docstore.Path) string {
	switch p.Meta {
	case docstore.MetaID:
		return "i"
	case docstore.MetaTenant:
		return "t"
	case docstore.MetaUpdated:
		return "u"
	case docstore.MetaSchema:
		return "s"
	default:
		return "v." + names(p.Steps)
	}
}

func orderBy(keys []docstore.SortKey) bson.D {
	out := bson.D{}
	seen := map[string]bool{}
	add := func(f string, dir int) {
		if !seen[f] { // MongoDB refuses a key twice; the first decides anyway
			seen[f] = true
			out = append(out, bson.E{Key: f, Value: dir})
		}
	}
	for _, k := range keys {
		dir := 1
		if k.Desc {
			dir = -1
		}
		add(field(k.Path), dir)
	}
	add("t", 1)
	add("i", 1)
	return out
}
