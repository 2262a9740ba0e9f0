package conformance

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"net/url"
	"slices"

	"github.com/agenthost/agenthost/internal/sandbox"
	"github.com/agenthost/agenthost/pdk/abi"
)

// sample is an answer that is not JSON.
type sample struct{ mediaType, body string }

// sampleOf returns an answer of a form: text that needs escaping in JSON, and every byte.
func sampleOf(content abi.Content) sample {
	switch content {
	case abi.ContentText:
		return sample{"text/plain; charset=utf-8", "Two lines,\nof which the \"second\" has \\, \t and ü.\n"}
	case abi.ContentCSV:
		return sample{"text/csv; charset=utf-8", "id,name\r\n1,\"a \"\"b\"\", c\"\r\n2,ü\r\n"}
	case abi.ContentBinary:
		every := make([]byte, 256)
		for i := range every {
			every[i] = byte(i)
		}
		return sample{"application/octet-stream", string(every)}
	}
	return sample{"application/json", ""}
}

// contentOf is the declared form of the answer to a request.
func (s *subject) contentOf(req *abi.Request) abi.Content {
	if req.File != 0 {
		return cmp.Or(s.Content, abi.ContentJSON)
	}
	if t := s.declaring(req); t != nil {
		return cmp.Or(t.Content, s.Content, abi.ContentJSON)
	}
	return abi.ContentJSON
}

// declaring returns what declares a request; nil if nothing does.
func (s *subject) declaring(req *abi.Request) *abi.RequestTemplate {
	for i := range s.Requests {
		if t := &s.Requests[i]; t.Method == req.Method && t.Path == req.Path && (t.Server == req.Server || t.Server == "" || req.Server == "") {
			return t
		}
	}
	return nil
}

// readsJSON reports whether one of the operation's requests is answered with JSON.
func (s *subject) readsJSON() bool {
	return slices.ContainsFunc(s.Requests, func(t abi.RequestTemplate) bool {
		return cmp.Or(t.Content, s.Content, abi.ContentJSON) == abi.ContentJSON
	})
}

// good is a vendor that gives a good answer, in the form that each request declares. What is
// JSON is body.
func (s *subject) good(body []byte) vendor { return s.names(s.replies(body, s.headers)) }

func (s *subject) replies(body []byte, headers map[string]string) vendor {
	return func(_ context.Context, req *abi.Request, _ []byte) (*sandbox.Response, error) {
		answer := sampleOf(s.contentOf(req))
		if answer.body == "" {
			answer.body = string(body)
		}
		header := map[string][]string{"Content-Type": {answer.mediaType}}
		for name, value := range headers {
			header[name] = []string{value}
		}
		return &sandbox.Response{Status: 200, Header: header, Body: []byte(answer.body)}, nil
	}
}

// talks is a vendor that answers n. If the operation reads JSON, only requests for JSON get n,
// and others get a good answer. If not, each request gets n, with the media type that it
// expects unless n has one.
func (s *subject) talks(n nonsense) vendor {
	if s.readsJSON() {
		return s.replies(n.body, nil)
	}
	return func(_ context.Context, req *abi.Request, _ []byte) (*sandbox.Response, error) {
		mediaType := cmp.Or(n.mediaType, sampleOf(s.contentOf(req)).mediaType)
		return &sandbox.Response{Status: 200, Header: map[string][]string{"Content-Type": {mediaType}}, Body: n.body}, nil
	}
}

// mayTake reports whether a nonsensical answer may count as success. Text and bytes may be
// anything, but a page of HTML is not CSV.
func (s *subject) mayTake(n nonsense) bool {
	if s.Effect != abi.EffectRead {
		return true
	}
	if s.readsJSON() {
		return n.isJSON
	}
	return n.mediaType == "" || !slices.ContainsFunc(s.Requests, func(t abi.RequestTemplate) bool { return cmp.Or(t.Content, s.Content) == abi.ContentCSV })
}

// wrongContent says what is wrong with the data of an operation that declares a content.
func (s *subject) wrongContent(data []byte) string {
	if cmp.Or(s.Content, abi.ContentJSON) == abi.ContentJSON {
		return ""
	}
	var got struct {
		ContentType  *string `json:"content_type"`
		Text, Base64 *string
	}
	if json.Unmarshal(data, &got) != nil || got.ContentType == nil || (got.Text == nil) == (got.Base64 == nil) {
		return "it declares the content " + string(s.Content) + ", but its data is not an object with content_type and either text or base64"
	}
	return ""
}

// headerShapes are values for a header that the operation reads: a cursor, in Link as any
// parameter of the next page's address.
func (s *subject) headerShapes(name string) []string {
	if name != "Link" {
		return []string{"2", "cursor-2", "true"}
	}
	names := []string{"page", "cursor", "after", "offset", "page_info", "page_token", "next", "start", "starting_after", "since", "max_id"}
	for property := range parseSchema(s.Params).properties() {
		names = append(names, property)
	}
	for alias := range maps.Keys(s.Aliases) {
		names = append(names, alias)
	}
	query := url.Values{}
	for _, name := range names {
		query.Set(name, "2")
	}
	at := s.examination.connector.Manifest.Servers[0].URL + "/next?" + query.Encode()
	return []string{`<` + at + `>; rel="next", <` + at + `>; rel="last"`}
}

// endingWords are vendors' names for the state of a successful job, for operations that sleep
// until they read one of them.
var endingWords = []any{
	"completed", "complete", "done", "finished", "success", "succeeded", "successful", "ready", "available", "processed", "exported", "generated",
	"COMPLETED", "COMPLETE", "DONE", "FINISHED", "SUCCESS", "SUCCEEDED", "READY", "Completed", "Complete", "Done", "Finished", "Success", "Succeeded", "Ready",
	"JobComplete", "ok", 100, 200,
}
