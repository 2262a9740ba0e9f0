//go:build !unix

package sandbox

// reserve allocates on Go's heap; the operating system gives pages on first use.
func reserve(size uint64) []byte { return make([]byte, size) }

func commit([]byte, uint64, uint64) bool { return true }

func release([]byte) {}
