package backend

import "time"

// Counts are what a host has in memory and has open now, and what it has done since it was opened.
type Counts struct {
	// Modules are the connectors whose code is in memory, and Codes how many different codes they have.
	Modules, Codes int
	// Instances are the guests that run or wait for a call. InstancesMade and InstancesReused count
	// those of all calls.
	Instances, InstancesMade, InstancesReused int64
	// WaitingBytes is the memory of guests that wait for a call.
	WaitingBytes int64
	// Compiles counts the connectors that were compiled, ahead of calls too, and CompileTime is how
	// long that took in all.
	Compiles    int64
	CompileTime time.Duration
	// VendorConnections are the open connections to vendors, those that wait included.
	VendorConnections int
}
