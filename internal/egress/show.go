package egress

import (
	"maps"
	"net/http"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Shown is a request as it is about to be sent, without the credential. The vendor gets exactly
// this, and further: the credential in the places that Credential names, an X-Request-Id that is
// new for each attempt, and what follows from the rest (Host and Content-Length).
type Shown struct {
	Method string
	URL    string
	// Origin is that of the URL, for errors.
	Origin string
	// Header has canonical names, and belongs to whoever gets the Shown. Body does not: it must
	// not be changed.
	Header http.Header
	Body   []byte
	// Credential are the places of the credential. There are none if it does not go to this
	// server.
	Credential []Place
	// Again says that the host sends a request that it has shown once more, because the vendor
	// refused its credential and so did nothing.
	Again bool
}

// Place is where a credential goes.
type Place struct {
	In   string // as in [abi.Injection]
	Name string
	// Value is the value with names of fields in braces: Bearer {api_token}.
	Value string
}

// Placeholder takes the place of the value of a field in a Client that plans.
func Placeholder(field string) secret.Value { return secret.New([]byte("{" + field + "}")) }

// show hands a request to the scope that asked for it. It ends the request with an error, before
// anything is counted, waited for or sent.
func (c *Client) show(s *Scope, w *wireRequest) *abi.Error {
	if s.Show == nil {
		return nil
	}
	u, err := w.url()
	if err != nil {
		return err
	}
	shown := &Shown{Method: w.Method, URL: u.String(), Origin: w.Origin.String(), Header: maps.Clone(http.Header(w.Header)), Body: w.Body, Again: s.Again}
	if w.server.credential {
		shown.Credential = c.injector.places()
	}
	return s.Show(shown)
}

// places names where apply writes something.
func (in *injector) places() []Place {
	var places []Place
	for _, of := range []struct {
		in         string
		injections []injection
	}{{abi.InHeader, in.headers}, {abi.InCookie, in.cookies}, {abi.InQuery, in.queries}} {
		for _, i := range of.injections {
			if !i.value.IsZero() {
				places = append(places, Place{of.in, i.name, i.shows})
			}
		}
	}
	return places
}
