package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/agenthost/agenthost/cmd/agenthost/internal/params"
)

// paramsText returns the text that --params names.
func (a *app) paramsText(value string) ([]byte, error) {
	file, isFile := strings.CutPrefix(value, "@")
	switch {
	case value == "-":
		return readAll(a.stdin, "standard input")
	case isFile:
		f, err := os.Open(file)
		if err != nil {
			return nil, &usageError{message: fmt.Sprintf("--params: %v", err)}
		}
		defer f.Close()
		return readAll(f, file)
	}
	return []byte(value), nil
}

func readAll(r io.Reader, name string) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, params.MaxSize+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", name, err)
	case len(text) > params.MaxSize:
		return nil, &usageError{message: fmt.Sprintf("%s holds more than %d bytes of parameters", name, params.MaxSize)}
	case strings.TrimSpace(string(text)) == "":
		return nil, &usageError{message: fmt.Sprintf("--params: %s is empty", name), hint: "write a JSON object, at least {}"}
	}
	return text, nil
}

// asUsage makes a usage error of an argument that has the wrong form.
func asUsage(err error) error {
	if errors.Is(err, params.ErrForm) {
		return &usageError{message: err.Error(), hint: "for example: -p id=iss_1"}
	}
	return err
}
