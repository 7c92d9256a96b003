package demo

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"time"
)

// Capture is a folder of log files that real daemons wrote, with what is known
// of them (test/capture makes them; the truth tables beside them are for tests).
type Capture struct {
	Name   string
	Format string
	Zone   string
	Start  time.Time
	End    time.Time
	Files  []string // paths inside the file system given to LoadCaptures
	Keys   []string // fingerprints of plain keys; certificates are known by their id
}

//go:embed captures
var embedded embed.FS

// Captures are those that are part of the binary.
func Captures() fs.FS {
	sub, err := fs.Sub(embedded, "captures")
	if err != nil {
		panic("demo: " + err.Error()) // the folder is embedded above: cannot happen
	}
	return sub
}

type manifest struct {
	Name   string    `json:"name"`
	Format string    `json:"format"`
	Zone   string    `json:"zone"`
	Start  time.Time `json:"start"`
	End    time.Time `json:"end"`
	Hosts  []struct {
		Log string `json:"log"`
	} `json:"hosts"`
	Keys []struct {
		Fingerprint string `json:"fingerprint"`
		CertID      string `json:"certId"`
	} `json:"keys"`
}

// LoadCaptures reads every folder of files that has a manifest, by name.
func LoadCaptures(files fs.FS) ([]Capture, error) {
	manifests, err := fs.Glob(files, "*/manifest.json")
	if err != nil {
		return nil, err
	}
	var all []Capture
	for _, file := range manifests {
		text, err := fs.ReadFile(files, file)
		if err != nil {
			return nil, err
		}
		var m manifest
		if err := json.Unmarshal(text, &m); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		c := Capture{Name: m.Name, Format: m.Format, Zone: m.Zone, Start: m.Start, End: m.End}
		seen := map[string]bool{}
		for _, h := range m.Hosts {
			if f := path.Join(path.Dir(file), h.Log); h.Log != "" && !seen[f] {
				seen[f] = true
				c.Files = append(c.Files, f)
			}
		}
		for _, k := range m.Keys {
			if k.CertID == "" {
				c.Keys = append(c.Keys, k.Fingerprint)
			}
		}
		all = append(all, c)
	}
	return all, nil
}
