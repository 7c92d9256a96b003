package register_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"varde.internal/platform/auth"
	"varde.internal/platform/await"
	"varde.internal/platform/bus"
	"varde.internal/platform/httpx/httpxtest"
	"varde.internal/schemas/topics"
	"varde.internal/services/register"
)

// checked stands for the parsers, which no service imports: the rules of a
// mapping are tested with them, in ingest/parse and test/e2e.
func checked(text string) []register.MappingFault {
	if strings.Contains(text, "broken") {
		return []register.MappingFault{{Line: 2, Text: "this is broken"}}
	}
	return nil
}

func (r *rig) source(id, token string) (item object, history []any) {
	r.t.Helper()
	var out struct {
		Item    object `json:"item"`
		History []any  `json:"history"`
	}
	res := r.call("GET", "/v1/sources/"+id, token, nil)
	require.Equal(r.t, 200, res.Status, string(res.Body))
	require.NoError(r.t, json.Unmarshal(res.Body, &out))
	return out.Item, out.History
}

func TestASourceKeepsItsMappingsInItsHistory_R36(t *testing.T) {
	t.Parallel()
	r := start(t)
	admin := r.token("adm", auth.RoleAdministrator)
	create := r.call("POST", "/v1/sources", admin, object{"data": object{"name": "Sakarkiv", "kind": "bulk", "mapping": "version: 1\n"}})
	require.Equal(t, 201, create.Status, string(create.Body))
	var created struct {
		Item struct {
			ID   string `json:"id"`
			Data object `json:"data"`
		} `json:"item"`
	}
	require.NoError(t, json.Unmarshal(create.Body, &created))
	first, _ := created.Item.Data["mappingId"].(string)
	require.NotEmpty(t, first)
	require.NotContains(t, created.Item.Data, "mapping", "a list of sources does not carry their mappings")

	// A change that brings the id keeps the mapping, another text is another one.
	path := "/v1/sources/" + created.Item.ID
	require.Equal(t, 200, r.call("PUT", path, admin, object{"data": object{"name": "Arkiv", "kind": "bulk", "mappingId": first}}).Status)
	require.Equal(t, 200, r.call("PUT", path, admin, object{"data": object{"name": "Arkiv", "kind": "bulk", "mapping": "version: 1 # second\n"}}).Status)
	item, history := r.source(created.Item.ID, admin)
	second, _ := item["data"].(object)["mappingId"].(string)
	require.NotEqual(t, first, second)
	require.Len(t, history, 3)
	require.Equal(t, first, history[2].(object)["data"].(object)["mappingId"])

	for id, text := range map[string]string{first: "version: 1\n", second: "version: 1 # second\n"} {
		res := r.call("GET", "/v1/mappings/"+id, admin, nil)
		require.Equal(t, 200, res.Status, string(res.Body))
		var m object
		require.NoError(t, json.Unmarshal(res.Body, &m))
		require.Equal(t, text, m["text"])
	}
	// The first again is the same one, not a copy.
	require.Equal(t, 200, r.call("PUT", path, admin, object{"data": object{"name": "Arkiv", "kind": "bulk", "mapping": "version: 1\n"}}).Status)
	item, _ = r.source(created.Item.ID, admin)
	require.Equal(t, first, item["data"].(object)["mappingId"])
	r.published(first, second)
}

// published waits until the topic has these mappings.
func (r *rig) published(ids ...string) {
	r.t.Helper()
	ctx, cancel := context.WithCancel(r.t.Context())
	defer cancel()
	got := make(chan string, 100)
	go func() {
		_ = r.bus.Follow(ctx, bus.TopicRegister, func(_ context.Context, batch []bus.Message) error {
			for _, m := range batch {
				var f topics.Fact
				if json.Unmarshal(m.Value, &f) == nil && f.Kind == topics.KindMapping {
					select {
					case got <- f.ID:
					default:
					}
				}
			}
			return nil
		}, func() {})
	}()
	want := map[string]bool{}
	for _, id := range ids {
		want[id] = true
	}
	await.True(r.t, func() bool {
		for {
			select {
			case id := <-got:
				delete(want, id)
			default:
				return len(want) == 0
			}
		}
	})
}

func TestABrokenMappingIsRefused_R36(t *testing.T) {
	t.Parallel()
	r := start(t)
	admin := r.token("adm", auth.RoleAdministrator)
	for _, data := range []object{
		{"name": "x", "kind": "bulk", "mapping": "broken"},
		{"name": "x", "kind": "bulk", "mapping": strings.Repeat("æ", topics.MaxMapping/2+1)},
		{"name": "x", "kind": "bulk", "mapping": strings.Repeat("x", topics.MaxMapping+1)},
		{"name": "x", "kind": "bulk", "mappingId": "nosuchmapping"},
	} {
		res := r.call("POST", "/v1/sources", admin, object{"data": data})
		require.Contains(t, []int{400, 422}, res.Status, string(res.Body))
	}
	res := r.call("POST", "/v1/sources", admin, object{"data": object{"name": "x", "kind": "bulk", "mapping": "broken"}})
	require.Contains(t, string(res.Body), "Line 2: this is broken")
	require.Equal(t, 404, r.call("GET", "/v1/mappings/nosuchmapping", admin, nil).Status)
}

func TestWhoMayReadAMapping(t *testing.T) {
	t.Parallel()
	r := start(t)
	admin := r.token("adm", auth.RoleAdministrator)
	res := r.call("POST", "/v1/sources", admin, object{"data": object{"name": "x", "kind": "bulk", "mapping": "version: 1\n"}})
	require.Equal(t, 201, res.Status, string(res.Body))
	item := httpxtest.Decode[object](t, res)["item"].(object)
	path := "/v1/mappings/" + item["data"].(object)["mappingId"].(string)
	for _, role := range auth.Roles() {
		want := 403
		if role == auth.RoleAdministrator || role == auth.RoleOperationsManager || role == auth.RoleHostOperator {
			want = 200
		}
		require.Equal(t, want, r.call("GET", path, r.token("somebody", role), nil).Status, role)
	}
	require.Equal(t, 401, r.call("GET", path, "", nil).Status)
}
