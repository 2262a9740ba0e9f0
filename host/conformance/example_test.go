package conformance_test

import (
	"context"
	"fmt"
	"os"

	"github.com/agenthost/agenthost/host/conformance"
	"github.com/agenthost/agenthost/internal/wasmtest"
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
	// fail widgets.list: the operation does not declare the request "DELETE /issues/{id}"; the connector's author must add the request to the operation's requests; the only choice is GET /me
}
