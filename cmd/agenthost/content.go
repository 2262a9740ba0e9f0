package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/agenthost/agenthost/cmd/agenthost/internal/render"
	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/pdk/abi"
)

// rawFormat is the output format of exec that writes the vendor's text or file, and nothing
// else.
const rawFormat = "raw"

// checkRaw rejects -o raw for an operation that answers records.
func checkRaw(operation *host.Operation) error {
	if operation.Content != "" && operation.Content != abi.ContentJSON {
		return nil
	}
	return &usageError{
		message: fmt.Sprintf("%s %s answers records, and -o raw writes text and files", operation.Entity, operation.Action),
		hint:    "use -o json",
	}
}

// writeContent writes the text or the bytes of a result. A terminal gets no control characters,
// and no file that is not text.
func (a *app) writeContent(data json.RawMessage) error {
	var content struct {
		ContentType string  `json:"content_type"`
		Text        *string `json:"text"`
		Base64      []byte  `json:"base64"`
	}
	if err := json.Unmarshal(data, &content); err != nil {
		return &usageError{message: "the result has no text and no file for -o raw", hint: "use -o json"}
	}
	text := string(content.Base64)
	switch {
	case content.Text != nil && a.out.terminal:
		text = visibleLines(*content.Text)
	case content.Text != nil:
		text = *content.Text
	case a.out.terminal:
		return &usageError{
			message: fmt.Sprintf("the result is a file of %d bytes (%s), which a terminal cannot show", len(text), render.Visible(content.ContentType)),
			hint:    "redirect it: agenthost exec ... -o raw > FILE",
		}
	}
	if _, err := io.WriteString(a.stdout, text); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	return nil
}

// visibleLines returns text with its line breaks and tabs, and other characters as
// [render.Visible] shows them.
func visibleLines(text string) string {
	lines := strings.SplitAfter(text, "\n")
	for i, line := range lines {
		body, broken := strings.CutSuffix(line, "\n")
		cells := strings.Split(strings.TrimSuffix(body, "\r"), "\t")
		for n, cell := range cells {
			cells[n] = render.Visible(cell)
		}
		if lines[i] = strings.Join(cells, "\t"); broken {
			lines[i] += "\n"
		}
	}
	return strings.Join(lines, "")
}
