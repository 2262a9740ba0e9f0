package connections

import (
	"strings"

	"github.com/agenthost/agenthost/pdk/abi"
)

// envPrefix starts the names of the variables that make connections.
const envPrefix = "AGENTHOST_"

// Variable is the environment variable that gives a field of the connection named after a
// connector: AGENTHOST_PYLON_API_TOKEN for api_token of pylon. The field "server" is the
// connection's server.
func Variable(connector, field string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(connector+"_"+field, "-", "_"))
}

// FromEnvironment returns references to the variables of the first scheme of a connector whose
// variables are all set. If no scheme has all, missing has the variables that the last one lacks.
func FromEnvironment(connector string, schemes []abi.AuthScheme, lookup func(string) (string, bool)) (references map[string]string, missing []string) {
	for i := range schemes {
		references, missing = make(map[string]string), nil
		for _, field := range schemes[i].Fields {
			variable := Variable(connector, field.Name)
			if _, set := lookup(variable); set {
				references[field.Name] = "env:" + variable
			} else if field.Required {
				missing = append(missing, variable)
			}
		}
		if len(missing) == 0 {
			return references, nil
		}
	}
	return nil, missing
}

// SetVariable returns a set variable that gives a field of a connector's connection, or "".
func SetVariable(connector string, schemes []abi.AuthScheme, lookup func(string) (string, bool)) string {
	for i := range schemes {
		for _, field := range schemes[i].Fields {
			variable := Variable(connector, field.Name)
			if _, set := lookup(variable); set {
				return variable
			}
		}
	}
	return ""
}
