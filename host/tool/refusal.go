package tool

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"
)

// Refusal is a call that was refused before [Connection.Execute]: the operation is unknown or
// not allowed, or the arguments do not fit the tool.
type Refusal struct {
	// Tool is the name in the call, if there is no such tool.
	Tool string
	// Connection, and Entity and Action of the Call, are the names in the call. They may be
	// empty or unknown.
	Connection string
	Call
	// Described says that the call asked only for a description.
	Described bool
	// Err is the reason.
	Err error
}

// aim has what is known of a call's operation. reached means that Execute runs, which then
// decides and records.
type aim struct {
	Refusal
	reached bool
}

// path notes what a path such as support.issues.list names.
func (a *aim) path(path string) {
	rest := path
	if strings.Count(path, ".") > 1 {
		a.Connection, rest = cutConnection(path)
	}
	a.Entity, a.Action, _ = strings.Cut(rest, ".")
}

// refuse returns the error of a call that was refused, as whoever is told of it words it.
func (o *Options) refuse(ctx context.Context, a *aim, args json.RawMessage, caller string, err error) error {
	if err == nil || a.reached || o.Refused == nil {
		return err
	}
	if a.Params == nil {
		a.Params = args
	}
	a.Caller, a.Err = caller, err
	return o.Refused(ctx, a.Refusal)
}

// NameOf is the name of an operation's tool in [FormOperations], unless it has to be told
// apart from another one's.
func (o Options) NameOf(connection, entity, action string) string {
	return names(o.maxName(), slices.Values([][]string{{connection, entity, action}}))[0]
}

// PrefixOf is what the names of all tools of a connection begin with.
func (o Options) PrefixOf(connection string) string {
	prefix := plain(connection + "_")
	return prefix[:min(len(prefix), o.maxName()-1-hashLength)]
}

func (o Options) maxName() int {
	return cmp.Or(o.MaxName, maxName)
}
