package portable_test

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/internal/connector"
	"github.com/agenthost/agenthost/internal/portable"
)

// TestRules holds the examples of the rules.
func TestRules(t *testing.T) {
	t.Parallel()
	for _, rule := range rules() {
		if rule.source == "" {
			t.Errorf("%s has no source", rule.construct)
		}
		if rule.own == "" {
			continue
		}
		if _, err := connector.CompileSchema([]byte(rule.own)); err != nil {
			t.Errorf("%s: the example is no schema: %v", rule.construct, err)
		}
		if got := portable.Params([]byte(rule.own)); string(got.JSON) != rule.portable {
			t.Errorf("%s:\n got %s\nwant %s", rule.construct, got.JSON, rule.portable)
		}
	}
}

var update = flag.Bool("update", false, "write the table of rules into docs/agents.md")

// link is the address of an issue, with the repository's name and its number.
var link = regexp.MustCompile(`(https://github\.com/[^/ ]+/([^/ ]+)/(?:issues|pull)/(\d+))`)

// TestRulesAreDocumented holds the table in docs/agents.md.
func TestRulesAreDocumented(t *testing.T) {
	t.Parallel()
	const file, begin, end = "../../docs/agents.md", "<!-- rules: begin. Written by go test ./internal/portable -update -->\n", "<!-- rules: end -->"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(text), begin)
	table, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		t.Fatalf("%s has no place for the rules", file)
	}
	var b strings.Builder
	b.WriteString("\n| in a connector's schema | in a tool's schema | who needs it |\n|---|---|---|\n")
	for _, rule := range rules() {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", rule.construct, rule.becomes, link.ReplaceAllString(rule.source, "[$2#$3]($1)"))
	}
	b.WriteByte('\n')
	if *update {
		if err := os.WriteFile(file, []byte(before+begin+b.String()+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if table != b.String() {
		t.Errorf("the rules in %s are not those of the code: run go test ./internal/portable -update", file)
	}
}

// rule says what becomes of a construct that some clients refuse or misread, and who does.
type rule struct {
	construct, becomes, source string
	// own and portable are an example: a schema, and what becomes of it. The result of the
	// former is the latter.
	own, portable string
}

// rules are all rules. docs/agents.md has them as a table.
func rules() []rule {
	const github = "https://github.com/"
	return []rule{
		{
			"`$ref`, `$defs`, `$anchor`", "the schema in place, a self-reference three times; deeper, an object whose description names its fields",
			"Claude Code, VS Code, Codex and Copilot CLI send text or fail (" + github + "anthropics/claude-code/issues/18260, " + github + "openai/codex/issues/3152, " + github + "github/copilot-cli/issues/1876)",
			`{"type":"object","properties":{"a":{"$ref":"#/$defs/t"}},"$defs":{"t":{"type":"object","properties":{"x":{"type":"string"}}}}}`,
			`{"type":"object","properties":{"a":{"type":"object","properties":{"x":{"type":"string"}}}}}`,
		},
		{
			"a reference to itself", "as above", "LangChain, CrewAI and Mastra recurse without end (" + github + "langchain-ai/langchain/issues/32511, " + github + "crewAIInc/crewAI/pull/5478, " + github + "mastra-ai/mastra/pull/15400)",
			`{"type":"object","properties":{"a":{"$ref":"#/$defs/t"}},"$defs":{"t":{"type":"array","items":{"$ref":"#/$defs/t"}}}}`,
			`{"type":"object","properties":{"a":{"type":"array","items":{"type":"array","items":{"type":"array","items":{"type":"array","description":"An array. It takes the same as the level above.","items":{"anyOf":[{"type":"object"},{"type":"string"},{"type":"number"},{"type":"boolean"},{"type":"array","items":{"description":"Any JSON value."}},{"type":"null"}]}}}}}}}`,
		},
		{
			"`anyOf`, `oneOf`, `allOf` at the top", "the properties of all; the description says which go together", "Anthropic and OpenAI refuse the whole request (" + github + "anthropics/claude-code/issues/710, " + github + "makenotion/notion-mcp-server/issues/340, " + github + "langchain-ai/langchainjs/issues/9804)",
			`{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"string"}},"oneOf":[{"required":["a"]},{"required":["b"]}]}`,
			`{"type":"object","description":"Takes exactly one of these sets of fields (* required): a*; or b*.","properties":{"a":{"type":"string"},"b":{"type":"string"}}}`,
		},
		{
			"`not`, `if`, `dependentRequired`, `patternProperties`, `propertyNames` and other conditions", "the rule in the description", "OpenAI refuses `not` at the top (" + github + "Dicklesworthstone/flywheel_connectors/issues/49); VS Code removes the others (" + github + "microsoft/vscode-copilot-chat/blob/main/src/extension/tools/common/toolSchemaNormalizer.ts)",
			`{"type":"object","properties":{"a":{"type":"string"}},"not":{"required":["a"]}}`,
			`{"type":"object","description":"JSON Schema: {\"not\": {\"required\":[\"a\"]}}.","properties":{"a":{"type":"string"}}}`,
		},
		{
			"`oneOf` inside, `allOf` inside", "`anyOf`; one schema", "OpenAI does not permit them (" + github + "makenotion/notion-mcp-server/issues/102)",
			`{"type":"object","properties":{"a":{"oneOf":[{"type":"string"},{"type":"integer"}]},"b":{"allOf":[{"type":"string"},{"maxLength":9}]}}}`,
			`{"type":"object","properties":{"a":{"anyOf":[{"type":"string"},{"type":"integer"}]},"b":{"type":"string","maxLength":9}}}`,
		},
		{
			"several types, `null` among them", "`anyOf` of one type each", "Gemini fails (" + github + "github/copilot-cli/issues/4623, " + github + "google/adk-js/pull/199), and takes no type beside anyOf (" + github + "google-gemini/gemini-cli/issues/4121)",
			`{"type":"object","properties":{"a":{"type":["string","null"],"description":"A."}}}`,
			`{"type":"object","properties":{"a":{"description":"A.","anyOf":[{"type":"string"},{"type":"null"}]}}}`,
		},
		{
			"no type, `true`, `{}`", "`anyOf` of all types; elements of an array in there have no type", "Vertex refuses it (" + github + "googleapis/js-genai/issues/806), gemini-cli skipped the tool (" + github + "google-gemini/gemini-cli/pull/9574), Claude Code sends text (" + github + "superdoc/docx-editor/issues/3588)",
			`{"type":"object","properties":{"a":true}}`,
			`{"type":"object","properties":{"a":{"anyOf":[{"type":"object"},{"type":"string"},{"type":"number"},{"type":"boolean"},{"type":"array","items":{"description":"Any JSON value."}},{"type":"null"}]}}}`,
		},
		{
			"`false` for a property", "left out; the description of the object says so", "nobody can give it",
			`{"type":"object","properties":{"a":false,"b":{"type":"string"}}}`,
			`{"type":"object","description":"Leave out a.","properties":{"b":{"type":"string"}}}`,
		},
		{
			"an array without `items`, `prefixItems`", "`items` of any value, or of the alternatives", "VS Code refuses the tool (" + github + "microsoft/vscode/issues/246119)",
			`{"type":"object","properties":{"a":{"type":"array","prefixItems":[{"type":"string"},{"type":"integer"}],"items":false}}}`,
			`{"type":"object","properties":{"a":{"type":"array","description":"JSON Schema: {\"prefixItems\": [{\"type\":\"string\"},{\"type\":\"integer\"}], \"items\": false}.","items":{"anyOf":[{"type":"string"},{"type":"integer"}]}}}}`,
		},
		{
			"`enum` and `const` of other than texts, with an empty text, too long", "the type, and the values in the description", "Gemini takes texts only (" + github + "JetBrains/mcp-jetbrains/issues/71); OpenAI bounds values of an enum (https://developers.openai.com/api/docs/guides/structured-outputs)",
			`{"type":"object","properties":{"a":{"enum":[1,2]},"b":{"const":"x"}}}`,
			`{"type":"object","properties":{"a":{"type":"integer","description":"One of: 1, 2."},"b":{"type":"string","enum":["x"]}}}`,
		},
		{
			"`format` other than date-time", "the description", "Gemini refuses the request (" + github + "google-gemini/gemini-cli/issues/2237)",
			`{"type":"object","properties":{"a":{"type":"string","format":"uri"}}}`,
			`{"type":"object","properties":{"a":{"type":"string","description":"Format: uri."}}}`,
		},
		{
			"`pattern` that engines read differently", "the description", "ECMAScript, RE2 and Python differ in the dot, negated and Unicode classes, lookaround, groups and escapes (https://json-schema.org/understanding-json-schema/reference/regular_expressions)",
			`{"type":"object","properties":{"a":{"type":"string","pattern":"^.+$"},"b":{"type":"string","pattern":"^[a-z]+$"}}}`,
			`{"type":"object","properties":{"a":{"type":"string","description":"Must match the regular expression ^.+$."},"b":{"type":"string","pattern":"^[a-z]+$"}}}`,
		},
		{
			"a name outside `^[a-zA-Z0-9_.-]{1,64}$`", "an alias; the description has the name", "Anthropic refuses the request (" + github + "twilio-labs/mcp/issues/58)",
			`{"type":"object","properties":{"filter[id]":{"type":"string"}}}`,
			`{"type":"object","properties":{"filter_id":{"type":"string","description":"Named \"filter[id]\" by the vendor."}}}`,
		},
		{
			"`required` without a property", "a property of any value", "VS Code removes it (toolSchemaNormalizer.ts)",
			`{"type":"object","properties":{},"required":["a"]}`,
			`{"type":"object","properties":{"a":{"anyOf":[{"type":"object"},{"type":"string"},{"type":"number"},{"type":"boolean"},{"type":"array","items":{"description":"Any JSON value."}},{"type":"null"}]}},"required":["a"]}`,
		},
		{
			"`additionalProperties: false` or `true`", "removed; the host refuses unknown parameters", "google-genai 3.6.1 fails on a boolean (" + github + "googleapis/python-genai/blob/main/google/genai/_mcp_utils.py)",
			`{"type":"object","properties":{"a":{"type":"string"}},"additionalProperties":false}`,
			`{"type":"object","properties":{"a":{"type":"string"}}}`,
		},
		{
			"`exclusiveMinimum`, `multipleOf`, `default`, `uniqueItems`, `minProperties`; numbers beyond 2^53", "a bound of integers, or the description", "VS Code removes them for GPT-4 (toolSchemaNormalizer.ts)",
			`{"type":"object","properties":{"a":{"type":"integer","exclusiveMinimum":0,"maximum":1e30,"default":5}}}`,
			`{"type":"object","properties":{"a":{"type":"integer","description":"Default: 5. At most 1e30.","minimum":1}}}`,
		},
		{
			"more than 10 levels", "an object whose description names its fields", "OpenAI's limit (https://developers.openai.com/api/docs/guides/structured-outputs)", "", "",
		},
		{
			"a description of more than 1,024 characters", "shortened", "OpenAI refuses it (" + github + "probelabs/probe/issues/9)", "", "",
		},
	}
}
