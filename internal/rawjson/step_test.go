package rawjson

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// TestSteps: whatever a text is made of, a reader tells of each byte once, a few thousand at
// a time, and reads no more once step wants no more.
func TestSteps(t *testing.T) {
	const size = 200_000
	texts := map[string]string{
		"values":       "[" + strings.Repeat("1,", size/2) + "1]",
		"members":      `{` + strings.Repeat(`"a":1,`, size/6) + `"a":1}`,
		"a string":     `["` + strings.Repeat("x", size) + `"]`,
		"escapes":      `["` + strings.Repeat(`\n`, size/2) + `"]`,
		"unicode":      `["` + strings.Repeat(`\u0041`, size/6) + `"]`,
		"a name":       `{"` + strings.Repeat("x", size) + `":1}`,
		"white space":  strings.Repeat(" ", size) + "[1]",
		"inside":       "[" + strings.Repeat("\n", size) + "1" + strings.Repeat("\n", size) + "]",
		"behind":       "[1]" + strings.Repeat("\t", size),
		"digits":       "[" + strings.Repeat("9", size) + "]",
		"a fraction":   "[0." + strings.Repeat("9", size) + "]",
		"an exponent":  "[1e" + strings.Repeat("9", size) + "]",
		"records":      "[" + strings.Repeat(`{"id":"iss_1","tags":["a"]},`, size/28) + "{}]",
		"not JSON":     strings.Repeat("[", 5) + strings.Repeat(" ", size) + "x" + strings.Repeat(" ", size),
		"never closed": `["` + strings.Repeat("x", size),
	}
	enough := errors.New("enough")
	type counted func(data []byte, step func(int) error) error
	for reader, read := range map[string]counted{
		"CheckWithin": func(data []byte, step func(int) error) error { _, err := CheckWithin(data, step); return err },
		"CountWithin": func(data []byte, step func(int) error) error { _, err := CountWithin(data, step); return err },
		"MembersWithin": func(data []byte, step func(int) error) (err error) {
			for range MembersWithin(data, func(n int) error { err = step(n); return err }) {
			}
			return err
		},
		"PointerWithin": func(data []byte, step func(int) error) error {
			_, _, err := PointerWithin(data, "/99999999", step)
			return err
		},
		"DuplicateWithin": func(data []byte, step func(int) error) error { _, err := DuplicateWithin(data, step); return err },
	} {
		for name, text := range texts {
			total, most := 0, 0
			_ = read([]byte(text), func(n int) error {
				total, most = total+n, max(most, n)
				return nil
			})
			// A reader that ends early tells of the rest at once, which it has not read.
			early := slices.Contains([]string{"not JSON", "never closed"}, name) || reader == "CountWithin" || reader == "MembersWithin" || reader == "DuplicateWithin" || reader == "PointerWithin" && name == "behind"
			if total != len(text) || most > 3*stepBytes && !early {
				t.Errorf("%s, %s: %d bytes of %d, %d in one step", reader, name, total, len(text), most)
			}
			steps := 0
			err := read([]byte(text), func(int) error {
				if steps++; steps == 3 {
					return enough
				}
				return nil
			})
			if steps > 3 || steps == 3 && !errors.Is(err, enough) || steps < 3 && !early {
				t.Errorf("%s, %s: %v after %d steps", reader, name, err, steps)
			}
		}
	}
}

// TestSplicedSteps: what a guest wrote is read twice, both times in steps.
func TestSplicedSteps(t *testing.T) {
	var s Spliced
	_, _ = s.Write([]byte(`{"data":"` + strings.Repeat("x", 100_000) + `"}`))
	total, most := 0, 0
	if _, err := s.Object(func(n int) error { total, most = total+n, max(most, n); return nil }); err != nil {
		t.Fatal(err)
	}
	if total != 2*s.Size() || most > 2*stepBytes {
		t.Errorf("%d bytes, %d in one step", total, most)
	}
	enough := errors.New("enough")
	for _, last := range []int{3, 30} { // in the first pass, and in the second
		steps := 0
		_, err := s.Object(func(int) error {
			if steps++; steps == last {
				return enough
			}
			return nil
		})
		if steps != last || !errors.Is(err, enough) {
			t.Errorf("%v after %d steps", err, steps)
		}
	}
}
