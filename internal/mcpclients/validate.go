package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// validators is code with which clients check or convert the schemas of tools, by the
// language that has it.
var validators = []struct {
	language string
	packages []string
}{
	{"v2", []string{"jsonschema", "fastmcp"}},
	{"v1", []string{"openai-agents", "google-genai"}},
	{"node", []string{"ajv (draft 7)", "ajv (2020-12)", "VS Code's rules"}},
}

// forms are the forms of tools. Their schemas differ.
var forms = []string{"operations", "connections", "search"}

type finding struct {
	Package string `json:"package"`
	Version string `json:"version"`
	Tool    string `json:"tool"`
	Problem string `json:"problem"`
}

func (r *runner) validate(ctx context.Context) error {
	fmt.Printf("\n"+validated, "validator", "version", "form", "tools", "problems")
	failed := 0
	for _, form := range forms {
		tools := r.offered[form].Tools
		encoded, err := json.Marshal(tools)
		if err != nil {
			return err
		}
		for _, v := range validators {
			cmd := r.script(ctx, v.language, "validate", v.packages...)
			var out, said bytes.Buffer
			cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(encoded), &out, &said
			if err := cmd.Run(); err != nil {
				return fmt.Errorf("%s: %w: %s", v.language, err, said.Bytes())
			}
			for _, name := range v.packages {
				if !r.only.MatchString(name) {
					continue
				}
				bad, err := report(name, form, len(tools), out.Bytes())
				if err != nil {
					return err
				}
				failed += bad
			}
		}
	}
	if failed > 0 {
		return fmt.Errorf("validators found %d problems", failed)
	}
	return nil
}

const validated = "%-27s %-8s %-11s %5v %8v\n"

const shown = 5

func report(name, form string, tools int, out []byte) (problems int, err error) {
	version := ""
	var below strings.Builder
	for line := range bytes.Lines(out) {
		var f finding
		if err := json.Unmarshal(line, &f); err != nil {
			return 0, fmt.Errorf("%s: %w: %.200q", name, err, line)
		}
		switch {
		case f.Package != name:
		case f.Problem == "":
			version = f.Version
		default:
			if problems++; problems <= shown {
				_, _ = fmt.Fprintf(&below, "    %s: %s\n", f.Tool, strings.ReplaceAll(f.Problem, "\n", " "))
			}
		}
	}
	if version == "" {
		return 0, errors.New(name + " said nothing")
	}
	fmt.Printf(validated+"%s", name, version, form, tools, problems, below.String())
	return problems, nil
}
