//go:build !wasip1

package abi

import "encoding/json"

// RawMessage is an encoded JSON value: [json.RawMessage], except inside a guest, where just
// importing encoding/json would add 0.2 MB to every module and half a megabyte to every
// instance.
type RawMessage = json.RawMessage
