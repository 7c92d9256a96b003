package contract_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"varde.internal/platform/docstore"
	"varde.internal/platform/docstore/docstoretest"
	"varde.internal/platform/docstore/mongo"
	"varde.internal/platform/docstore/sqlite"
	"varde.internal/platform/id"
	"varde.internal/test/engines"
)

// mongoDatabase gives the URL of a database of this test alone.
func mongoDatabase(t *testing.T) string {
	u, err := url.Parse(engines.Mongo(t))
	require.NoError(t, err)
	u.Path = "/t" + strings.ToLower(id.New()[:12])
	return u.String()
}

func openMongo(t *testing.T, url string) docstore.Store {
	s, err := mongo.Open(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func TestMongoKeepsTheDocumentContract(t *testing.T) {
	t.Parallel()
	url := mongoDatabase(t)
	docstoretest.Run(t, func(t *testing.T) docstore.Store { return openMongo(t, url) }, docstoretest.Caps{Slow: true})
}

func TestMongoAndSQLiteAnswerAlike(t *testing.T) {
	t.Parallel()
	docstoretest.Compare(t, docstoretest.Caps{Slow: true}, sqlite.OpenTemp(t), openMongo(t, mongoDatabase(t)))
}
