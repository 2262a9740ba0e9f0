package main

import (
	"encoding/json"
	"errors"

	"github.com/extism/go-pdk"
)

// The host functions of agenthost for plugins that are built with an Extism PDK. All
// parameters and results are i64: handles, or offsets of blocks in Extism's memory. A
// negative result is a failure, which agenthost_error explains. docs/abi.md has the
// whole list; these are the ones that this connector needs.

//go:wasmimport extism:host/user agenthost_value_read
func valueRead(handle int64) int64

//go:wasmimport extism:host/user agenthost_value_kind
func valueKind(handle int64) int64

//go:wasmimport extism:host/user agenthost_value_part
func valuePart(handle int64, pointer uint64) int64

//go:wasmimport extism:host/user agenthost_http_send
func httpSend(request, body uint64) int64

//go:wasmimport extism:host/user agenthost_http_status
func httpStatus(handle int64) int64

//go:wasmimport extism:host/user agenthost_http_header
func httpHeader(handle int64, name uint64) int64

//go:wasmimport extism:host/user agenthost_output_write
func outputWrite(block uint64) int64

//go:wasmimport extism:host/user agenthost_output_part
func outputPart(handle int64) int64

//go:wasmimport extism:host/user agenthost_error
func lastError() int64

const (
	kindString = 4
	kindArray  = 5
	kindObject = 6
)

// text copies a value into the plugin.
func text(handle int64) []byte {
	offset := valueRead(handle)
	if offset <= 0 {
		return nil
	}
	block := pdk.FindMemory(uint64(offset))
	defer block.Free()
	return block.ReadBytes()
}

// part returns the part of a value that a JSON Pointer names, and 0 if there is none.
func part(handle int64, pointer string) int64 {
	block := pdk.AllocateString(pointer)
	defer block.Free()
	return valuePart(handle, block.Offset())
}

func header(handle int64, name string) string {
	block := pdk.AllocateString(name)
	defer block.Free()
	if value := httpHeader(handle, block.Offset()); value > 0 {
		return string(text(value))
	}
	return ""
}

// write appends text to the output.
func write(s string) bool {
	block := pdk.AllocateString(s)
	defer block.Free()
	return outputWrite(block.Offset()) >= 0
}

// request is an abi.Request.
type request struct {
	Method     string            `json:"method"`
	Path       string            `json:"path"`
	PathParams map[string]string `json:"path_params,omitempty"`
	Query      [][2]string       `json:"query,omitempty"`
}

var errHost = errors.New("a host function failed")

// send sends a request and returns the handle of the response.
func send(r request) (int64, error) {
	block, err := pdk.AllocateJSON(r)
	if err != nil {
		return 0, err
	}
	defer block.Free()
	response := httpSend(block.Offset(), 0)
	if response < 0 {
		return 0, errHost
	}
	return response, nil
}

// fail answers an error of the connector's own.
func fail(kind, message string, status int64, retryable bool) int32 {
	e, err := json.Marshal(map[string]any{"error": map[string]any{
		"kind": kind, "message": message, "status": status, "retryable": retryable,
	}})
	if err != nil || !write(string(e)) {
		return 1
	}
	return 0
}

// failed answers the error that the host gave, without looking at it.
func failed() int32 {
	if !write(`{"error":`) || outputPart(lastError()) < 0 || !write(`}`) {
		return 1
	}
	return 0
}
