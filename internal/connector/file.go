package connector

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/internal/egress/origin"
	"github.com/agenthost/agenthost/internal/egress/wire"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/lazyregexp"
	"github.com/agenthost/agenthost/pdk/abi"
	"golang.org/x/net/publicsuffix"
)

// Bounds of a file that an answer names. An answer is read once for each segment of the pointer.
const (
	maxFileSegments = 16
	maxFilePointer  = 500
	maxSuffixes     = 20
)

// filePointer is a JSON Pointer of one word, as agenthost.lock has it.
var filePointer = lazyregexp.New(`^(/([!-.0-}]|~[01])*)+$`)

// checkFile checks where an answer names a file, and where that may be.
func checkFile(at string, r abi.RequestTemplate, content abi.Content) error {
	f := r.File
	if f == nil {
		return nil
	}
	switch {
	case len(f.Pointer) > maxFilePointer || !filePointer.MatchString(f.Pointer):
		return malformed(at+".pointer", "is %.60q, want a JSON Pointer without spaces, such as /attachment/url", f.Pointer)
	case strings.Count(f.Pointer, "/") > maxFileSegments:
		return malformed(at+".pointer", "has more than %d segments", maxFileSegments)
	case cmp.Or(r.Content, content, abi.ContentJSON) != abi.ContentJSON:
		return malformed(at, "stands at a request that is not answered with JSON; say content: json of the request")
	case r.Method == "HEAD":
		return malformed(at, "stands at a HEAD, whose answer names nothing")
	}
	return checkSuffixes(at+".suffixes", f.Suffixes, "; write the vendor's own, or leave it to the operator's allow.downloads")
}

// checkSuffixes checks domains under which an answer may name hosts. Hint says what to write in
// the place of one where everybody can have a name.
func checkSuffixes(at string, suffixes []string, hint string) error {
	if len(suffixes) > maxSuffixes {
		return malformed(at, "has %d entries, the limit is %d", len(suffixes), maxSuffixes)
	}
	for i, suffix := range suffixes {
		at := fmt.Sprintf("%s[%d]", at, i)
		if err := origin.CheckSuffix(suffix); err != nil {
			return malformed(at, "is %q, want a domain of the vendor, such as files.vendor.com: %v", suffix, err)
		}
		if public, _ := publicsuffix.PublicSuffix(suffix); public == suffix {
			return malformed(at, "is %q, under which everybody can have a name%s", suffix, hint)
		}
		if origin.OfCloud(suffix) {
			return malformed(at, "is %q, and everybody can have a name for a store or a machine there%s", suffix, hint)
		}
		if slices.Contains(suffixes[:i], suffix) {
			return malformed(at, "repeats %q", suffix)
		}
	}
	return nil
}

// checkFileParams checks that the parameters of a file are those of the operation.
func checkFileParams(at string, f *abi.File, params []string) error {
	if f == nil {
		return nil
	}
	for segment := range strings.SplitSeq(f.Pointer, "/") {
		if name, ok := wire.FileParam(segment); ok && !slices.Contains(params, name) {
			return malformed(at+".pointer", "has {%s}, which is not a parameter; %s", name, fault.Hint(name, params))
		}
	}
	if f.Range != "" && !slices.Contains(params, f.Range) {
		return malformed(at+".range", "is %q, which is not a parameter; %s", f.Range, fault.Hint(f.Range, params))
	}
	return nil
}
