package oauthsim

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"strings"
	"time"
)

// Assertions checks what clients sign to get a token (RFC 7523), as strict as servers for service
// accounts do. It shares no code with what signs.
type Assertions struct {
	Issuer, Audience, Scope string
	Key                     *Key
	Now                     func() time.Time
}

// PEM is the private key as vendors give it to a client.
func (k *Key) PEM() ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(k.private)
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), err
}

// wrong says why a request gets no token, and "" if it does.
func (a *Assertions) wrong(r *http.Request) string {
	if r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" || r.Header.Get("Authorization") != "" || len(r.PostForm) != 2 {
		return "not a form with grant_type and assertion"
	}
	parts := strings.Split(r.PostFormValue("assertion"), ".")
	if len(parts) != 3 {
		return "not a JWT"
	}
	var header map[string]any
	var claims struct {
		Iss, Aud, Scope string
		Iat, Exp        int64
	}
	for i, into := range []any{&header, &claims} {
		text, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil || json.Unmarshal(text, into) != nil {
			return "a part of the JWT is not JSON"
		}
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	public, isRSA := a.Key.Public().(*rsa.PublicKey)
	now := a.Now()
	switch {
	case header["alg"] != "RS256" || header["typ"] != "JWT":
		return "the algorithm is not RS256"
	case err != nil || !isRSA || rsa.VerifyPKCS1v15(public, crypto.SHA256, digest[:], signature) != nil:
		return "the signature is not of this key"
	case claims.Iss != a.Issuer:
		return "the issuer is another one"
	case claims.Aud != a.Audience:
		return "the audience is another one"
	case claims.Scope != a.Scope:
		return "the scope is another one"
	case claims.Iat > now.Unix():
		return "it was issued in the future"
	case claims.Exp <= now.Unix():
		return "it has expired"
	case claims.Exp-claims.Iat > 3600:
		return "it is good for longer than an hour"
	}
	return ""
}
