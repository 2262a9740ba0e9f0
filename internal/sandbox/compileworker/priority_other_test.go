//go:build !linux

package compileworker_test

func niceness() string { return "" }
