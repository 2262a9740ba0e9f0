package pdktest

import (
	"errors"
	"strings"

	"github.com/agenthost/agenthost/pdk/abi"
)

// Failure is a row of a table test: a failure of the vendor, and the error that the connector must
// make of it.
type Failure struct {
	Name string
	// Status, Header and Answer are the vendor's, as in [Exchange].
	Status int
	Header map[string]string
	Answer string
	// Want is the error; its Hint and RequestSent are ignored.
	Want abi.Error
	// Hint is a part of the error's hint.
	Hint string
}

// Answering returns an exchange that answers request with the failure.
func (f *Failure) Answering(request Exchange) Exchange {
	request.Status, request.Header, request.Answer = f.Status, f.Header, f.Answer
	return request
}

// Check fails the test unless err, from [Runner.Execute], is the wanted error.
func (f *Failure) Check(t T, err error) {
	t.Helper()
	var got *abi.Error
	if !errors.As(err, &got) {
		t.Fatalf("%s: the error is %v, which is not an *abi.Error", f.Name, err)
	}
	if !strings.Contains(got.Hint, f.Hint) {
		t.Errorf("%s: the hint is %q, without %q", f.Name, got.Hint, f.Hint)
	}
	g, w := *got, f.Want
	g.Hint, g.RequestSent = "", false
	w.Hint, w.RequestSent = "", false
	if g != w {
		t.Errorf("%s:\ngot  %+v\nwant %+v", f.Name, g, w)
	}
}
