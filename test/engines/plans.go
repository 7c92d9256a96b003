package engines

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"varde.internal/platform/bus/kafka"
)

func planKafka(ctx context.Context, dir string) (plan, error) {
	p, err := ports(dir, 2)
	if err != nil {
		return plan{}, err
	}
	broker := fmt.Sprintf("127.0.0.1:%d", p[0])
	properties := filepath.Join(dir, "server.properties")
	data := filepath.Join(dir, "data")
	text := strings.Join([]string{
		"process.roles=broker,controller", "node.id=1",
		fmt.Sprintf("controller.quorum.voters=1@127.0.0.1:%d", p[1]),
		fmt.Sprintf("listeners=PLAINTEXT://%s,CONTROLLER://127.0.0.1:%d", broker, p[1]),
		"advertised.listeners=PLAINTEXT://" + broker,
		"controller.listener.names=CONTROLLER",
		"listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
		"log.dirs=" + data,
		"offsets.topic.replication.factor=1", "offsets.topic.num.partitions=8",
		"transaction.state.log.replication.factor=1", "transaction.state.log.min.isr=1",
		"share.coordinator.state.topic.replication.factor=1", "share.coordinator.state.topic.min.isr=1",
		"default.replication.factor=1", "min.insync.replicas=1",
		"group.initial.rebalance.delay.ms=0", "auto.create.topics.enable=false",
		// One node has no replica to take over from: what is acknowledged must
		// be on the disk when the machine, not only the process, goes down.
		"log.flush.interval.messages=1000", "log.flush.interval.ms=200",
	}, "\n")
	if err := writeFile(properties, text+"\n"); err != nil {
		return plan{}, err
	}
	logging := filepath.Join(dir, "log4j2.properties")
	err = writeFile(logging, strings.Join([]string{
		"status=error", "appender.out.type=Console", "appender.out.name=out",
		"appender.out.layout.type=PatternLayout", "appender.out.layout.pattern=%d %p %c{1}: %m%n",
		"rootLogger.level=warn", "rootLogger.appenderRef.out.ref=out",
		"logger.server.name=kafka.server.KafkaRaftServer", "logger.server.level=info",
	}, "\n")+"\n")
	if err != nil {
		return plan{}, err
	}
	java := func(class string, args ...string) []string {
		return append([]string{"java", "-Xmx512m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC",
			"-Dlog4j2.configurationFile=" + logging,
			"-cp", filepath.Join(home(KindKafka), "lib") + "/*", class}, args...)
	}
	if _, err := os.Stat(filepath.Join(data, "meta.properties")); err != nil {
		format := java("kafka.tools.StorageTool", "format", "-t", "varde-engines-0000000g", "-c", properties)
		if err := run(ctx, dir, format[0], format[1:]...); err != nil {
			return plan{}, err
		}
	}
	url := "kafka://" + broker
	return plan{
		url: url, argv: java("kafka.Kafka", properties), allow: 90 * time.Second,
		ready: func(ctx context.Context) error {
			b, err := kafka.Open(url, kafka.Options{})
			if err != nil {
				return err
			}
			defer func() { _ = b.Close() }()
			if err := b.Ready(ctx); err != nil {
				return err
			}
			log, err := os.ReadFile(filepath.Join(dir, "kafka.log"))
			if err == nil && !strings.Contains(string(log), "Kafka Server started") {
				err = errors.New("still starting")
			}
			return err
		},
	}, nil
}

func planElasticsearch(_ context.Context, dir string) (plan, error) {
	p, err := ports(dir, 2)
	if err != nil {
		return plan{}, err
	}
	config := filepath.Join(dir, "config")
	installedConfig := filepath.Join(home(KindElasticsearch), "es", "config")
	for _, name := range []string{"jvm.options", "log4j2.properties"} {
		text, err := os.ReadFile(filepath.Join(installedConfig, name))
		if err != nil {
			return plan{}, err
		}
		if err := writeFile(filepath.Join(config, name), string(text)); err != nil {
			return plan{}, err
		}
	}
	data, logs := filepath.Join(dir, "data"), filepath.Join(dir, "logs")
	err = writeFile(filepath.Join(config, "elasticsearch.yml"), strings.Join([]string{
		"cluster.name: varde-test", "network.host: 127.0.0.1",
		fmt.Sprintf("http.port: %d", p[0]), fmt.Sprintf("transport.port: %d", p[1]),
		"discovery.type: single-node", "xpack.security.enabled: false",
		"cluster.routing.allocation.disk.threshold_enabled: false",
		"path.data: " + data, "path.logs: " + logs,
	}, "\n")+"\n")
	if err != nil {
		return plan{}, err
	}
	javaHome, err := javaHome()
	if err != nil {
		return plan{}, err
	}
	cred, err := unprivileged(config, data, logs, filepath.Join(dir, "tmp"))
	if err != nil {
		return plan{}, err
	}
	url := fmt.Sprintf("http://127.0.0.1:%d", p[0])
	return plan{
		url: url, allow: 180 * time.Second, user: cred,
		argv: []string{filepath.Join(home(KindElasticsearch), "es", "bin", "elasticsearch")},
		env: []string{"ES_JAVA_HOME=" + javaHome, "ES_JAVA_OPTS=-Xms512m -Xmx1g", "ES_PATH_CONF=" + config,
			"ES_TMPDIR=" + filepath.Join(dir, "tmp"), "HOME=" + dir},
		ready: func(ctx context.Context) error {
			return get(ctx, url+"/_cluster/health?wait_for_status=yellow&timeout=3s")
		},
	}, nil
}

// javaHome finds the Java installation that the java command belongs to.
func javaHome() (string, error) {
	java, err := exec.LookPath("java")
	if err != nil {
		return "", err
	}
	if java, err = filepath.EvalSymlinks(java); err != nil {
		return "", err
	}
	return filepath.Dir(filepath.Dir(java)), nil
}

func get(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.Copy(io.Discard, resp.Body)
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", resp.StatusCode)
	}
	return nil
}

func planMongo(_ context.Context, dir string) (plan, error) {
	p, err := ports(dir, 1)
	if err != nil {
		return plan{}, err
	}
	data := filepath.Join(dir, "data")
	if err := os.MkdirAll(data, 0o755); err != nil {
		return plan{}, err
	}
	url := fmt.Sprintf("mongodb://127.0.0.1:%d/?replicaSet=secantus", p[0])
	return plan{
		url: url, allow: 60 * time.Second,
		argv: []string{filepath.Join(home(KindMongo), "venv", "bin", "secantusd-py"),
			"--port", fmt.Sprint(p[0]), "--storage-path", data, "--sync-on-commit"},
		ready: func(ctx context.Context) error {
			c, err := mongo.Connect(options.Client().ApplyURI(url).SetServerSelectionTimeout(3 * time.Second))
			if err != nil {
				return err
			}
			defer func() { _ = c.Disconnect(context.Background()) }()
			return c.Ping(ctx, nil)
		},
	}, nil
}
