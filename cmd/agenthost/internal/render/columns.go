package render

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/internal/rawjson"
	"github.com/agenthost/agenthost/internal/shape"
)

const (
	// maxColumns is the largest number of columns that a table chooses itself, and
	// the number of candidates.
	maxColumns, maxCandidates = 8, 200
	// widestColumn and narrowestColumn bound a column in terminal cells.
	widestColumn, narrowestColumn = 48, 8
	gap                           = 2
)

// column is one column of a table: a path into a record.
type column struct {
	path  []string
	title string
	width int
	// rank orders the columns, the most useful first.
	rank int
	// filled reports whether a record of the sample has a value here.
	filled bool
}

// telling are the names of fields that identify a record, the most useful first.
var telling = []string{
	"id", "number", "key", "name", "title", "subject", "label", "value", "slug", "email",
	"state", "status", "type", "priority", "severity", "effect", "version",
}

// faces are the fields that represent an object in a cell.
var faces = []string{"name", "title", "email", "label", "value", "slug", "id"}

// chooseColumns picks columns for a sample of records and fits them into a width.
func chooseColumns(sample []json.RawMessage, o Options) []column {
	var columns []column
	if len(o.Fields) > 0 {
		for _, field := range o.Fields {
			if names, err := shape.Names(field); err == nil {
				columns = append(columns, column{path: names, title: field})
			}
		}
		measure(columns, sample)
		return shrink(columns, o.Width)
	}
	columns = candidates(sample)
	measure(columns, sample)
	columns = slices.DeleteFunc(columns, func(c column) bool { return !c.filled })
	slices.SortStableFunc(columns, func(a, b column) int { return cmp.Compare(a.rank, b.rank) })
	return within(columns, o.Width)
}

// candidates returns the fields of the sample that a cell can show, in order of appearance.
func candidates(sample []json.RawMessage) []column {
	var columns []column
	seen := make(map[string]bool)
	add := func(path ...string) {
		title := strings.Join(path, ".")
		rank := rank(path, len(columns))
		if !seen[title] && (len(columns) < maxCandidates || rank < len(telling)) {
			seen[title] = true
			columns = append(columns, column{path: path, title: title, rank: rank})
		}
	}
	for _, record := range sample {
		for raw, value := range rawjson.Members(record) {
			name := rawjson.Unquote(raw)
			switch rawjson.KindOf(value) {
			case rawjson.Object:
				if face := faceOf(value); face != "" {
					add(name, face)
				}
			case rawjson.Array:
				if !holdsObjects(value) {
					add(name)
				}
			case rawjson.Null:
				// Another record may show whether it is a value or an object.
			default:
				add(name)
			}
		}
	}
	return columns
}

// hidden returns the names of the fields of the sample, in order of appearance, that have a value
// and no column.
func hidden(sample []json.RawMessage, columns []column) []string {
	known := make(map[string]bool)
	for _, c := range columns {
		known[c.path[0]] = true
	}
	var names []string
	for _, record := range sample {
		for raw, value := range rawjson.Members(record) {
			if name := rawjson.Unquote(raw); !known[name] && display(value) != "" {
				known[name] = true
				names = append(names, name)
			}
		}
	}
	return names
}

func rank(path []string, position int) int {
	name := path[0]
	if at := slices.Index(telling, name); at >= 0 && len(path) == 1 {
		return at
	}
	switch {
	case strings.HasSuffix(name, "html") || strings.HasSuffix(name, "url") || strings.Contains(name, "link"):
		return 4000 + position
	case strings.HasSuffix(name, "_id") || strings.HasSuffix(name, "_ids"):
		return 3000 + position
	case strings.HasSuffix(name, "_at") || strings.HasSuffix(name, "_time") || strings.HasSuffix(name, "date"):
		return 2000 + position
	}
	return 1000 + position
}

func faceOf(object []byte) string {
	best := len(faces)
	for raw, value := range rawjson.Members(object) {
		if at := slices.Index(faces, rawjson.Unquote(raw)); at >= 0 && at < best && scalar(value) {
			best = at
		}
	}
	if best == len(faces) {
		return ""
	}
	return faces[best]
}

func holdsObjects(array []byte) bool {
	for element := range rawjson.Elements(array) {
		return !scalar(element)
	}
	return false
}

func scalar(value []byte) bool {
	kind := rawjson.KindOf(value)
	return kind != rawjson.Object && kind != rawjson.Array
}

// measure computes the preferred widths of the columns.
func measure(columns []column, sample []json.RawMessage) {
	for i := range columns {
		columns[i].width = cells(Visible(columns[i].title))
	}
	for _, record := range sample {
		for i, text := range row(record, columns) {
			c := &columns[i]
			c.filled = c.filled || text != ""
			c.width = max(c.width, min(cells(text), widestColumn))
		}
	}
}

// within keeps columns, the most useful first, as long as they fit.
func within(columns []column, width int) []column {
	var chosen []column
	left := width
	for _, c := range columns {
		if len(chosen) == maxColumns {
			break
		}
		if len(chosen) > 0 {
			if left < gap+min(c.width, narrowestColumn) {
				continue
			}
			left -= gap
		}
		c.width = max(min(c.width, left), 1)
		left -= c.width
		chosen = append(chosen, c)
	}
	return chosen
}

// shrink narrows the widest columns until all fit or reach the smallest width. It narrows
// ids last, because users copy them.
func shrink(columns []column, width int) []column {
	total := gap * (len(columns) - 1)
	for _, c := range columns {
		total += c.width
	}
	for _, sparesIDs := range []bool{true, false} {
		for total > width {
			widest := -1
			for i, c := range columns {
				if sparesIDs && c.path[len(c.path)-1] == "id" || c.width <= narrowestColumn {
					continue
				}
				if widest < 0 || c.width > columns[widest].width {
					widest = i
				}
			}
			if widest < 0 {
				break
			}
			columns[widest].width--
			total--
		}
	}
	return columns
}

// row returns the text of each column for a record. It reads the record only once.
func row(record []byte, columns []column) []string {
	fields := make(map[string][]byte, len(columns))
	for _, c := range columns {
		fields[c.path[0]] = nil
	}
	for raw, value := range rawjson.Members(record) {
		name := rawjson.Unquote(raw)
		if _, wanted := fields[name]; wanted {
			fields[name] = value
		}
	}
	texts := make([]string, len(columns))
	for i, c := range columns {
		value := fields[c.path[0]]
		for _, name := range c.path[1:] {
			value = member(value, name)
		}
		texts[i] = display(value)
	}
	return texts
}

// member returns a member of an object. For an array of objects it returns the members as
// an array.
func member(value []byte, name string) []byte {
	switch rawjson.KindOf(value) {
	case rawjson.Object:
		var found []byte
		for raw, v := range rawjson.Members(value) {
			if rawjson.Unquote(raw) == name {
				found = v
			}
		}
		return found
	case rawjson.Array:
		joined := []byte{'['}
		for element := range rawjson.Elements(value) {
			if v := member(element, name); v != nil {
				joined = append(append(joined, v...), ',')
			}
		}
		if last := len(joined) - 1; joined[last] == ',' {
			joined[last] = ']'
			return joined
		}
	}
	return nil
}

// display returns a value on one line, with control characters escaped.
func display(value []byte) string {
	switch rawjson.KindOf(value) {
	case rawjson.Null, rawjson.Invalid:
		return ""
	case rawjson.String:
		return plain(rawjson.Unquote(value))
	case rawjson.Array:
		if holdsObjects(value) {
			return count(rawjson.Count(value), "item")
		}
		var parts []string
		length := 0
		for element := range rawjson.Elements(value) {
			part := displayPart(element)
			parts = append(parts, part)
			if length += len(part); length > 4*longestText {
				break // the rest does not fit
			}
		}
		return strings.Join(parts, ", ")
	case rawjson.Object:
		if face := faceOf(value); face != "" {
			return display(member(value, face))
		}
		return count(rawjson.Count(value), "field")
	}
	return Visible(string(rawjson.Trim(value)))
}

// displayPart returns an element of an array on one line. For an array in it, it shows the
// length: showing the elements would read the same bytes once for each level.
func displayPart(element []byte) string {
	if rawjson.KindOf(element) == rawjson.Array {
		return count(rawjson.Count(element), "item")
	}
	return display(element)
}
