package audit

import (
	"context"
	"errors"
)

// Tee returns a sink that writes every record to all sinks, in order. A failure of one does
// not stop the others; the error joins all failures.
func Tee(sinks ...Sink) Sink {
	if len(sinks) == 1 {
		return sinks[0]
	}
	return tee(sinks)
}

type tee []Sink

func (t tee) Write(ctx context.Context, r *Record) error {
	var errs []error
	for _, sink := range t {
		if err := sink.Write(ctx, r); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
