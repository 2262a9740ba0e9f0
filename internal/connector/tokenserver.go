package connector

import (
	"slices"
	"strings"

	"github.com/agenthost/agenthost/internal/egress/origin"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/pdk/abi"
)

// checkTokenServer checks which server a token's answer names. The declared URL of that server is
// one that the answer could name, so that a reader sees where the credential goes.
func checkTokenServer(at string, s *abi.AuthScheme, servers places) error {
	t := s.OAuth2.Server
	if t == nil {
		return nil
	}
	i := slices.Index(servers.ids, t.ID)
	switch {
	case i < 0:
		return malformed(at+".id", "is %q, which is no server; %s", t.ID, fault.Hint(t.ID, servers.ids))
	case servers.variables[i] != "":
		return malformed(at+".id", "is %q, whose url has a variable; the answer names the whole host", t.ID)
	case len(t.Pointer) > maxFilePointer || !filePointer.MatchString(t.Pointer) || strings.ContainsAny(t.Pointer, "{}"):
		return malformed(at+".pointer", "is %.60q, want a JSON Pointer such as /instance_url", t.Pointer)
	case strings.Count(t.Pointer, "/") > maxFileSegments:
		return malformed(at+".pointer", "has more than %d segments", maxFileSegments)
	case len(t.Suffixes) == 0:
		return malformed(at+".suffixes", "is empty; write the vendor's domains")
	}
	if err := checkSuffixes(at+".suffixes", t.Suffixes, "; write the vendor's own"); err != nil {
		return err
	}
	declared := servers.origins[i]
	if _, err := origin.Named(declared.String(), t.Suffixes); err != nil {
		return malformed(at+".id", "is the server at %s, which %v", declared, err)
	}
	if !slices.ContainsFunc(s.Origins, func(text string) bool { o, err := origin.Parse(text); return err == nil && o == declared }) {
		return malformed(at+".id", "is %q, and %s is not in origins, so the server would get no token", t.ID, declared)
	}
	return nil
}
