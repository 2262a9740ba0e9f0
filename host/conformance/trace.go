package conformance

import (
	"github.com/agenthost/agenthost/internal/hostfunc"
	"net/textproto"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/internal/sandbox"
)

// watch records what a connector looks for in answers, by its calls of the host.
type watch struct {
	// places are the JSON Pointers of handles within an answer.
	places map[int64]string
	// missed are the pointers that the answer lacked, in the order of the requests for them;
	// found are the others.
	missed, found []string
	// headers are the missing headers.
	headers []string
}

// maxPointers bounds the recorded pointers of one run, and maxPointer the length of each.
const (
	maxPointers = 64
	maxPointer  = 1024
)

func (w *watch) trace(hc sandbox.HostCall) {
	switch strings.TrimPrefix(hc.Function, hostfunc.ExtismPrefix) {
	case hostfunc.HTTPSend:
		if hc.Result > 0 {
			w.place(hc.Result, "")
		}
	case hostfunc.HTTPHeader:
		name := textproto.CanonicalMIMEHeaderKey(hc.Pointer)
		if hc.Result == 0 && len(w.headers) < maxPointers && len(name) <= maxPointer && !slices.Contains(w.headers, name) {
			w.headers = append(w.headers, name)
		}
	case hostfunc.ValuePart:
		if len(hc.Args) == 0 || hc.Pointer == "" || len(hc.Pointer) > maxPointer {
			return
		}
		parent, known := w.places[int64(hc.Args[0])]
		if !known {
			return
		}
		pointer := parent + hc.Pointer
		if hc.Result > 0 {
			w.place(hc.Result, pointer)
			w.found = remember(w.found, pointer)
		} else if hc.Result == 0 {
			w.missed = remember(w.missed, pointer)
		}
	}
}

func (w *watch) place(handle int64, pointer string) {
	if w.places == nil {
		w.places = make(map[int64]string)
	}
	if len(w.places) < 16*maxPointers {
		w.places[handle] = pointer
	}
}

func remember(list []string, pointer string) []string {
	if len(list) == maxPointers || pointer[0] != '/' || slices.Contains(list, pointer) {
		return list
	}
	return append(list, pointer)
}
