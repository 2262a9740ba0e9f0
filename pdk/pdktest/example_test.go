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
