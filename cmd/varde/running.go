package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"go.yaml.in/yaml/v3"

	"varde.internal/cmd/installation"
	"varde.internal/platform/config"
)

// startInOne opens an installation with every part in this process.
func startInOne(ctx context.Context, c installation.Config, log io.Writer) (running, error) {
	in, err := installation.Open(ctx, c, nil, log)
	if err != nil {
		return nil, err
	}
	return in, nil
}

// apart is an installation with one process per part. The demo itself opens
// the engines too, to put its region into them.
type apart struct {
	*installation.Installation
	parts map[string]*exec.Cmd
	ended chan string
}

// startApart starts `varde serve PART` for every part, on free ports, with one
// configuration file that says where each is.
func startApart(ctx context.Context, c installation.Config, log io.Writer) (running, error) {
	if err := shareFiles(&c); err != nil {
		return nil, err
	}
	if err := fixPorts(ctx, &c); err != nil {
		return nil, err
	}
	// Said here once; otherwise every part says it for itself.
	if err := installation.CheckParts(c, installation.Names[:1]); err != nil {
		return nil, exitError{2, err}
	}
	file, err := writeConfig(c)
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	in, err := installation.OpenEngines(ctx, c, log)
	if err != nil {
		return nil, err
	}
	a := &apart{Installation: in, parts: map[string]*exec.Cmd{}, ended: make(chan string, len(installation.Names))}
	for _, name := range installation.Names {
		cmd := exec.Command(self, "serve", name, "--config", file) //nolint:noctx // stopped in order, see stop
		cmd.Stderr = log                                           // its line ready says nothing that we have not said
		// Not in our group: Ctrl-C reaches the demo, which stops them.
		cmd.SysProcAttr = ownGroup()
		if err := cmd.Start(); err != nil {
			return nil, errors.Join(fmt.Errorf("%s: %w", name, err), a.stop())
		}
		a.parts[name] = cmd
		go func() {
			_ = cmd.Wait()
			a.ended <- name
		}()
	}
	return a, nil
}

// shareFiles names the folder of files where no bucket is configured: on one
// machine several processes can have it in common, unlike the other engines.
func shareFiles(c *installation.Config) error {
	data, err := filepath.Abs(c.Data)
	if err != nil {
		return err
	}
	c.Data = data
	if c.Files.Reveal() == "" {
		c.Files = config.Secret("file://" + filepath.ToSlash(filepath.Join(data, "files")))
	}
	return nil
}

// fixPorts gives every part an address, so that the others can be told.
func fixPorts(ctx context.Context, c *installation.Config) error {
	c.Listen, c.Endpoints = maps.Clone(c.Listen), map[string]string{}
	var lc net.ListenConfig
	for _, name := range installation.Names {
		address := c.Listen[name]
		if address == "" {
			address = "127.0.0.1:0"
		}
		ln, err := lc.Listen(ctx, "tcp", address)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		defer ln.Close() // all at the end, so that no port is given twice
		c.Listen[name] = ln.Addr().String()
		c.Endpoints[name] = "http://" + ln.Addr().String()
	}
	ln, err := lc.Listen(ctx, "tcp", c.Syslog.TCP)
	if err != nil {
		return fmt.Errorf("syslog: %w", err)
	}
	c.Syslog.TCP, c.Syslog.UDP = ln.Addr().String(), ln.Addr().String()
	return ln.Close()
}

func writeConfig(c installation.Config) (string, error) {
	plain, err := c.Plain()
	if err != nil {
		return "", err
	}
	text, err := yaml.Marshal(plain)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return "", err
	}
	file := filepath.Join(c.Data, "varde.yaml")
	return file, os.WriteFile(file, text, 0o600)
}

// Run waits until ctx is done or a part ends, then stops the others.
func (a *apart) Run(ctx context.Context) error {
	var err error
	select {
	case <-ctx.Done():
	case name := <-a.ended:
		err = fmt.Errorf("%s ended by itself; its log says why", name)
		delete(a.parts, name)
	}
	return errors.Join(err, a.stop())
}

func (a *apart) stop() error {
	for _, cmd := range a.parts {
		_ = cmd.Process.Signal(syscall.SIGTERM)
	}
	limit := time.After(25 * time.Second)
	for len(a.parts) > 0 {
		select {
		case name := <-a.ended:
			delete(a.parts, name)
		case <-limit:
			for _, cmd := range a.parts {
				_ = cmd.Process.Kill()
			}
			return errors.Join(fmt.Errorf("did not stop in time: %v", slices.Collect(maps.Keys(a.parts))), a.Close())
		}
	}
	return a.Close()
}
