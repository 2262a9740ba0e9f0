package grant

import (
	"slices"

	"github.com/agenthost/agenthost/host/egress/pathtemplate"
)

// Beyond returns what of a reach another does not have, a sentence each, in a fixed
// order. A reach of which nothing is beyond another can do nothing that the other cannot.
//
// A change of an operation's effect is beyond in either direction: connections that allow
// what only reads would let through what wrote before.
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
			beyond = append(beyond, "server "+s.ID+" is that of connections which choose none")
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
		beyond := []string{"operation " + o.Name + ", whose effect is " + string(o.Effect)}
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
		beyond = append(beyond, o.Name+" may be sent more than once")
	}
	for _, q := range o.Requests {
		if !slices.ContainsFunc(other.Requests, func(known RequestReach) bool { return known.covers(q) }) {
			beyond = append(beyond, o.Name+" sends "+q.String())
		}
	}
	return beyond
}

// covers reports whether r stands for everything that q does. A request to a server that
// it names is not one to the server that a connection chose, even where both are one: an
// operator who put another server in its place would find requests elsewhere.
func (r RequestReach) covers(q RequestReach) bool {
	if r.Server != q.Server || r.Method != q.Method {
		return false
	}
	wide, err := pathtemplate.ParseTemplate(r.Path)
	if err != nil {
		return false
	}
	narrow, err := pathtemplate.ParseTemplate(q.Path)
	return err == nil && wide.Covers(narrow)
}

// String writes a request the way a person reads it.
func (r RequestReach) String() string {
	if r.Server != "" {
		return r.Method + " " + r.Path + " on server " + r.Server
	}
	return r.Method + " " + r.Path
}
