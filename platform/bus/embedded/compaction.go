package embedded

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/twmb/franz-go/pkg/kfake"
)

// topicsFile is the part of kfake's topics.json that matters here.
type topicsFile struct {
	Version int         `json:"version"`
	Topics  []topicInfo `json:"topics"`
}

type topicInfo struct {
	Name       string            `json:"name"`
	ID         json.RawMessage   `json:"id"`
	Partitions int               `json:"partitions"`
	Replicas   int               `json:"replicas"`
	Configs    map[string]string `json:"configs,omitempty"`
}

// compact shrinks the partitions of compacted topics that have grown above
// size bytes, before the broker opens its folder: a second broker does it on a
// copy, and the compacted partitions take the places of the old ones by
// renaming. Killed at any point, the next start has one whole version of each.
func compact(dir string, size int64, log *slog.Logger) error {
	scratch, replaced := filepath.Join(dir, "compacting"), filepath.Join(dir, "replaced")
	if err := finishSwap(dir, replaced); err != nil {
		return err
	}
	if err := os.RemoveAll(scratch); err != nil {
		return err
	}
	topics, grown, err := grownTopics(dir, size)
	if err != nil || len(grown) == 0 {
		return err
	}
	if err := copyTopics(dir, scratch, topics, grown); err != nil {
		return err
	}
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.DataDir(scratch), kfake.SyncWrites(),
		kfake.WithLogger(brokerLog{log}), kfake.BrokerConfigs(map[string]string{"log.cleaner.backoff.ms": never}))
	if err != nil {
		return err
	}
	c.Compact()
	c.Close()
	if err := os.MkdirAll(replaced, 0o700); err != nil {
		return err
	}
	for _, name := range grown {
		live := filepath.Join(dataDir(dir), "partitions", name)
		if err := syncFolder(filepath.Join(scratch, "partitions", name)); err != nil {
			return err
		}
		if err := os.Rename(live, filepath.Join(replaced, name)); err != nil {
			return err
		}
		if err := os.Rename(filepath.Join(scratch, "partitions", name), live); err != nil {
			return err
		}
		if err := os.RemoveAll(filepath.Join(replaced, name)); err != nil {
			return err
		}
	}
	log.Info("compacted topics", "partitions", len(grown))
	return os.RemoveAll(scratch)
}

// finishSwap puts back a partition whose replacement had not arrived.
func finishSwap(dir, replaced string) error {
	entries, err := os.ReadDir(replaced)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		live := filepath.Join(dataDir(dir), "partitions", e.Name())
		if _, err := os.Stat(live); errors.Is(err, fs.ErrNotExist) {
			if err := os.Rename(filepath.Join(replaced, e.Name()), live); err != nil {
				return err
			}
		}
	}
	return os.RemoveAll(replaced)
}

// grownTopics returns the compacted topics and the names of those of their
// partitions' folders that hold more than size bytes.
func grownTopics(dir string, size int64) (topicsFile, []string, error) {
	var all topicsFile
	text, err := os.ReadFile(filepath.Join(dataDir(dir), "topics.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return all, nil, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &all)
	}
	if err != nil {
		return all, nil, fmt.Errorf("topics: %w", err)
	}
	kept := topicsFile{Version: all.Version}
	var grown []string
	for _, t := range all.Topics {
		if !strings.Contains(t.Configs["cleanup.policy"], "compact") {
			continue
		}
		t.Configs["retention.ms"], t.Configs["retention.bytes"] = "-1", "-1" // kfake would expire too
		kept.Topics = append(kept.Topics, t)
		for p := range t.Partitions {
			name := fmt.Sprintf("%s-%d", url.PathEscape(t.Name), p)
			if n := folderSize(filepath.Join(dataDir(dir), "partitions", name)); n > size {
				grown = append(grown, name)
			}
		}
	}
	return kept, grown, nil
}

func folderSize(dir string) (n int64) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil {
			n += info.Size()
		}
	}
	return n
}

func copyTopics(dir, scratch string, topics topicsFile, partitions []string) error {
	if err := os.MkdirAll(filepath.Join(scratch, "partitions"), 0o700); err != nil {
		return err
	}
	text, err := json.Marshal(topics)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(scratch, "topics.json"), text, 0o600); err != nil {
		return err
	}
	meta, err := os.ReadFile(filepath.Join(dataDir(dir), "meta.json"))
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(scratch, "meta.json"), meta, 0o600); err != nil {
		return err
	}
	for _, name := range partitions {
		from := filepath.Join(dataDir(dir), "partitions", name)
		if err := os.CopyFS(filepath.Join(scratch, "partitions", name), os.DirFS(from)); err != nil {
			return err
		}
	}
	return nil
}

// syncFolder makes the files of dir durable before they replace others.
func syncFolder(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		f, err := os.Open(filepath.Join(dir, e.Name()))
		if err != nil {
			return err
		}
		if err := errors.Join(f.Sync(), f.Close()); err != nil {
			return err
		}
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
