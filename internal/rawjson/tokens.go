package rawjson

import "iter"

// Token is a part of a JSON text as [Tokens] yields it.
type Token struct {
	Kind TokenKind
	// Raw is the text: a bracket or brace, a name with its quotes, or a value.
	Raw []byte
}

// TokenKind says what a [Token] is.
type TokenKind uint8

// The kinds of tokens. Commas and colons are no tokens.
const (
	Open   TokenKind = iota + 1 // "[" or "{"
	Close                       // "]" or "}"
	Name                        // of the member whose value follows
	Scalar                      // a string, a number, true, false or null
)

// Tokens yields the tokens of valid JSON in their order. It reads each byte once, however
// deep the text nests, which [Members] and [Elements] inside each other do not. It stops
// early where data is not JSON.
func Tokens(data []byte) iter.Seq[Token] {
	return func(yield func(Token) bool) {
		t := tokens{scanner{data: data}, yield}
		_, _ = t.value(space(data, 0), 0)
	}
}

type tokens struct {
	scanner
	yield func(Token) bool
}

// stopped is the error of a reader that wants no more.
type stopped struct{}

func (stopped) Error() string { return "stopped" }

// token yields data[i:end].
func (t *tokens) token(kind TokenKind, i, end int) (int, error) {
	if !t.yield(Token{kind, t.data[i:end:end]}) {
		return end, stopped{}
	}
	return end, nil
}

func (t *tokens) value(i, depth int) (int, error) {
	if depth > MaxDepth {
		return t.fail(i, "nested too deeply")
	}
	kind, closing := Invalid, byte('}')
	if i < len(t.data) {
		kind = KindOf(t.data[i : i+1])
	}
	switch kind {
	case Object:
	case Array:
		closing = ']'
	default:
		end, err := t.scanner.value(i, depth)
		if err != nil {
			return end, err
		}
		return t.token(Scalar, i, end)
	}
	i, err := t.token(Open, i, i+1)
	if err != nil {
		return i, err
	}
	i = t.space(i)
	ended := i < len(t.data) && t.data[i] == closing
	if ended {
		i++
	}
	for !ended {
		start := i
		if kind == Object {
			var end int
			if start, end, err = t.name(i); err == nil {
				_, err = t.token(Name, i, end)
			}
			if err != nil {
				return end, err
			}
		}
		if i, err = t.value(start, depth+1); err != nil {
			return i, err
		}
		if ended, i, err = t.more(i, closing, "expected a comma or the end"); err != nil {
			return i, err
		}
	}
	return t.token(Close, i-1, i)
}
