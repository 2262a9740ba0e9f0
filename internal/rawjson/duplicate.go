package rawjson

import "errors"

// MaxDuplicateDepth is how deep [Duplicate] looks. Every level is scanned once more, so
// the limit also bounds its work.
const MaxDuplicateDepth = 64

// Duplicate returns a member name that occurs twice in one object, at any depth, and
// "" where there is none. Names are compared after unescaping. The error is that of
// [Check], or says that data nests more deeply than [MaxDuplicateDepth] or that it is the
// empty name which occurs twice.
func Duplicate(data []byte) (string, error) {
	if err := Check(data); err != nil {
		return "", err
	}
	return duplicate(data, 0)
}

// twice is the error of a name that occurs twice and says nothing by itself.
func twice(name string) error {
	if name == "" {
		return errors.New("a member with the empty name is given twice")
	}
	return nil
}

func duplicate(data []byte, depth int) (string, error) {
	if depth > MaxDuplicateDepth {
		return "", errors.New("nested too deeply")
	}
	switch KindOf(data) {
	case Object:
		seen := make(map[string]bool)
		for raw, value := range Members(data) {
			name := Unquote(raw)
			if seen[name] {
				return name, twice(name)
			}
			seen[name] = true
			if inner, err := duplicate(value, depth+1); inner != "" || err != nil {
				return inner, err
			}
		}
	case Array:
		for element := range Elements(data) {
			if inner, err := duplicate(element, depth+1); inner != "" || err != nil {
				return inner, err
			}
		}
	}
	return "", nil
}
