package tool

import "github.com/agenthost/agenthost/internal/portable"

// The results of these methods follow the providers' HTTP APIs. They marshal to JSON and fit the
// providers' packages, which accept a tool's schema as a map or as bytes.

// OpenAIChat are tools of OpenAI's chat completions, and of the many APIs that are
// compatible with it. Strict mode is off: it would make every optional parameter
// required. The host validates arguments itself, and says what is wrong with them.
func (s Set) OpenAIChat() []portable.OpenAIChatTool {
	out := make([]portable.OpenAIChatTool, len(s))
	for i, t := range s {
		out[i] = portable.OpenAIChatTool{Type: "function", Function: portable.OpenAIFunction{Name: t.Name, Description: t.Description, Parameters: t.Input}}
	}
	return out
}

// OpenAIResponses are tools of OpenAI's responses API, where strict mode has to be
// turned off explicitly.
func (s Set) OpenAIResponses() []portable.OpenAIResponsesTool {
	out := make([]portable.OpenAIResponsesTool, len(s))
	for i, t := range s {
		out[i] = portable.OpenAIResponsesTool{Type: "function", Name: t.Name, Description: t.Description, Parameters: t.Input}
	}
	return out
}

// Anthropic are tools of Anthropic's messages API.
func (s Set) Anthropic() []portable.AnthropicTool {
	out := make([]portable.AnthropicTool, len(s))
	for i, t := range s {
		out[i] = portable.AnthropicTool{Name: t.Name, Description: t.Description, InputSchema: t.Input}
	}
	return out
}

// Gemini are the function declarations of a tool of the Gemini API:
//
//	{"tools": [{"functionDeclarations": ...}]}
func (s Set) Gemini() []portable.GeminiFunction {
	out := make([]portable.GeminiFunction, len(s))
	for i, t := range s {
		out[i] = portable.GeminiFunction{Name: t.Name, Description: t.Description, ParametersJSONSchema: t.Input}
	}
	return out
}
