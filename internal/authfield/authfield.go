// Package authfield has the names of the fields of an oauth2 scheme that the host uses, and the name
// of the access token in the templates of inject. docs/abi.md explains them.
package authfield

// The fields.
const (
	ClientID     = "client_id"
	ClientSecret = "client_secret"
	RefreshToken = "refresh_token"
	AccessToken  = "access_token"
	// CredentialsJSON is the key of a service account, as Google gives it: a JSON object with
	// client_email and private_key.
	CredentialsJSON = "credentials_json"
	// PrivateKey is an RSA key in PEM form, with which the client client_id signs.
	PrivateKey = "private_key"
)
