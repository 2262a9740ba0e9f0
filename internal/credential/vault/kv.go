package vault

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/credential/source"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/pdk/abi"
)

// engine is the mount of a KV engine, and the secret's path in it.
type engine struct {
	mount, path string
	version     int
}

// engine finds the engine that serves a path. It asks the Vault, as Vault's own command does,
// because a mount may have slashes in its name.
func (q question) engine(ctx context.Context, path string, version int) (engine, error) {
	mount, rest, _ := strings.Cut(path, "/")
	if version != 0 {
		return engine{mount, rest, version}, nil
	}
	status, a, err := q.get(ctx, "/v1/sys/internal/ui/mounts/"+path)
	switch {
	case err != nil:
		return engine{}, err
	case status == 403:
		return engine{}, q.forbidden()
	case status == 404: // a Vault before 0.10, which has version 1 only
		return engine{mount, rest, 1}, nil
	case status != 200:
		return engine{}, q.unexpected(status)
	}
	var found struct {
		Path    string            `json:"path"`
		Type    string            `json:"type"`
		Options map[string]string `json:"options"`
	}
	if json.Unmarshal(a.Data, &found) != nil {
		return engine{}, q.unexpected(status)
	}
	if found.Type != "kv" && found.Type != "generic" {
		return engine{}, source.Missing(q.ref, "the mount is not a KV engine", "name a path in a KV engine; vault secrets list prints the mounts", nil)
	}
	mount = strings.TrimSuffix(found.Path, "/")
	rest, inside := strings.CutPrefix(path, mount+"/")
	if mount == "" || !inside {
		return engine{}, q.unexpected(status)
	}
	if found.Options["version"] == "2" {
		return engine{mount, rest, 2}, nil
	}
	return engine{mount, rest, 1}, nil
}

// fields reads the fields of a secret, as JSON.
func (q question) fields(ctx context.Context, e engine) (map[string]json.RawMessage, error) {
	path := "/v1/" + e.mount + "/" + e.path
	if e.version == 2 {
		path = "/v1/" + e.mount + "/data/" + e.path
	}
	status, a, err := q.get(ctx, path)
	switch {
	case err != nil:
		return nil, err
	case status == 403:
		return nil, q.forbidden()
	case status == 404:
		return nil, q.absent(a)
	case status != 200:
		return nil, q.unexpected(status)
	}
	data := a.Data
	if e.version == 2 {
		var versioned struct {
			Data json.RawMessage `json:"data"`
		}
		if json.Unmarshal(data, &versioned) != nil {
			return nil, q.unexpected(status)
		}
		data = versioned.Data
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(data, &fields) != nil || fields == nil {
		return nil, q.unexpected(status)
	}
	return fields, nil
}

// absent distinguishes a deleted secret, whose metadata version 2 keeps, from one that never
// existed.
func (q question) absent(a answer) error {
	var deleted struct {
		Metadata *struct{} `json:"metadata"`
	}
	if json.Unmarshal(a.Data, &deleted) == nil && deleted.Metadata != nil {
		return source.Missing(q.ref, "its newest version was deleted", "vault kv undelete brings it back; vault kv put writes a new one", nil)
	}
	return source.Missing(q.ref, "the Vault has no secret at this path", "check the path, and secrets.vault.namespace; vault kv get shows it", nil)
}

func (q question) unexpected(status int) error {
	return &abi.Error{Kind: abi.KindVendorError, Message: fmt.Sprintf("the Vault answered for %s with status %d, which cannot be used", q.ref, status), Hint: "check secrets.vault, version and namespace included"}
}

// pick returns a field as a secret: text as it is, numbers and booleans as JSON.
func pick(ref secret.Ref, fields map[string]json.RawMessage, name string) (secret.Value, error) {
	raw, ok := fields[name]
	if !ok {
		hint := fault.Hint(name, slices.Collect(maps.Keys(fields)))
		return secret.Value{}, source.Missing(ref, "the secret has no such field", hint, nil)
	}
	var text string
	switch {
	case json.Unmarshal(raw, &text) == nil && string(raw) != "null":
	case string(raw) == "null" || raw[0] == '{' || raw[0] == '[':
		return secret.Value{}, source.Missing(ref, "the field is not text", "store the secret as a string", nil)
	default:
		text = string(raw)
	}
	if text == "" {
		return secret.Value{}, source.Missing(ref, "the field is empty", "write the credential into it", nil)
	}
	return secret.New([]byte(text)), nil
}
