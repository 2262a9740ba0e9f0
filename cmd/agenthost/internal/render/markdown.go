package render

import (
	"fmt"
	"regexp"
	"strings"
)

// Markdown returns text of a stranger for a line or a cell of a Markdown document: it is read as it
// stands. What is hostile to a terminal is a readable escape, as in [Visible]. No character of it is
// markup, HTML, a template or the start of a link, in any of the usual dialects.
func Markdown(text string) string {
	text = strings.TrimSpace(Visible(text))
	if m := blockStart.FindStringSubmatchIndex(text); m != nil { // a list, a rule, a heading's underline
		return text[:m[2]] + `\` + markdownEscapes.Replace(text[m[2]:]) // digits come before it
	}
	return markdownEscapes.Replace(text)
}

// blockStart is what begins a block at the start of a line.
var blockStart = regexp.MustCompile(`^\d*([-+=.)])`)

var markdownEscapes = strings.NewReplacer(
	`\`, `\\`, "`", "\\`", `*`, `\*`, `_`, `\_`, `[`, `\[`, `]`, `\]`, `|`, `\|`, `~`, `\~`, `#`, `\#`, `!`, `\!`, `$`, `\$`, `^`, `\^`,
	`<`, `&lt;`, `>`, `&gt;`, `&`, `&amp;`, `{`, `&#123;`, `}`, `&#125;`, `://`, `&#58;//`, `www.`, `www&#46;`, `@`, `&#64;`,
)

// MarkdownCode returns text of a stranger as code. What would end the code, or a cell of a table, is
// [Markdown] instead.
func MarkdownCode(text string) string {
	text = Visible(text)
	if text == "" || strings.TrimSpace(text) != text || strings.ContainsAny(text, "`|\\") || strings.Contains(text, "{{") || strings.Contains(text, "{%") {
		return Markdown(text)
	}
	return "`" + text + "`"
}

// MarkdownFence returns lines of a stranger as a block of code in a language. No line of it ends the block.
func MarkdownFence(language, text string) string {
	text = strings.ReplaceAll(strings.ReplaceAll(VisibleLines(text), "{{", `{\u007b`), "{%", `{\u0025`)
	fence := "```"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	return fmt.Sprintf("%s%s\n%s\n%s\n", fence, language, text, fence)
}
