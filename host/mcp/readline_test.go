package mcp

import (
	"bufio"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
)

func TestReadLine(t *testing.T) {
	long := strings.Repeat("x", 70_000)
	r := bufio.NewReaderSize(strings.NewReader("a\n\n"+long+"\n"+long+"y"+"\nb"), 1<<10)
	for _, want := range []struct {
		line string
		long bool
		err  error
	}{{"a\n", false, nil}, {"\n", false, nil}, {long + "\n", false, nil}, {"", true, nil}, {"b", false, io.EOF}, {"", false, io.EOF}} {
		line, tooLong, err := readLine(r, len(long)+1)
		if string(line) != want.line || tooLong != want.long || !errors.Is(err, want.err) {
			t.Errorf("%.20q of %d bytes, %t, %v; want %.20q of %d, %t, %v", line, len(line), tooLong, err, want.line, len(want.line), want.long, want.err)
		}
	}
}

// A message of 15 MB left 60 MB of garbage behind, before anything was asked for that memory.
func TestReadLineCopiesTwice(t *testing.T) {
	const size = 15 << 20
	text := strings.Repeat("x", size) + "\n"
	var before, after runtime.MemStats
	r := bufio.NewReaderSize(strings.NewReader(text), 64<<10)
	runtime.ReadMemStats(&before)
	line, _, err := readLine(r, size+1)
	runtime.ReadMemStats(&after)
	if err != nil || len(line) != len(text) {
		t.Fatal(len(line), err)
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > 3.2*size { // twice, and once more under the race detector
		t.Errorf("%d MB were allocated for a line of %d MB", took>>20, size>>20)
	}
}
