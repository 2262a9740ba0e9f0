package connector

import (
	"fmt"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/internal/configvalue"
	"github.com/agenthost/agenthost/internal/egress/origin"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/lazyregexp"
	"github.com/agenthost/agenthost/internal/pattern"
	"github.com/agenthost/agenthost/pdk/abi"
)

const (
	maxConfig     = 50
	maxChoices    = 200 // of one field
	maxConfigSize = 20_000
)

// checkConfig checks the declared values of connections.
func checkConfig(fields []abi.AuthField) error {
	if len(fields) > maxConfig {
		return malformed("config", "has %d entries, the limit is %d", len(fields), maxConfig)
	}
	types := []string{configvalue.String, configvalue.Integer, configvalue.Boolean}
	seen := make(map[string]bool, len(fields))
	steps := 0
	for i := range fields {
		f, at := &fields[i], fmt.Sprintf("config[%d]", i)
		switch {
		case !wordForm.MatchString(f.Name):
			return malformed(at+".name", "is %q, want lower-case letters, digits and underscores", f.Name)
		case seen[f.Name]:
			return malformed(at+".name", "repeats %q", f.Name)
		case f.Type != "" && !slices.Contains(types, f.Type):
			return malformed(at+".type", "is %q; %s", f.Type, fault.Hint(f.Type, types))
		case f.Secret:
			return malformed(at+".secret", "is true, but a value of config is not secret; make it a field of a scheme")
		case f.Format != "":
			return malformed(at+".format", "is for fields of a scheme; use pattern")
		case f.Type == configvalue.Boolean && len(f.Enum) > 0:
			return malformed(at+".enum", "is not for a boolean")
		case len(f.Enum) > maxChoices:
			return malformed(at+".enum", "has %d entries, the limit is %d", len(f.Enum), maxChoices)
		}
		seen[f.Name] = true
		for field, text := range map[string]string{".title": f.Title, ".description": f.Description} {
			if err := checkText(at+field, text); err != nil {
				return err
			}
		}
		if f.Pattern != "" {
			whole, err := pattern.Whole(f.Pattern)
			if err != nil {
				return malformed(at+".pattern", "%v", err)
			}
			if steps += whole.Size; steps > maxConfigSize {
				return malformed("config", "has patterns that compile to more than %d steps in total; use fewer repetitions", maxConfigSize)
			}
		}
		own := *f
		own.Enum = nil
		for j, choice := range f.Enum {
			if problem := configvalue.Problem(&own, choice); problem != "" {
				return malformed(fmt.Sprintf("%s.enum[%d]", at, j), "is %q, which %s", choice, problem)
			}
		}
		if f.Default != "" {
			if problem := configvalue.Problem(f, f.Default); problem != "" {
				return malformed(at+".default", "is %q, which %s", f.Default, problem)
			}
		}
	}
	return nil
}

// checkNames makes sure that a value has a name of its own, as people and environment variables
// name credentials in the same way.
func checkNames(config []abi.AuthField, auth *abi.AuthSchema) error {
	taken := map[string]string{"server": "the connection's server"}
	for _, s := range auth.Schemes {
		for _, f := range s.Fields {
			taken[f.Name] = "a credential of scheme " + s.ID
		}
	}
	for i, f := range config {
		if by, ok := taken[f.Name]; ok {
			return malformed(fmt.Sprintf("config[%d].name", i), "is %q, which is the name of %s", f.Name, by)
		}
	}
	return nil
}

// checkServerURL checks the URL of a server. Its variables must be declared, and stay before a
// domain that belongs to somebody: nobody can say whose names are under com or co.uk.
func checkServerURL(at, url string, config []abi.AuthField) error {
	t, err := origin.ParseTemplate(url)
	switch {
	case err != nil:
		return malformed(at, "is %q, want only a host and a path: %v", url, err)
	case len(url) < 8 || !strings.EqualFold(url[:8], "https://"):
		return malformed(at, "is %q, want a URL that starts with https://", url)
	case t.Suffix() == "":
		return nil
	}
	everybodys, registry := t.Everybodys()
	if registry {
		return malformed(at, "is %q, and everybody can have a name under %s; write each address as a server of its own", url, t.Suffix())
	}
	var names []string
	for _, f := range config {
		names = append(names, f.Name)
	}
	for _, name := range t.Variables() {
		i := slices.Index(names, name)
		switch {
		case i < 0:
			return malformed(at, "has the variable {%s}, which is not in config; %s", name, fault.Hint(name, names))
		case config[i].Type == configvalue.Boolean:
			return malformed(at, "has the variable {%s}, which is a boolean", name)
		case config[i].Dots && (everybodys || origin.OfCloud(t.Suffix())):
			return malformed(fmt.Sprintf("config[%d].dots", i), "is true, and %s has {%s} before %s, where everybody can have a name; remove dots", at, name, t.Suffix())
		case !config[i].Required && config[i].Default == "":
			return malformed(fmt.Sprintf("config[%d].required", i), "is false, and %s needs it; set required: true, or a default", at)
		}
		for _, text := range append([]string{config[i].Default}, config[i].Enum...) {
			if text == "" {
				continue
			}
			if _, err := t.Expand(func(n string) (string, bool, bool) {
				if n == name {
					return text, config[i].Dots, true
				}
				return "a", false, true
			}); err != nil {
				return malformed(fmt.Sprintf("config[%d]", i), "has the value %q, which cannot be in %s: %v", text, at, err)
			}
		}
	}
	return nil
}

// places are the origins of servers, with the variables that they have.
type places struct {
	ids       []string
	origins   []origin.Origin
	variables []string
	names     []string // the origins as the manifest has them
}

func placesOf(servers []abi.Server) places {
	var p places
	for _, s := range servers {
		if o, _, err := origin.ParseServer(sample(s.URL)); err == nil {
			p.ids, p.origins, p.variables = append(p.ids, s.ID), append(p.origins, o), append(p.variables, variablesIn(s.URL))
			name := o.String()
			if strings.Contains(s.URL, "{") {
				name = hostPart(s.URL)
			}
			p.names = append(p.names, name)
		}
	}
	return p
}

// have reports whether a URL, which with sample values has an origin, is on a server. Both must
// have the same variables in the same places.
func (p places) have(url string, o origin.Origin) bool {
	variables := variablesIn(url)
	for i := range p.origins {
		if p.origins[i] == o && p.variables[i] == variables {
			return true
		}
	}
	return false
}

var variableForm = lazyregexp.New(`\{([a-z][a-z0-9_]*)\}`)

// sample returns a URL with a value for each variable in its host, another one for each name.
func sample(url string) string {
	host := hostPart(url)
	return variableForm.ReplaceAllString(host, "v-$1") + url[len(host):]
}

func variablesIn(url string) string {
	var names strings.Builder
	for _, match := range variableForm.FindAllStringSubmatch(hostPart(url), -1) {
		names.WriteString(match[0])
	}
	return names.String()
}

// hostPart is a URL up to its path.
func hostPart(url string) string {
	_, rest, ok := strings.Cut(url, "://")
	if !ok {
		return url
	}
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		return url[:len(url)-len(rest)+i]
	}
	return url
}
