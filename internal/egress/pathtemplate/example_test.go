package pathtemplate_test

import (
	"fmt"

	"github.com/agenthost/agenthost/internal/egress/pathtemplate"
)

func ExampleTemplate_Expand() {
	template, err := pathtemplate.ParseTemplate("/issues/{id}/messages")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, id := range []string{"42", "a/b", "..", "x/../../users"} {
		fmt.Println(template.Expand(map[string]string{"id": id}))
	}
	// Output:
	// /issues/42/messages <nil>
	// /issues/a%2Fb/messages <nil>
	//  path parameter "id" makes a segment of the path "." or ".."
	//  path parameter "id" has a step "." or ".."
}
