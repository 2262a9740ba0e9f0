package host_test

import (
	"log"
	"os"
	"testing"
)

// compiled is the cache of the whole test run: a module is compiled once.
var compiled string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "agenthost-test-")
	if err != nil {
		log.Fatal(err)
	}
	compiled = dir
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}
