package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"slices"
)

// kept are the ratios that the repository keeps, each with the spread that its runs had.
type kept struct {
	// Machine is where they were measured. Ratios differ a little between machines: on another
	// kind, keep them anew before a change and check after it.
	Machine string    `json:"machine"`
	Rows    []keptRow `json:"rows"`
}

type keptRow struct {
	Name   string    `json:"name"`
	Worse  direction `json:"worse"`
	Ratio  float64   `json:"ratio"`
	Spread float64   `json:"spread"`
}

// leastShare is the smallest difference that counts, as a share of the kept ratio: two
// processes with the same code differ more than the runs of one.
const leastShare = 0.03

// finding is a row that differs from the kept one.
type finding struct {
	name   string
	worse  bool // false for a remark
	reason string
}

// check compares rows with the kept ones. A row fails if its ratio is worse than the kept one
// by more than each of these: the kept spread, the new spread, the smallest difference that
// counts. So noise on either day does not fail it. A wanted row that is kept but was not
// measured fails too; a row that was never kept does not.
func (k *kept) check(rows []row, wanted func(name string) bool) []finding {
	var all []finding
	for _, r := range rows {
		i := slices.IndexFunc(k.Rows, func(o keptRow) bool { return o.Name == r.Name })
		if i < 0 {
			all = append(all, finding{r.Name, false, "is not kept: make bench-keep"})
			continue
		}
		old := k.Rows[i]
		if old.Worse != r.Worse {
			all = append(all, finding{r.Name, true, fmt.Sprintf("was kept with %s as the worse direction, which is now %s: make bench-keep", old.Worse, r.Worse)})
			continue
		}
		by, allowed := r.Worse.worse(old.Ratio, r.Ratio), max(old.Spread, r.Spread, r.least, leastShare*old.Ratio)
		if by > allowed {
			all = append(all, finding{r.Name, true, fmt.Sprintf("kept %s (spread %s), seen %s (spread %s): worse by %s, more than %s",
				number(old.Ratio), number(old.Spread), number(r.Ratio), number(r.Spread), number(by), number(allowed))})
		}
	}
	for _, old := range k.Rows {
		if wanted(old.Name) && !slices.ContainsFunc(rows, func(r row) bool { return r.Name == old.Name }) {
			all = append(all, finding{old.Name, true, "is kept and was not measured: make bench-keep where it is gone for good"})
		}
	}
	return all
}

// readKept reads the file that write wrote.
//
// Errors name the row: an unknown or missing key, a name that comes twice, a direction
// that does not exist, a number that is below 0.
func readKept(path string) (*kept, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	k, err := parseKept(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return k, nil
}

func parseKept(text []byte) (*kept, error) {
	// Pointers tell a key that is missing from a zero.
	var raw struct {
		Machine string `json:"machine"`
		Rows    []struct {
			Name   string    `json:"name"`
			Worse  direction `json:"worse"`
			Ratio  *float64  `json:"ratio"`
			Spread *float64  `json:"spread"`
		} `json:"rows"`
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&raw); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more after the end of the object")
	}
	k := &kept{Machine: raw.Machine}
	seen := map[string]bool{}
	for i, r := range raw.Rows {
		at := fmt.Sprintf("row %d (%q)", i+1, r.Name)
		switch {
		case r.Name == "":
			return nil, fmt.Errorf("%s has no name", at)
		case seen[r.Name]:
			return nil, fmt.Errorf("%s comes twice", at)
		case r.Worse != higher && r.Worse != lower:
			return nil, fmt.Errorf("%s: worse is %q, and must be %q or %q", at, r.Worse, higher, lower)
		case r.Ratio == nil || *r.Ratio < 0:
			return nil, fmt.Errorf("%s: ratio must be a number, 0 or more", at)
		case r.Spread == nil || *r.Spread < 0:
			return nil, fmt.Errorf("%s: spread must be a number, 0 or more", at)
		}
		seen[r.Name] = true
		k.Rows = append(k.Rows, keptRow{r.Name, r.Worse, *r.Ratio, *r.Spread})
	}
	if len(k.Rows) == 0 {
		return nil, errors.New("there are no rows")
	}
	return k, nil
}

// keep replaces the rows that were measured, and keeps those that were not.
func (k *kept) keep(rows []row) {
	k.Machine = machine()
	for _, r := range rows {
		now := keptRow{r.Name, r.Worse, digits(r.Ratio), digits(r.Spread)}
		if i := slices.IndexFunc(k.Rows, func(old keptRow) bool { return old.Name == r.Name }); i >= 0 {
			k.Rows[i] = now
		} else {
			k.Rows = append(k.Rows, now)
		}
	}
}

func (k *kept) write(path string) error {
	text, err := k.text()
	if err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o644)
}

// text has a line for each row, so that a change of one reads well.
func (k *kept) text() ([]byte, error) {
	machine, err := json.Marshal(k.Machine)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "{\n  \"machine\": %s,\n  \"rows\": [", machine)
	for i, r := range k.Rows {
		line, err := json.Marshal(r)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "\n    %s", line)
	}
	b.WriteString("\n  ]\n}\n")
	return b.Bytes(), nil
}

func digits(v float64) float64 {
	if v == 0 {
		return 0
	}
	scale := math.Pow(10, 3-math.Floor(math.Log10(math.Abs(v))))
	return math.Round(v*scale) / scale
}

func machine() string {
	return fmt.Sprintf("%s/%s, %d processors, %s", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version())
}
