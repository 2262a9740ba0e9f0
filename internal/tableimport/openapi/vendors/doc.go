// Package vendors has only tests: they import OpenAPI documents that vendors publish, run
// agenthost plugin test on what comes out, and hold sampled requests against the document with
// a validator that others wrote. make test-openapi gets the documents from npm and PyPI.
package vendors
