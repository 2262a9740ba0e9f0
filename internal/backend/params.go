package backend

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/rawjson"
)

// maxParams is the size of the largest parameters, in bytes. Files travel in them.
const maxParams = 32 << 20

// Encode returns the parameters of a call as JSON, which need not be valid where the caller
// wrote it. The error has kind invalid_params.
func Encode(params any) ([]byte, error) {
	var data []byte
	var err error
	switch p := params.(type) {
	case nil:
		return []byte("{}"), nil
	case json.RawMessage:
		data = p
	case []byte:
		data = p
	case map[string]any:
		data, err = encodeParams(p)
	default:
		data, err = encodeAny(nil, p)
	}
	if err != nil {
		return nil, fault.Invalid("params", fmt.Sprintf("params of type %T do not marshal to JSON", params), "pass host.Params, a struct or a json.RawMessage").WithCause(err)
	}
	if len(data) > maxParams {
		return nil, fault.Invalid("params", fmt.Sprintf("params are %d bytes long, the limit is %d", len(data), maxParams), "send less in one call")
	}
	if trimmed := rawjson.Trim(data); len(trimmed) == 0 || string(trimmed) == "null" {
		return []byte("{}"), nil
	}
	return data, nil
}

// encodeParams writes what encodeAny writes, with less work for what most parameters are:
// texts, numbers and booleans.
func encodeParams(params map[string]any) ([]byte, error) {
	if params == nil {
		return []byte("null"), nil
	}
	var few [8]string
	names, size := few[:0], 2
	for name, value := range params {
		names = append(names, name)
		size += len(name) + 24
		if text, ok := value.(string); ok {
			size += len(text)
		}
	}
	slices.Sort(names)
	b := append(make([]byte, 0, size), '{')
	for i, name := range names {
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		b = append(AppendText(b, name), ':')
		switch value := params[name].(type) {
		case string:
			b = AppendText(b, value)
		case int:
			b = strconv.AppendInt(b, int64(value), 10)
		case bool:
			b = strconv.AppendBool(b, value)
		default:
			b, err = encodeAny(b, value)
		}
		if err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}

// AppendText appends a string as JSON, with <, > and & as they are.
func AppendText(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			b, _ = encodeAny(b, s) // a string always marshals
			return b
		}
	}
	return append(append(append(b, '"'), s...), '"')
}

// encodeAny appends a value as package encoding/json writes it, with <, > and & as they are.
func encodeAny(b []byte, value any) ([]byte, error) {
	buffer := bytes.NewBuffer(b)
	encoder := json.NewEncoder(buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buffer.Bytes(), []byte{'\n'}), nil
}
