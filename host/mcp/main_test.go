package mcp_test

import (
	"log"
	"runtime/debug"
	"slices"
	"testing"

	"github.com/agenthost/agenthost/internal/wasmtest"
	"go.uber.org/goleak"
)

// compiled is the cache of the whole test run: a module is compiled once.
var compiled string

func TestMain(m *testing.M) {
	var err error
	if compiled, err = wasmtest.CacheFolder(); err != nil {
		log.Fatal(err)
	}
	goleak.VerifyTestMain(m)
}

// underRace says whether the test was built with -race.
func underRace() bool {
	info, _ := debug.ReadBuildInfo()
	return info != nil && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}
