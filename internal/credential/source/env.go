package source

import (
	"context"

	"github.com/agenthost/agenthost/host/secret"
)

type envSource struct {
	lookup func(string) (string, bool)
}

func (s envSource) Read(_ context.Context, name string) (secret.Value, error) {
	ref, err := secret.ParseRef("env:" + name)
	if err != nil {
		return secret.Value{}, err
	}
	value, ok := s.lookup(name)
	switch {
	case !ok:
		return secret.Value{}, Missing(ref, "the environment variable is not set", "export "+name+" in the environment of agenthost", nil)
	case value == "":
		return secret.Value{}, Missing(ref, "the environment variable is empty", "set "+name+" to the credential", nil)
	}
	return secret.New([]byte(value)), nil
}
