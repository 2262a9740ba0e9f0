package lazyregexp_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/agenthost/agenthost/internal/lazyregexp"
)

func TestFirstUseByMany(t *testing.T) {
	word := lazyregexp.New(`^[a-z]+$`)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if !word.MatchString("abc") || word.MatchString("a1") {
				t.Error("it matches something else")
			}
		})
	}
	group.Wait()
}

func TestAWrongOnePanicsWhenUsed(t *testing.T) {
	wrong := lazyregexp.New(`(`)
	defer func() {
		if recover() == nil {
			t.Error("it was used")
		}
	}()
	wrong.MatchString("")
}

func ExampleNew() {
	field := lazyregexp.New(`\{([^{}]*)\}`)
	fmt.Println(field.FindAllStringSubmatch("Bearer {token}", -1), field.ReplaceAllString("Bearer {token}", "..."))
	// Output: [[{token} token]] Bearer ...
}
