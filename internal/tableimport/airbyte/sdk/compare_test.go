package sdk_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"mime"
	"mime/multipart"
	"net/url"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"
)

// unlike says how a request of agenthost differs from the SDK's, "" if it does not. graphQL
// says that the SDK repeats parameters in the URL, which no vendor reads.
func unlike(got, want request, graphQL, restLi bool) string {
	switch {
	case got.Method != want.Method:
		return fmt.Sprintf("the method is %s, not %s", got.Method, want.Method)
	case got.Origin != want.Origin:
		return fmt.Sprintf("the origin is %s, not %s", got.Origin, want.Origin)
	}
	gotPath, gotQuery, _ := strings.Cut(got.Target, "?")
	wantPath, wantQuery, _ := strings.Cut(want.Target, "?")
	if canonicalPath(gotPath) != canonicalPath(wantPath) {
		return fmt.Sprintf("the path is %s, not %s", gotPath, wantPath)
	}
	if graphQL {
		wantQuery = ""
	}
	if strings.Contains(wantQuery, "%7B%27") {
		return "" // an object in an array, which the SDK writes as Python does
	}
	if a, b := pairs(gotQuery, restLi), pairs(wantQuery, restLi); !slices.Equal(a, b) {
		return "the query differs: " + cmp.Diff(b, a)
	}
	if d := unlikeHeaders(got.Headers, want.Headers, len(want.Body) > 0); d != "" {
		return d
	}
	return unlikeBody(got, want)
}

// canonicalPath is a path whose escapes are all written the same way.
func canonicalPath(path string) string {
	segments := strings.Split(path, "/")
	for i, s := range segments {
		if plain, err := url.PathUnescape(s); err == nil {
			segments[i] = url.PathEscape(plain)
		}
	}
	return strings.Join(segments, "/")
}

// pairs are the parts of a query or a form, sorted by name; those of one name stay in order.
func pairs(query string, raw bool) []string {
	if query == "" {
		return nil
	}
	parts := strings.Split(query, "&")
	if !raw {
		for i, part := range parts {
			name, value, _ := strings.Cut(part, "=")
			n, err1 := url.QueryUnescape(name)
			v, err2 := url.QueryUnescape(value)
			if err1 == nil && err2 == nil {
				parts[i] = n + "=" + v
			}
		}
	}
	slices.SortStableFunc(parts, func(a, b string) int {
		x, _, _ := strings.Cut(a, "=")
		y, _, _ := strings.Cut(b, "=")
		return strings.Compare(x, y)
	})
	return parts
}

// transport are headers that each side has of its own.
var transport = []string{"host", "user-agent", "accept-encoding", "connection", "content-length", "accept", "content-type", "x-request-id"}

func unlikeHeaders(got, want map[string]string, body bool) string {
	own := func(all map[string]string) map[string]string {
		rest := maps.Clone(all)
		maps.DeleteFunc(rest, func(name, _ string) bool { return slices.Contains(transport, name) })
		return rest
	}
	if diff := cmp.Diff(own(want), own(got)); diff != "" {
		return "the headers differ: " + diff
	}
	if accept := want["accept"]; accept != "*/*" && accept != got["accept"] {
		return fmt.Sprintf("Accept is %s, not %s", got["accept"], accept)
	}
	a, _, _ := mime.ParseMediaType(got["content-type"])
	b, _, _ := mime.ParseMediaType(want["content-type"])
	if body && a != b {
		return fmt.Sprintf("Content-Type is %s, not %s", got["content-type"], want["content-type"])
	}
	return ""
}

func unlikeBody(got, want request) string {
	media, params, _ := mime.ParseMediaType(want.Headers["content-type"])
	switch {
	case len(want.Body) == 0 && (len(got.Body) == 0 || string(got.Body) == "{}"):
		return ""
	case media == "application/x-www-form-urlencoded":
		if a, b := pairs(string(got.Body), false), pairs(string(want.Body), false); !slices.Equal(a, b) {
			return "the form differs: " + cmp.Diff(b, a)
		}
		return ""
	case strings.HasPrefix(media, "multipart/"):
		_, own, _ := mime.ParseMediaType(got.Headers["content-type"])
		a, b := parts(got.Body, own["boundary"]), parts(want.Body, params["boundary"])
		if diff := cmp.Diff(b, a); diff != "" {
			return "the parts differ: " + diff
		}
		return ""
	}
	a, b := value(got.Body), value(want.Body)
	if expression, ok := member(b, "variables", "expression"); ok && expression == "HEAD" {
		// The SDK forgets the path where the caller gives no ref.
		if own, _ := member(a, "variables", "expression"); own != "HEAD:path-value" {
			return fmt.Sprintf("the expression is %v", own)
		}
		return ""
	}
	if diff := cmp.Diff(b, a); diff != "" {
		return "the body differs: " + diff
	}
	return ""
}

// member is a member of a member.
func member(v any, names ...string) (any, bool) {
	ok := true
	for _, name := range names {
		m, _ := v.(map[string]any)
		v, ok = m[name]
	}
	return v, ok
}

// parts are the contents of a multipart body, with their types; JSON is compared by value.
func parts(body []byte, boundary string) []any {
	var list []any
	r := multipart.NewReader(bytes.NewReader(body), boundary)
	for {
		p, err := r.NextRawPart()
		if err != nil {
			return list
		}
		var b bytes.Buffer
		_, _ = b.ReadFrom(p)
		list = append(list, p.Header.Get("Content-Type"), value(b.Bytes()))
	}
}

// value is JSON as it is compared: numbers by their value, anything else by its bytes.
func value(data []byte) any {
	var v any
	if json.Unmarshal(data, &v) != nil {
		return string(data)
	}
	return v
}

// unlikeData says how a result differs from the SDK's.
func unlikeData(data json.RawMessage, meta map[string]json.RawMessage, r *recording) string {
	got, want := value(data), value(r.Result.Data)
	if file, ok := want.(map[string]any); ok && r.Action == "download" {
		if own, _ := got.(map[string]any); own["base64"] != file["base64"] {
			return fmt.Sprintf("the file is %v, not %v", own, file)
		}
	} else if diff := cmp.Diff(same(want, got), got); diff != "" {
		return "the data differ: " + diff
	}
	for name, m := range r.Result.Meta {
		if name == "next_cursor" || name == "has_more" {
			continue // those of agenthost
		}
		if diff := cmp.Diff(value(m), value(meta[name])); diff != "" && !(string(m) == "null" && meta[name] == nil) {
			return fmt.Sprintf("%s in meta differs: %s", name, diff)
		}
	}
	for name := range meta {
		if _, ok := r.Result.Meta[name]; !ok && name != "next_cursor" && name != "has_more" {
			return name + " in meta is not the SDK's"
		}
	}
	return ""
}

// same is data of the SDK as agenthost has it: nothing is an empty list or object, and a list of
// lists is one list.
func same(want, got any) any {
	_, isList := got.([]any)
	switch w := want.(type) {
	case nil:
		if isList {
			return []any{}
		}
		return map[string]any{}
	case []any:
		var flat []any
		for _, record := range w {
			m, _ := record.(map[string]any)
			inner, isLists := m["value"].([]any)
			if len(m) != 1 || !isLists {
				return want
			}
			flat = append(flat, inner...)
		}
		list, _ := got.([]any)
		if len(w) > 0 && len(list) == len(flat) && (len(list) == 0 || !isMember(list[0], "value")) {
			return flat
		}
	}
	return want
}

func isMember(v any, name string) bool { _, ok := member(v, name); return ok }
