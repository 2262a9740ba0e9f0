package render

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/host/shape"
	"github.com/agenthost/agenthost/internal/rawjson"
)

const (
	// maxColumns is how many columns a table has that nobody chose.
	maxColumns = 8
	// widestColumn and narrowestColumn bound a column in terminal cells.
	widestColumn, narrowestColumn = 48, 8
	gap                           = 2
)

// column is one column of a table: a path into a record.
type column struct {
	path  []string
	title string
	width int
	// rank orders the columns, the most telling first.
	rank int
	// filled says that a record of the sample has something here.
	filled bool
}

// telling are the names of fields that say what a record is, the most telling first.
var telling = []string{
	"id", "number", "key", "name", "title", "subject", "label", "value", "slug", "email",
	"state", "status", "type", "priority", "severity", "effect", "version",
}

// faces are the fields that stand for an object in the place of all of it.
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

// candidates are all fields of the sample that a cell can show, in order of appearance.
func candidates(sample []json.RawMessage) []column {
	var columns []column
	seen := make(map[string]bool)
	add := func(path ...string) {
		title := strings.Join(path, ".")
		if !seen[title] {
			seen[title] = true
			columns = append(columns, column{path: path, title: title, rank: rank(path, len(columns))})
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
				// Another record may say whether it is a value or an object.
			default:
				add(name)
			}
		}
	}
	return columns
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

// measure finds how wide the columns want to be.
func measure(columns []column, sample []json.RawMessage) {
	for i := range columns {
		c := &columns[i]
		c.width = cells(Visible(c.title))
		for _, record := range sample {
			text := cell(record, c.path)
			c.filled = c.filled || text != ""
			c.width = max(c.width, min(cells(text), widestColumn))
		}
	}
}

// within takes columns, the most telling first, as long as they fit.
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

// shrink narrows the widest columns until all fit, or none can get narrower. An id is
// narrowed last, for it is there to be copied.
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

// cell is what a table shows of a record at a path.
func cell(record []byte, path []string) string {
	value := record
	for _, name := range path {
		value = member(value, name)
		if value == nil {
			return ""
		}
	}
	return display(value)
}

// member is a member of an object, or of the objects of an array as an array.
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

// display is a value on one line, safe to show.
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
		for element := range rawjson.Elements(value) {
			parts = append(parts, display(element))
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
