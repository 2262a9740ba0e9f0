package airbyte

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/agenthost/agenthost/pdk/abi"
)

// ID identifies a connector of the service: a UUID in lower case. Get one from [ParseID].
type ID string

var (
	uuidForm         = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)
	organizationForm = regexp.MustCompile(`^[0-9A-Za-z_-]{1,64}$`)
)

// sourcePrefix stands before a connector's id in some answers.
const sourcePrefix = "source_id:"

// ParseID reads the id of a connector, with or without the source_id: that some answers
// put before it. The error is an *[abi.Error] of kind invalid_params.
func ParseID(text string) (ID, error) {
	id := strings.ToLower(strings.TrimPrefix(text, sourcePrefix))
	if !uuidForm.MatchString(id) {
		return "", invalid("connector_id", fmt.Sprintf("%.60q is not the id of a connector", text), "it is a UUID; agenthost hosted list shows those of a workspace")
	}
	return ID(id), nil
}

func invalid(field, message, hint string) *abi.Error {
	return &abi.Error{Kind: abi.KindInvalidParams, Field: field, Message: message, Hint: hint}
}
