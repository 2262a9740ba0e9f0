package vendorsim_test

import (
	"context"
	"fmt"
	"net/http"

	"github.com/agenthost/agenthost/internal/vendorsim"
	"github.com/agenthost/agenthost/internal/vendorsim/pylon"
)

// A vendor that is rate limited once and answers the second time.
func ExampleServer_Inject() {
	vendor := pylon.New(pylon.Options{Token: "pylon_us_demo", Scale: pylon.SmallScale()})
	server, err := vendorsim.Start(context.Background(), vendor, vendorsim.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = server.Close() }()
	server.Inject(vendorsim.Fault{PathPrefix: "/me", Effect: vendorsim.RetryAfterSeconds(429, 1, `{"errors":["slow down"]}`)})

	for range 2 {
		req, _ := http.NewRequest("GET", server.URL+"/me", nil)
		req.Header.Set("Authorization", "Bearer pylon_us_demo")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			fmt.Println(err)
			return
		}
		_ = resp.Body.Close()
		fmt.Printf("%d %q\n", resp.StatusCode, resp.Header.Get("Retry-After"))
	}
	fmt.Println(server.Requests()[0], "and", len(server.Requests())-1, "more")
	// Output:
	// 429 "1"
	// 200 ""
	// GET /me and 1 more
}
