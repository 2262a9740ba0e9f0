package rawjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestCheck(t *testing.T) {
	for _, tt := range []struct {
		text   string
		offset int // -1: valid
	}{
		{`{}`, -1}, {` [ ] `, -1}, {`{"a":[1,2,{"b":null}],"c":"x\u00e9\n"}`, -1},
		{`-0.5e+10`, -1}, {`"` + strings.Repeat("x", 50) + `"`, -1}, {`true`, -1},
		{``, 0}, {`{`, 1}, {`{"a"}`, 4}, {`{"a":1,}`, 7}, {`[1,]`, 3}, {`[1 2]`, 3},
		{`01`, 1}, {`-`, 1}, {`1.`, 2}, {`1e`, 2}, {`tru`, 0}, {`nul`, 0}, {`{a:1}`, 1},
		{"\"a\nb\"", 2}, {`"\x"`, 2}, {`"\u12g4"`, 5}, {`"abc`, 4}, {`{} {}`, 3}, {`"` + strings.Repeat("x", 20) + "\x01", 21},
		{strings.Repeat("[", MaxDepth+2), MaxDepth + 1},
	} {
		err := Check([]byte(tt.text))
		if tt.offset < 0 {
			if err != nil {
				t.Errorf("Check(%q) = %v, want nil", tt.text, err)
			}
			continue
		}
		var syntax *SyntaxError
		if !errors.As(err, &syntax) || syntax.Offset != tt.offset {
			t.Errorf("Check(%q) = %v, want a syntax error at %d", tt.text, err, tt.offset)
		}
	}
}

func TestPointer(t *testing.T) {
	doc := []byte(` {"a":{"b":[10,{"c":"x"},[]]},"m~n":1,"s/t":2,"":3,"\u0064up":4,"dup":5,"é":6} `)
	for _, tt := range []struct {
		pointer, want string
		found         bool
		err           error
	}{
		{"", string(Trim(doc)), true, nil},
		{"/a/b/0", "10", true, nil},
		{"/a/b/1/c", `"x"`, true, nil},
		{"/a/b/2", `[]`, true, nil},
		{"/a/b/3", "", false, nil},
		{"/a/b/01", "", false, nil},
		{"/a/b/-", "", false, nil},
		{"/a/b/0/x", "", false, nil},
		{"/m~0n", "1", true, nil},
		{"/s~1t", "2", true, nil},
		{"/", "3", true, nil},
		{"/dup", "5", true, nil},
		{"/é", "6", true, nil},
		{"/none", "", false, nil},
		{"a", "", false, ErrPointer},
		{"/m~2n", "", false, ErrPointer},
		{"/none/m~", "", false, ErrPointer},
	} {
		part, found, err := Pointer(doc, tt.pointer)
		if string(part) != tt.want || found != tt.found || !errors.Is(err, tt.err) {
			t.Errorf("Pointer(%q) = %q, %v, %v; want %q, %v, %v", tt.pointer, part, found, err, tt.want, tt.found, tt.err)
		}
	}
}

func TestElementsAndMembers(t *testing.T) {
	var got []string
	for e := range Elements([]byte(` [1, "two" ,[3],{"f":4}] `)) {
		got = append(got, string(e))
	}
	if want := `1|"two"|[3]|{"f":4}`; strings.Join(got, "|") != want {
		t.Errorf("Elements = %q, want %q", got, want)
	}
	got = nil
	for name, value := range Members([]byte(`{"a" : 1 , "b\n":[2]}`)) {
		got = append(got, Unquote(name)+"="+string(value))
	}
	if want := "a=1|b\n=[2]"; strings.Join(got, "|") != want {
		t.Errorf("Members = %q, want %q", got, want)
	}
	if n := Count([]byte(`[1,2,3]`)); n != 3 {
		t.Errorf("Count = %d, want 3", n)
	}
	// Truncated text ends the walk instead of yielding half a value.
	for range Elements([]byte(`["a`)) {
		t.Error("Elements yielded from a truncated array")
	}
}

func TestSpliced(t *testing.T) {
	big := []byte(`[{"id":1},{"id":2}]`)
	var s Spliced
	s.Write([]byte(`{"data":`))
	s.Part(big)
	s.Write([]byte(`,"meta":{"next":`))
	s.Part([]byte(`"c1"`))
	s.Write([]byte(`,"same":`))
	s.Part([]byte(`null`))
	s.Write([]byte(`},"n":1}`))
	got, err := s.Object(nil)
	if err != nil {
		t.Fatal(err)
	}
	if &got["data"][0] != &big[0] {
		t.Error("a part that is a whole member was copied")
	}
	if want := `{"next":"c1","same":null}`; string(got["meta"]) != want {
		t.Errorf("meta = %s, want %s", got["meta"], want)
	}
	if string(got["n"]) != "1" || len(got) != 3 {
		t.Errorf("members = %q", got)
	}
}

// A part may stand only where a value may stand: otherwise a guest could use one to
// break out of a string.
func TestSplicedRefusesMisplacedParts(t *testing.T) {
	for _, around := range [][2]string{
		{`{"data":"x`, `"}`}, {`{"data":"x\`, `"}`}, {`{`, `:1}`}, {`{"a":1`, `}`}, {`{"a":`, `1}`}, {``, ``}, {`{"a":1}`, ``},
	} {
		var s Spliced
		s.Write([]byte(around[0]))
		s.Part([]byte(`"y","evil":"z"`))
		s.Write([]byte(around[1]))
		if got, err := s.Object(nil); err == nil {
			t.Errorf("%s PART %s was accepted as %q", around[0], around[1], got)
		}
	}
}

func FuzzCheck(f *testing.F) {
	for _, seed := range []string{`{"a":[1,2.5e-3,"x\u1234"],"b":null}`, `"\"`, ` [true , false]`, `{"a":1}x`, "\"\xff\"", "\"12345678\x00\""} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		// encoding/json is the reference; it allows ten times the depth.
		if got, want := Valid(data), json.Valid(data); got != want && strings.Count(string(data), "[")+strings.Count(string(data), "{") <= MaxDepth {
			t.Fatalf("Valid(%q) = %v, encoding/json says %v", data, got, want)
		}
		for e := range Elements(data) {
			if !json.Valid(e) {
				t.Fatalf("Elements(%q) yielded %q", data, e)
			}
		}
	})
}

func FuzzPointer(f *testing.F) {
	f.Add([]byte(`{"a":{"b":[1,{"":2}]}}`), "/a/b/1/")
	f.Fuzz(func(t *testing.T, data []byte, pointer string) {
		if !Valid(data) {
			return
		}
		part, found, err := Pointer(data, pointer)
		if found && (err != nil || !json.Valid(part)) {
			t.Fatalf("Pointer(%q, %q) = %q, %v", data, pointer, part, err)
		}
		// The model goes from value to value, and reads each of them whole.
		var at any
		if json.Unmarshal(data, &at) != nil || err != nil {
			return
		}
		there := true
		for _, token := range strings.Split(pointer, "/")[1:] {
			name, _ := unescape(token)
			switch in := at.(type) {
			case map[string]any:
				at, there = in[name]
			case []any:
				n, ok := index(name)
				if there = ok && n < len(in); there {
					at = in[n]
				}
			default:
				there = false
			}
			if !there {
				break
			}
		}
		if there != found && utf8.Valid(data) && !bytes.Contains(data, []byte(`\u`)) {
			t.Fatalf("Pointer(%q, %q) found: %v, want %v", data, pointer, found, there)
		}
		var got any
		if found && there && (json.Unmarshal(part, &got) != nil || !reflect.DeepEqual(got, at)) {
			t.Fatalf("Pointer(%q, %q) = %q, want %v", data, pointer, part, at)
		}
	})
}

// TestPointerIsLinear: a body nested as deep as the pointer is long was read once for each
// step of it.
func TestPointerIsLinear(t *testing.T) {
	t.Parallel()
	read := func(data, pointer string) int {
		total := 0
		if _, found, err := PointerWithin([]byte(data), pointer, func(n int) error { total += n; return nil }); !found || err != nil {
			t.Fatalf("%v, %v", found, err)
		}
		return total
	}
	for name, c := range map[string]func(n int) (data, pointer string){
		"deep": func(n int) (string, string) {
			return strings.Repeat(`{"a":[`, n/2) + strings.Repeat(" ", 1<<16) + "1" + strings.Repeat("]}", n/2), strings.Repeat("/a/0", n/2)
		},
		"wide": func(n int) (string, string) {
			return "[" + strings.Repeat("1,", 1000*n) + "2]", fmt.Sprint("/", 1000*n)
		},
		"same name": func(n int) (string, string) {
			return "{" + strings.Repeat(`"a":{"b":1},`, 100*n) + `"a":{"b":2}}`, "/a/b"
		},
		"long name": func(n int) (string, string) {
			name := strings.Repeat("n", 1000*n)
			return `{"` + name + `":1}`, "/" + name
		},
	} {
		data, pointer := c(400)
		if got := read(data, pointer); got != len(data) {
			t.Errorf("%s: %d bytes read of %d", name, got, len(data))
		}
	}
}

func TestPointerEnds(t *testing.T) {
	t.Parallel()
	enough, told := errors.New("enough"), 0
	_, found, err := PointerWithin([]byte("["+strings.Repeat("1,", 1<<20)+"1]"), "/0", func(int) error {
		if told++; told > 3 {
			return enough
		}
		return nil
	})
	if found || !errors.Is(err, enough) || told != 4 {
		t.Errorf("%v, %v after %d steps", found, err, told)
	}
}

func FuzzSpliced(f *testing.F) {
	f.Add([]byte(`{"a":`), []byte(`,"b":[`), []byte(`]}`))
	f.Fuzz(func(t *testing.T, before, between, after []byte) {
		var s Spliced
		s.Write(before)
		s.Part([]byte(`{"p":"1"}`))
		s.Write(between)
		s.Part([]byte(`[2]`))
		s.Write(after)
		members, err := s.Object(nil)
		if err != nil {
			return
		}
		for name, value := range members {
			if !json.Valid(value) {
				t.Fatalf("member %q is %q", name, value)
			}
		}
	})
}

func BenchmarkCheck(b *testing.B) {
	record := `{"id":"iss_1","title":"Cannot log in with SSO","body_html":"<p>` + strings.Repeat("Lorem ipsum dolor sit amet. ", 25) + `</p>","number":12,"tags":["a","b"]}`
	doc := []byte("[" + strings.Repeat(record+",", 999) + record + "]")
	b.Run("rawjson", func(b *testing.B) {
		b.SetBytes(int64(len(doc)))
		for b.Loop() {
			if !Valid(doc) {
				b.Fatal("invalid")
			}
		}
	})
	b.Run("encoding-json", func(b *testing.B) {
		b.SetBytes(int64(len(doc)))
		for b.Loop() {
			if !json.Valid(doc) {
				b.Fatal("invalid")
			}
		}
	})
}

// A guest chooses how many parts and members there are; looking at all parts for each
// member took minutes.
func TestSplicedManyPartsAndMembers(t *testing.T) {
	var s Spliced
	s.Write([]byte(`{"data":[0`))
	const parts = 200_000
	for range parts {
		s.Write([]byte(","))
		s.Part([]byte("1"))
	}
	s.Write([]byte("]"))
	for i := range maxMembers - 1 {
		fmt.Fprintf(&s, `,"m%d":0`, i)
	}
	s.Write([]byte("}"))
	members, err := s.Object(nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(members) != maxMembers || len(members["data"]) != 2*parts+3 {
		t.Errorf("%d members, data of %d bytes", len(members), len(members["data"]))
	}
}

func TestSplicedRefusesTooManyMembers(t *testing.T) {
	var s Spliced
	s.Write([]byte(`{"m":0`))
	for i := range maxMembers {
		fmt.Fprintf(&s, `,"m%d":0`, i)
	}
	s.Write([]byte("}"))
	if got, err := s.Object(nil); err == nil {
		t.Errorf("got %d members, want an error", len(got))
	}
}
