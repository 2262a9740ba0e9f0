package pdk

import (
	"strings"
	"unicode/utf8"

	"github.com/agenthost/agenthost/pdk/abi"
)

// The data of an operation whose Content is not JSON is an object: the vendor's media type, and
// the text, or the bytes in base64.

// maxContent bounds an answer that is not JSON, in bytes; the host's own limit is lower.
const maxContent = 256 << 20

// respondContent makes the answer's body the result's data.
func (c *Call) respondContent(resp *Response) error {
	mediaType := resp.Header("Content-Type")
	if wrong := c.otherContent(mediaType); wrong != "" {
		e := StatusError(resp)
		e.Kind, e.Message, e.Hint = abi.KindVendorError, resp.Vendor+" answered with "+wrong, ""
		return e
	}
	body, err := resp.Body.Bytes(maxContent)
	if err != nil {
		return err
	}
	if body == nil {
		body = []byte{}
	}
	c.result.content = content{mediaType, body, c.op.Content == abi.ContentBinary}
	return nil
}

// otherContent says what an answer is if it does not have the declared form: the page of a proxy,
// or an error. A write may have happened, so there the status decides.
func (c *Call) otherContent(mediaType string) string {
	essence, _, _ := strings.Cut(mediaType, ";")
	essence = strings.ToLower(strings.TrimSpace(essence))
	html := essence == "text/html" && !strings.Contains(strings.ToLower(c.accept), essence)
	json := essence == "application/json" && c.op.Content == abi.ContentCSV
	switch {
	case c.op.Effect != Read || !html && !json:
		return ""
	case c.op.Content == abi.ContentCSV:
		return essence + " instead of CSV"
	}
	return "a page of HTML"
}

// accept is the media type that a request of the operation accepts; empty means the host's
// default, JSON.
func (op *Operation) accept(c *Connector) string {
	switch {
	case op.Accept != "":
		return op.Accept
	case op.File != nil: // JSON, which names it
	case op.Content == abi.ContentCSV:
		return "text/csv"
	case op.Content == abi.ContentText:
		return "text/*"
	case op.Content == abi.ContentBinary:
		return "*/*"
	}
	return c.Accept
}

// contentResult is the schema of data that is not JSON.
func contentResult() *Schema {
	return Object("What the vendor answered.",
		Property{"content_type", String("The media type that the vendor says."), true},
		Property{"text", String("The text."), false},
		Property{"base64", String("The bytes, where they are no text in UTF-8."), false},
	)
}

// content is data that is not JSON.
type content struct {
	mediaType string
	body      []byte
	binary    bool
}

// write writes the data in pieces, so that a large body is not in memory twice.
func (c *content) write(w *writer) {
	const bom = "\xef\xbb\xbf"
	buffer := make([]byte, 0, 3*contentPiece)
	w.write(append(AppendString(append(buffer, `{"content_type":`...), c.mediaType), ','))
	body := c.body
	if !c.binary && utf8.Valid(body) {
		body = body[len(body)-len(strings.TrimPrefix(text(body), bom)):]
		w.write(bytesOf(`"text":"`))
		for len(body) > 0 && !w.failed {
			n := min(len(body), contentPiece)
			for n < len(body) && !utf8.RuneStart(body[n]) {
				n++
			}
			quoted := AppendString(buffer, text(body[:n]))
			w.write(quoted[1 : len(quoted)-1])
			body = body[n:]
		}
	} else {
		w.write(bytesOf(`"base64":"`))
		for len(body) > 0 && !w.failed {
			n := min(len(body), contentPiece)
			w.write(appendBase64(buffer, body[:n]))
			body = body[n:]
		}
	}
	w.write(bytesOf(`"}`))
}

// contentPiece is how many bytes are written at once: a multiple of three, for base64.
const contentPiece = 12 << 10

// appendBase64 appends the standard encoding (RFC 4648, section 4). Importing
// encoding/base64 would bring reflection into every module.
func appendBase64(b, data []byte) []byte {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	for ; len(data) >= 3; data = data[3:] {
		v := uint(data[0])<<16 | uint(data[1])<<8 | uint(data[2])
		b = append(b, letters[v>>18], letters[v>>12&63], letters[v>>6&63], letters[v&63])
	}
	switch len(data) {
	case 1:
		v := uint(data[0]) << 16
		b = append(b, letters[v>>18], letters[v>>12&63], '=', '=')
	case 2:
		v := uint(data[0])<<16 | uint(data[1])<<8
		b = append(b, letters[v>>18], letters[v>>12&63], letters[v>>6&63], '=')
	}
	return b
}
