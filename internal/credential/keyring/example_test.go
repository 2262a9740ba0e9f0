package keyring_test

import (
	"context"
	"fmt"

	"github.com/agenthost/agenthost/internal/credential/keyring"
	gokeyring "github.com/zalando/go-keyring"
)

func Example() {
	gokeyring.MockInit() // a keyring in memory, in place of the user's
	if err := gokeyring.Set(keyring.Service, "pylon", "token-0123456789"); err != nil {
		fmt.Println(err)
		return
	}
	source := keyring.New(func(string) (string, bool) { return "unix:path=/run/user/1000/bus", true })
	for _, name := range []string{"pylon", "ashby"} {
		token, err := source.Read(context.Background(), name)
		fmt.Println(token, err)
	}
	// Output:
	// [redacted] <nil>
	// [redacted] auth_failed: no secret at keyring:ashby: the keyring has no such entry
}
