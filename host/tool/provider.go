package tool

import "encoding/json"

// The types below follow the providers' HTTP APIs. They marshal to JSON and fit the
// providers' packages, which accept a tool's schema as a map or as bytes.

// OpenAIChat are tools of OpenAI's chat completions, and of the many APIs that are
// compatible with it. Strict mode is off: it would make every optional parameter
// required. The host validates arguments itself, and says what is wrong with them.
func (s Set) OpenAIChat() []OpenAIChatTool {
	out := make([]OpenAIChatTool, len(s))
	for i, t := range s {
		out[i] = OpenAIChatTool{"function", OpenAIFunction{t.Name, t.Description, t.Input, false}}
	}
	return out
}

// OpenAIChatTool is a tool of OpenAI's chat completions API.
type OpenAIChatTool struct {
	Type     string         `json:"type"`
	Function OpenAIFunction `json:"function"`
}

// OpenAIFunction is the function of an [OpenAIChatTool].
type OpenAIFunction struct {
	Name        string          `json:"name"`
	Description string          `json:"description"`
	Parameters  json.RawMessage `json:"parameters"`
	Strict      bool            `json:"strict"`
}

// OpenAIResponses are tools of OpenAI's responses API, where strict mode has to be
// turned off explicitly.
func (s Set) OpenAIResponses() []OpenAIResponsesTool {
	out := make([]OpenAIResponsesTool, len(s))
	for i, t := range s {
		out[i] = OpenAIResponsesTool{"function", t.Name, t.Description, t.Input, false}
	}
	return out
}

// OpenAIResponsesTool is a tool of OpenAI's responses API.
type OpenAIResponsesTool struct {
	Type        string          `json:"type"`
	Name        string          `json:"name"`
	Description string          `json:"description"`
	Parameters  json.RawMessage `json:"parameters"`
	Strict      bool            `json:"strict"`
}

// Anthropic are tools of Anthropic's messages API.
func (s Set) Anthropic() []AnthropicTool {
	out := make([]AnthropicTool, len(s))
	for i, t := range s {
		out[i] = AnthropicTool{t.Name, t.Description, t.Input}
	}
	return out
}

// AnthropicTool is a tool of Anthropic's messages API.
type AnthropicTool struct {
	Name        string          `json:"name"`
	Description string          `json:"description"`
	InputSchema json.RawMessage `json:"input_schema"`
}

// Gemini are the function declarations of a tool of the Gemini API:
//
//	{"tools": [{"functionDeclarations": ...}]}
func (s Set) Gemini() []GeminiFunction {
	out := make([]GeminiFunction, len(s))
	for i, t := range s {
		out[i] = GeminiFunction{t.Name, t.Description, t.Input}
	}
	return out
}

// GeminiFunction is a function declaration of the Gemini API. Its older field
// parameters takes a part of OpenAPI's schema only; this one takes JSON Schema.
type GeminiFunction struct {
	Name                 string          `json:"name"`
	Description          string          `json:"description"`
	ParametersJSONSchema json.RawMessage `json:"parametersJsonSchema"`
}
