package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// text reads a string. Its problems never quote the value.
func (r *reader) text(n ast.Node, path string) (string, bool) {
	at := n
	if n = r.value(n, path); n == nil {
		return "", false
	}
	var text string
	switch v := n.(type) {
	case *ast.StringNode:
		text = v.Value
	case *ast.LiteralNode:
		text = v.Value.Value
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		r.problem(at, path, "needs text, has "+describe(n), "put it in quotes")
		return "", false
	default:
		r.problem(at, path, "needs text, has "+describe(n), "")
		return "", false
	}
	if text == "" {
		r.problem(at, path, "is empty", "")
		return "", false
	}
	return text, true
}

// texts reads a list of strings, with the node of each.
func (r *reader) texts(n ast.Node, path string, read func(text string, at ast.Node)) {
	at := n
	if n = r.value(n, path); n == nil {
		return
	}
	list, ok := n.(*ast.SequenceNode)
	if !ok {
		r.problem(at, path, "needs a list, has "+describe(n), "put it in brackets: [a, b]")
		return
	}
	for _, element := range list.Values {
		if text, ok := r.text(element, path); ok {
			read(text, element)
		}
	}
}

// duration reads a positive duration such as 30s.
func (r *reader) duration(n ast.Node, path string, into *time.Duration) {
	at := n
	if n = r.value(n, path); n == nil {
		return
	}
	const hint = "write a number with a unit: 500ms, 30s, 2m"
	text, ok := n.(*ast.StringNode)
	if !ok {
		r.problem(at, path, "needs a duration, has "+describe(n), hint)
		return
	}
	d, err := time.ParseDuration(text.Value)
	if err != nil || d <= 0 {
		r.problem(at, path, fmt.Sprintf("%q is not a positive duration", clip(text.Value)), hint)
		return
	}
	*into = d
}

// durationOrOff is duration, or 0 for what is turned off, which is negative then.
func (r *reader) durationOrOff(n ast.Node, path string, into *time.Duration) {
	switch of := r.value(n, path).(type) {
	case *ast.IntegerNode:
		if of.Token.Value == "0" {
			*into = -1
			return
		}
	case *ast.StringNode:
		if d, err := time.ParseDuration(of.Value); err == nil && d == 0 {
			*into = -1
			return
		}
	}
	r.duration(n, path, into)
}

// size reads a positive number of bytes: 1048576 or 1MiB.
func (r *reader) size(n ast.Node, path string, into *int64) {
	at := n
	if n = r.value(n, path); n == nil {
		return
	}
	switch v := n.(type) {
	case *ast.IntegerNode:
		if size, ok := integer(v); ok && size > 0 {
			*into = size
			return
		}
		r.problem(at, path, "is not a positive number of bytes", sizeHint)
	case *ast.StringNode:
		size, err := parseSize(v.Value)
		if err != nil {
			r.problem(at, path, err.Error(), sizeHint)
			return
		}
		*into = size
	default:
		r.problem(at, path, "needs a size, has "+describe(n), sizeHint)
	}
}

// count reads a positive whole number.
func (r *reader) count(n ast.Node, path string, into *int64) {
	at := n
	if n = r.value(n, path); n == nil {
		return
	}
	v, ok := n.(*ast.IntegerNode)
	if !ok {
		r.problem(at, path, "needs a whole number, has "+describe(n), "")
		return
	}
	number, ok := integer(v)
	if !ok || number <= 0 {
		r.problem(at, path, "is not a positive number", "remove the key to use the default")
		return
	}
	*into = number
}

// number reads a positive whole number that fits into an int.
func (r *reader) number(n ast.Node, path string, into *int) {
	var number int64
	r.count(n, path, &number)
	if number > math.MaxInt32 {
		r.problem(n, path, "is too large", "")
		return
	}
	*into = int(number)
}

func integer(n *ast.IntegerNode) (int64, bool) {
	switch v := n.Value.(type) {
	case int64:
		return v, true
	case uint64:
		if v <= math.MaxInt64 {
			return int64(v), true
		}
	}
	return 0, false
}

const sizeHint = "write a number of bytes, or one with a unit: 64KiB, 16MiB, 1GiB, 500kB"

// sizeUnits are the IEC and SI prefixes (IEC 80000-13), largest first.
var sizeUnits = [...]struct {
	name  string
	bytes int64
}{
	{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10},
	{"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}, {"B", 1},
}

// parseSize reads a size with a unit, such as 64MiB or 1.5 GB. It ignores case and white
// space before the unit.
func parseSize(text string) (int64, error) {
	bad := fmt.Errorf("%q is not a size", clip(text))
	trimmed := strings.TrimSpace(text)
	for _, unit := range sizeUnits {
		cut := len(trimmed) - len(unit.name)
		if cut <= 0 || !strings.EqualFold(trimmed[cut:], unit.name) {
			continue
		}
		digits := strings.TrimSpace(trimmed[:cut])
		if strings.Trim(digits, "0123456789.") != "" {
			return 0, bad
		}
		number, err := strconv.ParseFloat(digits, 64)
		if err != nil {
			return 0, bad
		}
		size := number * float64(unit.bytes)
		if size < 1 || size >= math.MaxInt64 || size != math.Trunc(size) {
			return 0, bad
		}
		return int64(size), nil
	}
	return 0, bad
}
