package store

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/store/envelope"
)

// Credentials are the secrets of a connection, and where they may be sent.
type Credentials struct {
	// Fields are those of the connector's auth scheme.
	Fields map[string]secret.Value
	// Origins are the places that the secrets are for. With other ones they do not open.
	Origins []string
}

// given returns what a change says of credentials: their fields.
func (k Credentials) given() []string {
	fields := []string{"credentials"}
	for _, name := range slices.Sorted(maps.Keys(k.Fields)) {
		fields = append(fields, "credentials."+name)
	}
	return fields
}

const (
	// maxFields is how many fields the credentials of a connection have at most.
	maxFields = 64
	// maxField is the size of the largest field in bytes, as it is sealed.
	maxField = 64 << 10
)

// putCredentials seals the credentials of a connection that has none.
func (t session) putCredentials(c *Connection, k Credentials) error {
	if len(k.Fields) == 0 {
		return nil
	}
	if len(k.Fields) > maxFields {
		return fault.Invalid("credentials", fmt.Sprintf("there are %d fields", len(k.Fields)), fmt.Sprintf("use at most %d", maxFields))
	}
	origins, err := document("origins", k.Origins)
	if err != nil {
		return err
	}
	key, err := t.sealer(c.Workspace, int64(len(k.Fields)))
	if err != nil {
		return err
	}
	for field, value := range k.Fields {
		if err := checkName("credentials", field); err != nil {
			return err
		}
		sealed, err := key.Seal(t.s.random, credentialPlace(c.Organization, c.Workspace, c.ID, field, k.Origins), value)
		if err != nil {
			return err
		}
		if len(sealed) > maxField {
			return fault.Invalid("credentials."+field, "the value is too long", fmt.Sprintf("use less than %d bytes", maxField))
		}
		if _, err := t.exec("credential.put", c.ID, field, origins, key.ID(), sealed); err != nil {
			return err
		}
	}
	return nil
}

// dropCredentials removes the credentials and the token of a connection of a workspace, or of all
// its connections if id is empty.
func (t session) dropCredentials(workspace, id string) error {
	// A rotation that runs would write again what is removed here.
	if _, err := t.useDataKey(workspace, 0); err != nil {
		return err
	}
	if _, err := t.exec("credential.delete", workspace, id); err != nil {
		return err
	}
	_, err := t.exec("token.delete", workspace, id)
	return err
}

func credentialPlace(organization, workspace, connection, field string, origins []string) envelope.Place {
	return envelope.Place{Organization: organization, Workspace: workspace, Connection: connection, Field: "credential " + field, Origins: origins}
}

// Credentials opens the credentials of a connection, which go to some origins. It returns none if
// the connection has none, or if the scope does not have it. The error is [envelope.ErrSealed] if
// somebody moved or changed them, or if they were given for other origins. It takes one query.
func (s *Store) Credentials(ctx context.Context, p Scope, connection string, origins []string) (map[string]secret.Value, error) {
	return reading(ctx, s, func(t session) (map[string]secret.Value, error) {
		return t.credentials(p, connection, origins)
	})
}

// credentials is [Store.Credentials] in a session.
func (t session) credentials(p Scope, connection string, origins []string) (map[string]secret.Value, error) {
	fields := make(map[string]secret.Value)
	var last *envelope.DataKey
	err := t.each("credential.list", func(r row) error {
		var k sealedKey
		var field string
		var sealed []byte
		if err := r.Scan(&k.organization, &k.workspace, &field, &sealed, &k.id, &k.wrapped.Master, &k.wrapped.Sealed); err != nil {
			return err
		}
		if last == nil || last.ID() != k.id {
			var err error
			if last, err = t.s.openDataKey(t.ctx, k); err != nil {
				return err
			}
		}
		value, err := last.Open(credentialPlace(k.organization, k.workspace, connection, field, origins), sealed)
		if err != nil {
			return fmt.Errorf("credential %s of connection %s: %w", field, connection, err)
		}
		fields[field] = value
		return nil
	}, p.Organization, p.Workspace, connection)
	return fields, err
}

// bound reads the origins that a row was sealed for.
func bound(text string) (origins []string, err error) {
	err = json.Unmarshal([]byte(text), &origins)
	return origins, err
}
