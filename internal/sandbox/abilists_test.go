package sandbox

import (
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/internal/sandbox/wasm"
	"github.com/agenthost/agenthost/pdk/abi"
)

// The specification names everything that a module may import, every limit and every
// kind of error, with the figures that the code has.
func TestSpecificationIsComplete(t *testing.T) {
	data, err := os.ReadFile("../../docs/abi.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	for name := range knownImports() {
		if !strings.Contains(text, "`"+name.Name+"`") {
			t.Errorf("docs/abi.md does not mention the import %s", name)
		}
	}
	limits := reflect.ValueOf(wasm.DefaultLimits())
	for i := range limits.NumField() {
		row := fmt.Sprintf("| `%s` | %d |", limits.Type().Field(i).Name, limits.Field(i).Interface())
		if !strings.Contains(text, row) {
			t.Errorf("docs/abi.md lacks the row %s", row)
		}
	}
	for _, kind := range abi.Kinds() {
		if !strings.Contains(text, "| `"+string(kind)+"` |") {
			t.Errorf("docs/abi.md lacks the kind %s", kind)
		}
	}
	if row := fmt.Sprintf("at most %s of them", "1,024"); maxSubscriptions != 1024 || !strings.Contains(text, row) {
		t.Errorf("docs/abi.md does not say %q", row)
	}
}
