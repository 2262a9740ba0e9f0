package rawjson

import (
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// MaxValues is how many values [Decode] makes at most. A value of two bytes takes forty
// once it is decoded.
const MaxValues = 1 << 18

// Decode returns data as package encoding/json decodes it into an any, with numbers as
// [json.Number], and is [Duplicate] in the same go: where a member name occurs twice in one
// object it returns the name, and no value. It reads each byte once, and once more for that.
//
// The error is that of [Check], or says that data nests more deeply than
// [MaxDuplicateDepth], has more than [MaxValues] values, or has a number that arithmetic
// could take long over: see [CheckNumber].
func Decode(data []byte) (value any, duplicate string, err error) {
	d := decoder{scanner: scanner{data: data}}
	value, end, err := d.decode(space(data, 0), 0)
	switch {
	case errors.Is(err, errTwice):
		// What follows may not be JSON, which is said in the first place.
		duplicate, err = Duplicate(data)
		return nil, duplicate, err
	case err != nil:
		return nil, "", err
	}
	if end = space(data, end); end != len(data) {
		return nil, "", &SyntaxError{end, "text after the value"}
	}
	return value, "", nil
}

// decoder makes values of a text in one pass.
type decoder struct {
	scanner
	values int
}

// errTwice ends the pass over a text.
var errTwice = errors.New("a name is given twice")

// decode reads the value that starts at i, and returns it and the offset after it.
func (d *decoder) decode(i, depth int) (any, int, error) {
	if depth > MaxDuplicateDepth {
		return nil, i, errors.New("nested too deeply")
	}
	if d.values++; d.values > MaxValues {
		return nil, i, BoundsError(fmt.Sprintf("more than %d values", MaxValues))
	}
	switch KindOf(d.data[i:]) {
	case Object:
		return d.decodeObject(i, depth)
	case Array:
		return d.decodeArray(i, depth)
	}
	end, err := d.value(i, depth)
	if err != nil {
		return nil, end, err
	}
	raw := d.data[i:end]
	switch KindOf(raw) {
	case String:
		return text(raw), end, nil
	case Number:
		if err := CheckNumber(raw); err != nil {
			return nil, end, err
		}
		return json.Number(raw), end, nil
	case Bool:
		return raw[0] == 't', end, nil
	}
	return nil, end, nil
}

func (d *decoder) decodeObject(i, depth int) (any, int, error) {
	object := make(map[string]any)
	if i = space(d.data, i+1); i < len(d.data) && d.data[i] == '}' {
		return object, i + 1, nil
	}
	for {
		start, end, err := d.name(i)
		if err != nil {
			return nil, end, err
		}
		name := text(d.data[i:end])
		if _, known := object[name]; known {
			return nil, i, errTwice
		}
		if object[name], i, err = d.decode(start, depth+1); err != nil {
			return nil, i, err
		}
		ended, i2, err := d.more(i, '}', "expected a comma or the end of the object")
		if i = i2; ended || err != nil {
			return object, i, err
		}
	}
}

func (d *decoder) decodeArray(i, depth int) (any, int, error) {
	array := []any{} // as encoding/json has it, not nil
	if i = space(d.data, i+1); i < len(d.data) && d.data[i] == ']' {
		return array, i + 1, nil
	}
	for {
		element, end, err := d.decode(i, depth+1)
		if err != nil {
			return nil, end, err
		}
		array = append(array, element)
		ended, i2, err := d.more(end, ']', "expected a comma or the end of the array")
		if i = i2; ended || err != nil {
			return array, i, err
		}
	}
}

// text is Unquote with U+FFFD for what is not UTF-8.
func text(raw []byte) string {
	s := Unquote(raw)
	if !utf8.ValidString(s) {
		_ = json.Unmarshal(raw, &s) // it is valid
	}
	return s
}
