// Command capture makes the captures of cmd/demo/captures. Start it with
// run.sh, which gives it namespaces of its own.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

func main() {
	work := flag.String("work", "", "folder for the hosts' files")
	out := flag.String("out", "", "folder of the captures")
	setup := flag.String("setup", "", "path of host.sh")
	list := flag.Bool("list", false, "name the captures")
	flag.Parse()
	if *list {
		for _, s := range scenarios {
			fmt.Fprintf(os.Stdout, "%-24s %s\n", s.name, s.description)
		}
		return
	}
	if err := command("ip", "link", "set", "lo", "up"); err != nil {
		fail(err)
	}
	for _, s := range scenarios {
		if flag.NArg() > 0 && !slices.Contains(flag.Args(), s.name) {
			continue
		}
		if err := capture(s, *work, *out, *setup); err != nil {
			fail(fmt.Errorf("%s: %w", s.name, err))
		}
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "capture:", err)
	os.Exit(1)
}

func capture(s scenario, work, out, setup string) (err error) {
	c := &client{}
	var cas []string
	for _, vendor := range []string{"nordlys", "fjellrev"} {
		authority, err := c.ca(vendor)
		if err != nil {
			return err
		}
		cas = append(cas, string(ssh.MarshalAuthorizedKey(authority.PublicKey())))
	}
	m := Manifest{Name: s.name, Description: s.description, Format: s.options.Format, Zone: "Europe/Oslo", Lines: map[string]int{}}
	for _, vendor := range []string{"nordlys", "fjellrev"} {
		m.CAs = append(m.CAs, CA{vendor, ssh.FingerprintSHA256(c.cas[vendor].PublicKey())})
	}
	hosts := map[string]*host{}
	defer func() {
		for _, h := range hosts {
			_ = command("ip", "addr", "del", h.address+"/32", "dev", "lo")
			_ = command("ip", "addr", "del", h.address6+"/128", "dev", "lo")
		}
		for _, a := range c.addresses {
			_ = command("ip", "addr", "del", a.Address, "dev", "lo")
		}
	}()
	for _, name := range s.hosts {
		h, err := startHost(setup, filepath.Join(work, s.name, name), name, s.options, cas)
		if err != nil {
			return err
		}
		hosts[name] = h
		for i, a := range accounts {
			if err := h.account(2001+i, a.name, a.password, a.groups...); err != nil {
				return err
			}
		}
		m.Hosts = append(m.Hosts, Host{Name: name, Address: h.address, Address6: h.address6, Log: name + ".log", LogLevel: s.options.Level,
			Repeats: s.options.Repeats, Lock: s.options.Lock})
	}
	m.Start = time.Now().UTC().Truncate(time.Second)
	err = s.run(c, hosts)
	time.Sleep(500 * time.Millisecond)
	for _, h := range hosts {
		h.stop()
	}
	if err != nil {
		return err
	}
	m.End = time.Now().UTC().Truncate(time.Second).Add(time.Second)
	m.Keys, m.Addresses, m.Daemons = c.keys, c.addresses, versions()
	return write(filepath.Join(out, s.name), m, c.truth, hosts)
}

func versions() []string {
	var v []string
	for _, args := range [][]string{{"dpkg-query", "-W", "-f", "${Package} ${Version}\n", "openssh-server", "rsyslog", "sudo", "util-linux", "passwd", "libpam-modules"}} {
		text, err := exec.CommandContext(context.Background(), args[0], args[1:]...).Output()
		if err == nil {
			v = append(v, strings.Split(strings.TrimSpace(string(text)), "\n")...)
		}
	}
	return v
}

func write(dir string, m Manifest, truth []Truth, hosts map[string]*host) error {
	if err := errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o755)); err != nil {
		return err
	}
	for _, h := range m.Hosts {
		text, err := hosts[h.Name].log()
		if err != nil {
			return err
		}
		m.Lines[h.Log] = bytes.Count(text, []byte("\n"))
		if err := os.WriteFile(filepath.Join(dir, h.Log), text, 0o644); err != nil {
			return err
		}
	}
	slices.SortStableFunc(truth, func(a, b Truth) int { return a.Time.Compare(b.Time) })
	var table bytes.Buffer
	e := json.NewEncoder(&table)
	e.SetEscapeHTML(false)
	for _, t := range truth {
		if err := e.Encode(t); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "truth.jsonl"), table.Bytes(), 0o644); err != nil {
		return err
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "manifest.json"), append(text, '\n'), 0o644)
}
