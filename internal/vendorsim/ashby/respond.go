package ashby

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/agenthost/agenthost/internal/vendorsim/contract"
)

type (
	source       = contract.Source
	row[T any]   = contract.Row[T]
	table[T any] = contract.Table[T]
)

// apiError is a refusal in Ashby's terms. Status 0 means 200, which is what nearly all refusals are sent with.
type apiError struct {
	status  int
	code    string
	message string
	meta    map[string]any
	header  http.Header
}

// The codes that the vendor is known to send, except <kind>_not_found, which notFound makes.
const (
	codeMissingPermission = "missing_endpoint_permission"
	codeInvalidInput      = "invalid_input"
	codeCursorInvalid     = "invalid_next_cursor"
	codeCursorExpired     = "next_cursor_expired"
	codeSyncInvalid       = "sync_token_invalid"
	codeSyncExpired       = "sync_token_expired"
	codeSyncTooLarge      = "incremental_sync_too_large"
)

func invalid(format string, args ...any) *apiError {
	return &apiError{code: codeInvalidInput, message: fmt.Sprintf(format, args...)}
}

func refuse(code, format string, args ...any) *apiError {
	return &apiError{code: code, message: fmt.Sprintf(format, args...)}
}

// notFound names the kind as the vendor does: application_not_found.
func notFound(kind, title string) *apiError {
	return &apiError{code: kind + "_not_found", message: title + " not found"}
}

type result struct {
	contract.Answer
	// more and next are sent when paged, syncToken when not empty, warnings when there are any.
	paged     bool
	more      bool
	next      string
	syncToken string
	warnings  []string
}

func one(s source) (result, *apiError) { return result{Answer: contract.Answer{One: s}}, nil }

func value(v any) (result, *apiError) { return one(encoded(contract.Encode(v))) }

// encoded is a source that is already JSON, because it is read more than once.
type encoded []byte

func (e encoded) Encoded() []byte { return e }

// spliced is a record with further encoded fields, without encoding the record again.
func spliced(record source, fields map[string][]byte) encoded {
	base := record.Encoded()
	out := append(make([]byte, 0, 2*len(base)), base[:len(base)-1]...)
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		out = append(append(append(out, `,"`...), name...), `":`...)
		out = append(out, fields[name]...)
	}
	return append(out, '}')
}

func all(many []source) (result, *apiError) {
	return result{Answer: contract.Answer{Many: many, List: true}}, nil
}

func (res result) send(w http.ResponseWriter) {
	buf := res.Append([]byte(`{"success":true,"results":`))
	if res.paged {
		buf = append(buf, `,"moreDataAvailable":`...)
		buf = strconv.AppendBool(buf, res.more)
	}
	if res.next != "" {
		buf = append(append(append(buf, `,"nextCursor":"`...), res.next...), '"')
	}
	if res.syncToken != "" {
		buf = append(append(append(buf, `,"syncToken":"`...), res.syncToken...), '"')
	}
	if len(res.warnings) > 0 {
		buf = append(append(buf, `,"warnings":`...), contract.Encode(res.warnings)...)
	}
	sendJSON(w, http.StatusOK, append(buf, '}'))
}

func (e *apiError) send(w http.ResponseWriter, requestID string) {
	maps.Copy(w.Header(), e.header)
	type info struct {
		Code      string         `json:"code"`
		Message   string         `json:"message"`
		RequestID string         `json:"requestId"`
		Meta      map[string]any `json:"meta,omitempty"`
	}
	sendJSON(w, cmp.Or(e.status, http.StatusOK), contract.Encode(struct {
		Success   bool     `json:"success"`
		Errors    []string `json:"errors"`
		ErrorInfo info     `json:"errorInfo"`
	}{false, []string{e.code}, info{e.code, e.message, requestID, e.meta}}))
}

func sendJSON(w http.ResponseWriter, status int, body []byte) {
	contract.SendJSON(w, "application/json; charset=utf-8", status, body)
}

// requestID has the form of the vendor's, a ULID: ten characters of milliseconds and sixteen that are random there and
// a count here.
func requestID(now time.Time, n uint64) string {
	return contract.ULID(now, n>>40, n)
}
