package conformance_test

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/agenthost/agenthost/host/conformance"
	"github.com/agenthost/agenthost/internal/wasmtest"
	"github.com/agenthost/agenthost/pdk/abi"
)

func ExampleProfile() {
	ctx := context.Background()
	file, err := wasmtest.BuildContext(ctx, "internal/demo/overreach")
	if err != nil {
		fmt.Println(err)
		return
	}
	module, err := os.ReadFile(file)
	if err != nil {
		fmt.Println(err)
		return
	}
	profile, err := conformance.Profile(ctx, module, conformance.Options{}, "widgets", "list", []byte(`{"id":"a"}`))
	var failed *abi.Error
	if errors.As(err, &failed) {
		fmt.Println("the operation failed:", failed.Kind)
	}
	for _, f := range profile.Functions {
		if f.Name == "agenthost.http_send" {
			fmt.Println(f.Name, "was called:", f.Calls)
		}
	}
	// Output:
	// the operation failed: denied
	// agenthost.http_send was called: 1
}
