package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/yaml"
)

// TestKubernetes reads deploy/kubernetes as the types of Kubernetes, which refuse a field that they do not
// have, and compares what belongs together.
func TestKubernetes(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../kubernetes/agenthost.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var (
		configuration corev1.ConfigMap
		deployment    appsv1.Deployment
		service       corev1.Service
		disruption    policyv1.PodDisruptionBudget
	)
	kinds := map[string]any{"ConfigMap": &configuration, "Deployment": &deployment, "Service": &service, "PodDisruptionBudget": &disruption}
	for _, document := range bytes.Split(text, []byte("\n---\n")) {
		var meta metav1.TypeMeta
		if err := yaml.Unmarshal(document, &meta); err != nil {
			t.Fatal(err)
		}
		into := kinds[meta.Kind]
		if into == nil {
			t.Fatalf("there is a %q, or two of them", meta.Kind)
		}
		if err := yaml.UnmarshalStrict(document, into); err != nil {
			t.Errorf("%s: %v", meta.Kind, err)
		}
		delete(kinds, meta.Kind)
	}
	if len(kinds) > 0 {
		t.Fatalf("missing: %v", kinds)
	}
	pod := deployment.Spec.Template
	own := labels.Set(pod.Labels)
	for what, selector := range map[string]*metav1.LabelSelector{"the Deployment": deployment.Spec.Selector, "the PodDisruptionBudget": disruption.Spec.Selector, "the Service": {MatchLabels: service.Spec.Selector}} {
		if s, err := metav1.LabelSelectorAsSelector(selector); err != nil || !s.Matches(own) {
			t.Errorf("%s selects no pod: %v", what, err)
		}
	}
	c := pod.Spec.Containers[0]
	ports := make(map[string]bool)
	for _, p := range c.Ports {
		ports[p.Name] = true
	}
	for what, probe := range map[string]*corev1.Probe{"/healthz": c.LivenessProbe, "/readyz": c.ReadinessProbe} {
		if probe.HTTPGet.Path != what || !ports[probe.HTTPGet.Port.StrVal] {
			t.Errorf("the probe of %s asks %+v", what, probe.HTTPGet)
		}
	}
	if !ports[service.Spec.Ports[0].TargetPort.StrVal] || service.Spec.SessionAffinity != corev1.ServiceAffinityNone {
		t.Errorf("the service is %+v", service.Spec)
	}
	volumes := make(map[string]bool)
	for _, v := range pod.Spec.Volumes {
		volumes[v.Name] = true
	}
	mounted := make(map[string]bool)
	for _, m := range c.VolumeMounts {
		mounted[m.MountPath] = volumes[m.Name]
	}
	for _, path := range []string{"/var/lib/agenthost", "/etc/agenthost", "/run/secrets/agenthost"} {
		if !mounted[path] {
			t.Errorf("nothing is mounted at %s", path)
		}
	}
	s := c.SecurityContext
	if p := pod.Spec.SecurityContext; *p.RunAsUser != user || !*p.RunAsNonRoot || *p.FSGroup != user || *s.AllowPrivilegeEscalation || !*s.ReadOnlyRootFilesystem || !slices.Equal(s.Capabilities.Drop, []corev1.Capability{"ALL"}) {
		t.Errorf("the pod may do more than it needs: %+v, %+v", p, s)
	}
	for _, e := range c.Env {
		if strings.Contains(e.Name, "DATABASE") && (e.Value != "" || e.ValueFrom.SecretKeyRef == nil) {
			t.Errorf("%s is no reference", e.Name)
		}
	}
	// The command takes the flags, and the lines that the image needs are in the configuration.
	image, err := os.ReadFile("../agenthost.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(image)) {
		if line != "" && line[0] != '#' && !strings.Contains(configuration.Data["agenthost.yaml"], line) {
			t.Errorf("the configuration does not say %s", line)
		}
	}
	program := filepath.Join(t.TempDir(), "agenthost")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-C", "../..", "-o", program, "./cmd/agenthost").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	cmd := exec.CommandContext(t.Context(), program, append(slices.Clone(c.Args), "--help")...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}
