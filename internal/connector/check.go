package connector

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/agenthost/agenthost/internal/authfield"
	"github.com/agenthost/agenthost/internal/egress/origin"
	"github.com/agenthost/agenthost/internal/egress/pathtemplate"
	"github.com/agenthost/agenthost/internal/egress/wire"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/lazyregexp"
	"github.com/agenthost/agenthost/internal/pattern"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Bounds of a declaration, so that a hostile manifest costs no more than an honest one, and its
// text does not fill a model's context.
const (
	maxOperations  = 1000
	maxRequests    = 50
	maxServers     = 50
	maxText        = 4000
	maxSchemaBytes = 64 << 10
	maxPatterns    = 200_000 // steps of all patterns, some 100 bytes each
	maxExamples    = 20      // of one operation
	maxSchemes     = 50
	maxFields      = 100 // of one scheme
	maxRateHeaders = 10
)

var (
	nameForm    = lazyregexp.New(`^[a-z][a-z0-9-]{0,62}$`)
	idForm      = lazyregexp.New(`^[a-z][a-z0-9_-]{0,62}$`)
	wordForm    = lazyregexp.New(`^[a-z][a-z0-9_]{0,62}$`)
	versionForm = lazyregexp.New(`^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$`)
	tokenForm   = lazyregexp.New("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")
	fieldInText = lazyregexp.New(`\{([^{}]*)\}`)
)

// check checks all that Parse promises, in the order of the document.
func check(ctx context.Context, c *Connector) error {
	m := c.Manifest
	switch {
	case m.ABI != abi.Version:
		return malformed("abi", "is %d, but this host supports version %d", m.ABI, abi.Version)
	case !nameForm.MatchString(m.Name):
		return malformed("name", "is %q, want lower-case letters, digits and dashes, a letter first", m.Name)
	case !versionForm.MatchString(m.Version):
		return malformed("version", "is %q, want a semantic version such as 1.0.0", m.Version)
	case m.Title == "":
		return malformed("title", "is missing")
	case m.Description == "":
		return malformed("description", "is missing")
	case len(m.Servers) == 0:
		return malformed("servers", "is empty, a connector needs at least one")
	case len(m.Servers) > maxServers:
		return malformed("servers", "has %d entries, the limit is %d", len(m.Servers), maxServers)
	case len(m.Operations) == 0:
		return malformed("operations", "is empty, a connector needs at least one")
	case len(m.Operations) > maxOperations:
		return malformed("operations", "has %d entries, the limit is %d", len(m.Operations), maxOperations)
	case len(c.operations) != len(m.Operations):
		return malformed("operations", "has two operations with the same entity and action")
	}
	for field, text := range map[string]string{"title": m.Title, "description": m.Description, "docs_url": m.DocsURL} {
		if err := checkText(field, text); err != nil {
			return err
		}
	}
	if err := checkConfig(m.Config); err != nil {
		return err
	}
	servers, err := checkServers(m.Servers, m.Config)
	if err != nil {
		return err
	}
	if err := checkRateHeaders(m.RateHeaders); err != nil {
		return err
	}
	patterns := 0
	for i := range m.Operations {
		if err := ctx.Err(); err != nil {
			return malformed("operations", "take too long to check: %v", err)
		}
		schema, err := checkOperation(ctx, fmt.Sprintf("operations[%d]", i), c.operations[ref(&m.Operations[i])], servers)
		if err != nil {
			return err
		}
		if patterns += schema.patterns; patterns > maxPatterns {
			return malformed("operations", "have patterns that compile to more than %d steps in total; use fewer repetitions", maxPatterns)
		}
	}
	if err := checkCheck(ctx, c, "check", m.Check); err != nil {
		return err
	}
	if err := checkAirbyte(ctx, c); err != nil {
		return err
	}
	if err := checkSyncs(ctx, c); err != nil {
		return err
	}
	if err := checkAuth(c.Auth, placesOf(m.Servers)); err != nil {
		return err
	}
	return checkNames(m.Config, c.Auth)
}

func ref(op *abi.Operation) abi.OperationRef {
	return abi.OperationRef{Entity: op.Entity, Action: op.Action}
}

// checkText refuses invisible characters in a text that people and models read: control,
// formatting and private ones.
func checkText(field, text string) error {
	if len(text) > maxText {
		return malformed(field, "is %d bytes long, the limit is %d", len(text), maxText)
	}
	if !utf8.ValidString(text) {
		return malformed(field, "is not valid UTF-8")
	}
	return checkVisible(field, text)
}

func checkVisible(field, text string) error {
	for _, r := range text {
		if r != '\n' && !unicode.IsGraphic(r) {
			return malformed(field, "has the invisible character %U", r)
		}
	}
	return nil
}

// checkTexts does the same for every text and name in a JSON value, such as the descriptions in
// a schema.
func checkTexts(field string, raw json.RawMessage) error {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return malformed(field, "is not JSON")
		}
		if text, ok := token.(string); ok {
			if err := checkVisible(field, text); err != nil {
				return err
			}
		}
	}
}

func checkServers(servers []abi.Server, config []abi.AuthField) (ids []string, err error) {
	for i, s := range servers {
		at := fmt.Sprintf("servers[%d]", i)
		if !nameForm.MatchString(s.ID) {
			return nil, malformed(at+".id", "is %q, want lower-case letters, digits and dashes", s.ID)
		}
		if slices.Contains(ids, s.ID) {
			return nil, malformed(at+".id", "repeats %q", s.ID)
		}
		ids = append(ids, s.ID)
		if err := checkServerURL(at+".url", s.URL, config); err != nil {
			return nil, err
		}
		if err := checkText(at+".title", s.Title); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

func checkOperation(ctx context.Context, at string, op *Operation, servers []string) (*Schema, error) {
	for field, word := range map[string]string{".entity": op.Entity, ".action": op.Action} {
		if !wordForm.MatchString(word) {
			return nil, malformed(at+field, "is %q, want lower-case letters, digits and underscores", word)
		}
	}
	at += " (" + op.Name() + ")"
	if op.Description == "" {
		return nil, malformed(at+".description", "is missing")
	}
	for field, text := range map[string]string{".title": op.Title, ".description": op.Description, ".permission": op.Permission} {
		if err := checkText(at+field, text); err != nil {
			return nil, err
		}
	}
	effects := []string{string(abi.EffectRead), string(abi.EffectWrite), string(abi.EffectDelete)}
	if !slices.Contains(effects, string(op.Effect)) {
		return nil, malformed(at+".effect", "is %q; %s", op.Effect, fault.Choices(effects))
	}
	if err := checkContent(at+".content", op.Content); err != nil {
		return nil, err
	}
	if op.Paginated && op.Content != "" && op.Content != abi.ContentJSON {
		return nil, malformed(at+".content", "is %q, but a paginated operation answers records", op.Content)
	}
	if len(op.Requests) > maxRequests {
		return nil, malformed(at+".requests", "has %d entries, the limit is %d", len(op.Requests), maxRequests)
	}
	for i, r := range op.Requests {
		here := fmt.Sprintf("%s.requests[%d]", at, i)
		if err := checkRequest(here, r, op.Effect, servers); err != nil {
			return nil, err
		}
		if err := checkFile(here+".file", r, op.Content); err != nil {
			return nil, err
		}
	}
	if len(op.Params) > maxSchemaBytes {
		return nil, malformed(at+".params", "is %d bytes long, the limit is %d", len(op.Params), maxSchemaBytes)
	}
	if len(op.Params) == 0 {
		return nil, malformed(at+".params", "is missing")
	}
	for field, raw := range map[string]json.RawMessage{".params": op.Params, ".result": op.Result} {
		if err := checkTexts(at+field, raw); err != nil {
			return nil, err
		}
	}
	schema, err := op.Schema()
	if err != nil {
		return nil, err
	}
	if types := schema.compiled.Types; types == nil || !slices.Equal(types.ToStrings(), []string{"object"}) {
		return nil, malformed(at+".params", "must have type object")
	}
	for i, r := range op.Requests {
		if err := checkFileParams(fmt.Sprintf("%s.requests[%d].file", at, i), r.File, schema.Properties()); err != nil {
			return nil, err
		}
	}
	if op.Paginated {
		for _, name := range []string{"cursor", "limit"} {
			if !slices.Contains(schema.Properties(), name) {
				return nil, malformed(at+".params", "has no %q, which every paginated operation needs", name)
			}
		}
	}
	if op.HostLimit && !op.Paginated {
		return nil, malformed(at+".host_limit", "is for paginated operations only")
	}
	for alias, name := range op.Aliases {
		for _, parameter := range []string{alias, name} {
			if !slices.Contains(schema.Properties(), parameter) {
				return nil, malformed(at+".aliases", "names %q, which is not a parameter", parameter)
			}
		}
	}
	if len(op.Result) > 0 {
		if _, err := CompileSchema(op.Result); err != nil {
			return nil, malformed(at+".result", "%v", err)
		}
	}
	if len(op.Examples) > maxExamples {
		return nil, malformed(at+".examples", "has %d entries, the limit is %d", len(op.Examples), maxExamples)
	}
	for i, example := range op.Examples {
		if err := checkTexts(fmt.Sprintf("%s.examples[%d]", at, i), example); err != nil {
			return nil, err
		}
		if err := schema.Validate(ctx, example); err != nil {
			return nil, malformed(fmt.Sprintf("%s.examples[%d]", at, i), "does not validate: %v", err)
		}
	}
	if len(op.Answers) > maxExamples {
		return nil, malformed(at+".answers", "has %d entries, the limit is %d", len(op.Answers), maxExamples)
	}
	if r := op.RateLimit; r != nil && (r.Requests <= 0 || r.PerSeconds <= 0) {
		return nil, malformed(at+".rate_limit", "needs requests and per_seconds above 0")
	}
	return schema, nil
}

func checkRequest(at string, r abi.RequestTemplate, effect abi.Effect, servers []string) error {
	if r.Server != "" && !slices.Contains(servers, r.Server) {
		return malformed(at+".server", "is %q; %s", r.Server, fault.Hint(r.Server, servers))
	}
	methods := []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}
	if !slices.Contains(methods, r.Method) {
		return malformed(at+".method", "is %q; %s", r.Method, fault.Choices(methods))
	}
	// Searches are POST requests that only read, so only clear contradictions are
	// refused.
	if effect == abi.EffectRead && (r.Method == "DELETE" || r.Method == "PUT" || r.Method == "PATCH") {
		return malformed(at+".method", "is %s in an operation whose effect is read", r.Method)
	}
	if _, err := pathtemplate.ParseTemplate(r.Path); err != nil {
		return malformed(at+".path", "is %q: %v", r.Path, err)
	}
	for _, c := range r.RawQuery {
		if !strings.ContainsRune(wire.RawQueryCharacters, c) {
			return malformed(at+".raw_query", "has %q, which is not one of %s", c, wire.RawQueryCharacters)
		}
	}
	return checkContent(at+".content", r.Content)
}

func checkRateHeaders(headers []abi.RateHeaders) error {
	if len(headers) > maxRateHeaders {
		return malformed("rate_headers", "has %d entries, the limit is %d", len(headers), maxRateHeaders)
	}
	units := []string{"seconds", "milliseconds", "epoch", "epoch_milliseconds", "time"}
	for i, h := range headers {
		at := fmt.Sprintf("rate_headers[%d]", i)
		switch {
		case h.Remaining != "" && !tokenForm.MatchString(h.Remaining):
			return malformed(at+".remaining", "is %q, which is not the name of a header", h.Remaining)
		case !tokenForm.MatchString(h.Reset):
			return malformed(at+".reset", "is %q, which is not the name of a header", h.Reset)
		case !slices.Contains(units, h.Unit):
			return malformed(at+".unit", "is %q; %s", h.Unit, fault.Choices(units))
		}
	}
	return nil
}

func checkContent(at string, content abi.Content) error {
	if content.Known() {
		return nil
	}
	names := []string{string(abi.ContentJSON), string(abi.ContentText), string(abi.ContentCSV), string(abi.ContentBinary)}
	return malformed(at, "is %q; %s", content, fault.Choices(names))
}

// checkCheck checks the operation that proves a credential, if there is one.
func checkCheck(ctx context.Context, c *Connector, at string, ref *abi.OperationRef) error {
	if ref == nil {
		return nil
	}
	op, err := c.Operation(ref.Entity, ref.Action)
	if err != nil {
		return malformed(at, "names an unknown operation: %v", err)
	}
	if op.Effect != abi.EffectRead {
		return malformed(at, "names %s, which is not a read operation", op.Name())
	}
	if err := op.Validate(ctx, []byte("{}")); err != nil {
		return malformed(at, "names %s, which needs parameters: %v", op.Name(), err)
	}
	return nil
}

func checkAuth(auth *abi.AuthSchema, servers places) error {
	switch n := len(auth.Schemes); {
	case n == 0:
		return malformed("schemes", "is empty, an auth schema needs at least one")
	case n > maxSchemes:
		return malformed("schemes", "has %d entries, the limit is %d", n, maxSchemes)
	}
	for i := range auth.Schemes {
		if err := checkScheme(fmt.Sprintf("schemes[%d]", i), &auth.Schemes[i], servers); err != nil {
			return err
		}
	}
	return checkFields("replication", auth.Replication)
}

func checkFields(at string, fields []abi.AuthField) error {
	if len(fields) > maxFields {
		return malformed(at, "has %d entries, the limit is %d", len(fields), maxFields)
	}
	for i, f := range fields {
		at := fmt.Sprintf("%s[%d]", at, i)
		if !wordForm.MatchString(f.Name) {
			return malformed(at+".name", "is %q, want lower-case letters, digits and underscores", f.Name)
		}
		if f.Type != "" || f.Default != "" || len(f.Enum) > 0 || f.Dots {
			return malformed(at, "has type, default, enum or dots, which are for config")
		}
		if f.Pattern != "" {
			if _, err := pattern.Whole(f.Pattern); err != nil {
				return malformed(at+".pattern", "%v", err)
			}
		}
		for field, text := range map[string]string{".title": f.Title, ".description": f.Description} {
			if err := checkText(at+field, text); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkScheme(at string, s *abi.AuthScheme, servers places) error {
	types := []string{string(abi.AuthBearer), string(abi.AuthBasic), string(abi.AuthAPIKey), string(abi.AuthOAuth2), string(abi.AuthNone)}
	switch {
	case !idForm.MatchString(s.ID):
		return malformed(at+".id", "is %q, want lower-case letters, digits, dashes and underscores", s.ID)
	case !slices.Contains(types, string(s.Type)):
		return malformed(at+".type", "is %q; %s", s.Type, fault.Choices(types))
	case s.Type == abi.AuthNone && (len(s.Fields)+len(s.Inject)+len(s.Origins) > 0 || s.Basic != nil || s.OAuth2 != nil):
		return malformed(at, "has the type none, and fields, inject, basic, oauth2 or origins")
	case s.Type == abi.AuthNone:
		return checkSchemeTexts(at, s)
	case s.Type == abi.AuthBasic && s.Basic == nil:
		return malformed(at+".basic", "is missing in a basic scheme")
	case s.Type == abi.AuthOAuth2 && s.OAuth2 == nil:
		return malformed(at+".oauth2", "is missing in an oauth2 scheme")
	case s.Type != abi.AuthOAuth2 && s.OAuth2 != nil:
		return malformed(at+".oauth2", "is for a scheme of type oauth2")
	case s.Type != abi.AuthBasic && len(s.Inject) == 0:
		return malformed(at+".inject", "is empty, so no request would have the credential")
	case len(s.Origins) == 0:
		return malformed(at+".origins", "is empty, so no origin could get the credential")
	}
	if err := checkSchemeTexts(at, s); err != nil {
		return err
	}
	if err := checkFields(at+".fields", s.Fields); err != nil {
		return err
	}
	var names []string
	for _, f := range s.Fields {
		names = append(names, f.Name)
	}
	if s.Type == abi.AuthOAuth2 {
		names = append(names, authfield.AccessToken)
		if err := checkOAuth2(at, s, servers); err != nil {
			return err
		}
	}
	if s.Basic != nil {
		for field, text := range map[string]string{".basic.username": s.Basic.Username, ".basic.password": s.Basic.Password} {
			if err := checkTemplate(at+field, text, names); err != nil {
				return err
			}
		}
	}
	if s.Basic == nil && !slices.ContainsFunc(s.Inject, func(in abi.Injection) bool { return strings.Contains(in.Value, "{") }) {
		return malformed(at+".inject", "has no field in any value, so no request would have the credential")
	}
	for i, in := range s.Inject {
		at := fmt.Sprintf("%s.inject[%d]", at, i)
		if places := []string{abi.InHeader, abi.InQuery, abi.InCookie}; !slices.Contains(places, in.In) {
			return malformed(at+".in", "is %q; %s", in.In, fault.Choices(places))
		}
		if !tokenForm.MatchString(in.Name) {
			return malformed(at+".name", "is %q, which is not a valid name", in.Name)
		}
		if err := checkTemplate(at+".value", in.Value, names); err != nil {
			return err
		}
	}
	for i, text := range s.Origins {
		if o, err := origin.Parse(sample(text)); err != nil || !servers.have(text, o) {
			return malformed(fmt.Sprintf("%s.origins[%d]", at, i), "is %q, which is not the origin of a server; %s", text, fault.Choices(servers.names))
		}
	}
	return nil
}

func checkSchemeTexts(at string, s *abi.AuthScheme) error {
	for field, text := range map[string]string{".title": s.Title, ".description": s.Description} {
		if err := checkText(at+field, text); err != nil {
			return err
		}
	}
	return nil
}

// checkTemplate refuses unknown fields, and braces without a name.
func checkTemplate(at, text string, names []string) error {
	for _, match := range fieldInText.FindAllStringSubmatch(text, -1) {
		if !slices.Contains(names, match[1]) {
			return malformed(at, "uses {%s}, which is not a field; %s", match[1], fault.Hint(match[1], names))
		}
	}
	if rest := fieldInText.ReplaceAllString(text, ""); strings.ContainsAny(rest, "{}\r\n\x00") {
		return malformed(at, "has a stray brace or control character")
	}
	return nil
}
