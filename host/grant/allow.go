package grant

import "github.com/agenthost/agenthost/pdk/abi"

// Allow is what a connection may do. It allows an operation if its effect is in Effects or
// its name in Operations. An Allow with neither allows nothing. Ask, Params and
// Requests restrict the operations that it allows.
type Allow struct {
	Effects []abi.Effect `json:"effects,omitempty"`
	// Operations have the form entity.action. entity.* matches all actions of an entity but
	// context_store_sql_query, which can read other entities too.
	Operations []string `json:"operations,omitempty"`
	// Ask are effects and operations that need a person's yes for each call, in the same forms as
	// Effects and Operations. It narrows: the operation must be allowed as well.
	Ask []string `json:"ask,omitempty"`
	// Params are rules on arguments, by operation (entity.action) and by parameter. A
	// dot leads into an object: address.country. All rules of an operation must hold.
	Params map[string]map[string]ParamRule `json:"params,omitempty"`
	// Requests restrict what connectors may send. Each has a method, or *, and a path
	// with parameters in braces: "GET /repos/acme/{repo}". A path that ends with /**
	// matches every path below it. A path belongs to the connection's server. For another
	// server, write its URL: "POST https://files.example.com/upload".
	Requests []string `json:"requests,omitempty"`
	// Downloads are where files may come from that a vendor's answer names: domains, each with
	// all names under it, by https (files.example.com), or whole origins, which may also be
	// private or plain http (http://10.0.0.7:9000). They take the place of those that connectors
	// declare: nil leaves these, and an empty list allows none.
	Downloads []string `json:"downloads,omitzero"`
}

// ParamRule is a rule on one parameter. It has either Values or Pattern.
//
// The call must set the parameter, because a missing parameter or an empty list often means
// "all". Each element of a list must fit. The rule also applies to aliases of the parameter.
type ParamRule struct {
	// Values are text, numbers, true, false or nil. They are compared as JSON values:
	// 1 and 1.0 are equal, 1 and "1" are not.
	Values []any `json:"values,omitempty"`
	// Pattern is an RE2 expression. It must match the whole text.
	Pattern string `json:"pattern,omitempty"`
	// Optional permits calls without the parameter.
	Optional bool `json:"optional,omitempty"`
}
