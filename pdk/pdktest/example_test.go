package pdktest_test

import (
	"fmt"

	"github.com/agenthost/agenthost/pdk"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/agenthost/agenthost/pdk/pdktest"
)

// printer stands for the *testing.T that a test has.
type printer struct{}

func (printer) Helper()                   {}
func (printer) Log(args ...any)           { fmt.Println(args...) }
func (printer) Error(args ...any)         { fmt.Println(args...) }
func (printer) Errorf(f string, a ...any) { fmt.Printf(f+"\n", a...) }
func (printer) Fatalf(f string, a ...any) { panic(fmt.Sprintf(f, a...)) }
func (printer) Cleanup(func())            {}

func weather() *pdk.Connector {
	return &pdk.Connector{
		Name: "weather", Title: "Weather", Version: "1.0.0", Description: "The weather.",
		Servers: []abi.Server{{ID: "main", URL: "https://api.weather.example"}},
		Auth:    abi.AuthSchema{Schemes: []abi.AuthScheme{{ID: "key", Type: abi.AuthBearer}}},
		Operations: []pdk.Operation{{
			Entity: "forecasts", Action: "get", Effect: pdk.Read, Description: "Tomorrow's weather in a city.",
			Method: "GET", Path: "/cities/{city}/tomorrow",
			Params: []pdk.Param{
				pdk.Path("city", pdk.String("Name of the city.").Min(1)),
				pdk.Query("unit", pdk.Enum("Unit of temperatures.", "C", "F")),
			},
		}},
	}
}

// A script says which requests must come, and answers them.
func ExampleScript() {
	t := printer{}
	r := pdktest.Run(t, weather(), pdktest.Script(t,
		pdktest.Exchange{Method: "GET", URL: "/cities/Z%C3%BCrich/tomorrow?unit=C", Answer: `{"high":21.50}`},
		pdktest.Exchange{Method: "GET", URL: "/cities/Atlantis/tomorrow", Status: 404},
	))
	data, _, err := r.Execute("forecasts", "get", map[string]any{"city": "Zürich", "unit": "C"})
	fmt.Println(string(data), err)
	_, _, err = r.Execute("forecasts", "get", map[string]any{"city": "Atlantis"})
	fmt.Println(err)
	// Output:
	// {"high":21.50} <nil>
	// not_found: Weather answered with status 404
}

// Parameters that do not fit the schema never reach the connector, and nothing is
// sent.
func ExampleRunner_Execute() {
	r := pdktest.Run(printer{}, weather(), pdktest.Script(printer{}))
	for _, params := range []map[string]any{{}, {"city": "Rome", "unit": "K"}, {"city": "Rome", "units": "C"}} {
		_, _, err := r.Execute("forecasts", "get", params)
		fmt.Println(err)
	}
	// Output:
	// invalid_params: city is missing
	// invalid_params: unit is none of C, F
	// invalid_params: units is unknown
}

// Check finds tables that contradict themselves before a host does.
func ExampleCheck() {
	c := weather()
	c.Operations[0].Path = "/cities/{city}/{day}"
	c.Operations[0].Examples = []string{`{"unit":"C"}`}
	for _, problem := range pdktest.Check(c) {
		fmt.Println(problem)
	}
	// Output:
	// forecasts.get has no parameter for day of its path
	// example 1 of forecasts.get: city is missing
}

// GoldenManifest makes it visible that a connector may do more than before.
func ExampleGoldenManifest() {
	c := weather()
	pdktest.GoldenManifest(printer{}, c, "testdata/weather.golden.json", false)
	c.Operations[0].Effect = pdk.Delete
	func() {
		defer func() { fmt.Println(recover()) }() // as a *testing.T ends the test
		pdktest.GoldenManifest(printer{}, c, "testdata/weather.golden.json", false)
	}()
	// Output:
	// the manifest differs from testdata/weather.golden.json in line 18: "effect": "delete",
	// run go test -update and look at the difference
}

// What the vendor documents is data; a type of the test adds what goes over the wire.
func ExampleWireCase() {
	type wireCase struct {
		pdktest.WireCase
		Method, URL string
	}
	t := printer{} // a test runs each case with t.Run
	runner := pdktest.Run(t, weather(), nil)
	for _, c := range pdktest.ReadCases[wireCase](t, "testdata/wire.json") {
		r := runner.With(t, pdktest.Script(t, pdktest.Exchange{Method: c.Method, URL: c.URL, Answer: `{"high":21.50}`}))
		data, _, err := r.Execute(c.Entity, c.Action, c.Params)
		fmt.Println(c.Name(), string(data), err)

		r.CheckParameters(c.WireCase)
	}
	runner.CheckOperations("forecasts.get", "forecasts.list")
	// Output:
	// forecasts.get {"high":21.50} <nil>
	// the connector lacks the operation forecasts.list
}

// A table of failures says what each error of the vendor becomes.
func ExampleFailure() {
	t := printer{}
	for _, f := range []pdktest.Failure{
		{Name: "no such city", Status: 404, Want: abi.Error{Kind: abi.KindNotFound, Message: "Weather answered with status 404", Status: 404}},
		{Name: "a bug of theirs", Status: 500, Want: abi.Error{Kind: abi.KindVendorError, Message: "Weather answered with status 500", Status: 500, Retryable: true}, Hint: "tomorrow"},
	} {
		r := pdktest.Run(t, weather(), pdktest.Script(t, f.Answering(pdktest.Exchange{Method: "GET", URL: "/cities/Rome/tomorrow"})))
		_, _, err := r.Execute("forecasts", "get", map[string]any{"city": "Rome"})
		f.Check(t, err)
	}
	// Output:
	// a bug of theirs: the hint is "try again later", without "tomorrow"
}
