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

func ExampleRun() {
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
	report, err := conformance.Run(ctx, module, conformance.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(report.Connector, "is good:", report.Passed)
	for _, check := range report.Checks {
		if check.ID == "requests.declared" {
			fmt.Println(check.Status, check.Problems[0])
		}
	}
	// Output:
	// overreach is good: false
	// fail widgets.list: DELETE /issues/{id} is not declared
}

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
