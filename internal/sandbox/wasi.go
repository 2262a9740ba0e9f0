package sandbox

import (
	"context"
	"encoding/binary"

	extism "github.com/extism/go-sdk"
	"github.com/tetratelabs/wazero/sys"
)

// wasiModule is the module of WASI. The rewrite renames its functions to wasiOwn, except for those of
// wasiNative, which are wazero's.
const (
	wasiModule = "wasi_snapshot_preview1"
	wasiOwn    = "agenthost:wasi"
)

// wasi are the functions of wasi_snapshot_preview1 that a module may import, with their parameters.
// They have no files and no sockets, only standard output and error, a clock and random bytes.
var wasi = map[string]string{
	"args_get":                "ii",
	"args_sizes_get":          "ii",
	"environ_get":             "ii",
	"environ_sizes_get":       "ii",
	"clock_res_get":           "ii",
	"clock_time_get":          "iIi",
	"fd_advise":               "iIIi",
	"fd_allocate":             "iII",
	"fd_close":                "i",
	"fd_datasync":             "i",
	"fd_fdstat_get":           "ii",
	"fd_fdstat_set_flags":     "ii",
	"fd_fdstat_set_rights":    "iII",
	"fd_filestat_get":         "ii",
	"fd_filestat_set_size":    "iI",
	"fd_filestat_set_times":   "iIIi",
	"fd_pread":                "iiiIi",
	"fd_prestat_get":          "ii",
	"fd_prestat_dir_name":     "iii",
	"fd_pwrite":               "iiiIi",
	"fd_read":                 "iiii",
	"fd_readdir":              "iiiIi",
	"fd_renumber":             "ii",
	"fd_seek":                 "iIii",
	"fd_sync":                 "i",
	"fd_tell":                 "ii",
	"fd_write":                "iiii",
	"path_create_directory":   "iii",
	"path_filestat_get":       "iiiii",
	"path_filestat_set_times": "iiiiIIi",
	"path_link":               "iiiiiii",
	"path_open":               "iiiiiIIii",
	"path_readlink":           "iiiiii",
	"path_remove_directory":   "iii",
	"path_rename":             "iiiiii",
	"path_symlink":            "iiiii",
	"path_unlink_file":        "iii",
	"poll_oneoff":             "iiii",
	"proc_exit":               "i",
	"proc_raise":              "i",
	"random_get":              "ii",
	"sched_yield":             "",
	"sock_accept":             "iii",
	"sock_recv":               "iiiiii",
	"sock_send":               "iiiii",
	"sock_shutdown":           "ii",
}

// wasiNative are the functions that wazero implements. They keep no state, and all longer work passes
// through our random bytes and our standard output, which check the deadline. The others are here,
// because wazero's have state that would survive a call (a closed descriptor, or with proc_exit a
// closed instance), or copy any amount of memory before they find that there is no file.
var wasiNative = map[string]bool{
	"args_get": true, "args_sizes_get": true, "environ_get": true, "environ_sizes_get": true,
	"clock_res_get": true, "clock_time_get": true, "fd_fdstat_get": true, "fd_filestat_get": true,
	"fd_read": true, "fd_write": true, "random_get": true, "sched_yield": true,
}

// The used errors of WASI, by their numbers in its witx files
// (https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md#errno).
const (
	wasiOK     = 0
	wasiBadFD  = 8
	wasiFault  = 21
	wasiInval  = 28
	wasiNoSys  = 52
	wasiNotSup = 58
	wasiSPipe  = 70
)

// wasiAnswer is the answer of a function that does nothing.
func wasiAnswer(name string, stack []uint64) uint64 {
	stdio := len(stack) > 0 && uint32(stack[0]) <= 2
	switch name {
	case "fd_close", "fd_fdstat_set_flags", "fd_sync", "fd_datasync":
		// Nothing happens, so that nothing is left for the next call to see.
		if stdio {
			return wasiOK
		}
	case "fd_seek", "fd_tell", "fd_pread", "fd_pwrite":
		if stdio {
			return wasiSPipe
		}
	case "fd_renumber", "fd_fdstat_set_rights":
		if stdio {
			return wasiNotSup
		}
	case "proc_raise":
		return wasiNoSys
	}
	return wasiBadFD
}

// bindWASI makes the functions of wasiOwn.
func bindWASI() []extism.HostFunction {
	var bound []extism.HostFunction
	for name, params := range wasi {
		if wasiNative[name] {
			continue
		}
		if name == "proc_exit" {
			bound = append(bound, bindExit())
			continue
		}
		answer := func(_ *running, stack []uint64) uint64 { return wasiAnswer(name, stack) }
		if name == "poll_oneoff" {
			answer = pollOneoff
		}
		callback := func(ctx context.Context, _ *extism.CurrentPlugin, stack []uint64) {
			r := fromContext(ctx)
			if r == nil {
				stack[0] = wasiNoSys
				return
			}
			r.work(0)
			stack[0] = answer(r, stack)
		}
		hf := extism.NewHostFunctionWithStack(name, callback, valueTypes(params), valueTypes("i"))
		hf.SetNamespace(wasiOwn)
		bound = append(bound, hf)
	}
	return bound
}

// bindExit makes proc_exit, which ends the guest. Unlike wazero's it leaves the instance open, so that
// it can be restored and used again.
func bindExit() extism.HostFunction {
	callback := func(ctx context.Context, _ *extism.CurrentPlugin, stack []uint64) {
		if r := fromContext(ctx); r != nil {
			r.work(0)
			r.exited = true
		}
		panic(sys.NewExitError(uint32(stack[0])))
	}
	hf := extism.NewHostFunctionWithStack("proc_exit", callback, valueTypes(wasi["proc_exit"]), nil)
	hf.SetNamespace(wasiOwn)
	return hf
}

const (
	subscriptionSize = 48
	eventSize        = 32
	maxSubscriptions = 1024
)

// pollOneoff waits for a clock if that is the only subscription; otherwise it answers all at once:
// standard input is at its end.
func pollOneoff(r *running, a []uint64) uint64 {
	n := uint32(a[2])
	if n == 0 || n > maxSubscriptions {
		return wasiInval
	}
	in, err := r.guestBytes(uint32(a[0]), n*subscriptionSize)
	if err != nil {
		return wasiFault
	}
	out, err := r.guestBytes(uint32(a[1]), n*eventSize)
	if err != nil {
		return wasiFault
	}
	count, err := r.guestBytes(uint32(a[3]), 4)
	if err != nil {
		return wasiFault
	}
	r.work(int64(n) * 4)
	for i := range int(n) {
		var event [eventSize]byte
		s := in[i*subscriptionSize:]
		copy(event[:8], s[:8]) // userdata
		event[10] = s[8]
		fd := binary.LittleEndian.Uint32(s[16:])
		switch kind := s[8]; {
		case kind == 0: // clock
			if n == 1 {
				r.sleepUntil(s)
			}
		case kind == 1 && fd == 0: // read: the end of standard input
			event[24] = 1
		case kind == 2 && (fd == 1 || fd == 2): // write
		case kind > 2:
			return wasiInval
		default:
			event[8] = wasiBadFD
		}
		copy(out[i*eventSize:], event[:])
	}
	binary.LittleEndian.PutUint32(count, n)
	return wasiOK
}
