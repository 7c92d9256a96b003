package contract_test

import (
	"net/http/httptest"
	"net/url"
	"testing"

	"filippo.io/age"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/stretchr/testify/require"

	"varde.internal/platform/blob"
	"varde.internal/platform/blob/blobtest"
)

// gofakes3 answers the S3 protocol over HTTP; it stands for a real store in
// everything but durability.
func TestBlobsOverS3(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "test")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "test")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	backend := s3mem.New()
	require.NoError(t, backend.CreateBucket("varde"))
	server := httptest.NewServer(gofakes3.New(backend).Server())
	t.Cleanup(server.Close)
	q := url.Values{"endpoint": {server.URL}, "region": {"eu-north-1"}, "use_path_style": {"true"}, "prefix": {"prod/"}}
	blobtest.Run(t, func(t *testing.T, keys ...*age.X25519Identity) blob.Bucket {
		b, err := blob.Open(t.Context(), "s3://varde?"+q.Encode(), keys...)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, b.Close()) })
		return b
	})
}
