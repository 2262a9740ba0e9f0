package incidentio

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/agenthost/agenthost/internal/vendorsim/contract"
)

type fields = contract.Fields

type query struct {
	scalars map[string]string
	filters []condition
}

// condition is one name[operator]=value, with all its values.
type condition struct {
	name     string // as it was sent
	field    string
	id       string // of formatOperatorsByID
	operator string
	values   []string
}

func (q query) text(name string) string { return q.scalars[name] }

func (q query) has(name string) bool { _, ok := q.scalars[name]; return ok }

func (q query) filtersOn(field string) bool {
	return slices.ContainsFunc(q.filters, func(c condition) bool { return c.field == field })
}

// splitName takes "field[a][b]" apart. It refuses brackets that are empty, nested, unbalanced or not at the end.
func splitName(name string) (field string, keys []string, ok bool) {
	field, rest, bracket := strings.Cut(name, "[")
	if field == "" || strings.Contains(field, "]") {
		return "", nil, false
	}
	for bracket {
		var key string
		key, rest, ok = strings.Cut(rest, "]")
		if !ok || key == "" || strings.Contains(key, "[") {
			return "", nil, false
		}
		keys = append(keys, key)
		if rest == "" {
			return field, keys, true
		}
		if rest, bracket = strings.CutPrefix(rest, "["); !bracket {
			return "", nil, false
		}
	}
	return field, nil, true
}

// checkQuery decodes a query string and checks it against the declared parameters.
func checkQuery(raw string, op *Operation) (query, *apiError) {
	q := query{}
	if raw != "" {
		values, err := url.ParseQuery(raw)
		if err != nil {
			return q, malformed("malformed query string")
		}
		q.scalars = make(map[string]string, len(values))
		for _, name := range slices.Sorted(maps.Keys(values)) {
			if e := q.add(op.Query, name, values[name]); e != nil {
				return q, e
			}
		}
		if e := q.checkRanges(); e != nil {
			return q, e
		}
	}
	for i := range op.Query {
		if p := &op.Query[i]; p.Required && q.scalars[p.Name] == "" {
			return q, required(p.Name)
		}
	}
	return q, nil
}

func (q *query) add(params []Param, name string, values []string) *apiError {
	field, keys, ok := splitName(name)
	if !ok {
		return invalid(name, "query parameter %q is not of the form name, name[operator] or name[id][operator]; repeat name[operator] for more than one value", name)
	}
	p := contract.ParamNamed(params, field)
	if p == nil {
		return invalid(name, "unknown query parameter %q", name)
	}
	switch p.Format {
	case formatOperators, formatOperatorsByID:
		return q.addCondition(p, name, keys, values)
	}
	switch isMap := p.Format == formatMap; {
	case isMap && len(keys) != 1:
		return invalid(name, "%s must be given as %s[name]=value", field, field)
	case !isMap && len(keys) > 0:
		return invalid(name, "%s takes no operator", field)
	}
	if len(values) != 1 {
		return invalid(name, "query parameter %q given %d times", name, len(values))
	}
	if p.Format != formatMap {
		if problem := contract.CheckScalar(p, name, values[0]); problem != nil {
			return refused(problem)
		}
	}
	q.scalars[name] = values[0]
	return nil
}

func (q *query) addCondition(p *Param, name string, keys, values []string) *apiError {
	c := condition{name: name, field: p.Name, values: values}
	switch {
	case p.Format == formatOperators && len(keys) == 1:
		c.operator = keys[0]
	case p.Format == formatOperatorsByID && len(keys) == 2:
		c.id, c.operator = keys[0], keys[1]
	case p.Format == formatOperators:
		return invalid(name, "%s needs one operator, for example %s[%s]", p.Name, p.Name, p.Fields[0].Name)
	default:
		return invalid(name, "%s needs an id and an operator, for example %s[ID][%s]", p.Name, p.Name, p.Fields[0].Name)
	}
	o := contract.ParamNamed(p.Fields, c.operator)
	if o == nil {
		var names []string
		for _, f := range p.Fields {
			names = append(names, f.Name)
		}
		return invalid(name, "%s has no operator %q; it has %s", p.Name, c.operator, strings.Join(names, ", "))
	}
	if o.Type != "array" && len(values) != 1 {
		return invalid(name, "%s given %d times; it takes one value", name, len(values))
	}
	for _, v := range values {
		if v == "" {
			return required(name)
		}
		if len(o.Enum) > 0 && !slices.Contains(o.Enum, v) {
			return invalid(name, "%s must be one of %s", name, strings.Join(o.Enum, ", "))
		}
		switch o.Format {
		case "date":
			if _, _, ok := parseMoment(v); !ok {
				return invalid(name, "%s must be a date (2024-05-01) or an RFC 3339 time", name)
			}
		case "date_range":
			if _, ok := parseRange(v); !ok {
				return invalid(name, "%s must be two dates or RFC 3339 times in order with ~ between, for example 2024-05-01~2024-05-31", name)
			}
		}
	}
	q.filters = append(q.filters, c)
	return nil
}

// checkRanges refuses gte with lte on one field, as the vendor does.
func (q *query) checkRanges() *apiError {
	for _, a := range q.filters {
		for _, b := range q.filters {
			if a.field == b.field && a.operator == "gte" && b.operator == "lte" {
				return invalid(a.field, "%s and %s cannot be used together; use %s[date_range]=FROM~TO", a.name, b.name, a.field)
			}
		}
	}
	return nil
}

// readBody reads a JSON body and checks it against the declared parameters. An operation without body parameters takes no
// body.
func readBody(w http.ResponseWriter, r *http.Request, op *Operation) (fields, *apiError) {
	raw, p := contract.ReadRaw(w, r)
	if p != nil {
		return nil, refused(p)
	}
	if len(op.Body) == 0 {
		if len(raw) == 0 {
			return nil, nil
		}
		return nil, malformed(op.Route() + " takes no request body")
	}
	body, p := contract.CheckJSON(r, raw, op.Body)
	return body, refused(p)
}

// pageSize is the page size asked for, or the default, but never more than the endpoint serves.
func (c *call) pageSize() int {
	n := 0
	if p := contract.ParamNamed(c.ep.op.Query, "page_size"); p != nil {
		n = p.Default
	}
	if s := c.query.text("page_size"); s != "" {
		n, _ = strconv.Atoi(s) // checked before
	}
	if limit := c.ep.op.PageCap; limit > 0 {
		n = min(n, limit)
	}
	return n
}

// EncodeQuery writes query parameters as the vendor reads them: scalars as name=value, an object as name[key]=value, an
// object of objects as name[id][operator]=value, and an array as a repeated name.
func EncodeQuery(params map[string]any) url.Values {
	out := url.Values{}
	var add func(name string, v any)
	add = func(name string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for key, inner := range v {
				add(name+"["+key+"]", inner)
			}
		case []any:
			for _, item := range v {
				add(name, item)
			}
		case string:
			out.Add(name, v)
		case bool:
			out.Add(name, strconv.FormatBool(v))
		case float64:
			out.Add(name, strconv.FormatFloat(v, 'f', -1, 64))
		}
	}
	for name, v := range params {
		add(name, v)
	}
	return out
}
