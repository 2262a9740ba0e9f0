package pages

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/agenthost/agenthost/pdk/abi"
)

// Problem is an error that a page shows. A handler's other errors are shown as a failure of the
// server, but for an [*abi.Error], which has words for people; their details are in the log.
type Problem struct {
	Status int
	// Title is what the page is called, Text says what happened, and Next what to do.
	Title, Text, Next string
	// Again is a page of this server to go on from, and AgainWords are the words of the way there.
	Again, AgainWords string
	// Cause is for the log. It has no secret.
	Cause error
}

func (p *Problem) Error() string { return p.Title + ": " + p.Text }

// Unwrap returns the cause.
func (p *Problem) Unwrap() error { return p.Cause }

// problemPage is what the template of a problem shows.
type problemPage struct {
	*Problem
	ID string // of the request; empty where it says nothing
}

// fail answers with an error.
func (s *Site) fail(ctx context.Context, v *Visit, err error) {
	p, known := errors.AsType[*Problem](err)
	page := problemPage{Problem: p}
	if !known {
		page.Problem, page.ID = problemOf(ctx, err), v.ID
	}
	if page.Status >= http.StatusInternalServerError {
		page.ID = v.ID
		s.options.Logger.Error("a page failed", "request", v.ID, "page", v.pattern, "error", err)
	}
	text, renderErr := s.render("problem", page)
	if renderErr != nil {
		s.options.Logger.Error("cannot show a problem", "request", v.ID, "error", renderErr)
		text = []byte("the server failed")
	}
	v.Answer.Header().Del("Location")
	send(v.Answer, page.Status, text)
}

// problemOf makes a problem of an error that is not for a page.
func problemOf(ctx context.Context, err error) *Problem {
	if ctx.Err() != nil {
		return &Problem{Status: http.StatusServiceUnavailable, Title: "That took too long", Text: "The server ended its work on this page.", Next: "Try again."}
	}
	if e, is := errors.AsType[*abi.Error](err); is && e.Kind != abi.KindInternal {
		return &Problem{Status: http.StatusBadRequest, Title: "That did not work", Text: Sentence(e.Message), Next: Sentence(e.Hint)}
	}
	return &Problem{Status: http.StatusInternalServerError, Title: "The server failed", Text: "It is not your mistake.", Next: "Try again later. If it happens again, tell the operator of this server the number below."}
}

// Sentence makes the message of an error one for a page: with a capital letter and a full stop.
func Sentence(text string) string {
	r, size := utf8.DecodeRuneInString(text)
	if size == 0 {
		return ""
	}
	text = string(unicode.ToUpper(r)) + text[size:]
	if !strings.HasSuffix(text, ".") {
		text += "."
	}
	return text
}
