package tableimport

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// Report says what became of a description.
type Report struct {
	// Connector is the name of the table, and Source the file that it was made of.
	Connector string `json:"connector"`
	Source    string `json:"source"`
	// Taken are the operations of the table.
	Taken []string `json:"taken"`
	// LeftOut are the operations that the table does not have.
	LeftOut []LeftOut `json:"left_out"`
	// Guesses are what the description does not say, and what was done differently. A person
	// reads them.
	Guesses []Guess `json:"guesses"`
	// Edits are what a person's overlay changed.
	Edits []Edit `json:"edits,omitempty"`
}

// Edit is an action of an overlay that was applied.
type Edit struct {
	// Line is that of the action in the overlay.
	Line   int    `json:"line"`
	Target string `json:"target"`
	Remove bool   `json:"remove,omitempty"`
	// Places is how many the target leads to.
	Places int `json:"places"`
}

// LeftOut is an operation that a table cannot say, and why.
type LeftOut struct {
	Operation string `json:"operation"`
	Reason    string `json:"reason"`
}

// Guess is something to look at.
type Guess struct {
	// About is what it is about: effect, pagination, records, name, auth and so on.
	About string `json:"about"`
	// Operation is entity.action, or empty for all of the table.
	Operation string `json:"operation,omitempty"`
	Text      string `json:"text"`
	// Line is the line of the written table to change; 0 if there is none.
	Line int `json:"line,omitempty"`

	key string
}

// Leave notes that an operation is left out.
func (r *Report) Leave(operation, reason string) {
	r.LeftOut = append(r.LeftOut, LeftOut{operation, reason})
}

// Guess notes a guess about an operation, which stands at a key of it.
func (r *Report) Guess(about, operation, key, text string) {
	r.Guesses = append(r.Guesses, Guess{About: about, Operation: operation, Text: text, key: key})
}

// Note notes something about the whole table, which stands at a path of it.
func (r *Report) Note(path, text string) {
	about, _, _ := strings.Cut(path, ".")
	about, _, _ = strings.Cut(about, "[")
	r.Guesses = append(r.Guesses, Guess{About: about, Text: text, key: path})
}

// finish fills in which operations were taken, and the lines.
func (r *Report) finish(document Map, lines map[string]int) {
	paths := make(map[string]string)
	r.Taken = make([]string, 0, len(document.List("operations")))
	for i, op := range document.List("operations") {
		r.Taken = append(r.Taken, NameOf(op))
		paths[NameOf(op)] = fmt.Sprintf("operations[%d]", i)
	}
	r.Guesses = slices.DeleteFunc(r.Guesses, func(g Guess) bool { return g.Operation != "" && paths[g.Operation] == "" })
	for i := range r.Guesses {
		g := &r.Guesses[i]
		g.Line = line(lines, strings.Trim(paths[g.Operation]+"."+g.key, "."))
	}
}

// line is where the closest thing stands that a path leads through.
func line(lines map[string]int, path string) int {
	for path != "" {
		if n := lines[path]; n > 0 {
			return n
		}
		path = path[:max(strings.LastIndexAny(path, ".["), 0)]
	}
	return 0
}

// mostNames is how many operations a line of the printed report names; as JSON it names all.
const mostNames = 10

// Print writes the report for a person: a line that counts, what is left out by reason, and
// the guesses with their lines in a file.
func (r *Report) Print(w io.Writer, file string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s of %d operations", file, r.Connector, len(r.Taken)+len(r.LeftOut))
	fmt.Fprintf(&b, ", %d taken, %d left out, %d guesses\n", len(r.Taken), len(r.LeftOut), len(r.Guesses))
	byReason := make(map[string][]string)
	for _, left := range r.LeftOut {
		byReason[left.Reason] = append(byReason[left.Reason], left.Operation)
	}
	for _, reason := range slices.Sorted(maps.Keys(byReason)) {
		names := byReason[reason]
		more := ""
		if len(names) > mostNames {
			more = fmt.Sprintf(" and %d more", len(names)-mostNames)
			names = names[:mostNames]
		}
		fmt.Fprintf(&b, "  left out: %s%s: %s\n", oneLine(strings.Join(names, ", ")), more, oneLine(reason))
	}
	for _, g := range r.Guesses {
		at := file
		if g.Line > 0 {
			at = fmt.Sprintf("%s:%d", file, g.Line)
		}
		fmt.Fprintf(&b, "  %s: %s", at, g.About)
		if g.Operation != "" {
			b.WriteString(" of " + oneLine(g.Operation))
		}
		b.WriteString(": " + oneLine(g.Text) + "\n")
	}
	for _, e := range r.Edits {
		does := "changed"
		if e.Remove {
			does = "removed"
		}
		places := "places"
		if e.Places == 1 {
			places = "place"
		}
		fmt.Fprintf(&b, "  overlay line %d: %s %s, in %d %s\n", e.Line, does, oneLine(e.Target), e.Places, places)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// oneLine keeps what a document says from making lines of the report.
func oneLine(s string) string { return strings.NewReplacer("\r", " ", "\n", " ").Replace(s) }
