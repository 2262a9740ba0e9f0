// Package difference says how two versions of a connector differ in what they declare: everything that is
// not the reach, which package grant compares. A person reads it before an update, because models read the
// titles and descriptions.
package difference

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/agenthost/agenthost/pdk/abi"
)

// Difference is what two versions declare differently, each change as a line.
type Difference struct {
	// Operations were added or removed.
	Operations []string
	// Limits are the vendor's rate limits, and what the host does for pages and files.
	Limits []string
	// Texts are what people and models read: titles, descriptions, examples.
	Texts []string
	// Others are all other changes, such as parameters.
	Others []string
}

// Empty reports whether nothing differs.
func (d *Difference) Empty() bool {
	return len(d.Operations)+len(d.Limits)+len(d.Texts)+len(d.Others) == 0
}

// maxLines is how many changes of a kind are said. Their number is said too.
const maxLines = 100

// Of compares two versions. The manifests and schemas are those of connectors that were checked, which
// bounds them.
func Of(before, after *abi.Manifest, authBefore, authAfter *abi.AuthSchema) (*Difference, error) {
	was, err := declared(before, authBefore)
	if err != nil {
		return nil, err
	}
	is, err := declared(after, authAfter)
	if err != nil {
		return nil, err
	}
	d := new(Difference)
	operations := func(of map[string]string) map[string]bool {
		names := make(map[string]bool)
		for path := range of {
			if rest, ok := strings.CutPrefix(path, "operations."); ok {
				names[strings.Join(strings.SplitN(rest, ".", 3)[:2], ".")] = true
			}
		}
		return names
	}
	old, now := operations(was), operations(is)
	for _, name := range slices.Sorted(maps.Keys(now)) {
		if !old[name] {
			d.Operations = append(d.Operations, name+" is new")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(old)) {
		if !now[name] {
			d.Operations = append(d.Operations, name+" is gone")
		}
	}
	paths := maps.Clone(was)
	maps.Copy(paths, is)
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		if was[path] == is[path] || ofReach(path) {
			continue
		}
		d.add(path, was[path], is[path])
	}
	for _, lines := range []*[]string{&d.Operations, &d.Limits, &d.Texts, &d.Others} {
		if n := len(*lines); n > maxLines {
			*lines = append((*lines)[:maxLines:maxLines], fmt.Sprintf("and %d more", n-maxLines))
		}
	}
	return d, nil
}

// add puts a change where it belongs.
func (d *Difference) add(path, was, is string) {
	line := path + ": " + quoted(was) + " is now " + quoted(is)
	switch {
	case isLimit(path):
		d.Limits = append(d.Limits, line)
	case isText(path):
		d.Texts = append(d.Texts, line)
	default:
		d.Others = append(d.Others, line)
	}
}

// quoted is a value for a line; empty where there is none.
func quoted(value string) string {
	if value == "" {
		return "(nothing)"
	}
	if runes := []rune(value); len(runes) > 300 {
		return string(runes[:300]) + "..."
	}
	return value
}

// ofReach reports whether package grant compares a fact: then it is shown as reach.
func ofReach(path string) bool {
	parts := strings.Split(path, ".")
	switch {
	case path == "version":
		return true
	case parts[0] == "operations" && len(parts) > 3:
		return parts[3] == "requests" || parts[3] == "effect"
	}
	return false
}

func isLimit(path string) bool {
	return strings.Contains(path, "rate_limit.") || strings.HasPrefix(path, "rate_headers") || hasPart(path, "host_limit", "paginated", "idempotent")
}

func isText(path string) bool {
	return hasPart(path, "title", "description", "docs_url", "help", "examples", "answers", "permission", "setup_url", "placeholder")
}

func hasPart(path string, names ...string) bool {
	return slices.ContainsFunc(strings.Split(path, "."), func(part string) bool { return slices.Contains(names, part) })
}

// declared are all facts of a declaration by their paths, each as JSON.
func declared(m *abi.Manifest, auth *abi.AuthSchema) (map[string]string, error) {
	facts := make(map[string]string)
	for prefix, value := range map[string]any{"": m, "auth": auth} {
		text, err := json.Marshal(value)
		if err != nil {
			return nil, err
		}
		decoder := json.NewDecoder(bytes.NewReader(text))
		decoder.UseNumber()
		var tree any
		if err := decoder.Decode(&tree); err != nil {
			return nil, err
		}
		walk(prefix, tree, facts)
	}
	return facts, nil
}

func walk(at string, value any, facts map[string]string) {
	switch v := value.(type) {
	case map[string]any:
		for name, member := range v {
			walk(join(at, name), member, facts)
		}
	case []any:
		used := make(map[string]bool)
		for i, element := range v {
			name := nameOf(element, i)
			if used[name] { // one must not hide the other
				name += "#" + strconv.Itoa(i)
			}
			used[name] = true
			walk(join(at, name), element, facts)
		}
	default:
		text, _ := json.Marshal(v) // a scalar
		facts[at] = string(text)
	}
}

// nameOf is what an element of a list is called: what identifies it, so that another order is no change.
func nameOf(element any, i int) string {
	if m, ok := element.(map[string]any); ok {
		entity, _ := m["entity"].(string)
		action, _ := m["action"].(string)
		if entity != "" && action != "" {
			return entity + "." + action
		}
		for _, key := range []string{"id", "name"} {
			if id, ok := m[key].(string); ok && id != "" {
				return id
			}
		}
	}
	return strconv.Itoa(i)
}

func join(at, name string) string {
	if at == "" {
		return name
	}
	return at + "." + name
}
