package engines

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// Versions that were measured; docs/architecture.md tells what they can do.
const (
	kafkaVersion   = "4.3.1"
	log4jVersion   = "2.24.3"
	elasticVersion = "8.19.21"
	mongoVersion   = "0.7.0b3"
)

// recipe says how an engine is installed into an empty folder. Changing its
// text makes every machine install anew.
type recipe struct {
	version string
	install func(ctx context.Context, dir string) error
}

var recipes = map[Kind]recipe{
	KindKafka:         {kafkaVersion + "+" + log4jVersion, installKafka},
	KindElasticsearch: {elasticVersion, installElasticsearch},
	KindMongo:         {mongoVersion, installMongo},
}

// Install puts the engines in place; one that is there already costs nothing.
// Several processes may call it at once.
func Install(ctx context.Context, kinds ...Kind) error {
	for _, k := range kinds {
		if err := installOne(ctx, k); err != nil {
			return fmt.Errorf("install %s: %w", k, err)
		}
	}
	return nil
}

// home is where an engine is installed.
func home(k Kind) string { return filepath.Join(root(), string(k)+"-"+recipes[k].version) }

func installOne(ctx context.Context, k Kind) error {
	dir := home(k)
	if err := os.MkdirAll(root(), 0o755); err != nil {
		return err
	}
	unlock, err := lockFile(filepath.Join(root(), string(k)+".install.lock"), syscall.LOCK_EX)
	if err != nil {
		return err
	}
	defer unlock()
	if installed(dir) {
		return nil
	}
	if err := os.RemoveAll(dir); err != nil { // an installation that was interrupted
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := recipes[k].install(ctx, dir); err != nil {
		return err
	}
	return mark(dir)
}

const marker = ".installed"

// mark writes the checksum of every jar and program of the installation; its
// presence says that it is whole.
func mark(dir string) error {
	sum, err := contentSum(dir)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, marker), []byte(sum), 0o644)
}

func installed(dir string) bool {
	want, err := os.ReadFile(filepath.Join(dir, marker))
	if err != nil {
		return false
	}
	have, err := contentSum(dir)
	return err == nil && have == string(want)
}

// contentSum is a SHA-256 over names and sizes: enough to see a missing or
// torn file without reading 700 MB at every start.
func contentSum(dir string) (string, error) {
	h := sha256.New()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		switch filepath.Ext(path) {
		case ".jar", ".so", ".sh", ".options":
		default:
			return nil // caches and logs that the engine writes itself
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(h, "%s %d\n", rel, info.Size())
		return err
	})
	return hex.EncodeToString(h.Sum(nil)), err
}

const kafkaPOM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>varde</groupId><artifactId>kafka</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>` + kafkaVersion + `</version></dependency>
    <dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId><version>` + log4jVersion + `</version></dependency>
  </dependencies>
</project>
`

func installKafka(ctx context.Context, dir string) error {
	if err := needJava(ctx); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "pom.xml"), []byte(kafkaPOM), 0o644); err != nil {
		return err
	}
	return run(ctx, dir, "mvn", "-q", "-B", "dependency:copy-dependencies", "-DincludeScope=runtime", "-DoutputDirectory="+filepath.Join(dir, "lib"))
}

func installElasticsearch(ctx context.Context, dir string) error {
	if err := needJava(ctx); err != nil {
		return err
	}
	err := run(ctx, dir, "mvn", "-q", "-B", "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy",
		"-Dartifact=org.elasticsearch.distribution.integ-test-zip:elasticsearch:"+elasticVersion+":zip", "-DoutputDirectory="+dir)
	if err != nil {
		return err
	}
	archive := filepath.Join(dir, "elasticsearch-"+elasticVersion+".zip")
	if err := unzip(archive, dir); err != nil {
		return err
	}
	if err := os.Rename(filepath.Join(dir, "elasticsearch-"+elasticVersion), filepath.Join(dir, "es")); err != nil {
		return err
	}
	for _, pattern := range []string{"es/bin/*", "es/modules/*/*/bin/*"} {
		files, _ := filepath.Glob(filepath.Join(dir, pattern))
		for _, f := range files {
			if err := os.Chmod(f, 0o755); err != nil {
				return err
			}
		}
	}
	return os.Remove(archive)
}

func installMongo(ctx context.Context, dir string) error {
	if _, err := exec.LookPath("python3"); err != nil {
		return errors.New("python3 is not installed")
	}
	venv := filepath.Join(dir, "venv")
	if err := run(ctx, dir, "python3", "-m", "venv", venv); err != nil {
		if aptErr := apt(ctx, "python3-venv"); aptErr != nil {
			return errors.Join(err, aptErr)
		}
		if err := run(ctx, dir, "python3", "-m", "venv", "--clear", venv); err != nil {
			return err
		}
	}
	return run(ctx, dir, filepath.Join(venv, "bin", "pip"), "install", "-q", "--disable-pip-version-check", "secantusdb=="+mongoVersion)
}

// needJava makes sure of Java 17 or later and Maven, by apt where it can.
func needJava(ctx context.Context) error {
	var want []string
	if _, err := exec.LookPath("java"); err != nil {
		want = append(want, "openjdk-17-jre-headless")
	}
	if _, err := exec.LookPath("mvn"); err != nil {
		want = append(want, "maven")
	}
	if len(want) == 0 {
		return nil
	}
	if err := apt(ctx, want...); err != nil {
		return fmt.Errorf("needs %s: %w", strings.Join(want, " and "), err)
	}
	return nil
}

// apt installs Debian packages as root, or by a sudo that asks for nothing.
func apt(ctx context.Context, packages ...string) error {
	if _, err := exec.LookPath("apt-get"); err != nil {
		return errors.New("there is no apt-get here to install it with")
	}
	command := append([]string{"apt-get", "install", "-y", "-q", "--no-install-recommends"}, packages...)
	if os.Geteuid() != 0 {
		command = append([]string{"sudo", "-n"}, command...)
	}
	return run(ctx, "", command[0], command[1:]...)
}

func run(ctx context.Context, dir, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	out, err := cmd.CombinedOutput()
	if err != nil {
		text := strings.TrimSpace(string(out))
		if len(text) > 1500 {
			text = text[len(text)-1500:]
		}
		return fmt.Errorf("%s: %w: %s", filepath.Base(name), err, text)
	}
	return nil
}

func unzip(archive, dir string) error {
	r, err := zip.OpenReader(archive)
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	for _, f := range r.File {
		if !filepath.IsLocal(f.Name) {
			return fmt.Errorf("unzip: %q leaves the folder", f.Name)
		}
		if err := unzipOne(f, filepath.Join(dir, f.Name)); err != nil {
			return err
		}
	}
	return nil
}

func unzipOne(f *zip.File, path string) error {
	if f.FileInfo().IsDir() {
		return os.MkdirAll(path, 0o755)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	in, err := f.Open()
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	out, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, f.Mode().Perm()|0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// lockFile takes an advisory lock and returns its release.
func lockFile(path string, how int) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o666)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), how); err != nil {
		_ = f.Close()
		return nil, err
	}
	return func() { _ = f.Close() }, nil
}
