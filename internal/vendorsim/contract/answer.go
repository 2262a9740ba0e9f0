package contract

import (
	"net/http"
	"slices"
	"strconv"
)

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
	_, _ = w.Write(body) // a client that went away is no concern of the vendor's
}
