// Package oidctest tests the server with an issuer of OpenID Connect that others wrote, zitadel/oidc:
// people log in there with a browser, and clients of MCP bring its access tokens. The requirements of
// that are large, so this is a module of its own.
package oidctest
