package ask

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Text is the plan for a person: everything that the digest covers, but a body that is no text. What
// cannot be seen is escaped, and what a connector, a model or a caller wrote is on lines that start
// with four spaces, which is also how Markdown marks text that it leaves as it is.
func (p *Plan) Text() string {
	var b strings.Builder
	line := func(format string, values ...any) { b.WriteString(visible(fmt.Sprintf(format, values...)) + "\n") }
	text := func(data []byte) {
		var indented bytes.Buffer
		if depth(data) <= maxIndent && json.Indent(&indented, data, "", "  ") == nil {
			data = indented.Bytes()
		}
		for part := range strings.SplitSeq(string(data), "\n") {
			line("    %s", part)
		}
	}
	line("A call would run this operation:")
	line("")
	line("    connection %s, %s.%s, effect: %s", p.Connection, p.Entity, p.Action, p.Effect)
	line("    connector  %s %s, mode %s", p.Connector, p.Version, p.Mode)
	line("    module     %s", p.Module)
	if p.Workspace != "" {
		line("    workspace  %s", p.Workspace)
	}
	line("    digest     %s", p.Digest())
	line("\nIts parameters:\n")
	text(p.Params)
	for i, r := range p.Requests {
		line("\nRequest %d:\n", i+1)
		line("    %s %s", r.Method, r.URL)
		for _, h := range r.Header {
			line("    %s: %s", h[0], h[1])
		}
		for _, c := range r.Credential {
			line("    + the credential, in %s %s: %s", c.In, c.Name, c.Value)
		}
		switch {
		case len(r.Body) == 0:
		case utf8.Valid(r.Body):
			line("\nIts body, %d bytes:\n", len(r.Body))
			text(r.Body)
		default:
			line("\nIts body: %d bytes that are no text", len(r.Body))
		}
	}
	line("")
	switch {
	case len(p.Requests) == 0:
		line("It would send nothing.")
	case p.More:
		line("The operation may ask for more after the answer. Nobody knows yet what that is: it is not part of the plan, and refused.")
	}
	if len(p.Credentials) > 0 {
		line("The call brings its own credential: %s", strings.Join(p.Credentials, ", "))
	}
	return b.String()
}

// maxIndent is how deep the JSON is that is indented. The lines of deeper JSON would be mostly spaces.
const maxIndent = 64

// depth is how many brackets of a JSON text are open at most, or more where brackets are in its texts.
func depth(data []byte) (most int) {
	open := 0
	for _, c := range data {
		switch c {
		case '[', '{':
			open++
			most = max(most, open)
		case ']', '}':
			open--
		}
	}
	return most
}

// visible escapes characters that a person does not see, or that change how others look.
func visible(text string) string {
	if !strings.ContainsFunc(text, hidden) && utf8.ValidString(text) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if hidden(r) || r == utf8.RuneError {
			fmt.Fprintf(&b, `\u%04x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func hidden(r rune) bool { return r != '\n' && !unicode.IsGraphic(r) }
