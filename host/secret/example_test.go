package secret_test

import (
	"context"
	"fmt"

	"github.com/agenthost/agenthost/host/secret"
)

func ExampleValue() {
	token := secret.New([]byte("token-0123456789"))
	connection := struct {
		Name  string
		Token secret.Value
	}{"support", token}
	fmt.Printf("%v %+v\n", token, connection)
	// Output: [redacted] {Name:support Token:[redacted]}
}

func ExampleResolver() {
	environment := map[string]string{"PYLON_API_TOKEN": "token-0123456789"}
	resolver := secret.NewResolver(secret.Options{
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

func ExampleRedactor() {
	redactor := secret.NewRedactor(secret.New([]byte("token/0123456789")))
	for _, answer := range []string{
		`{"error": "token/0123456789 is unknown"}`,
		`{"error": "token\/0123456789 is unknown"}`,
		`{"header": "Basic dXNlcjp0b2tlbi8wMTIzNDU2Nzg5"}`,
		`{"error": "who are you?"}`,
	} {
		clean, found := redactor.Redact([]byte(answer))
		fmt.Println(string(clean), found)
	}
	// Output:
	// {"error": "[redacted] is unknown"} true
	// {"error": "[redacted] is unknown"} true
	// {"header": "Basic dXNlcj[redacted]"} true
	// {"error": "who are you?"} false
}

func ExampleParseRef() {
	_, err := secret.ParseRef("pylon_api_0123456789")
	fmt.Println(err)
	// Output: invalid_params: this is not a reference to a secret
}
