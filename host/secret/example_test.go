package secret_test

import (
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

func ExampleParseRef() {
	_, err := secret.ParseRef("pylon_api_0123456789")
	fmt.Println(err)
	// Output: invalid_params: this is not a reference to a secret
}
