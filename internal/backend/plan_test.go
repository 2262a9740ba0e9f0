package backend

import (
	"errors"
	"math/rand/v2"
	"net/http"
	"testing"

	"github.com/agenthost/agenthost/internal/egress"
	"github.com/agenthost/agenthost/pdk/abi"
)

func shown() *egress.Shown {
	return &egress.Shown{
		Method: "POST", URL: "https://api.vendor.example/accounts?q=1", Origin: "https://api.vendor.example",
		Header: http.Header{"Accept": {"application/json"}, "X-Two": {"a", "b"}}, Body: []byte(`{"name":"Acme"}`),
		Credential: []egress.Place{{In: "header", Name: "Authorization", Value: "Bearer {token}"}},
	}
}

// threat: A4
//
// A connector that asks for something else than it showed sends nothing, whatever it changes.
func TestOnly(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 10_000 {
		first := 0
		o := &Only{First: func() error { first++; return nil }}
		o.Requests = append(o.Requests, requestOf(shown()))
		s := shown()
		switch random.IntN(9) {
		case 0:
			s.Method = "PUT"
		case 1:
			u := []byte(s.URL)
			u[random.IntN(len(u))] ^= byte(1 << random.IntN(7))
			s.URL = string(u)
		case 2:
			s.Body[random.IntN(len(s.Body))] ^= byte(1 << random.IntN(8))
		case 3:
			s.Body = s.Body[:random.IntN(len(s.Body))]
		case 4:
			s.Header["X-Two"] = []string{"b", "a"}
		case 5:
			s.Header.Set("X-More", "1")
		case 6:
			s.Header.Del("Accept")
		case 7:
			s.Credential = nil
		default:
			s.Credential[0].Name = "X-Other"
		}
		if err := o.Check(s); err == nil || err.Kind != abi.KindDenied || err.Rule != RuleAsk || first != 0 {
			t.Fatalf("change %d passes: %v, %v", i, s, err)
		}
	}
}

func TestOnlyOnce(t *testing.T) {
	t.Parallel()
	first := 0
	o := &Only{First: func() error { first++; return nil }}
	o.Requests = append(o.Requests, requestOf(shown()))
	again := shown()
	again.Again = true
	for i, test := range []struct {
		s    *egress.Shown
		good bool
	}{{shown(), true}, {again, true}, {shown(), false}, {again, true}, {&egress.Shown{Method: "GET", Again: true}, false}} {
		if err := o.Check(test.s); (err == nil) != test.good {
			t.Errorf("request %d: %v", i, err)
		}
	}
	if first != 1 {
		t.Errorf("the approval was used %d times", first)
	}
	broken := &Only{Requests: o.Requests, First: func() error { return errors.New("the disk is full") }}
	for range 2 {
		if err := broken.Check(shown()); err == nil {
			t.Error("sent although the use was not kept")
		}
	}
	if err := new(Only).Check(shown()); err == nil {
		t.Error("sent although the plan has no request")
	}
}
