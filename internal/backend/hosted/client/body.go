package client

import (
	"unicode/utf8"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/pdk/abi"
)

// object writes a JSON object whose members have the order of the documentation. The
// service takes any order, but what is sent is then what the documentation shows.
type object struct {
	b   []byte
	err error
}

func (o *object) name(name string) {
	if len(o.b) == 0 {
		o.b = append(o.b, '{')
	} else if o.b[len(o.b)-1] != '{' {
		o.b = append(o.b, ',')
	}
	o.b = airbyteapi.AppendText(o.b, name)
	o.b = append(o.b, ':')
}

func (o *object) text(name, value string) {
	o.name(name)
	o.b = airbyteapi.AppendText(o.b, value)
}

func (o *object) raw(name string, value []byte) {
	o.name(name)
	o.b = append(o.b, value...)
}

// secret writes the bytes of a secret. This is where the Airbyte API's own secrets, and
// the vendor's when a connector is created, are put on the wire.
func (o *object) secret(name string, value secret.Value) {
	o.name(name)
	err := value.Reveal(func(b []byte) error {
		if !utf8.Valid(b) {
			return &abi.Error{Kind: abi.KindAuthFailed, Field: name, Message: "the secret " + name + " is not text, and cannot be sent as JSON", Hint: "check which secret the reference names"}
		}
		o.b = airbyteapi.AppendText(o.b, string(b))
		return nil
	})
	if o.err == nil {
		o.err = err
	}
}

func (o *object) close() ([]byte, error) {
	if len(o.b) == 0 {
		o.b = append(o.b, '{')
	}
	return append(o.b, '}'), o.err
}
