// Package oauthtest tests host/oauth against an authorization server that others wrote:
// Ory's fosite. The requirements of that are large, so this is a module of its own.
package oauthtest
