package main

//go:wasmimport agenthost section
//go:noescape
func hostSection(name string) int32

//go:wasmimport agenthost value_length
func hostLength(handle int32) int32

//go:wasmimport agenthost value_kind
func hostKind(handle int32) int32

//go:wasmimport agenthost value_read
//go:noescape
func hostRead(handle, offset int32, p *byte, n int32) int32

//go:wasmimport agenthost output_write
//go:noescape
func hostOutputWrite(p *byte, n int32) int32

// length is that of a section that is a JSON object.
func length(name string) (int, error) {
	const object = 6
	h := hostSection(name)
	if h <= 0 || hostKind(h) != object {
		return 0, errNoSection
	}
	return int(hostLength(h)), nil
}

// readRows fills p with the rows from a place on. A handle is good for one call only.
func readRows(at int, p []byte) error {
	if int(hostRead(hostSection("rows"), int32(at), &p[0], int32(len(p)))) != len(p) {
		return errNoSection
	}
	return nil
}

// answer writes a section as it is. It cannot be output_part: that writes a value inside of
// the output, and not all of it.
func answer(name string) int32 {
	h := hostSection(name)
	switch {
	case unreadable != nil:
		return failed(unreadable)
	case h <= 0:
		return failed(errNoSection)
	}
	piece := make([]byte, 16<<10)
	for at := int32(0); ; {
		n := hostRead(h, at, &piece[0], int32(len(piece)))
		switch {
		case n == 0:
			return 0
		case n < 0 || write(piece[:n]) != 0:
			return 1
		}
		at += n
	}
}

func write(p []byte) int32 {
	if hostOutputWrite(&p[0], int32(len(p))) < 0 {
		return 1
	}
	return 0
}
