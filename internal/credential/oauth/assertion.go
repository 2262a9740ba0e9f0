package oauth

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"strings"
	"time"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/authfield"
	"github.com/agenthost/agenthost/pdk/abi"
)

const (
	// maxKey is the size of the largest text with a key, in bytes, and maxDER that of the key in
	// it: one of 8,192 bits has 4,700. To check a larger one takes seconds.
	maxKey, maxDER = 16 << 10, 5000
	// The least and most bits of a key.
	leastBits, mostBits = 2048, 8192
	// assertionTime is how long an assertion is good; servers take no longer one.
	assertionTime = time.Hour
	// maxIssuer is the length of the longest name of a service account, in bytes.
	maxIssuer = 320
)

// Assertion gets a token with the grant jwt_bearer (RFC 7523, section 2.1): the client signs with
// its key what it asks for, with RS256. The signature names the token endpoint, so that no other
// server can use it.
//
// # Errors
//
// Those of [Client.Refresh]; auth_failed if there is no usable key.
func (c *Client) Assertion(ctx context.Context, scopes []string) (Token, error) {
	assertion, err := c.assertion(scopes)
	if err != nil {
		return Token{}, err
	}
	return c.token(ctx, []param{
		{name: "grant_type", plain: "urn:ietf:params:oauth:grant-type:jwt-bearer"},
		{name: "assertion", secret: assertion},
	})
}

// signs reports whether the client proves itself with a signature.
func (c *Client) signs() bool {
	return !c.config.ServiceAccount.IsZero() || !c.config.PrivateKey.IsZero()
}

// claims are those that servers of service accounts want (RFC 7519, section 4.1).
type claims struct {
	Issuer   string `json:"iss"`
	Scope    string `json:"scope,omitempty"`
	Audience string `json:"aud"`
	IssuedAt int64  `json:"iat"`
	Expires  int64  `json:"exp"`
}

func (c *Client) assertion(scopes []string) (secret.Value, error) {
	issuer, key, field, err := c.signer()
	if err != nil {
		return secret.Value{}, &abi.Error{
			Kind: abi.KindAuthFailed, Field: "connections." + c.config.Connection + ".credentials." + field,
			Message: "the credential " + field + " of connection " + c.config.Connection + " " + err.Error(),
			Hint:    "store what the vendor gave you as it is: the JSON of a service account, or a PEM file with one RSA key that is not encrypted",
		}
	}
	now := c.config.HTTP.Now()
	body, err := json.Marshal(claims{issuer, strings.Join(scopes, " "), c.config.Token.URL, now.Unix(), now.Add(assertionTime).Unix()})
	if err != nil {
		return secret.Value{}, err
	}
	encode := base64.RawURLEncoding.EncodeToString
	signed := encode([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." + encode(body)
	digest := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest[:])
	if err != nil {
		return secret.Value{}, err
	}
	return secret.New([]byte(signed + "." + encode(signature))), nil
}

// signer returns who signs with which key, and the field that has the key. The error does not quote
// it.
func (c *Client) signer() (issuer string, key *rsa.PrivateKey, field string, err error) {
	var account struct {
		Email string `json:"client_email"`
		Key   string `json:"private_key"`
	}
	field = authfield.CredentialsJSON
	if !c.config.ServiceAccount.IsZero() {
		err = c.config.ServiceAccount.Reveal(func(b []byte) error {
			if len(b) > maxKey {
				return errors.New("is too long for the key of a service account")
			}
			if json.Unmarshal(b, &account) != nil { // whose error would quote it
				return errors.New("is not a JSON object with client_email and private_key")
			}
			text := []byte(account.Key)
			defer clear(text)
			var wrong error
			key, wrong = rsaKey(text)
			return wrong
		})
		issuer = account.Email
	} else {
		field = authfield.PrivateKey
		err = errors.Join(
			c.config.ClientID.Reveal(func(b []byte) error { issuer = string(b); return nil }),
			c.config.PrivateKey.Reveal(func(b []byte) (wrong error) { key, wrong = rsaKey(b); return wrong }),
		)
	}
	if err == nil && (issuer == "" || len(issuer) > maxIssuer || strings.ContainsFunc(issuer, func(r rune) bool { return r <= ' ' || r > '~' })) {
		err = errors.New("is of a client whose name is empty, too long or has an odd character")
	}
	return issuer, key, field, err
}

// rsaKey reads a key in PEM form: PKCS #8 or PKCS #1.
func rsaKey(text []byte) (*rsa.PrivateKey, error) {
	if len(text) > maxKey {
		return nil, errors.New("is too long for a key")
	}
	block, rest := pem.Decode(text)
	if block == nil || len(bytes.TrimSpace(rest)) > 0 {
		return nil, errors.New("is not one key in PEM form")
	}
	defer clear(block.Bytes)
	if len(block.Bytes) > maxDER {
		return nil, errors.New("is too long for a key")
	}
	var parsed any
	var err error
	switch block.Type {
	case "PRIVATE KEY":
		parsed, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		parsed, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	default:
		return nil, errors.New("is PEM, but not a private key, or an encrypted one")
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if err != nil || !ok {
		return nil, errors.New("is not an RSA key")
	}
	if bits := key.N.BitLen(); bits < leastBits || bits > mostBits {
		return nil, errors.New("is an RSA key of another size than 2,048 to 8,192 bits")
	}
	return key, nil
}
