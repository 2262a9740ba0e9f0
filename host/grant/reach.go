package grant

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/agenthost/agenthost/pdk/abi"
)

// Reach is the access that a connector declares: where it sends requests, which requests each
// operation sends, with which effect, and where credentials go. All lists are sorted and
// without duplicates, so that equal reaches are equal values.
type Reach struct {
	Servers     []ServerReach     `json:"servers"`
	Operations  []OperationReach  `json:"operations"`
	Credentials []CredentialReach `json:"credentials"`
	// Hosted identifies the connector of the Airbyte API for hosted mode, one fact each.
	Hosted []string `json:"hosted,omitempty"`
}

// ServerReach is a server that receives requests.
type ServerReach struct {
	ID  string `json:"id"`
	URL string `json:"url"`
	// Default marks the server of connections that choose none.
	Default bool `json:"default,omitempty"`
	// Facts say what the variables in URL may be, one fact each, and who else may name another
	// origin: an operator, or the answer with a token.
	Facts []string `json:"facts,omitempty"`
}

// OperationReach is what one operation may send, and its effect.
type OperationReach struct {
	Name   string     `json:"name"`
	Effect abi.Effect `json:"effect"`
	// Repeats says that the host may repeat requests that change data.
	Repeats  bool           `json:"repeats,omitempty"`
	Requests []RequestReach `json:"requests"`
}

// RequestReach is a request that an operation may send.
type RequestReach struct {
	// Server is the id of a server. Empty means the connection's server.
	Server string `json:"server,omitempty"`
	Method string `json:"method"`
	Path   string `json:"path"`
	// RawQuery are the characters that values of the query have unescaped. Empty means none.
	RawQuery string `json:"raw_query,omitempty"`
	// File says where the answer names a file, which the host gets without the credential, and
	// from which domains: "/attachment/url from files.example.com". Empty means that it names none.
	File string `json:"file,omitempty"`
}

// CredentialReach is an authentication scheme, with where its values go.
type CredentialReach struct {
	Scheme string `json:"scheme"`
	// Facts describe the scheme completely, one fact each, such as `origin
	// https://api.example.com` and `header Authorization "Bearer {token}"`.
	Facts []string `json:"facts"`
}

// ReachOf returns the access that a connector declares.
func ReachOf(m *abi.Manifest, auth *abi.AuthSchema) Reach {
	var r Reach
	for i, s := range m.Servers {
		r.Servers = append(r.Servers, ServerReach{ID: s.ID, URL: s.URL, Default: i == 0, Facts: serverFacts(&s, m.Config, auth)})
	}
	slices.SortFunc(r.Servers, func(a, b ServerReach) int { return cmp.Compare(a.ID, b.ID) })
	for i := range m.Operations {
		op := &m.Operations[i]
		o := OperationReach{Name: nameOf(op), Effect: op.Effect, Repeats: op.Idempotent && op.Effect != abi.EffectRead}
		for _, q := range op.Requests {
			o.Requests = append(o.Requests, RequestReach{Server: q.Server, Method: q.Method, Path: q.Path, RawQuery: q.RawQuery, File: fileReach(q.File)})
		}
		slices.SortFunc(o.Requests, compareRequests)
		o.Requests = slices.Compact(o.Requests)
		r.Operations = append(r.Operations, o)
	}
	slices.SortFunc(r.Operations, func(a, b OperationReach) int { return cmp.Compare(a.Name, b.Name) })
	for i := range auth.Schemes {
		s := &auth.Schemes[i]
		r.Credentials = append(r.Credentials, CredentialReach{Scheme: s.ID, Facts: credentialFacts(s)})
	}
	slices.SortFunc(r.Credentials, func(a, b CredentialReach) int { return cmp.Compare(a.Scheme, b.Scheme) })
	if m.Airbyte != nil {
		r.Hosted = facts("airbyte", m.Airbyte)
	}
	return r
}

// serverFacts returns what decides where a server is, besides its URL.
func serverFacts(s *abi.Server, config []abi.AuthField, auth *abi.AuthSchema) []string {
	var list []string
	for i := range auth.Schemes {
		if o := auth.Schemes[i].OAuth2; o != nil && o.Server != nil && o.Server.ID == s.ID {
			list = append(list, "or "+o.Server.String())
		}
	}
	if s.Operator {
		list = append(list, "or any https origin that the operator names")
	}
	for _, f := range config {
		variable := "{" + f.Name + "}"
		if !strings.Contains(s.URL, variable) {
			continue
		}
		for _, choice := range f.Enum {
			list = append(list, variable+" may be "+strconv.Quote(choice))
		}
		if len(f.Enum) > 0 {
			continue
		}
		fact := variable + " may be any name"
		if f.Dots {
			fact = variable + " may be any names with dots between them"
		}
		if f.Pattern != "" {
			fact += " that matches " + strconv.Quote(f.Pattern)
		}
		list = append(list, fact)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// fileReach is a file as one text, in which any difference shows.
func fileReach(f *abi.File) string {
	if f == nil {
		return ""
	}
	suffixes := slices.Sorted(slices.Values(f.Suffixes))
	if len(suffixes) == 0 {
		return f.Pointer
	}
	return f.Pointer + " from " + strings.Join(suffixes, ",")
}

func compareRequests(a, b RequestReach) int {
	return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Method, b.Method), cmp.Compare(a.Server, b.Server), cmp.Compare(a.RawQuery, b.RawQuery), cmp.Compare(a.File, b.File))
}

// credentialFacts returns everything in a scheme that decides where values go and how the
// host protects them.
func credentialFacts(s *abi.AuthScheme) []string {
	list := []string{"type " + string(s.Type)}
	for _, o := range s.Origins {
		list = append(list, "origin "+strconv.Quote(strings.TrimSuffix(o, "/")))
	}
	for _, f := range s.Fields {
		kind := "plain" // may be in answers
		if f.Secret {
			kind = "secret"
		}
		list = append(list, "field "+f.Name+" "+kind)
	}
	for _, in := range s.Inject {
		list = append(list, in.In+" "+in.Name+" "+strconv.Quote(in.Value))
	}
	if s.Basic != nil {
		list = append(list, "basic "+strconv.Quote(s.Basic.Username)+" "+strconv.Quote(s.Basic.Password))
	}
	if s.OAuth2 != nil {
		list = append(list, facts("oauth2", s.OAuth2)...)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// facts writes each member of a declaration as a fact, also those that come later: one
// that is new in the ABI is part of the reach from its first day.
func facts(prefix string, declaration any) []string {
	text, err := json.Marshal(declaration)
	if err != nil {
		return []string{prefix + " unreadable"}
	}
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		return []string{prefix + " unreadable"}
	}
	list := walkFacts(prefix, value)
	slices.Sort(list)
	return slices.Compact(list)
}

func walkFacts(at string, value any) []string {
	var list []string
	switch v := value.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			list = append(list, walkFacts(at+" "+name, v[name])...)
		}
	case []any:
		for _, element := range v {
			list = append(list, walkFacts(at, element)...)
		}
	case string:
		list = append(list, at+" "+strconv.Quote(v))
	default:
		list = append(list, at+" "+fmt.Sprint(v))
	}
	return list
}
