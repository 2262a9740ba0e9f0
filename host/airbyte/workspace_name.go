package airbyte

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/agenthost/agenthost/pdk/abi"
)

// The three generations of the one name that says whose data it is, newest first.
const (
	KeyWorkspaceName  = "workspace_name"   // since April 2026
	KeyCustomerName   = "customer_name"    // since February 2026
	KeyExternalUserID = "external_user_id" // the first
)

// WorkspaceName is the name of a workspace and the generation that the operator calls it
// by. Endpoints that look for connectors or create one take all three, and get the one
// that was configured; the others know workspace_name alone. The zero value names
// nothing.
type WorkspaceName struct{ key, name string }

// maxName is the length of the longest name, in bytes.
const maxName = 255

// NewWorkspaceName takes the name in any of its generations. Empty ones are not given;
// where several are, they must be equal, and the newest key is used.
//
// # Errors
//
// All are *[abi.Error] of kind invalid_params: two different names, or one that cannot
// be sent. No name at all is no error.
func NewWorkspaceName(workspaceName, customerName, externalUserID string) (WorkspaceName, error) {
	var w WorkspaceName
	for _, given := range []WorkspaceName{{KeyWorkspaceName, workspaceName}, {KeyCustomerName, customerName}, {KeyExternalUserID, externalUserID}} {
		switch {
		case given.name == "":
		case w.name == "":
			w = given
		case w.name != given.name:
			return WorkspaceName{}, invalid(given.key, fmt.Sprintf("%s is %.60q and %s is %.60q, and they are names of the same thing", given.key, given.name, w.key, w.name), "keep one of them, best "+KeyWorkspaceName)
		}
	}
	unseen := func(r rune) bool { return !unicode.IsGraphic(r) }
	if len(w.name) > maxName || strings.ContainsFunc(w.name, unseen) || strings.TrimSpace(w.name) != w.name {
		return WorkspaceName{}, invalid(w.key, w.key+" is not the name of a workspace", "write it as Airbyte shows it: up to 255 characters, without spaces around it")
	}
	return w, nil
}

// IsZero reports whether w names nothing.
func (w WorkspaceName) IsZero() bool { return w.name == "" }

// String is the name itself.
func (w WorkspaceName) String() string { return w.name }

// Key is the generation: workspace_name, customer_name or external_user_id.
func (w WorkspaceName) Key() string { return w.key }

func (w WorkspaceName) require() *abi.Error {
	if w.IsZero() {
		return invalid(KeyWorkspaceName, "no workspace is named", "set workspace_name under the connection's airbyte")
	}
	return nil
}
