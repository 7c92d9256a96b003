package config_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"varde.internal/platform/config"
)

type settings struct {
	Name    string        `yaml:"name" env:"NAME"`
	Port    int           `yaml:"port" env:"PORT"`
	Wait    time.Duration `yaml:"wait" env:"WAIT"`
	Secret  config.Secret `yaml:"secret" env:"SECRET"`
	Engines engines       `yaml:"engines" envPrefix:"ENGINES_"`
}

type engines struct {
	Bus string `yaml:"bus" env:"BUS"`
}

func (s *settings) Validate() error {
	var errs []error
	if s.Port < 1 {
		errs = append(errs, errors.New("port: must be positive"))
	}
	if s.Name == "" {
		errs = append(errs, errors.New("name: is needed"))
	}
	return errors.Join(errs...)
}

func file(t *testing.T, text string) string {
	t.Helper()
	p := filepath.Join(t.TempDir(), "varde.yaml")
	require.NoError(t, os.WriteFile(p, []byte(text), 0o600))
	return p
}

func TestLaterSourcesWin(t *testing.T) {
	t.Parallel()
	s := settings{Name: "default", Port: 1, Wait: time.Second, Engines: engines{Bus: "default"}}
	err := config.Load(&s, config.Source{
		File:    file(t, "name: file\nport: 2\nwait: 5s\nengines: { bus: file }\n"),
		Environ: []string{"VARDE_PORT=3", "VARDE_ENGINES_BUS=env", "PORT=99", "VARDE_SECRET=s3cret"},
		Flags:   []func(){func() { s.Engines.Bus = "flag" }},
	})
	require.NoError(t, err)
	require.Equal(t, settings{Name: "file", Port: 3, Wait: 5 * time.Second, Secret: "s3cret", Engines: engines{Bus: "flag"}}, s)
}

func TestWhatIsWrongIsNamedAllAtOnce(t *testing.T) {
	t.Parallel()
	s := settings{}
	err := config.Load(&s, config.Source{})
	require.ErrorContains(t, err, "port")
	require.ErrorContains(t, err, "name")
	err = config.Load(&settings{Name: "x", Port: 1}, config.Source{File: file(t, "unheardOf: typo\n")})
	require.ErrorContains(t, err, "unheardOf")
	err = config.Load(&settings{Name: "x", Port: 1}, config.Source{Environ: []string{"VARDE_PORT=marked-value"}})
	require.ErrorContains(t, err, "Port")
	require.NotContains(t, err.Error(), "marked-value")
	require.ErrorIs(t, config.Load(&s, config.Source{File: "/nowhere/varde.yaml"}), os.ErrNotExist)
}

func TestASecretShowsNowhere(t *testing.T) {
	t.Parallel()
	s := settings{Secret: "hemmelig"}
	j, err := json.Marshal(s)
	require.NoError(t, err)
	y, err := yaml.Marshal(s)
	require.NoError(t, err)
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "secret", s.Secret, "all", s)
	for _, shown := range []string{string(j), string(y), log.String(), fmt.Sprintf("%v %+v %#v %s %q %x %d", s, s, s, s.Secret, s.Secret, s.Secret, s.Secret)} {
		require.NotContains(t, shown, "hemmelig")
		require.NotContains(t, shown, "68656d6d656c6967")
		require.Contains(t, shown, "[redacted]")
	}
	require.Equal(t, "hemmelig", s.Secret.Reveal())
	require.Empty(t, config.Secret("").String())
}
