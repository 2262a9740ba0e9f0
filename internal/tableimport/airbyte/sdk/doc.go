// Package sdk has only tests: imported connectors run beside airbyte-agent-sdk, whose requests
// and results record.py records. make test-airbyte runs them.
package sdk
