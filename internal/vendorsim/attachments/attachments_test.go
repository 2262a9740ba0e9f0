package attachments

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// The store takes the address that the API gave, for as long as it is good, and nothing beside it.
func TestStore(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	v := &Vendor{Token: "t", Store: "https://files.example.com", Files: map[string]File{"a 1": {"ü/b.png", "image/png", []byte("bytes")}}, Now: func() time.Time { return now }}
	ask := func(h http.Handler, url string, header ...string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("GET", url, nil)
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	var got struct {
		Attachment struct {
			URL string `json:"content_url"`
		}
	}
	if err := json.Unmarshal(ask(v.API(), "/attachments/a%201", "Authorization", "Bearer t").Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	url := got.Attachment.URL
	for _, tt := range []struct {
		handler http.Handler
		url     string
		header  []string
		status  int
	}{
		{v.API(), "/attachments/a%201", nil, 401},
		{v.API(), "/attachments/b", []string{"Authorization", "Bearer t"}, 404},
		{v.API(), "/attachments/a%201/content", []string{"Authorization", "Bearer t"}, 200},
		{v.Objects(), url, nil, 200},
		{v.Objects(), url, []string{"Range", "bytes=1-2"}, 206},
		{v.Objects(), url, []string{"Authorization", "Bearer t"}, 400},
		{v.Objects(), url, []string{"Cookie", "a=b"}, 400},
		{v.Objects(), url, []string{"Referer", "https://api.example.com"}, 403},
		{v.Objects(), strings.Replace(url, "b.png", "c.png", 1), nil, 403},
		{v.Objects(), strings.Replace(url, "expires=1", "expires=2", 1), nil, 403},
	} {
		if w := ask(tt.handler, tt.url, tt.header...); w.Code != tt.status {
			t.Errorf("%s with %v: %d %s", tt.url, tt.header, w.Code, w.Body)
		}
	}
	now = now.Add(lifetime + time.Second)
	if w := ask(v.Objects(), url); w.Code != 403 {
		t.Errorf("later: %d", w.Code)
	}
}
