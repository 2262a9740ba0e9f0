package sandbox

import (
	"github.com/agenthost/agenthost/host/sandbox/wasm"
	"github.com/agenthost/agenthost/pdk/abi"
)

// knownImports are the functions that a module may import: ours, those of Extism's
// kernel, and those of WASI, which wazero answers without giving access to anything.
func knownImports() wasm.Imports {
	known := make(wasm.Imports)
	add := func(module, name string, params string, results string) {
		known[wasm.ImportName{Module: module, Name: name}] = wasm.Func(types(params), types(results)...)
	}
	for _, f := range hostFunctions() {
		add(abi.HostModule, f.name, repeat('i', f.params), "i")
	}
	for _, f := range extismFunctions() {
		add(abi.ExtismModule, abi.ExtismPrefix+f.name, repeat('I', f.params), "I")
	}
	for name, signature := range extismKernel {
		add("extism:host/env", name, signature[0], signature[1])
	}
	for name, params := range wasi {
		results := "i"
		if name == "proc_exit" {
			results = ""
		}
		add("wasi_snapshot_preview1", name, params, results)
	}
	return known
}

func repeat(c byte, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = c
	}
	return string(b)
}

// types reads a signature: i is i32, I is i64.
func types(letters string) []wasm.ValType {
	ts := make([]wasm.ValType, len(letters))
	for i := range letters {
		ts[i] = wasm.I32
		if letters[i] == 'I' {
			ts[i] = wasm.I64
		}
	}
	return ts
}

// extismKernel are the functions of extism:host/env as go-sdk v1.7.1 defines them,
// parameters and results. The HTTP functions are left out: requests go through
// http_send, behind our egress, or not at all.
var extismKernel = map[string][2]string{
	"alloc":          {"I", "I"},
	"free":           {"I", ""},
	"load_u8":        {"I", "i"},
	"load_u64":       {"I", "I"},
	"input_load_u8":  {"I", "i"},
	"input_load_u64": {"I", "I"},
	"store_u8":       {"Ii", ""},
	"store_u64":      {"II", ""},
	"input_length":   {"", "I"},
	"input_offset":   {"", "I"},
	"input_set":      {"II", ""},
	"output_set":     {"II", ""},
	"output_length":  {"", "I"},
	"output_offset":  {"", "I"},
	"length":         {"I", "I"},
	"length_unsafe":  {"I", "I"},
	"reset":          {"", ""},
	"error_set":      {"I", ""},
	"error_get":      {"", "I"},
	"memory_bytes":   {"", "I"},
	"config_get":     {"I", "I"},
	"var_get":        {"I", "I"},
	"var_set":        {"II", ""},
	"log_trace":      {"I", ""},
	"log_debug":      {"I", ""},
	"log_info":       {"I", ""},
	"log_warn":       {"I", ""},
	"log_error":      {"I", ""},
	"get_log_level":  {"", "i"},
}

// wasi are the functions of wasi_snapshot_preview1 that a module may import, with
// their parameters. There are no files and no sockets behind them: a guest finds
// standard output and error, a clock, random bytes, and nothing else.
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
