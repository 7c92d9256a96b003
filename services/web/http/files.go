package http

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"path"
	"strings"

	"github.com/gofiber/fiber/v2"

	"varde.internal/platform/httpx"
)

// pageCSP allows the interface its own files and nothing from elsewhere, no
// inline script, and no page around it.
const pageCSP = "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; img-src 'self' data: blob:; " +
	"font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// hashed is the folder whose file names carry a hash of their content.
const hashed = "assets/"

// file is one file of the interface in the encodings it was built with.
type file struct {
	mediaType string
	etag      string
	plain     []byte
	packed    map[string][]byte // by content coding: br, gzip
}

// files is the whole interface, in memory.
type files struct{ byName map[string]*file }

func loadFiles(root fs.FS) (*files, error) {
	out := &files{byName: map[string]*file{}}
	if root == nil {
		return out, nil
	}
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name != "." && strings.HasPrefix(path.Base(name), ".") {
				return fs.SkipDir // the build tool's own
			}
			return nil
		}
		if ext := path.Ext(name); ext == ".br" || ext == ".gz" || strings.HasPrefix(path.Base(name), ".") {
			return nil
		}
		plain, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(plain)
		f := &file{mediaType: mediaType(name), etag: hex.EncodeToString(sum[:12]), plain: plain, packed: map[string][]byte{}}
		for coding, suffix := range map[string]string{"br": ".br", "gzip": ".gz"} {
			if b, err := fs.ReadFile(root, name+suffix); err == nil {
				f.packed[coding] = b
			}
		}
		out.byName[name] = f
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("web: the interface's files: %w", err)
	}
	if out.byName["index.html"] == nil {
		return nil, fmt.Errorf("web: the interface has no index.html")
	}
	return out, nil
}

// types does not depend on what the machine knows of file endings.
var types = map[string]string{
	".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".json": "application/json",
	".svg": "image/svg+xml", ".png": "image/png", ".ico": "image/x-icon", ".woff2": "font/woff2", ".webmanifest": "application/manifest+json", ".txt": "text/plain; charset=utf-8",
}

func mediaType(name string) string {
	if t := types[path.Ext(name)]; t != "" {
		return t
	}
	if t := mime.TypeByExtension(path.Ext(name)); t != "" {
		return t
	}
	return "application/octet-stream"
}

// page serves a file of the interface, or index.html for every address that
// the router in the page knows.
func (f *Front) page(c *fiber.Ctx) error {
	if c.Method() != fiber.MethodGet && c.Method() != fiber.MethodHead {
		return httpx.ErrNoAddress
	}
	name := strings.TrimPrefix(path.Clean("/"+c.Path()), "/")
	if strings.HasPrefix(name, "api/") || name == "api" {
		return httpx.ErrNoAddress
	}
	v := f.files.byName[name]
	if v == nil && !strings.HasPrefix(name, hashed) && path.Ext(name) == "" {
		name, v = "index.html", f.files.byName["index.html"]
	}
	if v == nil {
		return httpx.ErrNoAddress
	}
	c.Set(fiber.HeaderContentSecurityPolicy, pageCSP)
	c.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=()")
	c.Set(fiber.HeaderCacheControl, "no-cache")
	if strings.HasPrefix(name, hashed) {
		c.Set(fiber.HeaderCacheControl, "public, max-age=31536000, immutable")
	}
	c.Set(fiber.HeaderContentType, v.mediaType)
	c.Set(fiber.HeaderVary, fiber.HeaderAcceptEncoding)
	body, etag := v.plain, v.etag
	for _, coding := range []string{"br", "gzip"} {
		if b := v.packed[coding]; b != nil && accepts(c.Get(fiber.HeaderAcceptEncoding), coding) {
			c.Set(fiber.HeaderContentEncoding, coding)
			body, etag = b, v.etag+"-"+coding
			break
		}
	}
	c.Set(fiber.HeaderETag, `"`+etag+`"`)
	if strings.Contains(c.Get(fiber.HeaderIfNoneMatch), `"`+etag+`"`) {
		return c.SendStatus(fiber.StatusNotModified)
	}
	return c.Send(body)
}

// accepts reads Accept-Encoding (RFC 9110, 12.5.3); q=0 is a refusal.
func accepts(header, coding string) bool {
	for _, part := range strings.Split(header, ",") {
		name, params, _ := strings.Cut(strings.TrimSpace(part), ";")
		if strings.EqualFold(strings.TrimSpace(name), coding) {
			q := strings.ReplaceAll(params, " ", "")
			return q != "q=0" && q != "q=0.0"
		}
	}
	return false
}
