package contract

import (
	"net/http"
	"slices"
	"strconv"
)

// Answer is the data of a successful answer: a record, or a list. The zero Answer has none.
type Answer struct {
	One  Source
	Many []Source
	List bool
}

// Empty reports whether there is no data.
func (a Answer) Empty() bool { return a.One == nil && !a.List }

// Append writes the data as JSON behind buf, null if there is none.
func (a Answer) Append(buf []byte) []byte {
	switch {
	case a.List:
		return AppendList(buf, a.Many)
	case a.One != nil:
		return append(buf, a.One.Encoded()...)
	}
	return append(buf, "null"...)
}

// AppendList writes the JSON array of records behind buf. It makes room at once for them and for the little that
// follows in an answer.
func AppendList[S Source](buf []byte, records []S) []byte {
	size := 128
	for _, r := range records {
		size += len(r.Encoded()) + 1
	}
	buf = append(slices.Grow(buf, size), '[')
	for i, r := range records {
		if i > 0 {
			buf = append(buf, ',')
		}
		buf = append(buf, r.Encoded()...)
	}
	return append(buf, ']')
}

// SendJSON answers a request with a body that is JSON, under the name that the vendor gives the type.
func SendJSON(w http.ResponseWriter, contentType string, status int, body []byte) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client may be gone
}
