package mcp

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// TestForms are messages that the protocol's library would read in another way than the
// client meant, or that would end its session.
//
// threat: A6, R10
func TestForms(t *testing.T) {
	const ping = `{"jsonrpc":"2.0","id":1,"method":"ping"}`
	withID := func(id string) string { return `{"jsonrpc":"2.0","id":` + id + `,"method":"ping"}` }
	withParams := func(params string) string {
		return `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":` + params + `}`
	}
	cancel := func(id string) string {
		return `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":` + id + `}}`
	}
	token := func(token string) string { return withParams(`{"name":"x","_meta":{"progressToken":` + token + `}}`) }
	long := strings.Repeat("x", maxID)
	for name, c := range map[string]struct {
		text string
		code int // 0 for a message that is read
		id   string
		why  string
	}{
		"a request":        {ping, 0, "1", ""},
		"a text":           {withID(`"a"`), 0, `"a"`, ""},
		"an empty text":    {withID(`""`), 0, `""`, ""},
		"a NUL":            {withID(`"\u0000"`), 0, `"\u0000"`, ""},
		"2^53":             {withID(`9007199254740992`), 0, `9007199254740992`, ""},
		"-2^53":            {withID(`-9007199254740992`), 0, `-9007199254740992`, ""},
		"zero":             {withID(`0`), 0, `0`, ""},
		"2^53+1":           {withID(`9007199254740993`), codeInvalid, `9007199254740993`, "id is neither"},
		"-2^53-1":          {withID(`-9007199254740993`), codeInvalid, `-9007199254740993`, "id is neither"},
		"a fraction":       {withID(`1.5`), codeInvalid, `1.5`, "id is neither"},
		"a point":          {withID(`1.0`), codeInvalid, `1.0`, "id is neither"},
		"an exponent":      {withID(`1e2`), codeInvalid, `1e2`, "id is neither"},
		"a huge exponent":  {withID(`1e99999999`), codeInvalid, `1e99999999`, "id is neither"},
		"minus zero":       {withID(`-0`), codeInvalid, `-0`, "id is neither"},
		"many digits":      {withID(strings.Repeat("1", 100_000)), codeInvalid, "", "id is neither"},
		"a long text":      {withID(`"` + long + `"`), codeInvalid, "", "longer"},
		"half a surrogate": {withID(`"\ud800"`), codeInvalid, `"\ud800"`, "invalid character"},
		"null":             {withID(`null`), codeInvalid, "", "id is neither"},
		"true":             {withID(`true`), codeInvalid, "", "id is neither"},
		"a list":           {withID(`[1]`), codeInvalid, "", "id is neither"},
		"an object":        {withID(`{}`), codeInvalid, "", "id is neither"},
		"two ids":          {`{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}`, codeInvalid, "", "twice"},

		"a notification":       {`{"jsonrpc":"2.0","method":"notifications/initialized"}`, 0, "", ""},
		"an answer":            {`{"jsonrpc":"2.0","id":1,"result":{}}`, 0, "1", ""},
		"a failure":            {`{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"x"}}`, 0, "1", ""},
		"both":                 {`{"jsonrpc":"2.0","id":1,"error":{},"result":{}}`, codeInvalid, "1", "neither a method"},
		"nothing":              {`{}`, codeInvalid, "", "2.0"},
		"no method":            {`{"jsonrpc":"2.0","id":1}`, codeInvalid, "1", "neither a method"},
		"an answer to nobody":  {`{"jsonrpc":"2.0","result":{}}`, codeInvalid, "", "neither a method"},
		"no version":           {`{"id":1,"method":"ping"}`, codeInvalid, "1", "2.0"},
		"version 1":            {`{"jsonrpc":"1.0","id":1,"method":"ping"}`, codeInvalid, "1", "2.0"},
		"version as a number":  {`{"jsonrpc":2.0,"id":1,"method":"ping"}`, codeInvalid, "1", "2.0"},
		"a method as a number": {`{"jsonrpc":"2.0","id":1,"method":5}`, codeInvalid, "1", "not text"},
		"a method as null":     {`{"jsonrpc":"2.0","id":1,"method":null}`, codeInvalid, "1", "not text"},
		"a batch":              {"[" + ping + "]", codeInvalid, "", "batch"},
		"an empty batch":       {"[]", codeInvalid, "", "batch"},
		"a text alone":         {`"ping"`, codeInvalid, "", "not a JSON object"},
		"null alone":           {`null`, codeInvalid, "", "not a JSON object"},
		"no JSON":              {`{"jsonrpc":`, codeParse, "", "not JSON"},
		"two values":           {ping + ping, codeParse, "", "not JSON"},
		"a byte order mark":    {"\ufeff" + ping, codeParse, "", "not JSON"},
		"a raw NUL":            {withID("\"\x00\""), codeParse, "", "not JSON"},
		"no UTF-8":             {withID("\"\xff\""), codeParse, "", "UTF-8"},
		"no UTF-8 in a name":   {withParams("{\"\xff\":1,\"\xfe\":2}"), codeParse, "", "UTF-8"},

		"a cancelled text":     {cancel(`"a"`), 0, "", ""},
		"a cancelled fraction": {cancel(`1.5`), codeInvalid, "", "requestId is neither"},
		"a cancelled 2^53+1":   {cancel(`9007199254740993`), codeInvalid, "", "requestId is neither"},
		"a cancelled null":     {cancel(`null`), codeInvalid, "", "requestId is neither"},
		"a token":              {token(`9007199254740992`), 0, "7", ""},
		"a token as text":      {token(`"t"`), 0, "7", ""},
		"a token of 2^53+1":    {token(`9007199254740993`), codeInvalid, "7", "progressToken is neither"},
		"a token of 1.5":       {token(`1.5`), codeInvalid, "7", "progressToken is neither"},
		"a long token":         {token(`"` + long + `"`), codeInvalid, "7", "longer"},
		"a long cursor":        {withParams(`{"cursor":"` + long + `"}`), codeInvalid, "7", "cursor"},

		"a name twice":          {withParams(`{"name":"a","n\u0061me":"b"}`), codeInvalid, "7", "twice"},
		"case of a member":      {`{"jsonrpc":"2.0","id":1,"method":"ping","Method":"tools/list"}`, codeInvalid, "1", "only in case"},
		"case without the name": {`{"jsonrpc":"2.0","id":1,"Method":"ping"}`, codeInvalid, "1", "only in case"},
		"case of a parameter":   {withParams(`{"Name":"a"}`), codeInvalid, "7", "only in case"},
		"case of an unknown":    {withParams(`{"other":1,"OTHER":2}`), codeInvalid, "7", "only in case"},
		"case of the Kelvin":    {withParams(`{"task":1,"tas\u212a":2}`), codeInvalid, "7", "only in case"},
		"case of the long s":    {`{"jsonrpc":"2.0","id":1,"method":"ping","param\u017f":{}}`, codeInvalid, "1", "only in case"},
		"case in _meta":         {withParams(`{"_meta":{"progresstoken":1}}`), codeInvalid, "7", "only in case"},
		"case in arguments":     {withParams(`{"name":"a","arguments":{"a":1,"A":2,"Name":3}}`), 0, "7", ""},
		"deep arguments":        {withParams(`{"arguments":` + strings.Repeat("[", 70) + strings.Repeat("]", 70) + "}"), codeInvalid, "7", "too deeply"},
		"a bomb of depth":       {withParams(strings.Repeat("[", 1_000_000)), codeInvalid, "7", "too deeply"},
		"long arguments":        {withParams(`{"arguments":{"file":"` + strings.Repeat("x", 2*maxEnvelope) + `"}}`), 0, "7", ""},
		"a long method":         {`{"jsonrpc":"2.0","id":1,"method":"` + strings.Repeat("x", maxEnvelope) + `"}`, codeInvalid, "1", "without a tool's arguments"},
		"a long _meta":          {withParams(`{"_meta":{"x":"` + strings.Repeat("x", maxEnvelope) + `"}}`), codeInvalid, "7", "without a tool's arguments"},
		"long capabilities":     {`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"arguments":"` + strings.Repeat("x", maxEnvelope) + `"}}`, codeInvalid, "1", "without a tool's arguments"},
		"parameters as a list":  {withParams(`[1]`), 0, "7", ""},
		"parameters as null":    {withParams(`null`), 0, "7", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, refused := readMessage(t.Context(), []byte(c.text))
			if refused == nil {
				refused = &refusal{id: m.id}
			}
			if refused.code != c.code || refused.id != c.id || !strings.Contains(refused.why, c.why) {
				t.Errorf("%+v; want %d %q %s", refused, c.code, c.id, c.why)
			}
			if answer := refused.text(); !json.Valid(answer) || len(answer) > 4*maxID {
				t.Errorf("the answer is %.200s", answer)
			}
		})
	}
}

// TestMessageIsLinear counts the bytes that reading a message takes. What looked for names that
// differ only in case took 25 s for 40,000 of them.
//
// threat: R3
func TestMessageIsLinear(t *testing.T) {
	numbered := func(n int, member string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, member, i)
		}
		return b.String()
	}
	call := func(arguments string) string {
		return `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x","arguments":` + arguments + `}}`
	}
	const n = 4000
	for name, text := range map[string]func(n int) string{
		"members": func(n int) string { return `{` + numbered(n, `"a%d":1,`) + `"jsonrpc":"2.0","id":1,"method":"x"}` },
		"parameters": func(n int) string {
			return `{"jsonrpc":"2.0","id":1,"method":"x","params":{` + numbered(n, `"a%d":1,`) + `"x":1}}`
		},
		"_meta": func(n int) string {
			return `{"jsonrpc":"2.0","id":1,"method":"x","params":{"_meta":{` + numbered(n, `"a%d":1,`) + `"x":1}}}`
		},
		"arguments": func(n int) string { return call(`{` + numbered(n, `"a%d":1,`) + `"x":1}`) },
		"wide":      func(n int) string { return call(`{"x":[` + strings.Repeat("1,", n) + `1]}`) },
		"deep": func(n int) string {
			return call(strings.Repeat(`{"a":`, n/400) + strings.Repeat(" ", n) + "1" + strings.Repeat("}", n/400))
		},
		"params within": func(n int) string {
			return strings.Repeat(`{"jsonrpc":"2.0","id":1,"method":"x","params":`, n/400) + strings.Repeat(" ", n) + "1" + strings.Repeat("}", n/400)
		},
		"long names": func(n int) string {
			return `{"jsonrpc":"2.0","id":1,"method":"x","params":{"` + strings.Repeat("É", n) + `":1}}`
		},
		"long numbers": func(n int) string { return call(`{"x":` + strings.Repeat("1", n) + `}`) },
		"a long id":    func(n int) string { return `{"jsonrpc":"2.0","method":"x","id":` + strings.Repeat("1", n) + `}` },
		"same in case": func(n int) string {
			return `{"jsonrpc":"2.0","id":1,"method":"x",` + numbered(n, `"a%d":1,`) + `"A1":1}`
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			spend := func(n int) int {
				r := &messageReader{ctx: t.Context()}
				_ = r.read([]byte(text(n)))
				return r.work
			}
			once, twice := spend(n), spend(2*n)
			if length := len(text(n)); once < length/2 || once > 5*length {
				t.Errorf("%d bytes are read of %d", once, length)
			}
			if float64(twice) > 2.5*float64(once) {
				t.Errorf("twice the length takes %d bytes instead of %d", twice, once)
			}
		})
	}
}

// TestMessageOfNobody: when the client has left, nothing more is read.
func TestMessageOfNobody(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := &messageReader{ctx: ctx}
	text := []byte(`{"jsonrpc":"2.0","id":1,"method":"x","params":{"a":[` + strings.Repeat("1,", 1<<20) + `1]}}`)
	if err := r.read(text); err == nil || r.work > len(text)/100 {
		t.Errorf("%v after %d bytes of %d", err, r.work, len(text))
	}
}

func FuzzMessage(f *testing.F) {
	f.Add([]byte(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","arguments":{"x":[1]},"_meta":{"progressToken":"t"}}}`))
	f.Add([]byte(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`))
	f.Add([]byte(`{"jsonrpc":"2.0","id":"\ud800","result":{}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		r := &messageReader{ctx: t.Context()}
		err := r.read(text)
		if r.work > 5*len(text) {
			t.Fatalf("%d bytes are read of %d", r.work, len(text))
		}
		if err != nil {
			if answer := (&refusal{r.code, r.answerTo, err.Error()}).text(); !json.Valid(answer) || bytes.Contains(answer, []byte("\n")) {
				t.Fatalf("the answer is %q", answer)
			}
			return
		}
		var decoded struct {
			JSONRPC string          `json:"jsonrpc"`
			ID      json.RawMessage `json:"id"`
		}
		if err := json.Unmarshal(text, &decoded); err != nil || decoded.JSONRPC != "2.0" || string(decoded.ID) != r.message.id {
			t.Fatalf("%+v, %v; the id was read as %s", decoded, err, r.message.id)
		}
	})
}
