package pdk

import (
	"strings"

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
	// Field leads to the name of the parameter at fault, and RequestID to the vendor's name
	// for the request.
	Field, RequestID []string
	// Codes are statuses of HTTP that say the same as the vendor's codes: the kind of the
	// error and its hint come from there.
	Codes []CodeStatus
}

// Condition is about a part of a response's body.
type Condition struct {
	// Pointer is a JSON Pointer.
	Pointer string
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
func (f *Failures) makeError(r *Response) *abi.Error {
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
	switch messages := textsAt(body, f.Message); {
	case len(messages) > 0:
		e.Message = r.Vendor + ": " + Shorten(strings.Join(messages, "; "), longestMessage)
	case code != "":
		e.Message = r.Vendor + ": " + code
	case r.OK():
		e.Message = r.Vendor + " answered with neither a result nor an error"
	}
	return e
}

func firstText(body Raw, pointers []string) string {
	if texts := textsAt(body, pointers); len(texts) > 0 {
		return texts[0]
	}
	return ""
}

// textsAt returns the texts, and numbers as texts, to which the first of the pointers leads
// that leads to some.
func textsAt(body Raw, pointers []string) []string {
	for _, pointer := range pointers {
		var texts []string
		for _, v := range match(nil, body, pointer) {
			kind := v.Kind()
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
