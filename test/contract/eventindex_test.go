package contract_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"varde.internal/platform/eventindex"
	"varde.internal/platform/eventindex/elastic"
	"varde.internal/platform/eventindex/embedded"
	"varde.internal/platform/eventindex/eventindextest"
	"varde.internal/platform/id"
	"varde.internal/platform/systemscope"
	"varde.internal/platform/tenant"
	"varde.internal/test/engines"
)

// openElastic gives an index of its own on a shared node, removed at the end.
func openElastic(t testing.TB, url string) eventindex.Index {
	t.Helper()
	prefix := "test-" + id.New()
	x, err := elastic.Open(context.Background(), url, elastic.Options{Prefix: prefix, Refresh: true})
	require.NoError(t, err)
	t.Cleanup(func() {
		all, err := x.Partitions(systemscope.Enter(context.Background(), "test"))
		require.NoError(t, err)
		for _, p := range all {
			require.NoError(t, x.Drop(tenant.With(context.Background(), tenant.ID(p.Tenant)), p.Name))
		}
		req, err := http.NewRequest(http.MethodDelete, strings.TrimSuffix(url, "/")+"/_index_template/"+prefix+"-v*", nil)
		require.NoError(t, err)
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.NoError(t, x.Close())
	})
	return x
}

func TestElasticsearchKeepsTheEventIndexContract(t *testing.T) {
	t.Parallel()
	url := engines.Elasticsearch(t)
	eventindextest.Run(t, func(t testing.TB) eventindex.Index { return openElastic(t, url) }, eventindextest.Caps{})
}

func TestBothEventIndexesAnswerAlike(t *testing.T) {
	t.Parallel()
	url := engines.Elasticsearch(t)
	eventindextest.Compare(t, embedded.OpenTemp(t), openElastic(t, url))
}

func TestElasticsearchThatIsDownIsWaitedFor(t *testing.T) {
	t.Parallel()
	x, err := elastic.Open(context.Background(), "http://127.0.0.1:1")
	require.NoError(t, err, "opening does no I/O")
	require.Error(t, x.Ready(context.Background()))
	_, err = x.Append(systemscope.Enter(context.Background(), "test"), eventindextest.Events(1, "bo", []string{"p"}, 1))
	require.Error(t, err)
	for _, bad := range []string{"", "127.0.0.1:9200", "kafka://x"} {
		_, err := elastic.Open(context.Background(), bad)
		require.Error(t, err)
	}
}
