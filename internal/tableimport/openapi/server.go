package openapi

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/internal/egress/origin"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/tableimport"
	"github.com/getkin/kin-openapi/openapi3"
)

// maxServers is how many servers a table has; one is kept for the place of tokens.
const maxServers = 49

// server is a place where the API lives. operator says that customers of the vendor have others.
type server struct {
	id, url, title string
	operator       bool
}

// servers are those of a document, and those of its operations.
type servers struct {
	all    []server
	config []any           // the variables that a connection gives values for
	known  map[string]bool // names that no value can have
	notes  []string
	noted  map[string]bool
}

// note adds a note, once.
func (s *servers) note(text string) {
	if !s.noted[text] {
		s.noted[text], s.notes = true, append(s.notes, text)
	}
}

// newServers reads the servers of a document. own, if it is not empty, is their place
// instead.
func newServers(d *document, own string) (*servers, error) {
	s := &servers{known: map[string]bool{"server": true}, noted: make(map[string]bool)}
	for _, name := range []string{"username", "password", "client_id", "client_secret", "refresh_token", "access_token"} {
		s.known[name] = true
	}
	if d.Components.SecuritySchemes != nil {
		for name := range d.Components.SecuritySchemes {
			s.known[fieldName(name)] = true
		}
	}
	if own != "" {
		u, why := place(own)
		if u == "" {
			return nil, fault.Invalid("server", fmt.Sprintf("the server %q %s", clean(own, 100), why), "write it as https://api.example.com/v1")
		}
		s.add(choice{url: u}, "")
		return s, nil
	}
	var wrong []string
	for _, one := range d.Servers {
		for _, c := range s.expand(one) {
			if found, why := s.accept(c, one); found.url != "" {
				s.add(found, clean(one.Description, 80))
			} else {
				wrong = append(wrong, fmt.Sprintf("%q %s", clean(c.url, 80), why))
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
		s.note("the server " + w + " and is left out")
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

// choice is the URL of a server, with the value of the list that it was made of.
type choice struct {
	url, value string
	operator   bool
}

// expand writes the variables of a server out that have a list: each of its values makes a server. Of the others,
// those of the path get their default, and those of the host stay.
func (s *servers) expand(one *openapi3.Server) []choice {
	all := []choice{{url: one.URL}}
	for _, name := range sorted(one.Variables) {
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
		inHost := strings.Contains(hostOf(one.URL), "{"+name+"}")
		switch {
		case len(v.Enum) == 0 && inHost:
			continue
		case len(v.Enum) == 0:
			s.note(fmt.Sprintf("the variable %s of the server %s has its default, %q", clean(name, 40), clean(one.URL, 100), clean(v.Default, 60)))
		case v.Default == "":
			values = values[1:]
		}
		var more []choice
		for _, c := range all {
			for _, value := range values {
				if len(more) < maxServers {
					more = append(more, choice{url: strings.ReplaceAll(c.url, "{"+name+"}", value), value: strings.TrimSpace(c.value + " " + value)})
				}
			}
		}
		all = more
	}
	return all
}

// hostOf is the host of a URL, with its port. Without a scheme, it is what stands before the first slash.
func hostOf(u string) string {
	if _, rest, found := strings.Cut(u, "://"); found {
		u = rest
	}
	host, _, _ := strings.Cut(u, "/")
	return host
}

// accept checks a server. Variables before a literal suffix become values of the connection. Where there is no such
// suffix, the server is the operator's, and the defaults make the one that is declared.
func (s *servers) accept(c choice, one *openapi3.Server) (accepted choice, why string) {
	names := make(map[string]string) // in the table, by the name in the document
	for _, name := range sorted(one.Variables) {
		if one.Variables[name] != nil && strings.Contains(c.url, "{"+name+"}") {
			names[name] = s.variable(name)
		}
	}
	if len(names) == 0 {
		c.url, why = place(c.url)
		return c, why
	}
	host := hostOf(c.url)
	for name, own := range names {
		host = strings.ReplaceAll(host, "{"+name+"}", "{"+own+"}")
	}
	t, err := origin.ParseTemplate("https://" + strings.ToLower(host))
	if _, registry := t.Everybodys(); err != nil || registry {
		given := c.url
		for name := range names {
			c.url = strings.ReplaceAll(c.url, "{"+name+"}", one.Variables[name].Default)
		}
		if c.url, why = place(c.url); c.url != "" {
			c.operator = true
			s.note(fmt.Sprintf("the document's server is %s: a connection names its own with server:", clean(given, 100)))
		}
		return c, why
	}
	const stand = "xvariable" // a label in the place of each, which no document has
	at := sorted(names)
	for i, name := range at {
		c.url = strings.ReplaceAll(c.url, "{"+name+"}", fmt.Sprintf("%s%dx", stand, i))
	}
	if c.url, why = place(c.url); c.url == "" {
		return c, why
	}
	for i, name := range at {
		c.url = strings.ReplaceAll(c.url, fmt.Sprintf("%s%dx", stand, i), "{"+names[name]+"}")
		s.declare(names[name], one.Variables[name])
	}
	return c, ""
}

// variable is the name that a variable has in a table.
func (s *servers) variable(name string) string {
	own := identifier(words(name))
	if s.known[own] {
		own += "_value"
	}
	return own
}

// declare adds a value of the connection. What a document has as the default of a customer's name is somebody else's, so
// that it is none here.
func (s *servers) declare(own string, v *openapi3.ServerVariable) {
	for _, f := range s.config {
		if m, _ := f.(tableimport.Map); m.Text("name") == own {
			return
		}
	}
	about := clean(v.Description, 200)
	if v.Default != "" {
		if about != "" && !strings.HasSuffix(about, ".") {
			about += "."
		}
		about = strings.TrimSpace(fmt.Sprintf("%s The document's default is %s.", about, clean(v.Default, 60)))
	}
	f := tableimport.Map{{Key: "name", Value: own}, {Key: "required", Value: true}}
	f.Add("description", about)
	s.config = append(s.config, f)
	s.note(fmt.Sprintf("a connection gives the value of %s, in config", own))
}

// add returns the id of a server, which it adds if it is new.
func (s *servers) add(c choice, title string) string {
	for _, known := range s.all {
		if known.url == c.url {
			return known.id
		}
	}
	if len(s.all) >= maxServers {
		return ""
	}
	id := s.name(c, title)
	s.all = append(s.all, server{id, c.url, title, c.operator})
	return id
}

// name makes the id of a server: main for the first, and what tells another one apart, in the words of the
// document if they are few.
func (s *servers) name(c choice, title string) string {
	if len(s.all) == 0 {
		return "main"
	}
	for _, text := range []string{c.value, title, s.unlike(c.url)} {
		w := slices.DeleteFunc(words(text), func(w string) bool { return slices.Contains(noNames, w) })
		id := strings.Join(w, "-")
		free := !slices.ContainsFunc(s.all, func(one server) bool { return one.id == id })
		if free && len(w) > 0 && len(w) <= 3 && len(id) <= 30 && id[0] >= 'a' && id[0] <= 'z' && w[0] != "auth" {
			return id
		}
	}
	return fmt.Sprintf("server%d", len(s.all)+1)
}

// noNames are words that tell no server from another.
var noNames = []string{"server", "servers", "the", "api", "url", "environment", "https", "http"}

// unlike are the parts of a URL that the first server has not.
func (s *servers) unlike(u string) string {
	split := func(u string) []string {
		return strings.FieldsFunc(strings.TrimPrefix(u, "https://"), func(c rune) bool { return c == '.' || c == '/' })
	}
	first := split(s.all[0].url)
	return strings.Join(slices.DeleteFunc(split(u), func(part string) bool { return slices.Contains(first, part) }), " ")
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
		for _, c := range s.expand(one) {
			if found, _ := s.accept(c, one); found.url != "" {
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
		m.Add("operator", one.operator)
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
