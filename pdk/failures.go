package pdk

import (
	"strconv"
	"strings"
	"time"

	"github.com/agenthost/agenthost/internal/expression"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Failures say how a vendor reports failures in JSON. A pointer is a JSON Pointer in which *
// stands for each element of an array; of several pointers, the first one that leads to
// something counts.
type Failures struct {
	// If are conditions, one of which makes a failure of a response with a status of 2xx.
	If []Condition
	// Message leads to texts, which are joined, and Code to the vendor's code.
	Message, Code []string
	// Item are texts for where Message leads to objects, as in [Operation.Transform]:
	// {{ item.field }}: {{ item.message }}. Of several texts, the first counts whose members
	// are there.
	Item []string
	// RetryAfter leads to how long to wait, where the answer has no header Retry-After: a
	// number of seconds, or a time (RFC 3339).
	RetryAfter []string
	// Field leads to the name of the parameter at fault, and RequestID to the vendor's name
	// for the request.
	Field, RequestID []string
	// Codes are statuses of HTTP that say the same as the vendor's codes: the kind of the
	// error and its hint come from there.
	Codes []CodeStatus
}

// Condition is about a part of a response's body, or about a header.
type Condition struct {
	// Pointer is a JSON Pointer.
	Pointer string
	// Header is the name of a header to look at instead.
	Header string
	// Equals is what is there, as JSON text; empty means anything but null and false.
	Equals string
	// Not turns the condition round.
	Not bool
}

// CodeStatus is a vendor's code, and a status of HTTP that says the same.
type CodeStatus struct {
	Code   string
	Status int
}

// holds says whether a condition holds for a response.
func (c *Condition) holds(r *Response) bool {
	if c.Header != "" {
		value := r.Header(c.Header)
		return (value != "" && (c.Equals == "" || value == scalar(Raw(c.Equals)))) != c.Not
	}
	part := r.Body.Part(c.Pointer)
	holds := part.Exists()
	if holds {
		const longer = 1 << 10
		switch b, err := part.Bytes(longer); {
		case err != nil: // longer than what any condition says
			holds = c.Equals == ""
		case c.Equals == "":
			holds = string(b) != "null" && string(b) != "false"
		default:
			holds = string(b) == c.Equals || Raw(b).Kind() == JSONString && Raw(b).Text() == Raw(c.Equals).Text()
		}
	}
	return holds != c.Not
}

// has says whether a response with a status of 2xx reports a failure.
func (f *Failures) has(r *Response) bool {
	for i := range f.If {
		if f.If[i].holds(r) {
			return true
		}
	}
	return false
}

// makeError makes an error of a response that reports a failure. Without Failures it is
// what the status says.
func (f *Failures) makeError(r *Response, items [][]expression.Part) *abi.Error {
	e := StatusError(r)
	if f == nil {
		return e
	}
	const longest, longestMessage = 255, 1000
	body := ErrorBody(r)
	code := Shorten(firstText(body, f.Code), longest)
	for i := range f.Codes {
		if f.Codes[i].Code != code {
			continue
		}
		as := *r
		as.Status = f.Codes[i].Status
		message := e.Message
		e = StatusError(&as)
		e.Status, e.Message = r.Status, message
		break
	}
	e.Code, e.Field, e.RequestID = code, Shorten(firstText(body, f.Field), longest), Shorten(firstText(body, f.RequestID), longest)
	if e.Retryable && e.RetryAfterMS == 0 {
		e.RetryAfterMS = waitOf(firstText(body, f.RetryAfter), r).Milliseconds()
	}
	switch messages := textsAt(body, f.Message, items); {
	case len(messages) > 0:
		e.Message = r.Vendor + ": " + Shorten(strings.Join(messages, "; "), longestMessage)
	case code != "":
		e.Message = r.Vendor + ": " + code
	case r.OK():
		e.Message = r.Vendor + " answered with neither a result nor an error"
	}
	return e
}

// waitOf reads how long a vendor wants a caller to wait, at most a day. A time counts from the
// response's own Date, as in [Response.RetryAfter].
func waitOf(s string, r *Response) time.Duration {
	whole, fraction, _ := strings.Cut(s, ".")
	if n, err := strconv.ParseUint(whole, 10, 32); err == nil {
		if strings.Trim(fraction, "0") != "" {
			n++
		}
		return min(time.Duration(n)*time.Second, maxRetryAfter)
	}
	then, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return 0
	}
	return r.until(then)
}

func firstText(body Raw, pointers []string) string {
	if texts := textsAt(body, pointers, nil); len(texts) > 0 {
		return texts[0]
	}
	return ""
}

// textsAt returns the texts, and numbers as texts, to which the first of the pointers leads
// that leads to some. Of objects it returns what the first of the items makes that makes something.
func textsAt(body Raw, pointers []string, items [][]expression.Part) []string {
	for _, pointer := range pointers {
		var texts []string
		for _, v := range match(nil, body, pointer) {
			kind := v.Kind()
			if kind == JSONObject {
				texts = appendItem(texts, v, items)
				continue
			}
			if s := scalar(v); s != "" && (kind == JSONString || kind == JSONNumber) {
				texts = append(texts, s)
			}
		}
		if len(texts) > 0 {
			return texts
		}
	}
	return nil
}

func appendItem(texts []string, v Raw, items [][]expression.Part) []string {
	for _, parts := range items {
		made, err := fill(parts, func(path []string) (Raw, error) {
			inner := v
			for _, name := range path {
				inner = inner.Member(name)
			}
			return inner, nil
		})
		if text := made.Text(); err == nil && text != "" {
			return append(texts, text)
		}
	}
	return texts
}
