//go:build !ui

// Package ui holds the interface that people use. Built with the tag `ui` it
// carries ui/dist (made by `npm run build`); without the tag it carries a page
// that says so, so that Go builds on a machine without Node.
package ui

import (
	"io/fs"
	"testing/fstest"
)

// Built says whether this binary carries the interface.
const Built = false

// FS returns a file system with one page that says the interface is not built.
func FS() fs.FS {
	return fstest.MapFS{"index.html": {Data: []byte(notBuilt), Mode: 0o444}}
}

const notBuilt = `<!doctype html>
<html lang="nb">
<meta charset="utf-8">
<title>Varde</title>
<h1>Grensesnittet er ikke bygget</h1>
<p>Dette programmet er bygget uten grensesnittet. Bygg med <code>go tool task up</code>.</p>
</html>
`
