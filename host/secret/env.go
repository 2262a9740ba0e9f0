package secret

import "context"

type envSource struct {
	lookup func(string) (string, bool)
}

func (s envSource) Read(_ context.Context, name string) (Value, error) {
	ref := Ref{SchemeEnv, name}
	value, ok := s.lookup(name)
	switch {
	case !ok:
		return Value{}, Missing(ref, "the environment variable is not set", "export "+name+" in the environment of agenthost", nil)
	case value == "":
		return Value{}, Missing(ref, "the environment variable is empty", "set "+name+" to the credential", nil)
	}
	return New([]byte(value)), nil
}
