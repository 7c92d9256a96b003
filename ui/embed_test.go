package ui

import (
	"io/fs"
	"strings"
	"testing"
)

func TestThereIsAlwaysAPage(t *testing.T) {
	t.Parallel()
	page, err := fs.ReadFile(FS(), "index.html")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(page), "<title>Varde</title>") {
		t.Fatalf("index.html is not Varde's page: %s", page)
	}
}
