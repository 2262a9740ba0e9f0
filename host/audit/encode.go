package audit

import (
	"strconv"
	"time"
	"unicode/utf8"
)

// timeFormat is RFC 3339 in UTC with microseconds, always of one length, so that lines sort.
const timeFormat = "2006-01-02T15:04:05.000000Z"

// appendLine appends a record to b as one line of JSON with a line break. It escapes characters
// that could control a terminal or confuse a reader of logs. A line has at most maxLine
// bytes.
func appendLine(b []byte, r *Record) []byte {
	b = append(b, `{"event":`...)
	b = appendText(b, string(r.Event))
	b = append(b, `,"time":"`...)
	b = r.Time.UTC().AppendFormat(b, timeFormat)
	b = append(b, '"')
	b = member(b, "id", r.ID)
	b = member(b, "via", string(r.Via))
	b = optional(b, "caller", r.Caller)
	b = optional(b, "workspace", r.Workspace)
	b = optional(b, "subject", r.Subject)
	b = optional(b, "connection", r.Connection)
	b = member(b, "entity", r.Entity)
	b = member(b, "action", r.Action)
	b = optional(b, "effect", string(r.Effect))
	b = optional(b, "connector", r.Connector)
	b = optional(b, "version", r.Version)
	b = optional(b, "digest", r.Digest)
	b = optional(b, "mode", r.Mode)
	b = appendParams(b, r)
	if d := r.Decision; d != nil {
		b = append(b, `,"decision":{"allowed":`...)
		b = strconv.AppendBool(b, d.Allowed)
		b = member(b, "rule", d.Rule)
		b = append(b, '}')
	}
	if a := r.Ask; a != nil {
		b = append(b, `,"ask":{"plan":`...)
		b = appendText(b, a.Plan)
		b = optional(b, "id", a.ID)
		b = optional(b, "by", a.By)
		if !a.Answered.IsZero() {
			b = append(b, `,"answered":"`...)
			b = a.Answered.UTC().AppendFormat(b, timeFormat)
			b = append(b, '"')
		}
		b = append(b, '}')
	}
	if r.Event == EventStart {
		return append(b, "}\n"...)
	}
	b = optional(b, "outcome", r.Outcome)
	b = append(b, `,"request_sent":`...)
	b = strconv.AppendBool(b, r.RequestSent)
	b = appendRequests(b, r)
	b = counted(b, "fuel", r.Fuel)
	b = counted(b, "guest_memory", r.GuestMemory)
	b = counted(b, "result_bytes", int64(r.ResultBytes))
	b = number(b, "duration_us", microseconds(r.Duration))
	return append(b, "}\n"...)
}

func appendParams(b []byte, r *Record) []byte {
	if len(r.Params) > 0 {
		b = append(b, `,"params":[`...)
		for i, p := range r.Params[:min(len(r.Params), maxParams)] {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(b, `{"name":`...)
			b = appendText(b, p.Name)
			b = number(b, "bytes", int64(p.Bytes))
			b = append(b, '}')
		}
		b = append(b, ']')
	}
	return number(b, "params_bytes", int64(r.ParamsBytes))
}

func appendRequests(b []byte, r *Record) []byte {
	more := int64(r.MoreRequests)
	if len(r.Requests) > 0 {
		b = append(b, `,"requests":[`...)
		for i := range r.Requests[:min(len(r.Requests), maxRequests)] {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendRequest(b, &r.Requests[i])
		}
		b = append(b, ']')
		more += int64(max(0, len(r.Requests)-maxRequests))
	}
	return counted(b, "more_requests", more)
}

func appendRequest(b []byte, q *Request) []byte {
	b = append(b, `{"method":`...)
	b = appendText(b, q.Method)
	b = optional(b, "origin", q.Origin)
	b = optional(b, "template", q.Template)
	b = optional(b, "id", q.ID)
	b = number(b, "attempt", int64(q.Attempt))
	b = counted(b, "status", int64(q.Status))
	b = optional(b, "kind", string(q.Kind))
	b = optional(b, "rule", q.Rule)
	b = number(b, "sent", q.Sent)
	b = number(b, "received", q.Received)
	b = counted(b, "body_sent", q.BodySent)
	b = counted(b, "body_received", q.BodyReceived)
	b = number(b, "start_us", microseconds(q.Start))
	b = number(b, "duration_us", microseconds(q.Duration))
	return append(b, '}')
}

func microseconds(d time.Duration) int64 { return d.Microseconds() }

func member(b []byte, name, value string) []byte {
	b = append(append(append(b, `,"`...), name...), `":`...)
	return appendText(b, value)
}

func optional(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	return member(b, name, value)
}

func number(b []byte, name string, value int64) []byte {
	b = append(append(append(b, `,"`...), name...), `":`...)
	return strconv.AppendInt(b, value, 10)
}

// counted appends a member unless n is 0.
func counted(b []byte, name string, value int64) []byte {
	if value == 0 {
		return b
	}
	return number(b, name, value)
}

const hexDigits = "0123456789abcdef"

// appendText appends a JSON string of at most maxName bytes of text, before escaping.
func appendText(b []byte, text string) []byte {
	text = clip(text)
	b = append(b, '"')
	clean := 0
	for i := 0; i < len(text); {
		c, size := rune(text[i]), 1
		if c >= utf8.RuneSelf {
			c, size = utf8.DecodeRuneInString(text[i:])
		}
		if !escaped(c) && !(c == utf8.RuneError && size == 1) {
			i += size
			continue
		}
		b = append(b, text[clean:i]...)
		b = appendEscape(b, c)
		i += size
		clean = i
	}
	return append(append(b, text[clean:]...), '"')
}

// escaped are the characters that JSON escapes, that control a terminal or break lines, and
// that are invisible or change the order of text (Unicode TR 36).
func escaped(c rune) bool {
	switch {
	case c == '"', c == '\\', c < ' ', c >= 0x7f && c <= 0x9f:
		return true
	case c < 0x2000:
		return c == 0xad || c == 0x61c || c == 0x180e
	case c <= 0x206f:
		return c >= 0x200b && c <= 0x200f || c >= 0x2028 && c <= 0x202e || c >= 0x2060
	}
	return c == 0xfeff || c >= 0xe0000 && c <= 0xe0fff
}

func appendEscape(b []byte, c rune) []byte {
	switch c {
	case '"', '\\':
		return append(b, '\\', byte(c))
	}
	if c > 0xffff {
		c -= 0x10000
		return appendEscape(appendEscape(b, 0xd800+c>>10), 0xdc00+c&0x3ff)
	}
	return append(b, '\\', 'u', hexDigits[c>>12&0xf], hexDigits[c>>8&0xf], hexDigits[c>>4&0xf], hexDigits[c&0xf])
}
