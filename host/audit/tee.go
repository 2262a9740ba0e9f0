package audit

import (
	"context"
	"errors"
)

// Tee returns a sink that writes every record to all the given ones, in their order. Each
// gets every record, also after another failed; the error is that of all that failed.
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
