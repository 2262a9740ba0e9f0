package egress

import (
	"bytes"
	"encoding/binary"
	"mime"
	"strings"
	"unicode/utf16"
)

// asUTF8 returns a JSON body as UTF-8 without a byte order mark (RFC 8259, section 8.1).
// Some vendors send the mark, or UTF-16, in which the redactor cannot find the credential.
// Bodies of other types stay as they are. UTF-16 takes half of limit bytes at most.
func asUTF8(contentType string, body []byte, limit int64, budget *Budget) ([]byte, error) {
	media, params, _ := mime.ParseMediaType(contentType)
	if media != "application/json" && media != "text/json" && !strings.HasSuffix(media, "+json") {
		return body, nil
	}
	var order binary.ByteOrder
	charset := strings.ToLower(params["charset"])
	switch {
	case bytes.HasPrefix(body, []byte("\xef\xbb\xbf")):
		return body[3:], nil
	case bytes.HasPrefix(body, []byte("\xff\xfe")):
		order, body = binary.LittleEndian, body[2:]
	case bytes.HasPrefix(body, []byte("\xfe\xff")):
		order, body = binary.BigEndian, body[2:]
	case charset == "utf-16le":
		order = binary.LittleEndian
	case charset == "utf-16be" || charset == "utf-16":
		order = binary.BigEndian // RFC 2781, section 4.3
	default:
		return body, nil
	}
	if int64(len(body)) > limit/2 { // two bytes become three at most
		return nil, errTooLarge
	}
	if budget.grow(4*len(body)) != nil { // while it is decoded
		return nil, errNoRoom
	}
	units := make([]uint16, len(body)/2)
	for i := range units {
		units[i] = order.Uint16(body[2*i:])
	}
	return []byte(string(utf16.Decode(units))), nil
}
