package host_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"path/filepath"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/approval"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/host/grant"
)

// With Options.Lock, a connector that nobody has approved is described and not used. The
// host cannot approve; the program does, once a person has looked at the review.
func ExampleHost_Execute_notApproved() {
	ctx := context.Background()
	var lock string
	h, done := exampleHost(ctx, func(o *host.Options) {
		lock = filepath.Join(o.Plugins, approval.DefaultName)
		o.Lock = lock
	})
	defer done()
	list := host.Call{Entity: "accounts", Action: "list", Params: host.Params{"limit": 1}}

	_, err := h.Execute(ctx, "support", list)
	var e *host.Error
	if errors.As(err, &e) {
		fmt.Println(e.Kind, e.RequestSent)
		fmt.Println(e.Message)
	}
	review, err := h.ReviewConnection(ctx, "support")
	if err != nil {
		log.Fatal(err)
	}
	for _, server := range review.Module.Reach.Servers {
		fmt.Println("it sends requests to", server.URL)
	}
	if err := approval.New(lock, compiled, time.Now).Approve(ctx, review.Module, "alice"); err != nil {
		log.Fatal(err)
	}
	_, err = h.Execute(ctx, "support", list)
	fmt.Println(err)
	// Output:
	// denied false
	// connection support may not run accounts.list: connector pylon 1.0.0 is not approved, by approval
	// it sends requests to https://api.eu.usepylon.com
	// it sends requests to https://api.usepylon.com
	// <nil>
}

// A rule on arguments holds an operation to the values that were meant.
func ExampleHost_Execute_argumentRule() {
	ctx := context.Background()
	h, done := exampleHost(ctx, func(o *host.Options) {
		narrow := o.Connections.(host.StaticConnections)["support"]
		narrow.Allow = &config.Allow{
			Operations: []string{"accounts.list"},
			Params:     map[string]map[string]grant.ParamRule{"accounts.list": {"limit": {Values: []any{5, 10}}}},
		}
		o.Connections.(host.StaticConnections)["narrow"] = narrow
	})
	defer done()

	_, err := h.Execute(ctx, "narrow", host.Call{Entity: "accounts", Action: "list", Params: host.Params{"limit": 500}})
	var e *host.Error
	if errors.As(err, &e) {
		fmt.Println(e.Kind, e.Field, e.RequestSent)
		fmt.Println(e.Message)
		fmt.Println(e.Hint)
	}
	// Output:
	// denied limit false
	// connection narrow may not run accounts.list: limit must be one of 5, 10, by allow.params.accounts.list.limit: [5, 10]
	// add the value to allow.params.accounts.list.limit of the connection, if a person agrees
}
