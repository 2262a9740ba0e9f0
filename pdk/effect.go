package pdk

import "github.com/agenthost/agenthost/pdk/abi"

// What an operation does to the vendor's data; see [Operation.Effect].
const (
	// Read changes no data.
	Read = abi.EffectRead
	// Write creates or changes data.
	Write = abi.EffectWrite
	// Delete removes data.
	Delete = abi.EffectDelete
)
