//go:build ui

package ui

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

// Built says whether this binary carries the interface.
const Built = true

// FS returns the built interface: index.html, assets/ and, beside the text
// files, their .br and .gz forms. Every path that is no file is answered with
// index.html by the server (the router in the page reads the address).
func FS() fs.FS {
	sub, err := fs.Sub(dist, "dist")
	if err != nil {
		panic("ui: " + err.Error()) // the folder is embedded above: cannot happen
	}
	return sub
}
