package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

func collect(ctx context.Context, root string, patterns []string) ([]*mutant, error) {
	list := exec.CommandContext(ctx, "go", append([]string{"list", "-json=Dir,GoFiles,CgoFiles"}, patterns...)...)
	list.Dir, list.Stderr = root, os.Stderr
	out, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	var all []*mutant
	for d := json.NewDecoder(bytes.NewReader(out)); d.More(); {
		var p struct {
			Dir     string
			GoFiles []string
		}
		if err := d.Decode(&p); err != nil {
			return nil, err
		}
		folder, err := filepath.Rel(root, p.Dir)
		if err != nil {
			return nil, err
		}
		folder = filepath.ToSlash(folder)
		for _, name := range p.GoFiles {
			source, err := os.ReadFile(filepath.Join(p.Dir, name))
			if err != nil {
				return nil, err
			}
			found, err := mutants(folder, strings.TrimPrefix(folder+"/"+name, "./"), source)
			if err != nil {
				return nil, err
			}
			all = append(all, found...)
		}
	}
	return all, nil
}

// draw shuffles the mutants of each kind and leaves out those that are known to change
// nothing. The same seed draws the same from the same code.
func draw(all []*mutant, equivalent map[string]string, seed uint64) map[kind][]*mutant {
	drawn := make(map[kind][]*mutant)
	for _, m := range all {
		if _, known := equivalent[m.change()]; !known {
			drawn[m.kind] = append(drawn[m.kind], m)
		}
	}
	for i, k := range kinds() {
		list := drawn[k]
		rand.New(rand.NewPCG(seed, uint64(i))).Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	}
	return drawn
}

// parseEquivalents reads the list of mutants that change nothing that anybody can see:
// what [mutant.change] says on a line, and the reason on the next ones, which start with a tab.
func parseEquivalents(text string) (map[string]string, error) {
	known := make(map[string]string)
	change := ""
	for i, line := range strings.Split(text, "\n") {
		reason, indented := strings.CutPrefix(line, "\t")
		switch {
		case strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#"):
		case indented && change == "":
			return nil, fmt.Errorf("line %d: a reason without a change", i+1)
		case indented:
			known[change] = strings.TrimSpace(known[change] + " " + reason)
		case change != "" && known[change] == "":
			return nil, fmt.Errorf("line %d: the change above has no reason", i+1)
		default:
			if _, twice := known[line]; twice {
				return nil, fmt.Errorf("line %d: the change is listed twice", i+1)
			}
			change = line
			known[change] = ""
		}
	}
	if change != "" && known[change] == "" {
		return nil, fmt.Errorf("the last change has no reason")
	}
	return known, nil
}
