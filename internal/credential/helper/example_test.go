//go:build unix

package helper_test

import (
	"context"
	"fmt"

	"github.com/agenthost/agenthost/internal/credential/helper"
)

func Example() {
	// The program of a password manager stands here, such as op read or pass show.
	source := helper.New(map[string]helper.Command{"say": {Args: []string{"echo"}}}, nil)
	for _, name := range []string{"say:token-0123456789", "op:pylon"} {
		token, err := source.Read(context.Background(), name)
		fmt.Println(token, err)
	}
	// Output:
	// [redacted] <nil>
	// [redacted] auth_failed: no secret at exec:op:pylon: there is no helper op
}
