//go:build !wasip1

package abi

import "encoding/json"

// RawMessage is a JSON value in its own words: [json.RawMessage], except inside a
// guest, where importing encoding/json alone would add 0.2 MB to every module and
// half a megabyte to every instance.
type RawMessage = json.RawMessage
