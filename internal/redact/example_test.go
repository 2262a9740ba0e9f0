package redact_test

import (
	"fmt"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/redact"
)

func ExampleRedactor() {
	redactor := redact.New(secret.New([]byte("token/0123456789")))
	for _, answer := range []string{
		`{"error": "token/0123456789 is unknown"}`,
		`{"error": "token\/0123456789 is unknown"}`,
		`{"header": "Basic dXNlcjp0b2tlbi8wMTIzNDU2Nzg5"}`,
		`{"error": "who are you?"}`,
	} {
		clean, found := redactor.Redact([]byte(answer))
		fmt.Println(string(clean), found)
	}
	// Output:
	// {"error": "[redacted] is unknown"} true
	// {"error": "[redacted] is unknown"} true
	// {"header": "Basic dXNlcj[redacted]"} true
	// {"error": "who are you?"} false
}
