package api

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/httpserve"
	"github.com/agenthost/agenthost/internal/rawjson"
)

// field is a member of an input or of an answer.
type field struct {
	name     string
	index    []int
	required bool
	omitted  bool // if it is empty
	of       reflect.Type

	doc    string
	most   int      // the largest number, if the smallest is 1
	values []string // the only ones; nil means any
}

// fields are the fields of a struct with a json tag, and those of the structs in it that have no name
// there.
func fields(t reflect.Type) []field {
	var all []field
	for i := range t.NumField() {
		tag := t.Field(i).Tag
		name, options, _ := strings.Cut(tag.Get("json"), ",")
		if inner := t.Field(i); inner.Anonymous && name == "" && inner.Type.Kind() == reflect.Struct {
			for _, f := range fields(inner.Type) {
				f.index = append([]int{i}, f.index...)
				all = append(all, f)
			}
			continue
		}
		if name == "" || name == "-" {
			continue
		}
		f := field{name: name, index: []int{i}, required: tag.Get("required") == "true", omitted: options == "omitempty", of: t.Field(i).Type, doc: tag.Get("doc")}
		f.most, _ = strconv.Atoi(tag.Get("most"))
		if values := tag.Get("values"); values != "" {
			f.values = strings.Split(values, " ")
		}
		all = append(all, f)
	}
	return all
}

// read makes the input of a request.
func (a *API) read(ctx context.Context, r *Request, e *httpserve.Exchange, route *Route) (_ any, err error) {
	if route.Media != "" {
		if r.Content, err = a.body(r, e, route); err != nil {
			return nil, err
		}
	}
	if route.input == nil {
		return nil, nil
	}
	input := reflect.New(route.input)
	if !route.hasBody() {
		return input.Interface(), readQuery(r.URL, input.Elem(), route.fields)
	}
	body, err := a.body(r, e, route)
	if err != nil {
		return nil, err
	}
	r.Present = make(map[string]bool)
	if err := readBody(ctx, body, input.Elem(), route.fields, r.Present); err != nil {
		return nil, err
	}
	return input.Interface(), nil
}

// body reads the body of a request. JSON that is not there is an empty object.
func (a *API) body(r *Request, e *httpserve.Exchange, route *Route) ([]byte, error) {
	given := r.Request.Header.Get("Content-Type")
	switch {
	case route.Media != "" && given != route.Media:
		return nil, &Refusal{Status: http.StatusUnsupportedMediaType, Message: "the body is not declared as " + route.Media, Hint: "send it with the header Content-Type: " + route.Media}
	case route.Media != "":
	case r.ContentLength == 0:
		return []byte("{}"), nil
	case !isJSON(given):
		return nil, &Refusal{Status: http.StatusUnsupportedMediaType, Message: "the body is not declared as JSON", Hint: "send it with the header Content-Type: application/json"}
	}
	most := cmp.Or(route.MaxBody, SmallBody)
	if r.ContentLength > most {
		return nil, tooLong(most)
	}
	text, err := e.ReadBody(r.Request, r.Body, most, a.options.Hold)
	switch large := (*http.MaxBytesError)(nil); {
	case errors.As(err, &large):
		return nil, tooLong(most)
	case errors.Is(err, httpserve.ErrNoRoom):
		return nil, &Refusal{Status: http.StatusServiceUnavailable, Message: "the server has no room for so long a body now", Hint: "send it again later", RetryAfter: retryLater}
	case err != nil:
		return nil, &Refusal{Status: http.StatusRequestTimeout, Message: "the body was late or incomplete", Hint: "send it again, without pauses"}
	}
	return text, nil
}

// isJSON reports whether a body of a content type is JSON in UTF-8.
func isJSON(contentType string) bool {
	if contentType == "application/json" {
		return true // as most clients write it
	}
	kind, params, err := mime.ParseMediaType(contentType)
	charset := params["charset"]
	return err == nil && kind == "application/json" && (charset == "" || strings.EqualFold(charset, "utf-8"))
}

func tooLong(most int64) error {
	return &Refusal{Status: http.StatusRequestEntityTooLarge, Message: fmt.Sprintf("the body is longer than %d bytes", most), Hint: "send less at once"}
}

// readBody reads a JSON object. Names count as they are written, and once.
func readBody(ctx context.Context, text []byte, into reflect.Value, all []field, present map[string]bool) error {
	if !utf8.Valid(text) {
		return notJSON("it is not UTF-8")
	}
	double, err := rawjson.DuplicateWithin(text, func(int) error { return ctx.Err() })
	switch {
	case ctx.Err() != nil:
		return fault.Ended(ctx)
	case err != nil:
		return notJSON(err.Error())
	case double != "":
		return fault.Invalid(fmt.Sprintf("%.60s", double), fmt.Sprintf("the body has the member %.60q twice in one object", double), "write it once")
	case rawjson.KindOf(text) != rawjson.Object:
		return &Refusal{Status: http.StatusUnprocessableEntity, Message: "the body is not a JSON object", Hint: "write it in braces"}
	}
	given := make([]bool, len(all))
	for raw, value := range rawjson.Members(text) {
		name := rawjson.Unquote(raw)
		i := slices.IndexFunc(all, func(f field) bool { return f.name == name })
		if i < 0 {
			continue // clients of other generations send more
		}
		present[name] = true
		if rawjson.KindOf(value) == rawjson.Null {
			continue
		}
		if err := decode(value, into.FieldByIndex(all[i].index)); err != nil {
			return fault.Invalid(name, name+" is not "+kindName(all[i].of), "see "+name+" in /openapi.json")
		}
		given[i] = true
	}
	for i, f := range all {
		if f.required && !given[i] {
			return fault.Invalid(f.name, f.name+" is missing", "add it to the body")
		}
	}
	return nil
}

// decode reads a value of a body that is JSON. Texts and raw values are read without package json,
// which is slow for small bodies.
func decode(value []byte, into reflect.Value) error {
	switch into := into.Addr().Interface().(type) {
	case *json.RawMessage:
		*into = value
		return nil
	case *string:
		if rawjson.KindOf(value) == rawjson.String {
			*into = rawjson.Unquote(value)
			return nil
		}
	}
	decoder := json.NewDecoder(bytes.NewReader(value))
	decoder.UseNumber() // a number stays what the client wrote
	return decoder.Decode(into.Addr().Interface())
}

func notJSON(why string) error {
	return &Refusal{Status: http.StatusBadRequest, Message: "the body is not JSON: " + why, Hint: "send one JSON object"}
}

// readQuery reads query parameters. Each may stand once.
func readQuery(u *url.URL, into reflect.Value, all []field) error {
	values, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return &Refusal{Status: http.StatusBadRequest, Message: "the query of the URL cannot be read", Hint: "escape its values"}
	}
	for _, f := range all {
		given := values[f.name]
		switch {
		case len(given) == 0 || len(given) == 1 && given[0] == "":
			if f.required {
				return fault.Invalid(f.name, f.name+" is missing", "add ?"+f.name+"=... to the URL")
			}
			continue
		case len(given) > 1:
			return fault.Invalid(f.name, f.name+" stands twice in the URL", "give it once")
		case !utf8.ValidString(given[0]) || strings.ContainsRune(given[0], 0):
			return fault.Invalid(f.name, f.name+" is not text", "write it in UTF-8")
		}
		target := into.FieldByIndex(f.index)
		switch target.Kind() {
		case reflect.Int:
			n, err := strconv.Atoi(given[0])
			if err != nil {
				return fault.Invalid(f.name, f.name+" is not "+kindName(f.of), "write it in digits")
			}
			target.SetInt(int64(n))
		default:
			target.SetString(given[0])
		}
	}
	return nil
}

// kindName is the type of a field in words.
func kindName(t reflect.Type) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.String:
		return "text"
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int64:
		return "a whole number"
	case reflect.Float64:
		return "a number"
	case reflect.Slice:
		if t != reflect.TypeFor[json.RawMessage]() {
			return "a list of " + kindName(t.Elem()) + "s"
		}
	}
	return "an object"
}
