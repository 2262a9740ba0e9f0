package audit

import (
	"bytes"
	"encoding/json"
	"time"
)

// MarshalJSON implements json.Marshaler. It escapes characters that could
// control a terminal or confuse a reader of logs. The output has at most 1 MiB.
func (r *Record) MarshalJSON() ([]byte, error) {
	return bytes.TrimSuffix(appendLine(nil, r), []byte("\n")), nil
}

// line is a record in JSON, with times in microseconds.
type line struct {
	*plain
	Requests []requestLine `json:"requests"`
	Duration int64         `json:"duration_us"`
}

// plain is a Record without its methods.
type plain Record

type requestLine struct {
	Request
	Start    int64 `json:"start_us"`
	Duration int64 `json:"duration_us"`
}

// UnmarshalJSON implements json.Unmarshaler. It ignores unknown members.
func (r *Record) UnmarshalJSON(data []byte) error {
	*r = Record{}
	l := line{plain: (*plain)(r)}
	if err := json.Unmarshal(data, &l); err != nil {
		return err
	}
	r.Duration = time.Duration(l.Duration) * time.Microsecond
	for _, q := range l.Requests {
		q.Request.Start, q.Request.Duration = time.Duration(q.Start)*time.Microsecond, time.Duration(q.Duration)*time.Microsecond
		r.Requests = append(r.Requests, q.Request)
	}
	return nil
}
