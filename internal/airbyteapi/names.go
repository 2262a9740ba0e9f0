package airbyteapi

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"github.com/agenthost/agenthost/internal/fault"
)

// ID identifies a connector of the service: a UUID in lower case. Get one from [ParseID].
type ID string

var (
	uuidForm         = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)
	organizationForm = regexp.MustCompile(`^[0-9A-Za-z_-]{1,64}$`)
)

// ParseID reads the id of a connector, with or without the source_id: that some answers
// put before it. The error is an *[abi.Error] of kind invalid_params.
func ParseID(text string) (ID, error) {
	id := strings.ToLower(strings.TrimPrefix(text, ConnectorIDStart))
	if !uuidForm.MatchString(id) {
		return "", fault.Invalid("connector_id", fmt.Sprintf("%.60q is not the id of a connector", text), "write a UUID; agenthost hosted list shows the ids in a workspace")
	}
	return ID(id), nil
}

// IsOrganization reports whether a text can be the id of an organization.
func IsOrganization(text string) bool { return organizationForm.MatchString(text) }

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
			return WorkspaceName{}, fault.Invalid(given.key, fmt.Sprintf("%s is %.60q and %s is %.60q, but both name the workspace", given.key, given.name, w.key, w.name), "keep only one of them, preferably "+KeyWorkspaceName)
		}
	}
	unseen := func(r rune) bool { return !unicode.IsGraphic(r) }
	if len(w.name) > maxName || strings.ContainsFunc(w.name, unseen) || strings.TrimSpace(w.name) != w.name {
		return WorkspaceName{}, fault.Invalid(w.key, w.key+" is not the name of a workspace", "write it as Airbyte shows it: up to 255 characters, without spaces around it")
	}
	return w, nil
}

// IsZero reports whether w names nothing.
func (w WorkspaceName) IsZero() bool { return w.name == "" }

// String is the name itself.
func (w WorkspaceName) String() string { return w.name }

// Key is the generation: workspace_name, customer_name or external_user_id.
func (w WorkspaceName) Key() string { return w.key }
