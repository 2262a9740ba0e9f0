package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/pdk/abi"
)

// The exit codes. They are part of the command's interface: scripts depend on them.
const (
	exitOK          = 0
	exitOther       = 1
	exitUsage       = 2
	exitParams      = 3
	exitAuth        = 4
	exitDenied      = 5
	exitNotFound    = 6
	exitRateLimited = 7
	exitVendor      = 8
	exitConnector   = 9
	exitNetwork     = 10
	exitInterrupted = 130 // as shells number a process that SIGINT ended
)

// exitCodes says which code each kind of error has.
var exitCodes = map[abi.Kind]int{
	abi.KindInvalidParams:    exitParams,
	abi.KindUnknownOperation: exitUsage,
	abi.KindAuthFailed:       exitAuth,
	abi.KindPermissionDenied: exitDenied,
	abi.KindNotFound:         exitNotFound,
	abi.KindConflict:         exitVendor,
	abi.KindRateLimited:      exitRateLimited,
	abi.KindVendorError:      exitVendor,
	abi.KindDenied:           exitDenied,
	abi.KindLimitExceeded:    exitConnector,
	abi.KindTimeout:          exitNetwork,
	abi.KindConnectorFault:   exitConnector,
	abi.KindNetwork:          exitNetwork,
	abi.KindInternal:         exitOther,
}

// exitMeanings are the lines of the help text.
var exitMeanings = []struct {
	code    int
	meaning string
}{
	{exitOK, "all is well"},
	{exitUsage, "wrong command line or configuration; no such connection, entity or action"},
	{exitParams, "wrong parameters"},
	{exitAuth, "the vendor does not know the credential, or there is none"},
	{exitDenied, "refused: by policy, or by the vendor for lack of permission"},
	{exitNotFound, "the vendor has no such thing"},
	{exitRateLimited, "rate limited"},
	{exitVendor, "any other error of the vendor"},
	{exitConnector, "the connector failed or reached a limit"},
	{exitNetwork, "network error or timeout"},
	{exitInterrupted, "interrupted"},
	{exitOther, "anything else"},
}

func exitCodesHelp() string {
	var b strings.Builder
	b.WriteString("Exit codes:\n")
	for _, line := range exitMeanings {
		fmt.Fprintf(&b, "  %3d  %s\n", line.code, line.meaning)
	}
	return strings.TrimRight(b.String(), "\n")
}

// usageError is a command line that makes no sense.
type usageError struct{ message, hint string }

func (e *usageError) Error() string { return e.message }

// exitCode returns the code of an error.
func exitCode(ctx context.Context, err error) int {
	if err == nil {
		return exitOK
	}
	if ctx.Err() != nil {
		return exitInterrupted
	}
	var usage *usageError
	var configuration *config.Error
	if errors.As(err, &usage) || errors.As(err, &configuration) {
		return exitUsage
	}
	var public *abi.Error
	if errors.As(err, &public) {
		return exitCodes[public.Kind.Known()]
	}
	return exitOther
}
