// Command guest is a module as the Go compiler makes them, for the tests.
package main

import (
	"encoding/json"
	"sort"
	"strings"
	"unsafe"
)

//go:wasmimport agenthost input
func input(p unsafe.Pointer, size uint32) uint32

//go:wasmimport agenthost output
func output(p unsafe.Pointer, size uint32)

var calls int

//go:wasmexport execute
func execute() int32 {
	calls++
	buf := make([]byte, 1<<20)
	buf = buf[:input(unsafe.Pointer(&buf[0]), uint32(len(buf)))]
	var records []map[string]any
	if err := json.Unmarshal(buf, &records); err != nil {
		return 1
	}
	sort.Slice(records, func(i, j int) bool {
		return records[i]["title"].(string) > records[j]["title"].(string)
	})
	for _, r := range records {
		r["title"] = strings.ToUpper(r["title"].(string))
	}
	out, err := json.Marshal(map[string]any{"data": records, "calls": calls})
	if err != nil {
		return 2
	}
	output(unsafe.Pointer(&out[0]), uint32(len(out)))
	return 0
}

//go:wasmexport tight
func tight(n int32) int32 {
	x := uint32(1)
	for i := int32(0); i < n; i++ {
		x = x*1664525 + 1013904223
		x ^= x >> 13
	}
	return int32(x)
}

//go:wasmexport spin
func spin() {
	for {
		calls++
	}
}

//go:wasmexport recurse
func recurse(n int32) int32 {
	if n <= 1 {
		return 1
	}
	return recurse(n-1) + recurse(n-2)
}

func main() {}
