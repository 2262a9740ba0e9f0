package wasm

// Limits bound what a module may contain. Without them a module of a few bytes
// can take gigabytes to instantiate and one of a few kilobytes minutes to compile.
type Limits struct {
	ModuleBytes  int // the whole module
	SectionBytes int // each custom section that the guest can read
	Types        int
	Params       int // parameters and results of one type, each
	Imports      int
	Functions    int // defined ones
	Exports      int
	Globals      int
	Tables       int
	TableEntries uint32 // minimum of each table; the rewrite lowers larger maxima to it
	Elements     int    // items of all element segments
	Segments     int    // element segments
	DataSegments int    // the Go linker makes one for each stretch between zeros
	DataBytes    int    // all data segments
	MemoryPages  uint32 // minimum of the memory, 64 KiB each; the rewrite lowers a larger maximum to it

	BodyBytes int // one function
	Locals    int // declared in one function, without its parameters
	Nesting   int // blocks within blocks
	Loops     int // in one function
	Labels    int // targets of all br_table instructions in one function
	// Branches counts the places of one function where control flow splits or joins: blocks,
	// branches, and instructions that compile to some. The compile time grows with its square.
	Branches int
	// LocalBranches is that number times the number of parameters and locals: the work to know the
	// value of each local in each place.
	LocalBranches int
	// CallValues is how many parameters and results all calls in one function have. A call of two
	// bytes has up to 128 values, each of which costs the compiler two microseconds and half a
	// kilobyte.
	CallValues int
	// CompileWork bounds the sum of an estimate over all functions, in
	// microseconds of wazero's compiler on a machine of 2024:
	// branches²/20 + loops²/4 + branches * locals + 2 * call values.
	CompileWork int
}

// DefaultLimits returns limits for modules built by the Go, Rust, C, Zig and AssemblyScript
// compilers.
func DefaultLimits() Limits {
	return Limits{
		ModuleBytes:   16 << 20,
		SectionBytes:  4 << 20,
		Types:         8192,
		Params:        64,
		Imports:       256,
		Functions:     65536,
		Exports:       1024,
		Globals:       1024,
		Tables:        4,
		TableEntries:  131072,
		Elements:      262144,
		Segments:      4096,
		DataSegments:  262144,
		DataBytes:     16 << 20,
		MemoryPages:   4096,
		BodyBytes:     128 << 10,
		Locals:        1024,
		Nesting:       4096,
		Loops:         512,
		Labels:        32768,
		Branches:      4096,
		LocalBranches: 1 << 18,
		CallValues:    1 << 17,
		CompileWork:   20_000_000,
	}
}
