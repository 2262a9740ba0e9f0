package openapi

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/internal/tableimport"
)

// name is what a table calls an operation.
type name struct{ entity, action string }

// maxName is how long an entity or an action becomes, in bytes: a model reads it in every
// tool.
const maxName = 40

// naming gives operations names. A name follows from its operation only, so that a document
// that grows leaves the names of its other operations as they are. Where two operations have
// the same name, the one keeps it that had it in the table before, or else the one with the shorter
// path: the order of the document says nothing.
type naming struct {
	before  map[string]name
	taken   map[name]bool
	names   map[string]name // by the key of the operation
	changed map[string]bool // those with another name than their own
}

// keyOfRow is what [operation.key] returns for the operation that a row was made of.
func keyOfRow(op tableimport.Map) string {
	query := url.Values{}
	for _, p := range op.Map("params") {
		if m, ok := p.Value.(tableimport.Map); ok && m.Text("in") == "query" && m.Has("const") {
			query.Add(first(m.Text("as"), p.Key), m.Text("const"))
		}
	}
	return op.Text("method") + " " + shape(op.Text("path")) + query.Encode()
}

// newNaming begins with the names of a table that was imported before; it may be nil.
func newNaming(before tableimport.Map) *naming {
	n := &naming{before: make(map[string]name), taken: make(map[name]bool), names: make(map[string]name), changed: make(map[string]bool)}
	for _, v := range before.List("operations") {
		op, _ := v.(tableimport.Map)
		known := name{op.Text("entity"), op.Text("action")}
		n.before[keyOfRow(op)] = known
	}
	return n
}

// shape is a path whose parameters have no names.
func shape(path string) string {
	var b strings.Builder
	for path != "" {
		literal, rest, found := strings.Cut(path, "{")
		b.WriteString(literal)
		if !found {
			break
		}
		b.WriteString("{}")
		_, path, _ = strings.Cut(rest, "}")
	}
	return b.String()
}

// give gives all operations of a document their names.
func (n *naming) give(all []operation) {
	var rest []*operation
	for i := range all {
		op := &all[i]
		if known, ok := n.before[op.key()]; ok {
			n.taken[known], n.names[op.key()] = true, known
		} else {
			rest = append(rest, op)
		}
	}
	slices.SortFunc(rest, func(a, b *operation) int {
		return cmp.Or(cmp.Compare(len(a.path), len(b.path)), cmp.Compare(a.key(), b.key()))
	})
	for _, op := range rest {
		own := natural(op)
		if n.taken[own] {
			own = n.another(op, own)
			n.changed[op.key()] = true
		}
		n.taken[own], n.names[op.key()] = true, own
	}
}

// another is the name of an operation whose own name another one has: with what its path says besides,
// or with a digest.
func (n *naming) another(op *operation, own name) name {
	action := own.action
	var in []string
	for _, literal := range literalsOf(op.path) {
		if w := words(literal); find(append(words(own.entity), words(action)...), w) < 0 {
			in = append(in, w...)
		}
	}
	candidates := make([][]string, 0, 2)
	if len(in) > 0 {
		candidates = append(candidates, append([]string{action, "in"}, in...))
	}
	if _, last, found := cutLast(op.path, "{"); found {
		parameter, _, _ := strings.Cut(last, "}")
		candidates = append(candidates, append([]string{action, "by"}, words(parameter)...))
	}
	for _, words := range candidates {
		if own.action = strings.Join(words, "_"); len(own.action) <= maxName && !n.taken[own] {
			return own
		}
	}
	sum := digest(op.key(), maxName)
	for size := shortDigest; size < maxName; size++ {
		if own.action = bounded(action, maxName-1-size) + "_" + sum[:size]; !n.taken[own] {
			break
		}
	}
	return own
}

// cutLast cuts a text at the last place of another one.
func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// shortDigest is the length of a digest in a name that nothing else has.
const shortDigest = 4

// digest is a text of so many characters that stands for a longer one.
func digest(s string, length int) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])[:length]
}

// natural is the name that an operation has by itself.
func natural(op *operation) name {
	literals := literalsOf(op.path)
	id := words(op.OperationID)
	id = withoutPath(id, op)
	var tag []string
	if len(op.Tags) > 0 {
		tag = words(op.Tags[0])
	}
	entity := tag
	if group, rest, ok := cutGroup(op.OperationID); ok {
		if len(entity) == 0 {
			entity = words(group)
		}
		if slices.EqualFunc(words(group), entity, sameWord) {
			id = words(rest)
		}
	}
	if len(entity) == 0 {
		entity = literals
		if len(id) > 0 && len(literals) > 1 {
			entity = literals[:1]
		}
	}
	if len(entity) == 0 {
		entity = []string{"api"}
	}
	action := actionOf(op, id, entity)
	return name{identifier(entity), notReserved(identifier(action))}
}

// cutGroup cuts the id of an operation such as issues/list or issues.list.
func cutGroup(id string) (group, rest string, ok bool) {
	if group, rest, ok = strings.Cut(id, "/"); !ok {
		group, rest, ok = strings.Cut(id, ".")
	}
	return group, rest, ok && len(words(group)) > 0 && len(words(rest)) > 0
}

// literalsOf are the words of a path outside its parameters, without a version.
func literalsOf(path string) []string {
	var all []string
	for segment := range strings.SplitSeq(path, "/") {
		if strings.ContainsAny(segment, "{}") {
			continue
		}
		w := words(segment)
		if len(w) == 1 && (w[0] == "api" || w[0] == "rest" || isVersion(w[0])) {
			continue
		}
		all = append(all, strings.Join(w, "_"))
	}
	return slices.DeleteFunc(all, func(s string) bool { return s == "" })
}

func isVersion(w string) bool {
	return len(w) > 1 && w[0] == 'v' && strings.Trim(w[1:], "0123456789") == ""
}

// withoutPath cuts off the path and the method that some frameworks append to the id.
func withoutPath(id []string, op *operation) []string {
	tail := append(words(op.path), strings.ToLower(op.method))
	if n := len(id) - len(tail); n > 0 && slices.Equal(id[n:], tail) {
		return id[:n]
	}
	return id
}

func sameWord(a, b string) bool { return singular(a) == singular(b) }

// actionOf is the id of an operation without the words of its entity, or what its method means.
func actionOf(op *operation, id, entity []string) []string {
	if len(id) == 0 {
		return ofPath(op, entity)
	}
	at := find(id, entity)
	if at < 0 {
		return id
	}
	if at > 1 && slices.ContainsFunc(id[1:at], func(w string) bool { return !slices.Contains(plain, w) }) {
		return id // list_sub_issues, and not list_sub
	}
	last := id[at+len(entity)-1]
	rest := slices.Concat(id[:at], id[at+len(entity):])
	if len(rest) == 0 {
		return []string{verb(op)}
	}
	if last != singular(last) { // one of many, or many
		switch rest[0] {
		case "get", "fetch", "read", "retrieve":
			if len(rest) == 1 && !endsInParameter(op.path) {
				return []string{"list"}
			}
		case "list", "search", "find", "query", "count":
		default:
			if at > 0 && !endsInParameter(op.path) && op.method != "GET" && op.method != "POST" {
				return id
			}
		}
	}
	return rest
}

// plain are words before a noun that tell it from no other one, and small are words that a long name can do
// without.
var (
	plain = []string{"a", "all", "an", "many", "multiple", "my", "new", "one", "single", "the"}
	small = []string{"a", "an", "and", "by", "for", "from", "in", "of", "on", "or", "that", "the", "to", "with"}
)

// ofPath is the action of an operation without an id: what its method means, and the words of
// its path that are not those of its entity.
func ofPath(op *operation, entity []string) []string {
	literals := literalsOf(op.path)
	action := []string{verb(op)}
	if op.method == "GET" && !endsInParameter(op.path) {
		if n := len(literals); n == 0 {
			return []string{"get", "root"}
		} else if singular(literals[n-1]) == literals[n-1] {
			action[0] = "get"
		}
	}
	for _, literal := range literals {
		for _, w := range words(literal) {
			if !slices.ContainsFunc(entity, func(e string) bool { return sameWord(e, w) }) {
				action = append(action, w)
			}
		}
	}
	return action
}

// find is where some words stand in others, -1 if nowhere.
func find(in, what []string) int {
	for i := 0; i+len(what) <= len(in); i++ {
		if slices.EqualFunc(in[i:i+len(what)], what, sameWord) {
			return i
		}
	}
	return -1
}

func endsInParameter(path string) bool { return strings.HasSuffix(strings.TrimRight(path, "/"), "}") }

// verb is what a method does to what a path names.
func verb(op *operation) string {
	switch op.method {
	case "GET", "HEAD":
		if op.method == "HEAD" {
			return "head"
		}
		if endsInParameter(op.path) {
			return "get"
		}
		return "list"
	case "POST":
		return "create"
	case "PUT":
		return "replace"
	case "PATCH":
		return "update"
	}
	return strings.ToLower(op.method)
}

// identifier joins words. A long one loses its small words, and then its end, and gets a digest of the whole.
func identifier(w []string) string {
	whole := strings.Join(w, "_")
	text := whole
	if len(text) > maxName {
		text = strings.Join(slices.DeleteFunc(slices.Clone(w), func(s string) bool { return slices.Contains(small, s) }), "_")
	}
	if text == "" {
		return "call"
	}
	if text[0] >= '0' && text[0] <= '9' {
		text = "n" + text
	}
	if len(text) > maxName {
		return bounded(text, maxName-5) + "_" + digest(whole, shortDigest)
	}
	return text
}

// bounded cuts a name after a word.
func bounded(text string, most int) string {
	if len(text) <= most {
		return text
	}
	cut := text[:most]
	if at := strings.LastIndexByte(cut, '_'); at > most/2 {
		cut = cut[:at]
	}
	return strings.TrimRight(cut, "_")
}

// notReserved renames the actions that only a host has.
func notReserved(action string) string {
	if action == "context_store_search" || action == "context_store_sql_query" {
		return action + "_call"
	}
	return action
}
