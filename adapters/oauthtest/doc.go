// Package oauthtest tests internal/credential/oauth and host/mcp/accesstoken against an authorization server
// that others wrote, Ory's fosite, and host/mcp with a client that logs in there. The
// requirements of that are large, so this is a module of its own.
package oauthtest
