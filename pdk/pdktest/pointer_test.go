package pdktest

import "testing"

// The document and the pointers of RFC 6901, section 5, and what it leaves to
// implementations.
func TestLookup(t *testing.T) {
	const doc = `{"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,"i\\j":5,"k\"l":6," ":7,"m~n":8,
		"~1":9,"n":null,"o":{"0":"zero"},"dup":1,"dup":2,"num":1.50e3}`
	tests := []struct {
		pointer, want string
		found, bad    bool
	}{
		{"/foo", `["bar","baz"]`, true, false},
		{"/foo/0", `"bar"`, true, false},
		{"/", `0`, true, false},
		{"/a~1b", `1`, true, false},
		{"/c%d", `2`, true, false},
		{"/e^f", `3`, true, false},
		{"/g|h", `4`, true, false},
		{"/i\\j", `5`, true, false},
		{"/k\"l", `6`, true, false},
		{"/ ", `7`, true, false},
		{"/m~0n", `8`, true, false},
		{"/~01", `9`, true, false},
		{"/n", `null`, true, false},
		{"/n/x", ``, false, false},
		{"/o/0", `"zero"`, true, false},
		{"/dup", `2`, true, false},
		{"/num", `1.50e3`, true, false},
		{"/foo/2", ``, false, false},
		{"/foo/01", ``, false, false},
		{"/foo/-", ``, false, false},
		{"/foo/-1", ``, false, false},
		{"/foo/+1", ``, false, false},
		{"/foo/99999999999999999999", ``, false, false},
		{"/missing", ``, false, false},
		{"/num/0", ``, false, false},
		{"foo", ``, false, true},
		{"/m~n", ``, false, true},
		{"/m~", ``, false, true},
		{"/m~2", ``, false, true},
	}
	for _, tt := range tests {
		part, found, err := lookup([]byte(doc), tt.pointer)
		if string(part) != tt.want || found != tt.found || (err != nil) != tt.bad {
			t.Errorf("%s: %s, %v, %v", tt.pointer, part, found, err)
		}
	}
	if part, found, err := lookup([]byte(doc), ""); string(part) != doc || !found || err != nil {
		t.Error("the empty pointer is not the whole document")
	}
}
