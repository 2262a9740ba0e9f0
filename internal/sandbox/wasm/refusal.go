package wasm

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Refusal says why a module may not run: it exceeds a limit, or has a feature or an import that is
// not accepted. Names in it come from the module.
type Refusal struct {
	What     string // "locals", or a sentence where there is no figure
	Function string // index and name of the function it is in, or empty
	Got      uint64
	Limit    uint64 // Got and Limit are 0 if there is no figure
	Hint     string // what to do about it, or empty
}

// Error names the function, the figure and the limit.
func (r *Refusal) Error() string {
	var b strings.Builder
	b.WriteString("module refused: ")
	if r.Function != "" {
		b.WriteString(r.Function + ": ")
	}
	if r.Got == 0 && r.Limit == 0 {
		b.WriteString(r.What)
	} else {
		fmt.Fprintf(&b, "%d %s, the limit is %d", r.Got, r.What, r.Limit)
	}
	if r.Hint != "" {
		b.WriteString("; " + r.Hint)
	}
	return b.String()
}

func unsupported(feature string) *Refusal {
	return &Refusal{What: "it uses " + feature + ", which is not accepted", Hint: "build the module for the WebAssembly core specification 2.0"}
}

// over returns a refusal if got exceeds limit, else nil.
func over[T, L int | uint32 | uint64](what string, got T, limit L) error {
	if uint64(got) <= uint64(limit) {
		return nil
	}
	return &Refusal{What: what, Got: uint64(got), Limit: uint64(limit)}
}

// inFunction adds the function to an error.
func (m *Module) inFunction(err error, f int) error {
	name := m.FunctionName(uint32(f))
	label := "function " + strconv.Itoa(f)
	if name != "" {
		label += " " + strconv.Quote(shorten(name))
	}
	if refusal := (*Refusal)(nil); errors.As(err, &refusal) {
		refusal.Function = label
	}
	if malformed := (*Malformed)(nil); errors.As(err, &malformed) {
		malformed.Function = label
	}
	return err
}

// shorten bounds a module's text in a message.
func shorten(s string) string {
	const most = 120
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "..."
}
