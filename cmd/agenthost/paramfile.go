package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/agenthost/agenthost/cmd/agenthost/internal/params"
)

// paramsText reads the value of --params: text, @file, or - for standard input.
func (a *app) paramsText(value string) ([]byte, error) {
	file, isFile := strings.CutPrefix(value, "@")
	if value == "-" {
		file, isFile = value, true
	}
	if !isFile {
		return []byte(value), nil
	}
	text, err := a.readInput("--params", file, params.MaxSize)
	if err == nil && len(bytes.TrimSpace(text)) == 0 {
		err = &usageError{message: fmt.Sprintf("--params: %s is empty", inputName(file)), hint: "write a JSON object, such as {}"}
	}
	return text, err
}

// paramFiles returns the parameters of --param-file as arguments of -p: the file's content takes
// the place of its name. All files together may have params.MaxSize bytes.
func (a *app) paramFiles(f execFlags) ([]string, error) {
	var arguments []string
	left, stdin := params.MaxSize, f.params == "-"
	for _, argument := range f.paramFile {
		key, file, ok := strings.Cut(argument, "=")
		if !ok || strings.TrimSuffix(key, ":") == "" || file == "" {
			return nil, &usageError{message: fmt.Sprintf("--param-file is %q, but needs key=FILE or key:=FILE", argument), hint: "for example: --param-file body_html=report.html"}
		}
		if file == "-" && stdin {
			return nil, &usageError{message: "two parameters cannot both be standard input", hint: "write one of them to a file"}
		}
		stdin = stdin || file == "-"
		text, err := a.readInput("--param-file", file, left)
		if err != nil {
			return nil, err
		}
		if !utf8.Valid(text) {
			return nil, &usageError{message: fmt.Sprintf("--param-file: %s is not UTF-8 text", inputName(file)), hint: "a parameter is text or JSON; encode other files as their vendor wants it, such as in base64"}
		}
		left -= len(text)
		arguments = append(arguments, key+"="+string(text))
	}
	return arguments, nil
}

// readInput reads a file, or standard input for -, of at most limit bytes.
func (a *app) readInput(flag, file string, limit int) ([]byte, error) {
	from := a.stdin
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, &usageError{message: fmt.Sprintf("%s: %v", flag, err), hint: "name a file that you can read, or - for standard input"}
		}
		defer f.Close()
		from = f
	}
	text, err := io.ReadAll(io.LimitReader(from, int64(limit)+1))
	if err != nil {
		return nil, &usageError{message: fmt.Sprintf("%s: cannot read %s: %v", flag, inputName(file), err), hint: "name a file that you can read, or - for standard input"}
	}
	if len(text) > limit {
		return nil, &usageError{message: fmt.Sprintf("%s: with %s, the parameters have more than %d bytes", flag, inputName(file), params.MaxSize), hint: "write less into the file"}
	}
	return text, nil
}

// inputName returns the name of a file in messages.
func inputName(file string) string {
	if file == "-" {
		return "standard input"
	}
	return file
}
