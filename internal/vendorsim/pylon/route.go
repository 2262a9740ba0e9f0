package pylon

// endpoint is a route with what serves it.
type endpoint struct {
	op     Operation
	handle handler
	write  bool
}
