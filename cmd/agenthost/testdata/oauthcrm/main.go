// Command oauthcrm is a connector of a vendor with OAuth 2.0, for tests: a person logs in
// to it, or a client acts for itself.
package main

import (
	"github.com/agenthost/agenthost/pdk"
	"github.com/agenthost/agenthost/pdk/abi"
)

const origin = "https://crm.example"

var (
	id     = abi.AuthField{Name: "client_id", Required: true, Description: "Of the app that you registered."}
	secret = abi.AuthField{Name: "client_secret", Required: true, Secret: true}
	inject = []abi.Injection{{In: abi.InHeader, Name: "Authorization", Value: "Bearer {access_token}"}}
)

// connector is read only.
var connector = pdk.Connector{
	Name: "oauthcrm", Title: "OAuth CRM", Version: "1.0.0", Description: "A vendor with OAuth 2.0.",
	Servers: []abi.Server{{ID: "main", URL: origin}},
	Auth: abi.AuthSchema{Schemes: []abi.AuthScheme{
		{
			ID: "login", Type: abi.AuthOAuth2, Title: "Login", Description: "A person logs in.",
			Fields: []abi.AuthField{id, secret, {Name: "refresh_token", Secret: true, Description: "Left out where a person logs in."}},
			Inject: inject, Origins: []string{origin},
			OAuth2: &abi.OAuth2{
				Grant: abi.GrantRefreshToken, TokenURL: origin + "/token", RevokeURL: origin + "/revoke",
				AuthorizeURL: origin + "/authorize", Scopes: []string{"offline", "read"},
			},
		},
		{
			ID: "app", Type: abi.AuthOAuth2, Title: "App", Description: "The app acts for itself.",
			Fields: []abi.AuthField{id, secret, {Name: "app", Required: true, Description: "Any text: chooses this way."}},
			Inject: inject, Origins: []string{origin},
			OAuth2: &abi.OAuth2{Grant: abi.GrantClientCredentials, TokenURL: origin + "/token", Scopes: []string{"read"}, ClientAuth: abi.ClientAuthPost},
		},
	}},
	Check: abi.OperationRef{Entity: "me", Action: "get"},
	Operations: []pdk.Operation{
		{Entity: "me", Action: "get", Description: "Who is logged in.", Effect: pdk.Read, Method: "GET", Path: "/me", Data: "/data"},
		{Entity: "notes", Action: "create", Description: "Writes a note.", Effect: pdk.Write, Method: "POST", Path: "/notes", Data: "/data"},
	},
}

// Describe writes the manifest.
//
//go:wasmexport describe
func Describe() int32 { return pdk.Describe(&connector) }

// AuthSchema writes how the vendor authenticates.
//
//go:wasmexport auth_schema
func AuthSchema() int32 { return pdk.AuthSchema(&connector) }

// Execute runs an operation.
//
//go:wasmexport execute
func Execute() int32 { return pdk.Execute(&connector) }

func main() {}
