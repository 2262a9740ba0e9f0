package egress_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/egress"
	"github.com/agenthost/agenthost/pdk/abi"
)

// connect returns a client of a connection whose operator points the vendor's server at
// a URL of his own.
func connect(override string) *egress.Client {
	client, err := egress.New(egress.Config{
		Servers:  []abi.Server{{ID: "us", URL: "https://api.vendor.example"}},
		Override: override,
		Auth: &abi.AuthScheme{
			ID: "token", Type: abi.AuthBearer,
			Fields:  []abi.AuthField{{Name: "api_token", Secret: true, Required: true}},
			Inject:  []abi.Injection{{In: abi.InHeader, Name: "Authorization", Value: "Bearer {api_token}"}},
			Origins: []string{"https://api.vendor.example"},
		},
		Credentials: map[string]secret.Value{"api_token": secret.New([]byte("token-0123456789"))},
	})
	if err != nil {
		panic(err)
	}
	return client
}

// The running operation declares one request; the vendor echoes what it gets.
var reads = egress.Scope{
	Requests: []abi.RequestTemplate{{Method: "GET", Path: "/issues/{id}"}},
	Retry:    true,
}

func ExampleClient_Send() {
	vendor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s with %s", r.RequestURI, r.Header.Get("Authorization"))
	}))
	defer vendor.Close()
	client := connect(vendor.URL)
	defer client.Close()

	scope := reads
	scope.Budget = egress.NewBudget(10, 1<<20, 1<<20)
	response, err := client.Send(context.Background(), scope, &abi.Request{
		Method:     "GET",
		Path:       "/issues/{id}",
		PathParams: map[string]string{"id": "a/b"},
		Query:      [][2]string{{"expand", "account"}},
	}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(response.Status, string(response.Body))
	// Output: 200 /issues/a%2Fb?expand=account with Bearer [redacted]
}

func ExampleClient_Send_undeclared() {
	client := connect("http://127.0.0.1:9")
	defer client.Close()

	scope := reads
	scope.Budget = egress.NewBudget(10, 1<<20, 1<<20)
	_, err := client.Send(context.Background(), scope, &abi.Request{
		Method:     "DELETE",
		Path:       "/issues/{id}",
		PathParams: map[string]string{"id": "1"},
	}, nil)
	denial, _ := errors.AsType[*abi.Error](err)
	fmt.Println(denial)
	fmt.Println(denial.Rule, denial.RequestSent)
	fmt.Println(denial.Hint)
	// Output:
	// denied: the operation does not declare the request "DELETE /issues/{id}"
	// egress.request false
	// the connector's author must add the request to the operation's requests; did you mean GET /issues/{id}?
}

func ExampleClient_Send_metadata() {
	client := connect("http://169.254.169.254")
	defer client.Close()

	scope := reads
	scope.Budget = egress.NewBudget(10, 1<<20, 1<<20)
	_, err := client.Send(context.Background(), scope, &abi.Request{
		Method:     "GET",
		Path:       "/issues/{id}",
		PathParams: map[string]string{"id": "1"},
	}, nil)
	fmt.Println(err)
	// Output: denied: 169.254.169.254 is a cloud's metadata service, which issues credentials
}
