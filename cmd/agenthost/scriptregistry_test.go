package main

import (
	"context"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"strings"
	"time"

	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/internal/provenance"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/rogpeppe/go-internal/testscript"
)

// registryCommand starts an OCI registry in the test's process, whose host is $REGISTRY.
//
//	registry
func registryCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: registry")
	}
	s := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0)), registry.WithReferrersSupport(true)))
	ts.Defer(s.Close)
	ts.Setenv("REGISTRY", strings.TrimPrefix(s.URL, "http://"))
}

// signersVariable names a file that takes the place of signatures: a line is a connector's name and the key
// that signs it, or "refused". Only this test binary reads it.
const signersVariable = "TEST_SIGNERS"

type signers string

func signersIn(file string) func(*config.Config, func() time.Time) (provenance.Verifier, error) {
	return func(*config.Config, func() time.Time) (provenance.Verifier, error) { return signers(file), nil }
}

func (file signers) Verify(_ context.Context, artifact, name string, _ [][]byte) (provenance.Signer, error) {
	text, err := os.ReadFile(string(file))
	if err != nil {
		return provenance.Signer{}, err
	}
	for line := range strings.Lines(string(text)) {
		if words := strings.Fields(line); len(words) == 2 && (words[0] == name || words[0] == artifact) {
			if words[1] == "refused" {
				return provenance.Signer{}, refusedArtifact("no signature of "+artifact+" is by a signer of "+name, "")
			}
			return provenance.Signer{Key: words[1]}, nil
		}
	}
	return provenance.Signer{}, nil
}
