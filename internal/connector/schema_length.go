package connector

import (
	"fmt"
	"github.com/agenthost/agenthost/internal/fault"
	"strings"

	"github.com/agenthost/agenthost/internal/rawjson"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// tooLong refuses a list or an object with more elements or members than the schema permits: the
// validator would check each of them first. It follows plain properties and items only.
func tooLong(s *jsonschema.Schema, value any, path []string) error {
	s = resolve(s)
	refuse := func(n int, most *int, parts string) error {
		if most == nil || n <= *most {
			return nil
		}
		at := strings.Join(path, ".")
		return fault.Invalid(at, fmt.Sprintf("parameter %q has %d %s, must have at most %d", at, n, parts, *most), "give fewer")
	}
	switch value := value.(type) {
	case []any:
		if err := refuse(len(value), s.MaxItems, "elements"); err != nil {
			return err
		}
		if items := elements(s); items != nil {
			for _, element := range value {
				if err := tooLong(items, element, path); err != nil {
					return err
				}
			}
		}
	case map[string]any:
		if err := refuse(len(value), s.MaxProperties, "members"); err != nil {
			return err
		}
		for name, property := range s.Properties {
			if member, given := value[name]; given {
				if err := tooLong(property, member, append(path, name)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// longest returns the name of the longest member of an object.
func longest(object []byte) string {
	name, most := "", -1
	for raw, member := range rawjson.Members(object) {
		if len(member) > most {
			name, most = rawjson.Unquote(raw), len(member)
		}
	}
	return clip(name)
}
