package source_test

import (
	"context"
	"fmt"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/credential/source"
)

func ExampleResolver() {
	environment := map[string]string{"PYLON_API_TOKEN": "token-0123456789"}
	resolver := source.NewResolver(source.Options{
		LookupEnv: func(name string) (string, bool) { value, ok := environment[name]; return value, ok },
	})
	for _, reference := range []string{"env:PYLON_API_TOKEN", "env:ASHBY_API_KEY"} {
		ref, err := secret.ParseRef(reference)
		if err != nil {
			fmt.Println(err)
			continue
		}
		token, err := resolver.Resolve(context.Background(), ref)
		fmt.Println(token, err)
	}
	// Output:
	// [redacted] <nil>
	// [redacted] auth_failed: no secret at env:ASHBY_API_KEY: the environment variable is not set
}
