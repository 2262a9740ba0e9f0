package openapi

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/tableimport"
	"github.com/getkin/kin-openapi/openapi3"
)

// maxServers is how many servers a table has; one is kept for the place of tokens.
const maxServers = 49

// server is a place where the API lives.
type server struct{ id, url, title string }

// servers are those of a document, and those of its operations.
type servers struct {
	all   []server
	notes []string
}

// newServers reads the servers of a document. own, if it is not empty, is their place
// instead.
func newServers(d *document, own string) (*servers, error) {
	s := new(servers)
	if own != "" {
		u, why := place(own)
		if u == "" {
			return nil, fault.Invalid("server", fmt.Sprintf("the server %q %s", clean(own, 100), why), "write it as https://api.example.com/v1")
		}
		s.add(u, "")
		return s, nil
	}
	var wrong []string
	for _, one := range d.Servers {
		for _, u := range s.expand(one) {
			if found, why := place(u); found != "" {
				s.add(found, clean(one.Description, 80))
			} else {
				wrong = append(wrong, fmt.Sprintf("%q %s", clean(u, 80), why))
			}
		}
	}
	if len(s.all) == 0 {
		message := "the document names no server"
		if len(wrong) > 0 {
			message = "the document names no server that a connector can have: " + strings.Join(wrong[:min(len(wrong), 3)], ", ")
		}
		return nil, fault.Invalid("servers", message, "say where the API is, with --server https://api.example.com")
	}
	for _, w := range wrong {
		s.notes = append(s.notes, "the server "+w+" and is left out")
	}
	return s, nil
}

// place checks the URL of a server and writes it without a slash at its end.
func place(text string) (place, why string) {
	u, err := url.Parse(strings.TrimSpace(text))
	switch {
	case err != nil || u.Host == "" && u.Scheme == "":
		return "", "is no URL with a host"
	case u.Scheme != "https":
		return "", "is not https"
	case u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.ContainsAny(text, "{}"):
		return "", "is not a plain URL of a host and a path"
	}
	return "https://" + strings.ToLower(u.Host) + strings.TrimRight(u.EscapedPath(), "/"), ""
}

// expand writes the variables of a server out: each value of a list, or else the default.
func (s *servers) expand(one *openapi3.Server) []string {
	all := []string{one.URL}
	var names []string
	for name := range one.Variables {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		v := one.Variables[name]
		if v == nil || !strings.Contains(one.URL, "{"+name+"}") {
			continue
		}
		values := []string{v.Default}
		for _, value := range v.Enum {
			if value != v.Default {
				values = append(values, value)
			}
		}
		if len(v.Enum) == 0 {
			s.notes = append(s.notes, fmt.Sprintf("the variable %s of the server %s has its default, %q", clean(name, 40), clean(one.URL, 100), clean(v.Default, 60)))
		}
		if v.Default == "" && len(v.Enum) > 0 {
			values = values[1:]
		}
		var more []string
		for _, u := range all {
			for _, value := range values {
				if len(more) < maxServers {
					more = append(more, strings.ReplaceAll(u, "{"+name+"}", value))
				}
			}
		}
		all = more
	}
	return all
}

// add returns the id of a server, which it adds if it is new.
func (s *servers) add(u, title string) string {
	for _, known := range s.all {
		if known.url == u {
			return known.id
		}
	}
	if len(s.all) >= maxServers {
		return ""
	}
	id := "main"
	if len(s.all) > 0 {
		id = fmt.Sprintf("server%d", len(s.all)+1)
	}
	s.all = append(s.all, server{id, u, title})
	return id
}

// of returns the server of an operation that has its own, or "" for the connection's.
func (s *servers) of(op *operation) (string, error) {
	list := op.item.Servers
	if op.Servers != nil && len(*op.Servers) > 0 {
		list = *op.Servers
	}
	if len(list) == 0 {
		return "", nil
	}
	for _, one := range list {
		for _, u := range s.expand(one) {
			if found, _ := place(u); found != "" {
				if id := s.add(found, clean(one.Description, 80)); id != "" {
					if id == s.all[0].id {
						return "", nil
					}
					return id, nil
				}
			}
		}
	}
	return "", cannot("its own server is not https, or no plain URL")
}

// origins are those of all servers, each once.
func (s *servers) origins() []any {
	var all []any
	for _, one := range s.all {
		if o := originOf(one.url); !slices.Contains(all, any(o)) {
			all = append(all, o)
		}
	}
	return all
}

func originOf(u string) string {
	rest := strings.TrimPrefix(u, "https://")
	host, _, _ := strings.Cut(rest, "/")
	return "https://" + host
}

// write writes the servers. tokens are URLs of token endpoints, whose origins have to be
// among the servers.
func (s *servers) write(tokens []string) []any {
	var list []any
	for _, one := range s.all {
		m := tableimport.Map{{Key: "id", Value: one.id}, {Key: "url", Value: one.url}}
		m.Add("title", one.title)
		list = append(list, m)
	}
	known := s.origins()
	for i, u := range tokens {
		if o := originOf(u); !slices.Contains(known, any(o)) {
			known = append(known, o)
			id := "auth"
			if i > 0 {
				id = fmt.Sprintf("auth%d", i+1)
			}
			list = append(list, tableimport.Map{{Key: "id", Value: id}, {Key: "url", Value: o}, {Key: "title", Value: "Tokens"}})
		}
	}
	return list
}
