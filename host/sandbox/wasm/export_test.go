package wasm

// Exact returns options whose metering counts every instruction by itself.
func Exact(o Options) Options {
	o.exact = true
	return o
}
