package policy

import (
	"strings"
	"testing"

	"github.com/agenthost/agenthost/host/grant"
	"github.com/agenthost/agenthost/internal/egress/origin"
	"github.com/agenthost/agenthost/pdk/abi"
)

func TestDownloads(t *testing.T) {
	t.Parallel()
	reads := []abi.Effect{abi.EffectRead}
	vendors := []string{"files.vendor.com"}
	for name, tt := range map[string]struct {
		suffixes, allow []string // nil is no list of the operator's
		from            string
		allowed, named  bool
		says            string
		shown           string
	}{
		"the connector's":             {vendors, nil, "https://a.files.vendor.com", true, false, "", "files.vendor.com"},
		"not the connector's":         {vendors, nil, "https://afiles.vendor.com", false, false, "under none of files.vendor.com", "files.vendor.com"},
		"by http":                     {vendors, nil, "http://files.vendor.com", false, false, "https and port 443 only", "files.vendor.com"},
		"at another port":             {vendors, nil, "https://files.vendor.com:444", false, false, "https and port 443 only", "files.vendor.com"},
		"nobody's":                    {nil, nil, "https://files.vendor.com", false, false, "does not say", "nowhere, because neither the connector nor allow.downloads says where from"},
		"the operator's":              {nil, []string{"vendor.com"}, "https://files.vendor.com", true, false, "", "vendor.com"},
		"the operator's only":         {vendors, []string{"other.com"}, "https://files.vendor.com", false, false, "under none of other.com", "other.com"},
		"none":                        {vendors, []string{}, "https://files.vendor.com", false, false, "allow.downloads has no domain", "nowhere, because neither the connector nor allow.downloads says where from"},
		"the operator's origin":       {vendors, []string{"http://10.0.0.7:9000"}, "http://10.0.0.7:9000", true, true, "", "http://10.0.0.7:9000"},
		"not the operator's origin":   {vendors, []string{"http://10.0.0.7:9000"}, "http://10.0.0.7:9001", false, false, "https and port 443 only", "http://10.0.0.7:9000"},
		"both":                        {vendors, []string{"vendor.com", "https://b.com"}, "https://b.com", true, true, "", "vendor.com, https://b.com"},
		"a bucket of everybody's":     {[]string{"amazonaws.com"}, nil, "https://evil.s3.amazonaws.com", false, false, "everybody can have a name", "amazonaws.com"},
		"where the buckets are":       {[]string{"amazonaws.com"}, nil, "https://s3.amazonaws.com", false, false, "everybody can have a name", "amazonaws.com"},
		"the vendor's bucket":         {[]string{"v.s3.amazonaws.com"}, nil, "https://v.s3.amazonaws.com", true, false, "", "v.s3.amazonaws.com"},
		"everybody's, if they insist": {nil, []string{"s3.amazonaws.com"}, "https://x.s3.amazonaws.com", true, false, "", "s3.amazonaws.com"},
	} {
		var allow *grant.Allow
		if tt.allow != nil {
			allow = &grant.Allow{Effects: reads, Downloads: tt.allow}
		}
		g, err := New(allow)
		if err != nil {
			t.Fatal(err)
		}
		from, err := origin.Parse(tt.from)
		if err != nil {
			t.Fatal(err)
		}
		file := &abi.File{Pointer: "/url", Suffixes: tt.suffixes}
		d, named := g.Download(file, from)
		if d.Allowed != tt.allowed || named != tt.named || !strings.Contains(d.Why, tt.says) || d.Allowed == (d.Permit != "") {
			t.Errorf("%s: %+v, %t", name, d, named)
		}
		if got := g.FilesFrom(file); got != tt.shown {
			t.Errorf("%s: shown as %q, want %q", name, got, tt.shown)
		}
	}
	if (*Grant)(nil).FilesFrom(nil) != "" {
		t.Error("a request without a file shows one")
	}
	for _, bad := range []string{"com", "", ".vendor.com", "*.vendor.com", "https://vendor.com/path", "https://u@vendor.com", "10.0.0.7", "ftp://vendor.com", "VENDOR.com"} {
		if _, err := New(&grant.Allow{Effects: reads, Downloads: []string{"a.com", bad}}); err == nil || !strings.Contains(err.Error(), "invalid_params") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
