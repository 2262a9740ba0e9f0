package host_test

import (
	"log"
	"os"
	"runtime/debug"
	"testing"

	"github.com/agenthost/agenthost/internal/wasmtest"
)

// compiled is the cache of the whole test run: a module is compiled once.
var compiled string

func TestMain(m *testing.M) {
	var err error
	if compiled, err = wasmtest.CacheFolder(); err != nil {
		log.Fatal(err)
	}
	debug.SetGCPercent(400) // each host reads some 10 MB of native code, which lasts as long as its test
	os.Exit(m.Run())
}
