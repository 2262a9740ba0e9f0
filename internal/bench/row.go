package main

import (
	"cmp"
	"fmt"
	"strconv"
)

// direction says which way a figure becomes worse.
type direction string

const (
	higher direction = "higher"
	lower  direction = "lower"
)

// row is a figure that is nearly the same on other machines: a ratio of things measured in the
// same turns, or a number such as bytes.
type row struct {
	Name string `json:"name"`
	// Base is what Ratio is a ratio to, empty if it is a number in Unit.
	Base  string    `json:"base,omitempty"`
	Worse direction `json:"worse"`
	// Runs has the figure of each run. Ratio is their median, and Spread their spread.
	Runs   []float64 `json:"runs"`
	Ratio  float64   `json:"ratio"`
	Spread float64   `json:"spread"`
	// Seen is what this machine took, in Unit.
	Seen float64 `json:"seen"`
	Unit string  `json:"unit"`
	// Goal is what the project wants, nil if nothing in particular.
	Goal *goal `json:"goal,omitempty"`
	// least is the smallest difference of Ratio that counts, besides its spread.
	least float64
}

// goal is about the ratio, or about what this machine takes.
type goal struct {
	Value float64 `json:"value"`
	Seen  bool    `json:"seen,omitempty"`
}

func ratioGoal(value float64) *goal { return &goal{Value: value} }
func seenGoal(value float64) *goal  { return &goal{Value: value, Seen: true} }

func (r row) with(runs []float64) row {
	r.Runs, r.Ratio, r.Spread = runs, median(runs), spread(runs)
	if r.Base == "" {
		r.Seen = r.Ratio
	}
	return r
}

// worse says by how much a ratio is worse than another, below 0 if it is better.
func (d direction) worse(than, ratio float64) float64 {
	if d == higher {
		return ratio - than
	}
	return than - ratio
}

// aims returns the goal as people read it, and whether it is reached.
func (r row) aims() (text, reached string) {
	if r.Goal == nil {
		return "", ""
	}
	value, unit := r.Ratio, ""
	if r.Goal.Seen || r.Base == "" {
		value, unit = r.Seen, " "+r.Unit
	}
	sign, reached := "<=", "yes"
	if r.Worse == lower {
		sign = ">="
	}
	if r.Worse.worse(r.Goal.Value, value) > 0 {
		reached = "no"
	}
	return fmt.Sprintf("%s %g%s", sign, r.Goal.Value, unit), reached
}

func ratioTable(p *printer, rows []row) error {
	t := p.table("figure", "ratio", "spread", "runs", "to", "seen", "goal", "reached")
	for _, r := range rows {
		goal, reached := r.aims()
		t.line(r.Name, number(r.Ratio), number(r.Spread), strconv.Itoa(len(r.Runs)), cmp.Or(r.Base, "-"), number(r.Seen)+" "+r.Unit, goal, reached)
	}
	return t.end()
}

// number shows three digits, or as many as there are before the point.
func number(v float64) string {
	switch {
	case v >= 100 || v <= -100:
		return fmt.Sprintf("%.0f", v)
	case v == 0:
		return "0"
	}
	return fmt.Sprintf("%.3g", v)
}
