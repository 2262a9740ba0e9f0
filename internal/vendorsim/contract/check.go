package contract

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
	"unicode/utf8"
)

const (
	// MaxBody is the largest JSON body accepted, in bytes. No vendor documents its own limit.
	MaxBody = 2 << 20
	// MaxItems bounds every array in a request.
	MaxItems = 10_000
)

// Problem is what is wrong with a request. It is not an error type: each vendor has its own, made from this.
type Problem struct {
	// Field is the path of the parameter at fault ("channels[0].id"); empty when it is the request as a whole.
	Field string
	// Message says what is wrong, the field's name included.
	Message string
	// TooLarge says that the body exceeds [MaxBody].
	TooLarge bool
	// Missing says that Field is required and was not sent, or is empty.
	Missing bool
}

func wrong(field, format string, args ...any) *Problem {
	return &Problem{Field: field, Message: fmt.Sprintf(format, args...)}
}

func missing(field string) *Problem {
	return &Problem{Field: field, Message: field + " is required", Missing: true}
}

// CheckQuery decodes a query string and holds it against the declared parameters. Unknown and repeated parameters
// are refused.
func CheckQuery(raw string, params []Param) (map[string]string, *Problem) {
	var values url.Values
	if raw != "" {
		var err error
		if values, err = url.ParseQuery(raw); err != nil {
			return nil, wrong("", "malformed query string")
		}
	}
	out := make(map[string]string, len(values))
	for name, vs := range values {
		p := ParamNamed(params, name)
		if p == nil {
			return nil, wrong(name, "unknown query parameter %q", name)
		}
		if len(vs) != 1 {
			return nil, wrong(name, "query parameter %q given %d times", name, len(vs))
		}
		if e := CheckScalar(p, name, vs[0]); e != nil {
			return nil, e
		}
		out[name] = vs[0]
	}
	for i := range params {
		if p := &params[i]; p.Required && out[p.Name] == "" {
			return nil, missing(p.Name)
		}
	}
	return out, nil
}

// CheckScalar holds the text of one query parameter against its declaration.
func CheckScalar(p *Param, path, s string) *Problem {
	switch p.Type {
	case "integer":
		n, err := strconv.Atoi(s)
		if err != nil {
			return wrong(path, "%s must be an integer", path)
		}
		return checkRange(p, path, n)
	case "boolean":
		if s != "true" && s != "false" {
			return wrong(path, "%s must be true or false", path)
		}
		return nil
	}
	return checkText(p, path, s)
}

// ReadRaw reads a request body up to [MaxBody].
func ReadRaw(w http.ResponseWriter, r *http.Request) ([]byte, *Problem) {
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
	if err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return nil, &Problem{Message: "request body too large", TooLarge: true}
		}
		return nil, wrong("", "request body could not be read")
	}
	return raw, nil
}

// CheckJSON holds a request body, which must be called application/json, against the declared parameters. Unknown
// fields are refused, at every level.
func CheckJSON(r *http.Request, raw []byte, params []Param) (Fields, *Problem) {
	if mt, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || mt != "application/json" {
		return nil, wrong("", "Content-Type must be application/json")
	}
	var body any
	if err := json.Unmarshal(raw, &body); err != nil {
		return nil, wrong("", "request body is not valid JSON")
	}
	obj, ok := body.(map[string]any)
	if !ok {
		return nil, wrong("", "request body must be a JSON object")
	}
	if e := CheckFields(params, "", obj); e != nil {
		return nil, e
	}
	return obj, nil
}

// CheckFields holds a JSON object against the declared fields; prefix starts the names in what it reports.
func CheckFields(params []Param, prefix string, obj map[string]any) *Problem {
	for name, v := range obj {
		p := ParamNamed(params, name)
		if p == nil {
			return wrong(prefix+name, "unknown field %q", prefix+name)
		}
		if v == nil && p.Nullable {
			continue
		}
		if e := checkValue(p, prefix+name, v); e != nil {
			return e
		}
	}
	for i := range params {
		if p := &params[i]; p.Required {
			if v, ok := obj[p.Name]; !ok || v == "" {
				return missing(prefix + p.Name)
			}
		}
	}
	return nil
}

// checkValue refuses null for every type; a vendor that takes null says so with Nullable.
func checkValue(p *Param, path string, v any) *Problem {
	kind := p.Type
	if strings.Contains(kind, "|") {
		kind = kindAmong(kind, v)
	}
	switch kind {
	case "string":
		if s, ok := v.(string); ok {
			return checkText(p, path, s)
		}
	case "boolean":
		if _, ok := v.(bool); ok {
			return nil
		}
	case "integer":
		if n, ok := v.(float64); ok && n == float64(int64(n)) {
			return checkRange(p, path, int(n))
		}
	case "number":
		if n, ok := v.(float64); ok {
			return checkRange(p, path, int(n))
		}
	case "object":
		if m, ok := v.(map[string]any); ok {
			if len(p.Fields) == 0 {
				return nil
			}
			return CheckFields(p.Fields, path+".", m)
		}
	case "array":
		if items, ok := v.([]any); ok {
			return checkItems(p, path, items)
		}
	}
	return wrong(path, "%s must be %s, not %s", path, withArticle(p.Type), JSONType(v))
}

func checkItems(p *Param, path string, items []any) *Problem {
	if len(items) > MaxItems {
		return wrong(path, "%s has more than %d items", path, MaxItems)
	}
	if len(items) < p.Min {
		return wrong(path, "%s must have at least %d items", path, p.Min)
	}
	item := Param{Type: p.Items, Format: p.Format, Enum: p.Enum, Fields: p.Fields}
	for i, it := range items {
		if e := checkValue(&item, fmt.Sprintf("%s[%d]", path, i), it); e != nil {
			return e
		}
	}
	return nil
}

// kindAmong returns the alternative that v is, or "".
func kindAmong(kinds string, v any) string {
	for kind := range strings.SplitSeq(kinds, "|") {
		if _, name, _ := strings.Cut(JSONType(v), " "); name == kind {
			return kind
		}
	}
	return ""
}

func checkText(p *Param, path, s string) *Problem {
	switch p.Format {
	case "date-time":
		if _, err := time.Parse(time.RFC3339Nano, s); err != nil {
			return wrong(path, "%s must be an RFC 3339 time", path)
		}
	case "uuid":
		if !isUUID(s) {
			return wrong(path, "%s must be a UUID", path)
		}
	}
	if len(p.Enum) > 0 && !slices.Contains(p.Enum, s) {
		return wrong(path, "%s must be one of %s", path, strings.Join(p.Enum, ", "))
	}
	if p.MaxLength > 0 && utf8.RuneCountInString(s) > p.MaxLength {
		return wrong(path, "%s must be at most %d characters long", path, p.MaxLength)
	}
	return nil
}

func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if c != '-' {
				return false
			}
		case '0' <= c && c <= '9', 'a' <= c && c <= 'f', 'A' <= c && c <= 'F':
		default:
			return false
		}
	}
	return true
}

func checkRange(p *Param, path string, n int) *Problem {
	if p.Max > 0 && (n < p.Min || n > p.Max) {
		return wrong(path, "%s must be between %d and %d", path, p.Min, p.Max)
	}
	return nil
}

func withArticle(jsonType string) string {
	jsonType = strings.ReplaceAll(jsonType, "|", " or ")
	if strings.ContainsRune("aeiou", rune(jsonType[0])) {
		return "an " + jsonType
	}
	return "a " + jsonType
}

// JSONType names the type of a decoded JSON value, with its article.
func JSONType(v any) string {
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
