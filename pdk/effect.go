package pdk

import "github.com/agenthost/agenthost/pdk/abi"

// What an operation does to the vendor's data; see [Operation.Effect].
const (
	// Read changes nothing.
	Read = abi.EffectRead
	// Write creates or changes something.
	Write = abi.EffectWrite
	// Delete removes something.
	Delete = abi.EffectDelete
)
