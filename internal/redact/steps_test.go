package redact

import (
	"errors"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/host/secret"
)

// stepsOf searches a text for a secret that has every mark, and returns how many steps that
// took.
func stepsOf(text string) int {
	const all = 1 << 40
	e := newEscapes(needlesOf([]byte(`tok-5d1f0c-TOKEN_17+/=%&\`)))
	u := &unescaper{[]byte(text), all}
	for at, c := range u.b {
		if isMark(c) {
			u.left--
			if e.worth(u, at) {
				e.findAt(u, at, nil)
			}
		}
	}
	return all - u.left
}

// Texts that repeat one escape, as honest answers do, are within what a text may take, and
// take twice as much at twice the length.
func TestStepsOfRepeatedEscapes(t *testing.T) {
	t.Parallel()
	for _, unit := range []string{
		`\ud83d\ude00`, `\ud835\udc00`, `\ud83d`, `\ude00`, `\ud83d\u0041`, `\ud83d\ud83d\ude00`, `\\ud83d\\ude00`, `%uD83D%uDE00`, `\u4e2d`,
		`%25`, `%2525`, `%25%2525`, `%F0%9D%90%80`, `&amp;`, `&amp;amp;`, `&#38;`, `&#x00000026;`, `&#128512;`,
		`\\`, `\n`, `\\n`, `\"`, `\\\"`, `\u005c`, `\u0025`, `\u0026`, `\u0026amp;`, `%26amp%3B`, `%5C`, `%`, `&`, `&%`, `\%&`, `\u00`, `&#`, `%u`, `\x5c`,
	} {
		text := strings.Repeat(unit, 2000)
		once, twice := stepsOf(text), stepsOf(text+text)
		if once > stepsPerByte*len(text) {
			t.Errorf("%s takes %d steps a byte", unit, once/len(text))
		}
		if 2*twice > 5*once {
			t.Errorf("%s: %d steps become %d at twice the length", unit, once, twice)
		}
	}
}

// A surrogate pair is one character, and half of one is U+FFFD, as JSON decoders have it.
func TestSurrogatePairs(t *testing.T) {
	t.Parallel()
	r := New(secret.New([]byte("tok-😀-secret")), secret.New([]byte("half-\ufffd-secret")))
	for text, want := range map[string]string{
		`"tok-\ud83d\ude00-secret"`:             `"[redacted]"`,
		`"tok-\\ud83d\\ude00-secret"`:           `"[redacted]"`,
		`"tok-\\ud83d\u005cude00-secret"`:       `"[redacted]"`,
		`"tok-%F0%9F%98%80-secret"`:             `"[redacted]"`,
		`"tok-%uD83D%uDE00-secret"`:             `"[redacted]"`,
		`"half-\ud83d-secret"`:                  `"[redacted]"`,
		`"half-\ude00-secret"`:                  `"[redacted]"`,
		`"\ud83dtok-\ud83d\ude00-secret\ude00"`: `"\ud83d[redacted]\ude00"`,
		`"tok-\ude00\ud83d-secret"`:             `"tok-\ude00\ud83d-secret"`,
	} {
		if got, _ := r.Redact([]byte(text)); string(got) != want {
			t.Errorf("%s became %s, want %s", text, got, want)
		}
	}
}

// Where the work really is too much, that is what the error says.
func TestTooManySteps(t *testing.T) {
	t.Parallel()
	hard := strings.Repeat(`%25`, 40)
	r := New(secret.New([]byte(strings.Repeat("%", 600))))
	text := []byte(`"` + strings.Repeat(hard, 200) + `"`)
	if _, found, err := r.RedactContext(t.Context(), text); found || !errors.Is(err, ErrSteps) {
		t.Errorf("%v, %v", found, err)
	}
	if got, found := r.Redact(text); !found || string(got) != `"[redacted]"` {
		t.Errorf("%.40s, %v", got, found)
	}
}
