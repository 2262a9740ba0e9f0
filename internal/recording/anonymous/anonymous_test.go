package anonymous

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/recording"
	"github.com/agenthost/agenthost/internal/redact"

	"github.com/agenthost/agenthost/host/secret"
)

// seeded are the persons and credentials of the test, by what they are. No fixture may have one.
var seeded = map[string]string{
	"full name":           "Zoë Núñez-Okafor",
	"first name":          "Annegret",
	"last name":           "Vandersteen",
	"name in a user":      "Thorvald Quist",
	"email":               "zoe.nunez@corp-mail.example",
	"international email": "jörg@münchen.example",
	"email in prose":      "hidden.person@prose.example",
	"phone":               "+49 170 5550123",
	"American phone":      "(415) 555-2671",
	"phone number":        "4915155501234",
	"user name":           "tquist77",
	"street":              "17 Rue des Rosiers, Paris",
	"birth date":          "1984-02-29",
	"ssn":                 "078-05-1120",
	"card":                "4242 4242 4242 4242",
	"iban":                "DE89 3704 0044 0532 0130 00",
	"ipv4":                "84.17.50.173",
	"ipv6":                "2003:de:9f11:2a00::7",
	"mac":                 "3c:22:fb:91:0a:b7",
	"uuid":                "7f3c1a52-9d1e-4b6e-8a43-5d2b60c1f0aa",
	"ulid":                "01KG9YS7G04Q8M3T2R5V6W7X8Y",
	"jwt":                 "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI4MTIzIn0.3Kf9sLqmQ2xZ7aP0dYcT",
	"github token":        "ghp_9aB8cD7eF6gH5iJ4kL3mN2oP1qR0sT",
	"slack token":         "xoxb-2384751-k3Jd82hQpw9Zx",
	"aws key":             "AKIA3XEXAMPLE7QWERTY",
	"session":             "s%3Aw8Zk1.Q9r2Lm",
	"password":            "correct horse battery",
	"hex key":             "9f86d081884c7d659a2feaa0c55ad015",
	"short secret":        "hunter2",
	"bearer":              "tok-live-55aa66bb",
	"url password":        "p4ssw0rdInUrl",
	"signature":           "kX8vQ2mN4pR7tY1wZ3",
	"connection":          "umbrella-corp",
	"id in a path":        "cus_8f3kd92jx7q1",
}

// fixtureOf seeds a recording with everything, in every place and encoding.
func seededRecording(t *testing.T) *recording.Recording {
	t.Helper()
	s := seeded
	record := map[string]any{
		"id": s["id in a path"], "uuid": s["uuid"], "name": s["full name"], "first_name": s["first name"], "lastName": s["last name"], "email": s["email"], "Email-Address": map[string]any{"value": s["international email"], "type": "Work"},
		"phone": s["phone"], "phoneNumbers": []any{s["American phone"], json.Number(s["phone number"])}, "username": s["user name"], "user": map[string]any{"name": s["name in a user"], "id": 12},
		"address1": s["street"], "date_of_birth": s["birth date"], "ssn": s["ssn"], "card_number": s["card"], "iban": s["iban"], "ip_address": s["ipv4"], "client_ip": s["ipv6"], "mac": s["mac"], "ulid": s["ulid"],
		"id_token": s["jwt"], "token": s["github token"], "webhook": map[string]any{"secret": s["short secret"], "url": "https://bot:" + s["url password"] + "@hooks.example/x?signature=" + s["signature"]},
		"api_key": s["hex key"], "password": s["password"], "status": "open", "amount": json.Number("1999.90"), "count": 3, "created_at": "2024-12-05T15:19:42.203Z", "tags": []any{"bug", "p1"},
	}
	var prose []string
	for _, value := range []string{"full name", "name in a user", "email", "email in prose", "phone", "American phone", "ipv4", "ipv6", "mac", "uuid", "ulid", "jwt", "github token", "slack token", "aws key", "hex key", "short secret", "password", "card", "iban", "ssn", "user name", "id in a path", "last name"} {
		v := s[value]
		prose = append(prose, fmt.Sprintf("plain %s, query q=%s&x=1 path /users/%s/edit html %s.", v, url.QueryEscape(v), url.PathEscape(v), html.EscapeString(v)))
	}
	all := strings.Join(prose, " ")
	record["body_html"] = "<p>" + all + "</p>"
	record["shouting"] = strings.ToUpper(s["full name"]) + " wrote"
	record["by_email"] = map[string]any{s["email"]: 1}
	record["cursor"] = base64.StdEncoding.EncodeToString([]byte(`{"after":"` + s["email"] + `"}`))
	record["cursor2"] = base64.RawURLEncoding.EncodeToString([]byte("last=" + s["full name"]))
	record["encoded"] = base64.StdEncoding.EncodeToString([]byte(base64.StdEncoding.EncodeToString([]byte(s["email in prose"]))))
	record["entities"] = "write to zoe.nunez&#64;corp-mail.example or &#x7a;oe.nunez@corp-mail.example"
	record["escaped"] = `{\"email\":\"zoe.nunez\u0040corp-mail.example\"}`
	inner, err := json.Marshal(map[string]any{"email": s["email"], "name": s["full name"], "deeper": fmt.Sprintf(`{"token":%q}`, s["github token"])})
	if err != nil {
		t.Fatal(err)
	}
	record["json"] = string(inner)
	answer, err := json.Marshal(map[string]any{"data": []any{record}, "next": "https://api.vendor.example/v1/users?page=2&email=" + url.QueryEscape(s["email"]) + "&access_token=" + s["bearer"]})
	if err != nil {
		t.Fatal(err)
	}
	// Every character of one more answer is escaped, as JSON allows.
	var escaped strings.Builder
	escaped.WriteString(`{"note":"`)
	for _, r := range s["email"] + " " + s["full name"] {
		fmt.Fprintf(&escaped, `\u%04x`, r)
	}
	escaped.WriteString(`"}`)
	response := func(kind, body string) recording.Exchange {
		return recording.Exchange{Response: &recording.Response{Status: 200, Body: recording.Body(body), Header: map[string][]string{
			"Content-Type": {kind}, "Set-Cookie": {"sid=" + s["session"] + "; Path=/"}, "X-User-Email": {s["email"]}, "X-Request-Id": {s["ulid"]}, "Authorization": {"Bearer " + s["bearer"]},
			"Link": {"<https://api.vendor.example/users?email=" + url.QueryEscape(s["email"]) + `&token=` + s["bearer"] + `>; rel="next"`}, "X-Forwarded-For": {s["ipv4"]},
		}}}
	}
	return &recording.Recording{
		Version: recording.Version, Connector: "crm", At: time.Date(2026, 1, 31, 9, 0, 0, 0, time.UTC),
		Call: recording.Call{Entity: "users", Action: "list", Params: recording.Body(`{"id":"` + s["id in a path"] + `","email":"` + s["email"] + `","limit":2,"state":"open"}`), Config: json.RawMessage(`{"subdomain":"` + s["connection"] + `"}`)},
		Exchanges: []recording.Exchange{
			response("application/json", string(answer)), response("application/json", escaped.String()),
			response("text/csv", "id,full_name,email,notes\n1,"+s["full name"]+","+s["email"]+",\"called "+s["phone"]+"\"\n"),
			response("text/html", "<title>"+s["full name"]+"</title><a href='mailto:"+s["email in prose"]+"'>"+all+"</a>"),
			response("image/png", "\x89PNG\r\n\x1a\n"+s["full name"]+"\xff\xfe"),
			response("application/x-www-form-urlencoded", "email="+url.QueryEscape(s["email"])+"&first_name="+url.QueryEscape(s["first name"])+"&password="+url.QueryEscape(s["password"])),
			{Error: nil, Response: nil},
		},
	}
}

// Nothing that was seeded is in the bytes of a fixture, in any encoding.
func TestNobodyIsInAFixture(t *testing.T) {
	t.Parallel()
	r := seededRecording(t)
	result := Of(r, Options{Public: "crm users list state open id name email"})
	var file bytes.Buffer
	if err := result.Recording.Write(&file); err != nil {
		t.Fatal(err)
	}
	text := file.String()
	for what, value := range seeded {
		for encoding, form := range map[string]string{
			"as it is": value, "for a query": url.QueryEscape(value), "for a path": url.PathEscape(value), "in hexadecimal": hex.EncodeToString([]byte(value)), "for HTML": html.EscapeString(value),
			"in base64": strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(value)), "="), "for JSON": strings.Trim(string(quoted(value)), `"`),
		} {
			if strings.Contains(strings.ToLower(text), strings.ToLower(form)) {
				at := strings.Index(strings.ToLower(text), strings.ToLower(form))
				t.Errorf("the %s is there %s: ...%s...", what, encoding, text[max(0, at-60):min(len(text), at+len(form)+20)])
			}
		}
		// The redactor of the host reads what is escaped in several layers.
		if hidden, found := redact.New(secret.New([]byte(value))).Redact(file.Bytes()); found {
			at := bytes.Index(hidden, []byte(secret.Redacted))
			t.Errorf("the %s is there in disguise: ...%s...", what, hidden[max(0, at-60):min(len(hidden), at+40)])
		}
	}
	for _, part := range []string{"Zoë", "Núñez", "Okafor", "Thorvald", "Quist", "münchen", "Rosiers"} {
		if strings.Contains(text, part) {
			t.Errorf("%s is there", part)
		}
	}
	// What is nobody's stays.
	for _, kept := range []string{`"status": "open"`, `"amount": 1999.90`, `"count": 3`, `"created_at": "2024-12-05T15:19:42.203Z"`, `"bug"`, `"type": "Work"`, `"limit": 2`, `api.vendor.example/v1/users?page=2`, `rel=\"next\"`} {
		if !strings.Contains(text, kept) {
			t.Errorf("%s is gone", kept)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
}

// The same value is the same replacement everywhere, and the same recording the same fixture.
func TestReplacementsAreConsistent(t *testing.T) {
	t.Parallel()
	r := seededRecording(t)
	write := func() string {
		var file bytes.Buffer
		if err := Of(r, Options{}).Recording.Write(&file); err != nil {
			t.Fatal(err)
		}
		return file.String()
	}
	first := write()
	for range 3 {
		if again := write(); again != first {
			t.Fatal("two fixtures of a recording differ")
		}
	}
	result := Of(r, Options{}).Recording
	var params struct{ ID, Email string }
	var answer struct{ Data []struct{ ID, Email string } }
	if json.Unmarshal(result.Call.Params, &params) != nil || json.Unmarshal(result.Exchanges[0].Response.Body, &answer) != nil || len(answer.Data) != 1 {
		t.Fatalf("%s", first)
	}
	if answer.Data[0].ID != params.ID || answer.Data[0].Email != params.Email || params.Email != "person1@example.com" {
		t.Errorf("params %+v, answer %+v", params, answer)
	}
	if link := result.Exchanges[0].Response.Header["Link"][0]; !strings.Contains(link, "email=person1%40example.com&token=") {
		t.Errorf("the link is %s", link)
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, text, want string }{
		{"prose", "Nothing to see, since 2024-12-05 at 10:30.", "Nothing to see, since 2024-12-05 at 10:30."},
		{"a version", "v2.10.3 of 12:34:56", "v2.10.3 of 12:34:56"},
		{"this machine", "http://127.0.0.1:8080/x and ::1", "http://127.0.0.1:8080/x and ::1"},
		{"an identifier", "getCandidateInformationById in incident-2024-01-15-database-outage", "getCandidateInformationById in incident-2024-01-15-database-outage"},
		{"an address twice", "a@b.example, A@B.example; c@d.example", "person1@example.com, person1@example.com; person2@example.com"},
		{"in a query", "/x?mail=a%40b.example&n=1", "/x?mail=person1%40example.com&n=1"},
		{"twice escaped", "/x?u=%2Fy%3Fmail%3Da%2540b.example", "/x?u=%2Fy%3Fmail%3Dperson1%40example.com"},
		{"as an entity", "a&#64;b.example", "person1@example.com"},
		{"a surrogate pair", `a\u0040b.example \ud83d\ude00`, `person1@example.com \ud83d\ude00`},
		{"a phone", "call +1 (415) 555-2671 now", "call +1 (000) 000-0001 now"},
		{"a key of a record", "iss_01J8ZK3M5N7P9Q", "iss_example0000001"},
		{"half an escape", `100% & \u00 %4`, `100% & \u00 %4`},
	} {
		w := &walker{values: newValues(), keep: map[string]bool{}, known: map[string]bool{}}
		w.text(c.text, 0)
		if got := w.text(c.text, 0); got != c.want {
			t.Errorf("%s: %s\n got %s\nwant %s", c.name, c.text, got, c.want)
		}
	}
}

// What is kept is kept, and known words are no persons.
func TestKeep(t *testing.T) {
	t.Parallel()
	r := &recording.Recording{Call: recording.Call{Params: recording.Body(`{"username":"open","state":"open"}`)}, Exchanges: []recording.Exchange{{Response: &recording.Response{
		Body: recording.Body(`{"status":{"name":"closed"},"team":{"name":"Night Watch"},"first_name":"Bug","kind":"bug"}`),
	}}}}
	got := Of(r, Options{Keep: []string{"first_name"}, Public: "open closed"}).Recording
	if string(got.Call.Params) != `{"username":"person1","state":"open"}` || string(got.Exchanges[0].Response.Body) != `{"status":{"name":"closed"},"team":{"name":"Person 1"},"first_name":"Bug","kind":"bug"}` {
		t.Errorf("%s %s", got.Call.Params, got.Exchanges[0].Response.Body)
	}
}

// Twice the data is twice the work, also where it is made to be more. Expressions are RE2's.
func TestLinear(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]func(n int) string{
		"addresses":  func(n int) string { return `["` + strings.Repeat(`a.b@c.example","`, n) + `"]` },
		"many":       manyAddresses,
		"no address": func(n int) string { return `"` + strings.Repeat("a.", n*10) + `"` },
		"escapes":    func(n int) string { return `"` + strings.Repeat("%25", n*5) + `"` },
		"slashes":    func(n int) string { return `"` + strings.Repeat(`\\\\`, n*5) + `"` },
		"digits":     func(n int) string { return `"` + strings.Repeat("1 ", n*10) + `"` },
		"colons":     func(n int) string { return `"` + strings.Repeat("a:", n*10) + `"` },
	} {
		looked := func(n int) int {
			w := &walker{values: newValues(), keep: map[string]bool{}, known: map[string]bool{}}
			for range 2 {
				w.json([]byte(body(n)))
			}
			return w.looked
		}
		if once, twice := looked(200), looked(400); once == 0 || twice > once*21/10 {
			t.Errorf("%s: looked at %d bytes, and at %d of twice the data", name, once, twice)
		}
	}
}

func manyAddresses(n int) string {
	var b strings.Builder
	b.WriteString(`[""`)
	for i := range n {
		fmt.Fprintf(&b, `,"a.b%d@c.example and a.b%d"`, i, i)
	}
	return b.String() + "]"
}

func FuzzText(f *testing.F) {
	f.Add("a%40b.example \\u0041 &amp; {\"email\":\"x@y.example\"}")
	f.Add("YUBiLmV4YW1wbGU=")
	f.Fuzz(func(t *testing.T, text string) {
		body, err := json.Marshal(map[string]string{"note": text})
		if err != nil {
			t.Skip()
		}
		r := &recording.Recording{Exchanges: []recording.Exchange{{Response: &recording.Response{Body: body}}, {Response: &recording.Response{Body: recording.Body(text)}}}}
		got := Of(r, Options{}).Recording
		if !json.Valid(got.Exchanges[0].Response.Body) {
			t.Fatalf("%q became %s", text, got.Exchanges[0].Response.Body)
		}
	})
}
