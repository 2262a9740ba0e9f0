package agefile

import (
	"bytes"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"context"
	"filippo.io/age"
	"filippo.io/age/armor"
	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/credential/durable"
	"github.com/agenthost/agenthost/pdk/abi"
	"io/fs"
	"os"
)

// content is the encrypted JSON.
type content struct {
	Version int               `json:"version"`
	Secrets map[string]string `json:"secrets"`
	// MAC covers Secrets as json.Marshal writes it, with the names in order.
	MAC []byte `json:"mac"`
}

const version = 1

var (
	errOtherIdentity = errors.New("no identity matches")
	errForged        = errors.New("authentication code does not match")
)

// key is an identity, which encrypts and authenticates.
type key struct {
	identity  age.Identity
	recipient age.Recipient
	private   secret.Value // in the one form that age writes
	mac       []byte
}

func parse(text secret.Value) (*key, error) {
	k := &key{}
	err := text.Reveal(func(b []byte) error {
		identities, err := age.ParseIdentities(bytes.NewReader(b))
		if err != nil || len(identities) != 1 {
			// The error of age quotes the line.
			return &abi.Error{Kind: abi.KindAuthFailed, Field: "secrets.identity", Message: "the secret is not a single age identity", Hint: "use a line that starts with AGE-SECRET-KEY-, as age-keygen prints it"}
		}
		var private string
		switch identity := identities[0].(type) {
		case *age.X25519Identity:
			k.recipient, private = identity.Recipient(), identity.String()
		case *age.HybridIdentity:
			k.recipient, private = identity.Recipient(), identity.String()
		default:
			return &abi.Error{Kind: abi.KindAuthFailed, Field: "secrets.identity", Message: "agenthost does not support this type of identity", Hint: "make one with age-keygen"}
		}
		k.identity, k.private = identities[0], secret.New([]byte(private))
		k.mac, err = hkdf.Key(sha256.New, []byte(private), nil, "agenthost secrets file", sha256.Size)
		return err
	})
	return k, err
}

// SecretKey returns the secret half of an identity, without the comments around it, to derive
// keys from.
//
// # Errors
//
// An *[abi.Error] of kind auth_failed if the text is not one age identity.
func SecretKey(identity secret.Value) (secret.Value, error) {
	k, err := parse(identity)
	return k.private, err
}

func (k *key) authenticate(secrets map[string]string) ([]byte, error) {
	canonical, err := json.Marshal(secrets)
	if err != nil {
		return nil, err
	}
	defer clear(canonical)
	mac := hmac.New(sha256.New, k.mac)
	mac.Write(canonical)
	return mac.Sum(nil), nil
}

func seal(identity secret.Value, secrets map[string]string) ([]byte, error) {
	k, err := parse(identity)
	if err != nil {
		return nil, err
	}
	code, err := k.authenticate(secrets)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	plain, err := json.Marshal(content{version, secrets, code})
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	defer clear(plain)
	var sealed bytes.Buffer
	armored := armor.NewWriter(&sealed)
	w, err := age.Encrypt(armored, k.recipient)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	_, err = w.Write(plain)
	if err := errors.Join(err, w.Close(), armored.Close()); err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return sealed.Bytes(), nil
}

func unseal(identity secret.Value, sealed []byte) (map[string]string, error) {
	k, err := parse(identity)
	if err != nil {
		return nil, err
	}
	r, err := age.Decrypt(armor.NewReader(bytes.NewReader(sealed)), k.identity)
	if _, other := errors.AsType[*age.NoIdentityMatchError](err); other {
		return nil, errOtherIdentity
	} else if err != nil {
		return nil, fmt.Errorf("unseal: %w", err)
	}
	plain, err := io.ReadAll(r)
	defer clear(plain)
	if err != nil {
		return nil, fmt.Errorf("unseal: %w", err)
	}
	var c content
	if json.Unmarshal(plain, &c) != nil { // whose error would quote the content
		return nil, errForged
	}
	code, err := k.authenticate(c.Secrets)
	if err != nil {
		return nil, fmt.Errorf("unseal: %w", err)
	}
	if !hmac.Equal(code, c.MAC) {
		return nil, errForged
	}
	if c.Version != version {
		return nil, fmt.Errorf("unseal: version %d is not known", c.Version)
	}
	return c.Secrets, nil
}

// CreateIdentity makes a new age identity in a file of mode 0600. It never overwrites a file:
// what an identity encrypted is lost with it.
//
// # Errors
//
// An *[abi.Error] of kind internal if the file cannot be written.
func CreateIdentity(ctx context.Context, path string) error {
	release, err := durable.Lock(ctx, path)
	if err != nil {
		return unwritable(path, err)
	}
	defer release()
	if _, err := os.Lstat(path); err == nil {
		return nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return unwritable(path, err)
	}
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		return (&abi.Error{Kind: abi.KindInternal, Message: "cannot make an identity"}).WithCause(err)
	}
	text := fmt.Sprintf("# An age identity, made by agenthost. Without it, nobody can decrypt the secrets: keep a copy.\n%s\n", identity)
	if err := (durable.Writer{}).Replace(path, []byte(text)); err != nil {
		return unwritable(path, err)
	}
	return nil
}
