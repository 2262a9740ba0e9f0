package provenance

import "testing"

// TestNewer: each version is newer than those before it, and no other.
//
// threat: A11, A19
func TestNewer(t *testing.T) {
	t.Parallel()
	order := []string{"0.9.0", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "1.0.1", "1.2.0", "1.10.0", "2.0.0"}
	for i, a := range order {
		for j, b := range order {
			if Newer(a, b) != (i > j) {
				t.Errorf("Newer(%s, %s) = %v", a, b, i <= j)
			}
		}
	}
	for _, odd := range []string{"", "1", "1.2", "v1.2.3", "01.2.3", "1.2.3-", "1.2.x", "1.2.3.4", "1.-2.3", "99999999999999999999.0.0", "2024-01-01"} {
		if Newer(odd, "0.0.1") || Newer("9.0.0", odd) {
			t.Errorf("%q is ordered", odd)
		}
	}
	if Newer("1.0.0+2", "1.0.0+1") {
		t.Error("a build is newer")
	}
}
