package main

import (
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/agenthost/agenthost/pdk/pdktest"
)

// readForm parses a request as a server does.
func readForm(t *testing.T, r pdktest.Request) map[string]*multipart.Part {
	t.Helper()
	mediaType, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || mediaType != "multipart/form-data" {
		t.Fatalf("Content-Type is %q: %v", r.Header.Get("Content-Type"), err)
	}
	if end := "\r\n--" + params["boundary"] + "--\r\n"; !strings.HasSuffix(r.Body, end) {
		t.Errorf("the form does not end with %q", end) // which package multipart forgives
	}
	parts := map[string]*multipart.Part{}
	for reader := multipart.NewReader(strings.NewReader(r.Body), params["boundary"]); ; {
		p, err := reader.NextPart()
		if errors.Is(err, io.EOF) {
			return parts
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(p)
		if err != nil {
			t.Fatal(err)
		}
		p.Header.Set("Content", string(content))
		parts[p.FormName()] = p
	}
}

func attachmentRunner(t *testing.T) *pdktest.Runner {
	t.Helper()
	return pdktest.Run(t, &connector, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.URL.RequestURI() != "/attachments" {
			t.Errorf("%s %s", r.Method, r.URL)
		}
		if _, err := io.WriteString(w, `{"data":{"id":"att_1"},"request_id":"r"}`); err != nil {
			t.Error(err)
		}
	}))
}

func TestAttachmentFile(t *testing.T) {
	// The content holds the first boundary that the connector would choose.
	content := "\x00\xff\r\n--agenthost-form-boundary-0--\r\nmore"
	r := attachmentRunner(t)
	params := map[string]any{
		"file": base64.StdEncoding.EncodeToString([]byte(content)), "file_name": "a \"b\"\r\nc.png",
		"content_type": "image/png", "description": "What ü sees",
	}
	for range 2 {
		data, meta, err := r.Execute("attachments", "create", params)
		if err != nil || string(data) != `{"id":"att_1"}` || string(meta) != `{"request_id":"r"}` {
			t.Fatalf("%s, %s, %v", data, meta, err)
		}
	}
	requests := r.Requests()
	if requests[0].Body != requests[1].Body {
		t.Error("the same parameters gave two different bodies")
	}
	parts := readForm(t, requests[0])
	file := parts["file"]
	if file == nil || file.Header.Get("Content") != content || file.Header.Get("Content-Type") != "image/png" {
		t.Errorf("the file is %+v", file)
	}
	if got := file.FileName(); got != "a %22b%22%0D%0Ac.png" {
		t.Errorf("the file name is %q", got)
	}
	if d := parts["description"]; d == nil || d.Header.Get("Content") != "What ü sees" {
		t.Errorf("the description is %+v", d)
	}
	if len(parts) != 2 {
		t.Errorf("%d parts", len(parts))
	}
}

func TestAttachmentURL(t *testing.T) {
	r := attachmentRunner(t)
	if _, _, err := r.Execute("attachments", "create", map[string]any{"file_url": "https://example.com/a.png"}); err != nil {
		t.Fatal(err)
	}
	parts := readForm(t, r.Requests()[0])
	if p := parts["file_url"]; len(parts) != 1 || p == nil || p.Header.Get("Content") != "https://example.com/a.png" {
		t.Errorf("parts are %+v", parts)
	}
}

func TestBadAttachments(t *testing.T) {
	for field, params := range map[string]map[string]any{
		"file":         {},
		"file_url":     {"file": "aGk=", "file_name": "a", "file_url": "https://example.com"},
		"file_name":    {"file": "aGk="},
		"content_type": {"file": "aGk=", "file_name": "a", "content_type": "a/b\r\nX-Evil: 1"},
	} {
		_, _, err := attachmentRunner(t).Execute("attachments", "create", params)
		var e *abi.Error
		if !errors.As(err, &e) || e.Kind != abi.KindInvalidParams || e.Field != field || e.RequestSent {
			t.Errorf("%s: %v", field, err)
		}
	}
	_, _, err := attachmentRunner(t).Execute("attachments", "create", map[string]any{"file": "no base64!", "file_name": "a"})
	var e *abi.Error
	if !errors.As(err, &e) || e.Field != "file" {
		t.Errorf("bad base64: %v", err)
	}
}
