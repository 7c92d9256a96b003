// Package charts checks the Helm chart with Helm's own code, and that what it
// renders is what Kubernetes knows. It is a module of its own, outside the
// workspace, so that their dependencies do not steer the versions of ours.
package charts

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/lint"
	"helm.sh/helm/v3/pkg/lint/support"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/yaml"
	sigsyaml "sigs.k8s.io/yaml"
)

const chart = "varde"

// kinds the chart may render; another one needs its type here first.
var kinds = map[string]func() any{
	"apps/v1/Deployment":                 func() any { return new(appsv1.Deployment) },
	"v1/Service":                         func() any { return new(corev1.Service) },
	"v1/ConfigMap":                       func() any { return new(corev1.ConfigMap) },
	"networking.k8s.io/v1/Ingress":       func() any { return new(networkingv1.Ingress) },
	"networking.k8s.io/v1/NetworkPolicy": func() any { return new(networkingv1.NetworkPolicy) },
}

func TestLint(t *testing.T) {
	result := lint.All(chart, nil, "varde", true)
	for _, m := range result.Messages {
		if m.Severity > support.InfoSev {
			t.Errorf("%s: %v", m.Path, m.Err)
		}
	}
}

func TestRenderedManifestsDecodeStrictly(t *testing.T) {
	for name, values := range map[string]map[string]any{
		"defaults": {},
		"everything": {
			"ingress":           map[string]any{"enabled": true, "className": "nginx", "tlsSecret": "tls", "annotations": map[string]any{"a": "b"}},
			"engines":           map[string]any{"existingSecret": "engines"},
			"imagePullSecrets":  []any{map[string]any{"name": "pull"}},
			"collector":         map[string]any{"serviceType": "LoadBalancer", "annotations": map[string]any{"a": "b"}, "tls": map[string]any{"secret": "syslog", "clients": true}},
			"config":            map[string]any{"heartbeat": map[string]any{"every": "1m"}},
			"extraVolumes":      []any{map[string]any{"name": "graph", "secret": map[string]any{"secretName": "graph"}}},
			"extraVolumeMounts": []any{map[string]any{"name": "graph", "mountPath": "/etc/varde-graph", "readOnly": true}},
			"nodeSelector":      map[string]any{"disk": "ssd"},
			"tolerations":       []any{map[string]any{"key": "a", "operator": "Exists"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			count := map[string]int{}
			for _, doc := range render(t, values) {
				var head struct{ APIVersion, Kind string }
				if err := sigsyaml.Unmarshal(doc, &head); err != nil {
					t.Fatal(err)
				}
				make, ok := kinds[head.APIVersion+"/"+head.Kind]
				if !ok {
					t.Fatalf("the chart renders %s/%s, which this test does not know", head.APIVersion, head.Kind)
				}
				if err := sigsyaml.UnmarshalStrict(doc, make()); err != nil {
					t.Errorf("%s: %v\n%s", head.Kind, err, doc)
				}
				count[head.Kind]++
			}
			if count["Deployment"] != 13 || count["Service"] != 13 {
				t.Errorf("one deployment and one service per part: %v", count)
			}
			if (count["Ingress"] == 1) != (name == "everything") {
				t.Errorf("ingress: %v", count)
			}
		})
	}
}

// rendered is the chart's configuration file with the default values. The
// installation's own test (cmd/installation) reads it as `varde serve` would.
const rendered = "rendered/varde.yaml"

func TestConfigurationIsAsCommitted(t *testing.T) {
	var got string
	for _, doc := range render(t, nil) {
		var m corev1.ConfigMap
		if err := sigsyaml.Unmarshal(doc, &m); err == nil && m.Kind == "ConfigMap" {
			got = m.Data["varde.yaml"]
		}
	}
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(rendered, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(rendered)
	if err != nil || got == "" || got != string(want) {
		t.Errorf("%s differs from what is rendered (%v): run the test with UPDATE=1 and look at what changed\n%s", rendered, err, got)
	}
}

// Two correlators would each judge a part of the lines.
func TestThereIsOneCorrelator(t *testing.T) {
	for _, doc := range render(t, nil) {
		var d appsv1.Deployment
		if err := sigsyaml.Unmarshal(doc, &d); err != nil || d.Kind != "Deployment" || !strings.HasSuffix(d.Name, "-correlator") {
			continue
		}
		if *d.Spec.Replicas != 1 || d.Spec.Strategy.Type != appsv1.RecreateDeploymentStrategyType {
			t.Errorf("replicas %d, strategy %q", *d.Spec.Replicas, d.Spec.Strategy.Type)
		}
		return
	}
	t.Error("there is no correlator")
}

func render(t *testing.T, values map[string]any) [][]byte {
	t.Helper()
	c, err := loader.Load(chart)
	if err != nil {
		t.Fatal(err)
	}
	all, err := chartutil.ToRenderValues(c, values, chartutil.ReleaseOptions{Name: "kommune", Namespace: "varde"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	files, err := engine.Render(c, all)
	if err != nil {
		t.Fatal(err)
	}
	var docs [][]byte
	for name, text := range files {
		if strings.HasSuffix(name, ".tpl") || strings.HasSuffix(name, "NOTES.txt") {
			continue
		}
		r := yaml.NewYAMLReader(bufio.NewReader(strings.NewReader(text)))
		for {
			doc, err := r.Read()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if len(bytes.TrimSpace(doc)) > 0 {
				docs = append(docs, doc)
			}
		}
	}
	return docs
}
