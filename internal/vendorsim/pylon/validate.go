package pylon

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	// maxBody is the largest JSON body accepted, in bytes. The vendor's own limit is not documented.
	maxBody = 2 << 20
	// maxItems bounds every array in a request.
	maxItems = 10_000
)

// fields are the fields of a checked JSON object: those that are there have the type the contract gives them.
type fields map[string]any

func (f fields) has(name string) bool { _, ok := f[name]; return ok }

func (f fields) text(name string) string { s, _ := f[name].(string); return s }

func (f fields) flag(name string) bool { b, _ := f[name].(bool); return b }

// texts is never nil when the field is there.
func (f fields) texts(name string) []string {
	items, ok := f[name].([]any)
	if !ok {
		return nil
	}
	out := make([]string, 0, len(items))
	for _, it := range items {
		s, _ := it.(string)
		out = append(out, s)
	}
	return out
}

func (f fields) objects(name string) []fields {
	items, _ := f[name].([]any)
	out := make([]fields, 0, len(items))
	for _, it := range items {
		m, _ := it.(map[string]any)
		out = append(out, m)
	}
	return out
}

func (f fields) object(name string) fields { m, _ := f[name].(map[string]any); return m }

// time is only called for fields of format date-time, which the contract check has parsed before.
func (f fields) time(name string) (time.Time, bool) {
	t, err := time.Parse(time.RFC3339Nano, f.text(name))
	return t, err == nil
}

// checkQuery decodes a query string and holds it against the declared parameters.
func checkQuery(raw string, params []Param) (map[string]string, *apiError) {
	var values url.Values
	if raw != "" {
		var err error
		if values, err = url.ParseQuery(raw); err != nil {
			return nil, invalid("malformed query string")
		}
	}
	out := make(map[string]string, len(values))
	for name, vs := range values {
		p := paramNamed(params, name)
		if p == nil {
			return nil, invalid("unknown query parameter %q", name)
		}
		if len(vs) != 1 {
			return nil, invalid("query parameter %q given %d times", name, len(vs))
		}
		if p.Type == "integer" {
			n, err := strconv.Atoi(vs[0])
			if err != nil {
				return nil, invalid("%s must be an integer", name)
			}
			if e := checkRange(p, name, n); e != nil {
				return nil, e
			}
		} else if e := checkText(p, name, vs[0]); e != nil {
			return nil, e
		}
		out[name] = vs[0]
	}
	for i := range params {
		if p := &params[i]; p.Required && out[p.Name] == "" {
			return nil, invalid("%s is required", p.Name)
		}
	}
	return out, nil
}

// readBody reads a JSON body and holds it against the declared parameters. An operation without body parameters
// takes no body; on methods that customarily have one, {} will do as well.
func readBody(w http.ResponseWriter, r *http.Request, op *Operation) (fields, *apiError) {
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return nil, &apiError{status: http.StatusRequestEntityTooLarge, code: codeTooLarge, messages: []string{"request body too large"}}
		}
		return nil, invalid("request body could not be read")
	}
	if len(op.Body) == 0 {
		if len(raw) == 0 || r.Method == http.MethodPost && strings.TrimSpace(string(raw)) == "{}" {
			return nil, nil
		}
		return nil, invalid("%s takes no request body", op.Route())
	}
	if mt, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || mt != "application/json" {
		return nil, invalid("Content-Type must be application/json")
	}
	var body any
	if err := json.Unmarshal(raw, &body); err != nil {
		return nil, invalid("request body is not valid JSON")
	}
	obj, ok := body.(map[string]any)
	if !ok {
		return nil, invalid("request body must be a JSON object")
	}
	if e := checkFields(op.Body, "", obj); e != nil {
		return nil, e
	}
	return obj, nil
}

func checkFields(params []Param, prefix string, obj map[string]any) *apiError {
	for name, v := range obj {
		p := paramNamed(params, name)
		if p == nil {
			return invalid("unknown field %q", prefix+name)
		}
		if e := checkValue(p, prefix+name, v); e != nil {
			return e
		}
	}
	for i := range params {
		if p := &params[i]; p.Required {
			if v, ok := obj[p.Name]; !ok || v == "" {
				return invalid("%s is required", prefix+p.Name)
			}
		}
	}
	return nil
}

// checkValue refuses null for every type: the vendor documents the empty string, not null, for clearing.
func checkValue(p *Param, path string, v any) *apiError {
	wrongType := func() *apiError { return invalid("%s must be %s, not %s", path, withArticle(p.Type), jsonType(v)) }
	switch p.Type {
	case "string":
		s, ok := v.(string)
		if !ok {
			return wrongType()
		}
		return checkText(p, path, s)
	case "boolean":
		if _, ok := v.(bool); !ok {
			return wrongType()
		}
	case "integer":
		n, ok := v.(float64)
		if !ok || n != float64(int64(n)) {
			return wrongType()
		}
		return checkRange(p, path, int(n))
	case "object":
		m, ok := v.(map[string]any)
		if !ok {
			return wrongType()
		}
		if len(p.Fields) > 0 {
			return checkFields(p.Fields, path+".", m)
		}
	case "array":
		items, ok := v.([]any)
		if !ok {
			return wrongType()
		}
		if len(items) > maxItems {
			return invalid("%s has more than %d items", path, maxItems)
		}
		item := Param{Type: p.Items, Fields: p.Fields}
		for i, it := range items {
			if e := checkValue(&item, fmt.Sprintf("%s[%d]", path, i), it); e != nil {
				return e
			}
		}
	}
	return nil
}

func checkText(p *Param, path, s string) *apiError {
	if p.Format == "date-time" {
		if _, err := time.Parse(time.RFC3339Nano, s); err != nil {
			return invalid("%s must be an RFC 3339 time", path)
		}
	}
	if len(p.Enum) > 0 && !slices.Contains(p.Enum, s) {
		return invalid("%s must be one of %s", path, strings.Join(p.Enum, ", "))
	}
	return nil
}

func checkRange(p *Param, path string, n int) *apiError {
	if p.Max > 0 && (n < p.Min || n > p.Max) {
		return invalid("%s must be between %d and %d", path, p.Min, p.Max)
	}
	return nil
}

func withArticle(jsonType string) string {
	if strings.ContainsRune("aeiou", rune(jsonType[0])) {
		return "an " + jsonType
	}
	return "a " + jsonType
}

func jsonType(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case float64:
		return "a number"
	case string:
		return "a string"
	case []any:
		return "an array"
	}
	return "an object"
}
