package server

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/authfield"
	"github.com/agenthost/agenthost/internal/configvalue"
	"github.com/agenthost/agenthost/internal/credential"
	"github.com/agenthost/agenthost/internal/egress/origin"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/store/envelope"
	"github.com/agenthost/agenthost/pdk/abi"
)

// settings are what a workspace gives to a connector: all of them are values. A text that looks
// like a reference to a secret is that text.
type settings struct {
	config      map[string]string // of the connector's own values
	replication map[string]string // what only copies of records need; kept and shown
	credentials map[string]secret.Value
	scheme      string
	grant       string   // of OAuth 2.0
	origins     []string // where the credential may go
}

// maxSecret is the size of the largest value of a credential, in bytes.
const maxSecret = 64 << 10

// given are the objects of a request that have settings.
type given struct{ credentials, replication, environment map[string]any }

// settings reads and checks what a request gives. config is what the connector has already, and
// operator what the operator decides for the connector.
func (k *kind) settings(in given, config map[string]string, operator *host.Connection) (*settings, error) {
	s := &settings{config: maps.Clone(config), replication: make(map[string]string), credentials: make(map[string]secret.Value)}
	if s.config == nil {
		s.config = make(map[string]string)
	}
	for _, part := range []struct {
		at     string
		values map[string]any
	}{{"replication_config", in.replication}, {"environment", in.environment}} {
		for _, name := range slices.Sorted(maps.Keys(part.values)) {
			if err := k.value(s, part.at, name, part.values[name]); err != nil {
				return nil, err
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(in.credentials)) {
		if err := k.credential(s, name, in.credentials[name]); err != nil {
			return nil, err
		}
	}
	schemes, err := k.schemes(s.config)
	if err != nil {
		return nil, err
	}
	scheme, err := choose(schemes, s.credentials)
	if err != nil {
		return nil, err
	}
	if scheme != nil {
		s.scheme = scheme.ID
		if scheme.OAuth2 != nil {
			s.grant = scheme.OAuth2.Grant
		}
	}
	s.origins, err = k.origins(s.config, s.scheme, operator)
	return s, err
}

// schemes are the ways to authenticate with values in their origins.
func (k *kind) schemes(config map[string]string) ([]abi.AuthScheme, error) {
	values, err := configvalue.New("environment", k.Manifest.Config, config)
	if err != nil {
		return nil, err
	}
	if err := values.Complete("environment"); err != nil {
		return nil, err
	}
	return values.Schemes("environment", k.Auth.Schemes)
}

// origins are where a credential may go: what it is bound to. operator is what the operator decides
// for the connector.
func (k *kind) origins(config map[string]string, scheme string, operator *host.Connection) ([]string, error) {
	schemes, err := k.schemes(config)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(schemes, func(s abi.AuthScheme) bool { return s.ID == scheme })
	if i < 0 {
		return nil, nil
	}
	origins := slices.Sorted(slices.Values(schemes[i].Origins))
	if o := schemes[i].OAuth2; o != nil {
		token := o.TokenURL
		if own := operator.OAuth; own != nil && own.TokenURL != "" {
			token = own.TokenURL
		}
		origins = append(origins, "token "+token)
		if o.RevokeURL != "" && !slices.ContainsFunc(append(slices.Clone(schemes[i].Origins), token), func(known string) bool { return sameOrigin(known, o.RevokeURL) }) {
			origins = append(origins, "revoke "+o.RevokeURL) // which gets the refresh token, and nothing else of these says where it is
		}
		if o.Server != nil {
			origins = append(origins, o.Server.String())
		}
	}
	if strings.Contains(operator.Server, "://") { // the credential goes there in place of one of them
		o, _, err := origin.ParseServer(operator.Server)
		if err != nil {
			return nil, fmt.Errorf("the server of %s in the configuration: %w", k.Name, err)
		}
		origins = append(origins, "server "+o.String())
	}
	return origins, nil
}

// sameOrigin reports whether two URLs have one origin.
func sameOrigin(a, b string) bool {
	one, errOne := url.Parse(a)
	two, errTwo := url.Parse(b)
	return errOne == nil && errTwo == nil && strings.EqualFold(one.Scheme, two.Scheme) && strings.EqualFold(one.Host, two.Host)
}

// complete returns [envelope.ErrSealed] if a credential is not one of a scheme: somebody removed some
// of its fields, and the others would be sent as another scheme wants it.
func (k *kind) complete(config map[string]string, scheme string, credentials map[string]secret.Value) error {
	schemes, err := k.schemes(config)
	if err != nil {
		return err
	}
	if fits, err := choose(schemes, credentials); err != nil || fits == nil || fits.ID != scheme {
		return fmt.Errorf("the fields of the credential are not those of scheme %s: %w", scheme, envelope.ErrSealed)
	}
	return nil
}

// value reads one value that is not secret.
func (k *kind) value(s *settings, at, name string, v any) error {
	text, ok := asText(v)
	if !ok {
		return fault.Invalid(at+"."+name, fmt.Sprintf("%.60s is not one value", name), "write text, a number, true or false")
	}
	if slices.ContainsFunc(k.Manifest.Config, func(f abi.AuthField) bool { return f.Name == name }) {
		s.config[name] = text
		return nil
	}
	i := slices.IndexFunc(k.Auth.Replication, func(f abi.AuthField) bool { return f.Name == name })
	if i < 0 {
		var names []string
		for _, f := range slices.Concat(k.Manifest.Config, k.Auth.Replication) {
			names = append(names, f.Name)
		}
		return fault.Invalid(at+"."+name, fmt.Sprintf("%s has no setting %.60q", k.title(), name), unknownHint(name, names))
	}
	if problem := configvalue.Problem(&k.Auth.Replication[i], text); problem != "" {
		return fault.Invalid(at+"."+name, name+" "+problem, "correct it")
	}
	s.replication[name] = text
	return nil
}

// credential reads one value of a credential. No error quotes it.
func (k *kind) credential(s *settings, name string, v any) error {
	if slices.ContainsFunc(k.Manifest.Config, func(f abi.AuthField) bool { return f.Name == name }) {
		return k.value(s, "credentials", name, v)
	}
	var names []string
	for _, scheme := range k.Auth.Schemes {
		for _, f := range scheme.Fields {
			names = append(names, f.Name)
		}
	}
	text, ok := v.(string)
	switch {
	case !slices.Contains(names, name):
		return fault.Invalid("credentials."+clip(name), k.title()+" has no such field", unknownHint(name, names))
	case !ok || text == "":
		return fault.Invalid("credentials."+name, name+" is empty, or it is not text", "write the secret itself as text")
	case len(text) > maxSecret:
		return fault.Invalid("credentials."+name, fmt.Sprintf("%s is longer than %d bytes", name, maxSecret), "check that it is the right value")
	}
	s.credentials[name] = secret.New([]byte(text))
	return nil
}

// wants says which credentials a connector takes.
func (k *kind) wants() string {
	var names []string
	for i := range k.Auth.Schemes {
		if s := &k.Auth.Schemes[i]; len(names) == 0 {
			for _, f := range s.Fields {
				if f.Required || s.OAuth2 != nil && f.Name == authfield.RefreshToken {
					names = append(names, f.Name)
				}
			}
		}
	}
	if len(names) == 0 {
		return "add credentials, with the fields of one way to authenticate"
	}
	return "add credentials, with " + strings.Join(names, " and ")
}

// clip shortens a name that may be anything, even a secret.
func clip(name string) string {
	if len(name) > 40 {
		return strings.ToValidUTF8(name[:40], "") + "..."
	}
	return name
}

func unknownHint(name string, names []string) string {
	if len(names) == 0 {
		return "remove it"
	}
	return fault.Hint(name, names)
}

// asText returns a JSON value as the text that a connector gets.
func asText(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case bool:
		return strconv.FormatBool(v), true
	case json.Number:
		return v.String(), true
	}
	return "", false
}

// choose returns the scheme that fits a credential: the first that has all of its fields and needs
// no other. Without any field, it is the scheme without a credential, or nil.
func choose(schemes []abi.AuthScheme, given map[string]secret.Value) (*abi.AuthScheme, error) {
	if len(given) == 0 {
		if i := slices.IndexFunc(schemes, func(s abi.AuthScheme) bool { return s.Type == abi.AuthNone }); i >= 0 {
			return &schemes[i], nil
		}
		return nil, nil
	}
	scheme, problem := credential.Scheme(schemes, slices.Sorted(maps.Keys(given)))
	var missing string
	switch {
	case problem != nil && problem.Missing == "":
		return nil, fault.Invalid("credentials", "the fields belong to different ways to authenticate", "give the fields of one")
	case problem != nil:
		missing = problem.Missing
	case scheme.OAuth2 != nil && scheme.OAuth2.Grant == abi.GrantRefreshToken && given[authfield.RefreshToken].IsZero() && given[authfield.AccessToken].IsZero():
		missing = authfield.RefreshToken
	default:
		return scheme, nil
	}
	return nil, fault.Invalid("credentials."+missing, missing+" is missing", "add it to credentials")
}
