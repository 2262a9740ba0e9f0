package fault

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"
)

// table is the distance by the table that everybody knows, as the model of [measure].
func table(a, b []rune) int {
	d := make([][]int, len(a)+1)
	for i := range d {
		d[i] = make([]int, len(b)+1)
		d[i][0] = i
	}
	for j := range b {
		d[0][j+1] = j + 1
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			d[i][j] = min(d[i-1][j]+1, d[i][j-1]+1, d[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(a)][len(b)]
}

func checkDistance(t *testing.T, a, b string) {
	t.Helper()
	folded := appendFold(nil, a)
	if n := utf8.RuneCount(folded); n == 0 || n > maxName {
		return
	}
	other := []rune(string(appendFold(nil, b)))
	if got, want := newMeasure(folded).distance(b), table([]rune(string(folded)), other); got != want {
		t.Errorf("%q and %q: %d, want %d", a, b, got, want)
	}
}

func TestDistance(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	word := func() string {
		letters := []rune("abAB-_.\u00e9\u0130\ufffd")[:2+random.IntN(9)]
		var b strings.Builder
		for range random.IntN(maxName + 1) {
			b.WriteRune(letters[random.IntN(len(letters))])
		}
		return b.String()
	}
	for range 2000 {
		checkDistance(t, word(), word())
	}
	long := strings.Repeat("ab", maxName/2)
	checkDistance(t, long, strings.Repeat("ba", maxName/2))
	checkDistance(t, long, long)
	checkDistance(t, long, "")
}

func FuzzDistance(f *testing.F) {
	f.Add("isseus", "issues")
	f.Add("a-b", "A_\xff")
	f.Fuzz(checkDistance)
}

// TestNearestAllocates holds that a candidate costs no memory, however many there are.
func TestNearestAllocates(t *testing.T) {
	allocations := func(n int) float64 {
		names := make([]string, n)
		for i := range names {
			names[i] = fmt.Sprintf("customer-%05d", i)
		}
		return testing.AllocsPerRun(5, func() {
			if got := Nearest("somebody_else", names); got != "" {
				t.Errorf("Nearest = %q", got)
			}
		})
	}
	if few, many := allocations(10), allocations(10_000); many > few {
		t.Errorf("%v allocations of 10,000 candidates, %v of 10", many, few)
	}
}

func BenchmarkNearest(b *testing.B) {
	names := make([]string, 10_000)
	for i := range names {
		names[i] = fmt.Sprintf("customer-%05d", i)
	}
	for _, name := range []string{"custmer-00017", "somebody_else"} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				Nearest(name, names)
			}
		})
	}
}
