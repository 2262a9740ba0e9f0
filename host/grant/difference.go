package grant

import (
	"slices"
	"strings"

	"github.com/agenthost/agenthost/internal/egress/pathtemplate"
)

// Beyond returns the access in r that other does not have, one sentence each, in a fixed
// order. If it returns nothing, r can do nothing that other cannot.
//
// A different effect of an operation always counts: a connection that allows only reads
// would otherwise allow an operation that writes.
func (r Reach) Beyond(other Reach) []string {
	var beyond []string
	for _, s := range r.Servers {
		at := slices.IndexFunc(other.Servers, func(o ServerReach) bool { return o.ID == s.ID })
		switch {
		case at < 0:
			beyond = append(beyond, "server "+s.ID+" at "+s.URL)
		case other.Servers[at].URL != s.URL:
			beyond = append(beyond, "server "+s.ID+" is at "+s.URL+", not at "+other.Servers[at].URL)
		case s.Default && !other.Servers[at].Default:
			beyond = append(beyond, "server "+s.ID+" is the default server")
		}
		for _, fact := range s.Facts {
			if at < 0 || !slices.Contains(other.Servers[at].Facts, fact) {
				beyond = append(beyond, "server "+s.ID+": "+fact)
			}
		}
	}
	for _, c := range r.Credentials {
		beyond = append(beyond, c.beyond(other.Credentials)...)
	}
	for _, fact := range r.Hosted {
		if !slices.Contains(other.Hosted, fact) {
			beyond = append(beyond, "hosted mode: "+fact)
		}
	}
	for _, o := range r.Operations {
		beyond = append(beyond, o.beyond(other.Operations)...)
	}
	return beyond
}

func (c CredentialReach) beyond(others []CredentialReach) []string {
	at := slices.IndexFunc(others, func(o CredentialReach) bool { return o.Scheme == c.Scheme })
	var beyond []string
	for _, fact := range c.Facts {
		if at < 0 || !slices.Contains(others[at].Facts, fact) {
			beyond = append(beyond, "credential "+c.Scheme+": "+fact)
		}
	}
	return beyond
}

func (o OperationReach) beyond(others []OperationReach) []string {
	at := slices.IndexFunc(others, func(other OperationReach) bool { return other.Name == o.Name })
	if at < 0 {
		beyond := []string{"operation " + o.Name + " (effect: " + string(o.Effect) + ")"}
		for _, q := range o.Requests {
			beyond = append(beyond, o.Name+" sends "+q.String())
		}
		return beyond
	}
	var beyond []string
	other := others[at]
	if o.Effect != other.Effect {
		beyond = append(beyond, "the effect of "+o.Name+" is "+string(o.Effect)+", not "+string(other.Effect))
	}
	if o.Repeats && !other.Repeats {
		beyond = append(beyond, o.Name+" may send its requests again")
	}
	for _, q := range o.Requests {
		if !slices.ContainsFunc(other.Requests, func(known RequestReach) bool { return known.covers(q) }) {
			beyond = append(beyond, o.Name+" sends "+q.String())
		}
	}
	return beyond
}

// covers reports whether r permits everything that q does. A request to a named server does
// not cover one to the connection's server, even if both are the same: if an operator
// configures another server, they differ.
func (r RequestReach) covers(q RequestReach) bool {
	if r.Server != q.Server || r.Method != q.Method || q.File != "" && r.File != q.File ||
		strings.Trim(q.RawQuery, r.RawQuery) != "" {
		return false
	}
	wide, err := pathtemplate.ParseTemplate(r.Path)
	if err != nil {
		return false
	}
	narrow, err := pathtemplate.ParseTemplate(q.Path)
	return err == nil && wide.Covers(narrow)
}

// String returns the method, the path, the server and the file.
func (r RequestReach) String() string {
	text := r.Method + " " + r.Path
	if r.Server != "" {
		text += " on server " + r.Server
	}
	if r.RawQuery != "" {
		text += ", with " + r.RawQuery + " unescaped in its query"
	}
	if r.File != "" {
		text += ", and gets the file that the answer names at " + r.File
	}
	return text
}
