package main

import (
	"strings"
	"testing"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// checkMetrics reads the server's metrics with Prometheus' own parser.
func checkMetrics(t *testing.T, text string) {
	t.Helper()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	for name, f := range families {
		if f.GetHelp() == "" || !strings.HasPrefix(name, "agenthost_") && !strings.HasPrefix(name, "go_") && !strings.HasPrefix(name, "process_") {
			t.Errorf("%s: %q", name, f.GetHelp())
		}
	}
	calls := families["agenthost_call_duration_seconds"].GetMetric()
	if len(calls) == 0 || calls[0].GetHistogram().GetSampleCount() == 0 {
		t.Errorf("no call is counted in\n%s", text)
	}
}
