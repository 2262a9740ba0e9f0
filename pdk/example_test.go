package pdk_test

import (
	"fmt"
	"io"
	"net/http"

	"github.com/agenthost/agenthost/pdk"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/agenthost/agenthost/pdk/pdktest"
)

// library is a connector with two operations.
var library = pdk.Connector{
	Name:        "library",
	Title:       "Library",
	Version:     "1.0.0",
	Description: "Books of a library.",
	Servers:     []abi.Server{{ID: "main", URL: "https://api.library.example"}},
	Auth: abi.AuthSchema{Schemes: []abi.AuthScheme{{
		ID:      "api_key",
		Type:    abi.AuthAPIKey,
		Fields:  []abi.AuthField{{Name: "api_key", Secret: true, Required: true}},
		Inject:  []abi.Injection{{In: abi.InHeader, Name: "X-Api-Key", Value: "{api_key}"}},
		Origins: []string{"https://api.library.example"},
	}}},
	Operations: []pdk.Operation{
		{
			Entity: "books", Action: "list", Effect: pdk.Read,
			Description: "Books, of one author if one is named.",
			Method:      "GET", Path: "/books",
			Params: []pdk.Param{pdk.Query("author", pdk.String("Name of the author.").Max(200))},
			Data:   "/books",
			Page:   &pdk.Page{In: pdk.InQuery, MaxLimit: 100, Cursor: "/next"},
		},
		{
			Entity: "books", Action: "lend", Effect: pdk.Write,
			Description: "Lends a book to a reader.",
			Method:      "POST", Path: "/books/{id}/loans",
			Params: []pdk.Param{
				pdk.Path("id", pdk.String("Id of the book.").Min(1)),
				pdk.Body("reader", pdk.String("Who borrows it.")).Required(),
				pdk.Body("days", pdk.Integer("For how long.").Min(1).Max(90)),
			},
		},
	},
}

// shelf stands for the vendor.
func shelf(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	fmt.Println("->", r.Method, r.URL)
	if len(body) > 0 {
		fmt.Println("  ", string(body))
	}
	if r.Method == http.MethodPost {
		w.WriteHeader(http.StatusConflict)
		return
	}
	_, _ = fmt.Fprint(w, `{"books":[{"title":"Notes","pages":1.0e2}],"next":"abc"}`)
}

// printer stands for the *testing.T that a test has.
type printer struct{}

func (printer) Helper()                   {}
func (printer) Log(args ...any)           { fmt.Println(args...) }
func (printer) Error(args ...any)         { fmt.Println(args...) }
func (printer) Errorf(f string, a ...any) { fmt.Printf(f+"\n", a...) }
func (printer) Fatalf(f string, a ...any) { panic(fmt.Sprintf(f, a...)) }
func (printer) Cleanup(func())            {}

// A table is enough for most operations. Numbers and everything else in the answer
// pass through as the vendor wrote them.
func Example() {
	r := pdktest.Run(printer{}, &library, http.HandlerFunc(shelf))
	data, meta, err := r.Execute("books", "list", map[string]any{"author": "Lovelace, Ada", "limit": 10})
	fmt.Println(string(data), string(meta), err)
	_, _, err = r.Execute("books", "lend", map[string]any{"id": "b/1", "reader": "Grace", "days": 14})
	fmt.Println(err)
	// Output:
	// -> GET /books?author=Lovelace%2C+Ada&limit=10
	// [{"title":"Notes","pages":1.0e2}] {"next_cursor":"abc","has_more":true} <nil>
	// -> POST /books/b%2F1/loans
	//    {"reader":"Grace","days":14}
	// conflict: Library answered with status 409
}

// The host refuses what an operation does not declare, whatever its code does.
func Example_undeclaredRequest() {
	curious := library
	curious.Operations = []pdk.Operation{{
		Entity: "books", Action: "list", Description: "Books.", Effect: pdk.Read, Method: "GET", Path: "/books",
		Handle: func(c *pdk.Call) error {
			_, err := c.Do(&pdk.Request{Method: "GET", Path: "/readers"})
			return err
		},
	}}
	_, _, err := pdktest.Run(printer{}, &curious, http.HandlerFunc(shelf)).Execute("books", "list", nil)
	fmt.Println(err)
	// Output:
	// no host sends the request GET /readers: the operation does not declare the request "GET /readers"; the connector's author must add the request to the operation's requests; the only choice is GET /books
	// denied: the operation does not declare the request "GET /readers"
}

// A Handle does what a table cannot say, with the table's own building blocks.
func ExampleOperation_handle() {
	c := library
	c.Operations = []pdk.Operation{{
		Entity: "books", Action: "list", Description: "Books of a year.", Effect: pdk.Read, Method: "GET", Path: "/books",
		Params: []pdk.Param{pdk.Input("year", pdk.Integer("Year of publication.")).Required()},
		Data:   "/books", List: true,
		Handle: func(c *pdk.Call) error {
			year, _ := c.Param("year").Int()
			if year < 1450 {
				return pdk.InvalidParam("year", "year is before the printing press", "name a year from 1450 on")
			}
			r := c.Request()
			r.SetQuery("filter", "year:"+string(c.Param("year")))
			resp, err := c.Do(r)
			if err != nil {
				return err
			}
			c.Result().MetaInt("year", year)
			return c.Respond(resp)
		},
	}}
	r := pdktest.Run(printer{}, &c, http.HandlerFunc(shelf))
	for _, year := range []int{1843, 1200} {
		data, meta, err := r.Execute("books", "list", map[string]any{"year": year})
		fmt.Println(string(data), string(meta), err)
	}
	// Output:
	// -> GET /books?filter=year%3A1843
	// [{"title":"Notes","pages":1.0e2}] {"year":1843} <nil>
	//   invalid_params: year is before the printing press
}
