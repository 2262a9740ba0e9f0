package store

import (
	"regexp"
	"strings"
	"testing"
)

// TestPlans asks SQLite how it would carry out each statement: none may read a whole table or sort,
// but those that rarely run.
func TestPlans(t *testing.T) {
	t.Parallel()
	l := sqliteLab(t)
	rare := map[string]string{
		"connector_file.count":       "when an operator installs one",
		"connector_file.list":        "a few rows, when one was changed",
		"connector_file.masters":     "once, when a server starts",
		"copied.totals":              "when the metrics are read",
		"data_key.forget":            "by a job",
		"data_key.masters":           "once, when a server starts",
		"job_data.masters":           "once, when a server starts",
		"login_session.forget":       "when a person logs in",
		"node.forget":                "a row for each node",
		"node.members":               "a row for each node",
		"node.replaced":              "a row for each node",
		"operator_token.count":       "a few rows",
		"operator_token.forget":      "a few rows",
		"operator_token.revoke_role": "a few rows",
		"signing_key.masters":        "once, when a server starts",
		"signing_key.list":           "a few rows",
		"signing_key.retire":         "a few rows",
		"signing_key.forget":         "a few rows",
	}
	parameter := regexp.MustCompile(`\?\d+`)
	costly := regexp.MustCompile(`(?m)^SCAN \w+( USING (COVERING )?INDEX \w+)?$|TEMP B-TREE`)
	for name, text := range l.Store.queries {
		if strings.HasPrefix(name, "test.") {
			continue
		}
		columns := strings.Count(strings.SplitN(text, ")", 2)[0], ",")
		text = strings.Replace(text, "{rows}", "(''"+strings.Repeat(", ''", columns)+")", 1)
		l.Store.queries["test.plan"] = "EXPLAIN QUERY PLAN " + parameter.ReplaceAllString(text, "'x'")
		steps, err := many(session{t.Context(), l.Store, l.writer, nil}, func(r row) (string, error) {
			var a, b, c int
			var step string
			err := r.Scan(&a, &b, &c, &step)
			return step, err
		}, "test.plan")
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if plan := strings.Join(steps, "\n"); costly.MatchString(plan) == (rare[name] == "") {
			t.Errorf("%s:\n%s", name, plan)
		}
	}
}
