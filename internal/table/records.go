package table

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/pdk"
)

// maxNesting is how deep the members of a record may stand in each other.
const maxNesting = 20

// records checks the members of records, which pdk takes for right.
func (r *reader) records(c *pdk.Connector) {
	var names []string
	for _, op := range c.Operations {
		names = append(names, op.Entity, op.Entity+"."+op.Action)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Records)) {
		path := "records." + clip(name)
		at, found := r.nearest(path)
		if !found {
			at, _ = r.nearest("records")
		}
		if !slices.Contains(names, name) {
			r.problem(at, path, fmt.Sprintf("there is no entity and no operation %q", clip(name)), fault.Hint(name, names))
		}
		if message, hint := misread(c.Records[name]); message != "" {
			r.problem(at, path, message, hint)
		}
	}
}

// misread returns what is wrong with the members of a record, in the form that
// [pdk.Connector.Records] describes.
func misread(members string) (message, hint string) {
	const blanks = " \n\t"
	types := []string{"any", "boolean", "integer", "number", "object", "string", "time"}
	open := 0
	for rest := strings.TrimLeft(members, blanks); rest != ""; rest = strings.TrimLeft(rest, blanks) {
		if rest[0] == '}' {
			if open--; open < 0 {
				return "has a } without {", ""
			}
			rest = rest[1:]
			continue
		}
		end := upTo(rest, blanks+"[]{}:")
		if end == 0 {
			return fmt.Sprintf("has no name before %q", clip(rest)), "write the name of a member, and then [], {...} or : and a type"
		}
		name := rest[:end]
		rest = rest[end:]
		arrays := 0
		for strings.HasPrefix(rest, "[]") {
			rest = rest[2:]
			arrays++
		}
		switch {
		case strings.HasPrefix(rest, "{"):
			open++
			rest = rest[1:]
		case strings.HasPrefix(rest, ":"):
			end := upTo(rest, blanks+"}")
			if kind := rest[1:end]; !slices.Contains(types, kind) {
				return fmt.Sprintf("has %s of the type %q", clip(name), clip(kind)), fault.Hint(kind, types)
			}
			rest = rest[end:]
		}
		if open+arrays > maxNesting {
			return fmt.Sprintf("has members more than %d deep", maxNesting), "say object instead of the inner ones"
		}
	}
	if open > 0 {
		return "has a { without }", ""
	}
	return "", ""
}

// upTo is where the first of some characters is, or the end.
func upTo(s, chars string) int {
	if i := strings.IndexAny(s, chars); i >= 0 {
		return i
	}
	return len(s)
}
