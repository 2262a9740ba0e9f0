// Package sdk has only tests: imported connectors run beside airbyte-agent-sdk, whose requests
// and results record.py records. They also run in agenthost serve, which the SDK calls.
// make test-airbyte runs them.
package sdk
