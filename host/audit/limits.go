package audit

import (
	"unicode/utf8"

	"github.com/agenthost/agenthost/internal/rawjson"
)

// Limits of a record.
const (
	maxName     = 200 // bytes of a name or a rule; longer ones are shortened
	maxParams   = 64  // parameters
	maxRequests = 100 // requests, including denied ones
	// maxLine is the largest size of a record as a line, in bytes. Each byte of a name may
	// become an escape of six bytes.
	maxLine = 1 << 20
)

// AddParam lists a parameter. It reports false if the record lists 64 of them already.
func (r *Record) AddParam(name string, bytes int) bool {
	if len(r.Params) >= maxParams {
		return false
	}
	r.Params = append(r.Params, Param{Name: clip(name), Bytes: bytes})
	return true
}

// SetParams lists the members of params, with the size of each, in place of the parameters so
// far. It lists none if params is not JSON.
func (r *Record) SetParams(params []byte) {
	r.ParamsBytes, r.Params = len(params), r.Params[:0]
	if !rawjson.Valid(params) {
		return
	}
	for name, value := range rawjson.Members(params) {
		if !r.AddParam(rawjson.Unquote(name), len(value)) {
			return
		}
	}
}

// AddRequest lists a request, or counts it if the record lists 100 of them already.
func (r *Record) AddRequest(q Request) {
	if len(r.Requests) >= maxRequests {
		r.MoreRequests++
		return
	}
	q.Template, q.Rule = clip(q.Template), clip(q.Rule)
	r.Requests = append(r.Requests, q)
}

// Clip shortens the names of the record, and of its decision, to 200 bytes.
func (r *Record) Clip() {
	for _, name := range [...]*string{&r.Caller, &r.Workspace, &r.Subject, &r.Connection, &r.Entity, &r.Action, &r.Connector, &r.Version} {
		*name = clip(*name)
	}
	if d := r.Decision; d != nil && len(d.Rule) > maxName {
		d.Rule = clip(d.Rule)
	}
}

// clip shortens a name to maxName bytes, at a character boundary. A shortened name ends in
// "...".
func clip(name string) string {
	if len(name) <= maxName {
		return name
	}
	end := maxName - len("...")
	for end > 0 && !utf8.RuneStart(name[end]) {
		end--
	}
	return name[:end] + "..."
}
