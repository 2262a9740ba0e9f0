package pdk_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/pdk"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/agenthost/agenthost/pdk/pdktest"
)

// with makes a connector of one operation.
func with(op pdk.Operation) *pdk.Connector {
	op.Entity, op.Action, op.Description = "things", "do", "Does a thing."
	if op.Effect == "" {
		op.Effect = pdk.Write
	}
	return &pdk.Connector{
		Name: "thing", Title: "Thing", Version: "1.0.0", Description: "Things.",
		Servers:    []abi.Server{{ID: "main", URL: "https://api.thing.example"}},
		Auth:       abi.AuthSchema{Schemes: []abi.AuthScheme{{ID: "key", Type: abi.AuthBearer}}},
		Operations: []pdk.Operation{op},
	}
}

func TestBodyIsByteForByte(t *testing.T) {
	c := with(pdk.Operation{Method: "POST", Path: "/things", Params: []pdk.Param{
		pdk.Body("n", pdk.Number("")), pdk.Body("o", pdk.Map("")).As("wire \"name\""), pdk.Body("s", pdk.String("")), pdk.Body("absent", pdk.String("")),
	}})
	r := pdktest.Run(t, c, pdktest.Script(t, pdktest.Exchange{
		Method: "POST", URL: "/things",
		Body: `{"n":1.50e+03,"wire \"name\"":{"big":12345678901234567890,"u":"\u00fc","nested":[1.0,{}]},"s":"a\/b"}`,
	}))
	const params = `{"s":"a\/b","o":{"big":12345678901234567890,"u":"\u00fc","nested":[1.0,{}]},"n":1.50e+03}`
	if _, _, err := r.Execute("things", "do", json.RawMessage(params)); err != nil {
		t.Fatal(err)
	}
	if got, want := r.Requests()[0].Body, `{"n":1.50e+03,"wire \"name\"":{"big":12345678901234567890,"u":"\u00fc","nested":[1.0,{}]},"s":"a\/b"}`; got != want {
		t.Errorf("the body is\n%s\nwant\n%s", got, want)
	}
}

func TestQueryAndPath(t *testing.T) {
	c := with(pdk.Operation{Effect: pdk.Read, Method: "GET", Path: "/things/{id}/v{version}", Params: []pdk.Param{
		pdk.Query("list", pdk.Array("", pdk.String(""))).As("list[]"), pdk.Path("thing", pdk.String("")).As("id"), pdk.Path("version", pdk.Integer("")),
		pdk.Query("n", pdk.Number("")), pdk.Query("b", pdk.Boolean("")),
	}})
	r := pdktest.Run(t, c, pdktest.Script(t, pdktest.Exchange{
		Method: "GET", URL: "/things/a%2Fx%2F%3Fb/v2?list%5B%5D=x+y&list%5B%5D=%C3%BC%22&n=1.50&b=false",
	}))
	_, _, err := r.Execute("things", "do", json.RawMessage(`{"thing":"a/x/?b","version":2,"b":false,"n":1.50,"list":["x y","\u00fc\""]}`))
	if err != nil {
		t.Fatal(err)
	}
}

func TestPages(t *testing.T) {
	c := with(pdk.Operation{
		Effect: pdk.Read, Method: "POST", Path: "/things", Data: "/rows",
		Meta: []pdk.Meta{{Name: "more", Pointer: "/more"}, {Name: "total", Pointer: "/total"}, {Name: "next", Pointer: "/next"}},
		Page: &pdk.Page{In: pdk.InBody, CursorName: "after", LimitName: "size", Cursor: "/next", More: "/more"},
	})
	for _, tt := range []struct{ answer, meta string }{
		{`{"rows":[],"next":"n\"1","more":true,"total":1.0}`, `{"more":true,"total":1.0,"next":"n\"1","next_cursor":"n\"1","has_more":true}`},
		{`{"rows":[],"next":"n","more":false}`, `{"more":false,"next":null,"next_cursor":null,"has_more":false}`},
		{`{"rows":[],"next":"n"}`, `{"more":true,"next":"n","next_cursor":"n","has_more":true}`},
		{`{"rows":[],"next":"","more":true}`, `{"more":true,"next":null,"next_cursor":null,"has_more":true}`},
		{`{"rows":[],"next":null,"more":true}`, `{"more":true,"next":null,"next_cursor":null,"has_more":true}`},
		{`{"rows":[],"more":true}`, `{"more":true,"next":null,"next_cursor":null,"has_more":true}`},
		{`{"rows":[],"next":{"a":1},"more":true}`, `{"more":true,"next":null,"next_cursor":null,"has_more":true}`},
		{`{"rows":[],"next":["a"]}`, `{"more":true,"next":null,"next_cursor":null,"has_more":true}`},
		{`{"rows":[],"next":["a"],"more":false}`, `{"more":false,"next":null,"next_cursor":null,"has_more":false}`},
		{`{"rows":[],"next":false,"more":true}`, `{"more":true,"next":null,"next_cursor":null,"has_more":true}`},
		{`{"rows":[],"next":false}`, `{"more":false,"next":null,"next_cursor":null,"has_more":false}`},
		{`{"rows":[],"next":0,"more":true}`, `{"more":true,"next":null,"next_cursor":null,"has_more":true}`},
		{`{"rows":[],"next":0}`, `{"more":false,"next":null,"next_cursor":null,"has_more":false}`},
		{`{"rows":[],"next":2,"more":true}`, `{"more":true,"next":"2","next_cursor":"2","has_more":true}`},
		{`{"rows":[]}`, `{"more":false,"next":null,"next_cursor":null,"has_more":false}`},
	} {
		r := pdktest.Run(t, c, pdktest.Script(t, pdktest.Exchange{Method: "POST", URL: "/things", Body: `{"after":"c","size":3}`, Answer: tt.answer}))
		data, meta, err := r.Execute("things", "do", map[string]any{"cursor": "c", "limit": 3})
		if err != nil || string(data) != "[]" || string(meta) != tt.meta {
			t.Errorf("%s: %s, %s, %v", tt.answer, data, meta, err)
		}
	}
}

// TestNumberedPages follows a vendor that counts its pages, in a query and in a body.
func TestNumberedPages(t *testing.T) {
	for _, tt := range []struct {
		page     pdk.Page
		exchange pdktest.Exchange // of the second page
	}{
		{pdk.Page{In: pdk.InQuery, CursorName: "page", Cursor: "/next_page"}, pdktest.Exchange{Method: "POST", URL: "/things?page=2", Answer: `{"rows":[],"next_page":null}`}},
		{pdk.Page{In: pdk.InBody, CursorName: "page", Cursor: "/next_page", Number: true}, pdktest.Exchange{Method: "POST", URL: "/things", Body: `{"page":2}`, Answer: `{"rows":[],"next_page":0}`}},
		{pdk.Page{In: pdk.InBody, CursorName: "page", Cursor: "/next_page"}, pdktest.Exchange{Method: "POST", URL: "/things", Body: `{"page":"2"}`, Answer: `{"rows":[]}`}},
	} {
		c := with(pdk.Operation{Effect: pdk.Read, Method: "POST", Path: "/things", Data: "/rows", Page: &tt.page})
		first := pdktest.Exchange{Method: "POST", URL: "/things", Answer: `{"rows":[1],"next_page":2}`}
		if tt.page.In == pdk.InBody {
			first.Body = `{}`
		}
		r := pdktest.Run(t, c, pdktest.Script(t, first, tt.exchange))
		for _, step := range [][2]string{{`{}`, `"2"`}, {`{"cursor":"2"}`, `null`}} {
			_, meta, err := r.Execute("things", "do", json.RawMessage(step[0]))
			if err != nil || !strings.Contains(string(meta), `"next_cursor":`+step[1]) {
				t.Errorf("%+v: %s: %s, %v", tt.page, step[0], meta, err)
			}
		}
	}
	c := with(pdk.Operation{Effect: pdk.Read, Method: "POST", Path: "/things", Data: "/rows", Page: &pdk.Page{In: pdk.InBody, Cursor: "/next", Number: true}})
	_, _, err := pdktest.Run(t, c, pdktest.Script(t)).Execute("things", "do", json.RawMessage(`{"cursor":"two"}`))
	var e *abi.Error
	if !errors.As(err, &e) || e.Kind != abi.KindInvalidParams || e.Field != "cursor" {
		t.Errorf("a cursor that is no number: %v", err)
	}
}

// TestRespondPageSaysThatThereIsMore: a connector's own cursor does not hide that the vendor
// gave none.
func TestRespondPageSaysThatThereIsMore(t *testing.T) {
	for _, tt := range []struct {
		own, answer, meta string
		asks              bool // for the vendor's cursor first
	}{
		{"", `{"rows":[],"more":true}`, `{"next_cursor":null,"has_more":true}`, true},
		{"mine", `{"rows":[],"more":true}`, `{"next_cursor":null,"has_more":true}`, true},
		{"", `{"rows":[],"more":true}`, `{"next_cursor":null,"has_more":true}`, false},
		{"mine", `{"rows":[],"more":true}`, `{"next_cursor":"mine","has_more":true}`, false},
		{"mine", `{"rows":[],"more":false}`, `{"next_cursor":"mine","has_more":true}`, true},
		{"", `{"rows":[],"more":false}`, `{"next_cursor":null,"has_more":false}`, true},
		{"", `{"rows":[]}`, `{"next_cursor":null,"has_more":false}`, false},
	} {
		c := with(pdk.Operation{
			Effect: pdk.Read, Method: "GET", Path: "/things", Data: "/rows", Page: &pdk.Page{In: pdk.InQuery, Cursor: "/next", More: "/more"},
			Handle: func(c *pdk.Call) error {
				resp, err := c.Do(c.Request())
				if err != nil {
					return err
				}
				if tt.asks && c.NextCursor(resp) != "" {
					t.Error("the vendor gave no cursor")
				}
				return c.RespondPage(resp, tt.own)
			},
		})
		_, meta, err := pdktest.Run(t, c, pdktest.Script(t, pdktest.Exchange{Method: "GET", URL: "/things", Answer: tt.answer})).Execute("things", "do", nil)
		if err != nil || string(meta) != tt.meta {
			t.Errorf("%+v: %s, %v", tt, meta, err)
		}
	}
}

func TestHandle(t *testing.T) {
	c := with(pdk.Operation{
		Method: "GET", Path: "/things", Requests: []abi.RequestTemplate{{Method: "POST", Path: "/things/{id}"}},
		Handle: func(c *pdk.Call) error {
			resp, err := c.Do(c.Request())
			if err != nil {
				return err
			}
			first := resp.Body.Part("/rows/0")
			n, ok := first.Part("/n").Int()
			if !ok || n != 7 || first.Kind() != pdk.JSONObject || first.Count() != 2 || resp.Body.Part("/rows").Len() == 0 || resp.Body.Part("/none").Exists() {
				return errors.New("the first answer is not what it is")
			}
			second, err := c.Send(&pdk.Request{
				Method: "POST", Path: "/things/{id}", PathParams: [][2]string{{"id", first.Part("/id").Text()}}, Body: []byte("raw"),
			})
			if err != nil {
				return err
			}
			c.Result().Data(second.Body.Part("/made"))
			c.Result().Meta("first", first)
			c.Result().Meta("none", resp.Body.Part("/none"))
			c.Result().MetaInt("status", int64(second.Status))
			c.Result().MetaText("header", second.Header("X-One"))
			c.Log(abi.LogInfo, "done with "+c.Entity()+"."+c.Action())
			resp.Body.Drop() // its part outlives it
			return nil
		},
	})
	r := pdktest.Run(t, c, pdktest.Script(t,
		pdktest.Exchange{Method: "GET", URL: "/things", Answer: `{"rows":[{"id":"a b","n":7}]}`},
		pdktest.Exchange{Method: "POST", URL: "/things/a%20b", Body: "raw", Status: 404, Header: map[string]string{"X-One": "1"}, Answer: `{"made":[1,2]}`},
	))
	data, meta, err := r.Execute("things", "do", nil)
	if err != nil || string(data) != `[1,2]` || string(meta) != `{"first":{"id":"a b","n":7},"status":404,"header":"1"}` {
		t.Errorf("%s, %s, %v", data, meta, err)
	}
}

func TestFailures(t *testing.T) {
	tests := map[string]struct {
		handle func(*pdk.Call) error
		kind   abi.Kind
		text   string
	}{
		"a panic with an error": {func(c *pdk.Call) error { return errors.New(c.Entity()[99:]) }, abi.KindConnectorFault, "out of range"},
		"a panic with a text":   {func(*pdk.Call) error { panic("lost my way") }, abi.KindConnectorFault, "lost my way"},
		"a panic with a value":  {func(*pdk.Call) error { panic(7) }, abi.KindConnectorFault, "panicked"},
		"a panic half-way": {func(c *pdk.Call) error {
			c.Result().DataRaw(pdk.Raw(`[1]`))
			c.Result().MetaText("a", "b")
			panic("late")
		}, abi.KindConnectorFault, "late"},
		"an error of the connector": {func(*pdk.Call) error { return pdk.InvalidParam("x", "x is odd", "make it even") }, abi.KindInvalidParams, "x is odd"},
		"a plain error":             {func(*pdk.Call) error { return errors.New("plain") }, abi.KindConnectorFault, "plain"},
		"a bad pointer": {func(c *pdk.Call) error {
			resp, err := c.Do(c.Request())
			if err != nil {
				return err
			}
			if resp.Body.Part("no slash").Exists() {
				return errors.New("there is nothing there")
			}
			return c.Respond(resp)
		}, abi.KindConnectorFault, "slash"},
		"too much to read": {func(c *pdk.Call) error {
			resp, err := c.Do(c.Request())
			if err != nil {
				return err
			}
			_, err = resp.Body.Bytes(3)
			return err
		}, abi.KindLimitExceeded, "longer"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := with(pdk.Operation{Method: "GET", Path: "/things", Handle: tt.handle})
			r := pdktest.Run(t, c, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"a":1}`)) }))
			_, _, err := r.Execute("things", "do", nil)
			var e *abi.Error
			if !errors.As(err, &e) || e.Kind != tt.kind || !strings.Contains(e.Message, tt.text) {
				t.Errorf("error is %v", err)
			}
		})
	}
}

func TestSetBody(t *testing.T) {
	for _, tt := range []struct{ body, name, value, want string }{
		{`{"a":1.0,"b":"x"}`, "a", `"\u00fc"`, `{"a":"\u00fc","b":"x"}`},
		{`{"a":1.0,"b":"x"}`, "c", `[]`, `{"a":1.0,"b":"x","c":[]}`},
		{`{"a":1.0,"b":"x"}`, "a", ``, `{"b":"x"}`},
		{`{"a":1.0}`, "a", ``, `{}`},
		{`{}`, "a", ``, `{}`},
		{`{"a":1,"a":2}`, "a", `3`, `{"a":3}`},
		{``, "a", `1`, `{"a":1}`},
		{``, "a", ``, `{}`},
	} {
		r := &pdk.Request{Body: []byte(tt.body)}
		var value pdk.Raw
		if tt.value != "" {
			value = pdk.Raw(tt.value)
		}
		r.SetBody(tt.name, value)
		if string(r.Body) != tt.want {
			t.Errorf("%s with %s: %s is %s, want %s", tt.body, tt.name, tt.value, r.Body, tt.want)
		}
	}
}

func TestFailureInsideSuccess(t *testing.T) {
	c := with(pdk.Operation{Method: "GET", Path: "/things", List: true, Data: "/rows", Permission: "thingsRead"})
	c.Failed = func(r *pdk.Response) bool { return !r.Body.Part("/ok").Bool() }
	c.Error = func(r *pdk.Response) *abi.Error {
		e := pdk.StatusError(r)
		e.Code = r.Body.Part("/code").Text() + "/" + r.Permission
		return e
	}
	for _, tt := range []struct {
		status int
		answer string
		code   string // empty where the call succeeds
		kind   abi.Kind
	}{
		{200, `{"ok":true,"rows":[]}`, "", ""},
		{200, `{"ok":false,"rows":[],"code":"bad"}`, "bad/thingsRead", abi.KindVendorError},
		{201, `{"rows":[]}`, "/thingsRead", abi.KindVendorError},
		{404, `{"ok":true}`, "/thingsRead", abi.KindNotFound},
	} {
		r := pdktest.Run(t, c, pdktest.Script(t, pdktest.Exchange{Method: "GET", URL: "/things", Status: tt.status, Answer: tt.answer}))
		data, _, err := r.Execute("things", "do", nil)
		if tt.code == "" {
			if err != nil || string(data) != "[]" {
				t.Errorf("%s: %s, %v", tt.answer, data, err)
			}
			continue
		}
		var e *abi.Error
		if !errors.As(err, &e) || e.Code != tt.code || e.Kind != tt.kind || e.Status != tt.status {
			t.Errorf("%s: %+v", tt.answer, err)
		}
	}
}

func TestPermissionIsNamed(t *testing.T) {
	c := with(pdk.Operation{Method: "GET", Path: "/things", Permission: "thingsRead"})
	r := pdktest.Run(t, c, pdktest.Script(t, pdktest.Exchange{Method: "GET", URL: "/things", Status: 403}))
	_, _, err := r.Execute("things", "do", nil)
	var e *abi.Error
	if !errors.As(err, &e) || !strings.Contains(e.Hint, "thingsRead") {
		t.Errorf("error is %+v", err)
	}
	if got := r.Manifest().Operations[0].Permission; got != "thingsRead" {
		t.Errorf("the manifest has the permission %q", got)
	}
}

func TestAnyOf(t *testing.T) {
	c := with(pdk.Operation{Method: "POST", Path: "/things", Params: []pdk.Param{
		pdk.Body("v", pdk.AnyOf("Text, a number of at most 9, or a marked text.",
			pdk.String("").Max(3), pdk.Number("").Max(9), pdk.Object("", pdk.Prop("text", pdk.String("")).Required()))),
	}})
	r := pdktest.Run(t, c, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{}`)) }))
	const want = `{"type":["string","number","object"],"description":"Text, a number of at most 9, or a marked text.","maxLength":3,"maximum":9,` +
		`"properties":{"text":{"type":"string"}},"required":["text"],"additionalProperties":false}`
	if got := string(r.Manifest().Operations[0].Params); !strings.Contains(got, want) {
		t.Errorf("the schema is\n%s\nwant\n%s", got, want)
	}
	for value, valid := range map[string]bool{
		`"abc"`: true, `"abcd"`: false, `9`: true, `9.5`: false, `{"text":"long text"}`: true, `{}`: false, `{"text":"a","b":1}`: false, `true`: false, `[]`: false,
	} {
		_, _, err := r.Execute("things", "do", json.RawMessage(`{"v":`+value+`}`))
		if (err == nil) != valid {
			t.Errorf("%s: %v", value, err)
		}
		if sent := r.Requests(); valid && sent[len(sent)-1].Body != `{"v":`+value+`}` {
			t.Errorf("%s became %s", value, sent[len(sent)-1].Body)
		}
	}
}

func TestUnknownOperation(t *testing.T) {
	_, _, err := pdktest.Run(t, with(pdk.Operation{Method: "GET", Path: "/things"}), nil).Execute("things", "undo", nil)
	var e *abi.Error
	if !errors.As(err, &e) || e.Kind != abi.KindUnknownOperation {
		t.Errorf("error is %v", err)
	}
}

func TestNativeExportsFail(t *testing.T) {
	c := with(pdk.Operation{Method: "GET", Path: "/things"})
	if pdk.Describe(c) == 0 || pdk.AuthSchema(c) == 0 || pdk.Execute(c) == 0 {
		t.Error("an export without a host succeeded")
	}
}

// TestAnswerThatIsNotJSON: a proxy's page with status 200 is not an empty record.
func TestAnswerThatIsNotJSON(t *testing.T) {
	for _, tt := range []struct {
		effect abi.Effect
		answer string
		fails  bool
	}{
		{pdk.Read, `<html>Sign in</html>`, true},
		{pdk.Read, `{"id":"a","name":`, true},
		{pdk.Read, `{}{}`, true},
		{pdk.Read, `null`, false},
		{pdk.Read, `"text"`, false},
		{pdk.Read, ``, false},
		{pdk.Write, `<html>Done</html>`, false},
	} {
		c := with(pdk.Operation{Effect: tt.effect, Method: "GET", Path: "/things/1"})
		r := pdktest.Run(t, c, pdktest.Script(t, pdktest.Exchange{Method: "GET", URL: "/things/1", Answer: tt.answer}))
		data, _, err := r.Execute("things", "do", nil)
		var e *abi.Error
		if tt.fails != (errors.As(err, &e) && e.Kind == abi.KindVendorError) || !tt.fails && string(data) != `{}` {
			t.Errorf("%s %q: %s, %v", tt.effect, tt.answer, data, err)
		}
	}
}

// TestAbsentRecords: an answer without the records is no empty list, unless the row says so.
func TestAbsentRecords(t *testing.T) {
	for _, tt := range []struct {
		name, answer string
		op           pdk.Operation
		data, says   string
	}{
		{"list", `{"items":[]}`, pdk.Operation{List: true, Data: "/itmes"}, "", "Thing answered without /itmes, where its records should be"},
		{"list, null", `{"items":null}`, pdk.Operation{List: true, Data: "/items"}, "[]", ""},
		{"list, optional", `{}`, pdk.Operation{List: true, Data: "/items", DataOptional: true}, "[]", ""},
		{"list in a list", `[]`, pdk.Operation{List: true, Data: "/items"}, "", "without /items"},
		{"page", `{"next":"c"}`, pdk.Operation{Data: "/items", Page: &pdk.Page{In: pdk.InQuery, Cursor: "/next"}}, "", "without /items"},
		{"object", `{"itme":{}}`, pdk.Operation{Data: "/item"}, "", "without /item"},
		{"object, null", `{"item":null}`, pdk.Operation{Data: "/item"}, "{}", ""},
		{"object, optional", `{}`, pdk.Operation{Data: "/item", DataOptional: true}, "{}", ""},
		{"nothing", ``, pdk.Operation{Data: "/item"}, "{}", ""},
		{"write", `{}`, pdk.Operation{Effect: pdk.Write, Data: "/item"}, "{}", ""},
		{"list of a write", `{}`, pdk.Operation{Effect: pdk.Write, List: true, Data: "/items"}, "[]", ""},
	} {
		op := tt.op
		op.Method, op.Path = "POST", "/things"
		if op.Effect == "" {
			op.Effect = pdk.Read
		}
		r := pdktest.Run(t, with(op), pdktest.Script(t, pdktest.Exchange{Method: "POST", URL: "/things", Answer: tt.answer}))
		data, _, err := r.Execute("things", "do", nil)
		var e *abi.Error
		if tt.says != "" && (!errors.As(err, &e) || e.Kind != abi.KindVendorError || !strings.Contains(e.Message, tt.says)) || tt.says == "" && err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if string(data) != tt.data {
			t.Errorf("%s: data %s", tt.name, data)
		}
	}
}

// TestAnswersThatAreNotJSON: the error names what the vendor sent instead.
func TestAnswersThatAreNotJSON(t *testing.T) {
	const html = "<html>Sign in</html>"
	for _, tt := range []struct {
		effect            abi.Effect
		paged             bool
		status            int
		contentType, body string
		want              string // of the message; empty for none
	}{
		{pdk.Read, false, 200, "text/html; charset=utf-8", html, "something other than JSON, of the content type text/html; charset=utf-8"},
		{pdk.Read, true, 200, "text/html; charset=utf-8", html, "something other than JSON, of the content type text/html; charset=utf-8"},
		{pdk.Read, false, 200, "application/json", "", "an empty body, of the content type application/json"},
		{pdk.Read, true, 200, "text/plain", "", "an empty body, of the content type text/plain"},
		{pdk.Read, true, 200, "application/json", `{"rows":7}`, "something other than a list of records"},
		{pdk.Read, false, 200, "", "", ""},
		{pdk.Read, false, 204, "", "", ""},
		{pdk.Write, false, 200, "text/html", "", ""},
		{pdk.Write, false, 200, "text/html", html, ""},
	} {
		op := pdk.Operation{Effect: tt.effect, Method: "GET", Path: "/things"}
		if tt.paged {
			op.Data, op.Page = "/rows", &pdk.Page{In: pdk.InQuery, Cursor: "/next"}
		}
		r := pdktest.Run(t, with(op), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if tt.contentType != "" {
				w.Header().Set("Content-Type", tt.contentType)
			}
			w.WriteHeader(tt.status)
			_, _ = w.Write([]byte(tt.body))
		}))
		_, _, err := r.Execute("things", "do", nil)
		var e *abi.Error
		if errors.As(err, &e) != (tt.want != "") || e != nil && (e.Kind != abi.KindVendorError || !strings.Contains(e.Message, tt.want)) {
			t.Errorf("%+v: %v", tt, err)
		}
	}
}
