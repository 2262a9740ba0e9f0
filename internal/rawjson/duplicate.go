package rawjson

import "errors"

// MaxDuplicateDepth is how deep [Duplicate] looks. Every level is scanned once more, so
// the limit also bounds its work.
const MaxDuplicateDepth = 64

// Duplicate returns a member name that occurs twice in one object, at any depth, and
// "" where there is none. Names are compared after unescaping. The error is that of
// [Check], or says that data nests more deeply than [MaxDuplicateDepth].
func Duplicate(data []byte) (string, error) {
	if err := Check(data); err != nil {
		return "", err
	}
	return duplicate(data, 0)
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
				return name, nil
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
