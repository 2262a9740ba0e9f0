// Package contract holds what simulated vendors have in common: the parameters an operation takes and the checks
// of a request against them, tables of records in list order, signed cursors, limits by the minute, and sample values.
//
// It reports what is wrong with a request ([Problem]); each vendor has its own form of answer.
package contract
