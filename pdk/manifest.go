package pdk

import (
	"strconv"

	"github.com/agenthost/agenthost/pdk/abi"
)

// Manifest returns the connector's manifest: an abi.Manifest as JSON.
func (c *Connector) Manifest() []byte {
	o := openObject(make([]byte, 0, 16<<10+1<<10*len(c.Operations)))
	o.int("abi", abi.Version)
	o.mustStr("name", c.Name)
	o.mustStr("title", c.Title)
	o.mustStr("version", c.Version)
	o.mustStr("description", c.Description)
	o.str("docs_url", c.DocsURL)
	c.writeOrigins(o)
	o.key("operations")
	o.b = append(o.b, '[')
	for i := range c.Operations {
		o.b = c.appendOperation(appendComma(o.b, i), &c.Operations[i])
	}
	o.b = append(o.b, ']')
	return o.close()
}

// writeOrigins writes where the API is, and what is said of all of its operations.
func (c *Connector) writeOrigins(o *object) {
	if c.Airbyte != nil {
		o.key("airbyte")
		o.b = appendAirbyte(o.b, c.Airbyte)
	}
	o.key("servers")
	o.b = append(o.b, '[')
	for i, s := range c.Servers {
		v := openObject(appendComma(o.b, i))
		v.mustStr("id", s.ID)
		v.mustStr("url", s.URL)
		v.str("title", s.Title)
		v.bool("operator", s.Operator)
		o.b = v.close()
	}
	o.b = append(o.b, ']')
	if len(c.Config) > 0 {
		o.key("config")
		o.b = appendConfig(o.b, c.Config)
	}
	if c.Check != (abi.OperationRef{}) {
		o.key("check")
		o.b = appendOperationRef(o.b, c.Check)
	}
	if len(c.RateHeaders) > 0 {
		o.key("rate_headers")
		o.b = append(o.b, '[')
		for i, h := range c.RateHeaders {
			v := openObject(appendComma(o.b, i))
			v.str("remaining", h.Remaining)
			v.mustStr("reset", h.Reset)
			v.mustStr("unit", h.Unit)
			o.b = v.close()
		}
		o.b = append(o.b, ']')
	}
	if len(c.Sync) > 0 {
		o.key("sync")
		o.b = appendSync(o.b, c.Sync)
	}
}

func (c *Connector) appendOperation(b []byte, op *Operation) []byte {
	o := openObject(b)
	o.mustStr("entity", op.Entity)
	o.mustStr("action", op.Action)
	o.str("title", op.Title)
	o.mustStr("description", op.Description)
	o.mustStr("effect", string(op.Effect))
	o.bool("idempotent", op.Idempotent)
	o.str("permission", op.Permission)
	o.str("content", string(op.Content))
	o.key("params")
	o.b = c.appendParams(o.b, op.params())
	o.key("requests")
	o.b = appendTemplates(o.b, op.requests())
	o.bool("paginated", op.Page != nil)
	o.bool("host_limit", op.Page != nil && op.Page.NoLimit)
	o.b = op.appendAliases(o)
	if result := c.result(op); result != nil {
		o.key("result")
		v := openObject(o.b)
		result.write(v)
		c.writeDefinitions(v, result.refs(c.Definitions, nil))
		o.b = v.close()
	}
	op.writeRateLimit(o)
	o.texts("examples", op.Examples)
	o.texts("answers", op.Answers)
	return o.close()
}

func (op *Operation) writeRateLimit(o *object) {
	if op.RateLimit.Requests > 0 {
		o.key("rate_limit")
		v := openObject(o.b)
		v.int("requests", int64(op.RateLimit.Requests))
		v.int("per_seconds", int64(op.RateLimit.PerSeconds))
		v.str("bucket", op.RateLimit.Bucket)
		o.b = v.close()
	}
}

func appendTemplates(b []byte, templates []abi.RequestTemplate) []byte {
	b = append(b, '[')
	for i, r := range templates {
		v := openObject(appendComma(b, i))
		v.str("server", r.Server)
		v.mustStr("method", r.Method)
		v.mustStr("path", r.Path)
		v.str("content", string(r.Content))
		v.str("raw_query", r.RawQuery)
		appendFile(v, r.File)
		b = v.close()
	}
	return append(b, ']')
}

func appendFile(o *object, f *abi.File) {
	if f == nil {
		return
	}
	o.key("file")
	v := openObject(o.b)
	v.mustStr("pointer", f.Pointer)
	v.strs("suffixes", f.Suffixes)
	v.str("range", f.Range)
	o.b = v.close()
}

// texts writes an array of JSON values.
func (o *object) texts(name string, values []string) {
	if len(values) == 0 {
		return
	}
	o.key(name)
	o.b = append(o.b, '[')
	for i, v := range values {
		o.b = append(appendComma(o.b, i), v...)
	}
	o.b = append(o.b, ']')
}

// requests returns every request that the operation may send.
func (op *Operation) requests() []abi.RequestTemplate {
	var all []abi.RequestTemplate
	if op.Method != "" {
		own := abi.RequestTemplate{Server: op.Server, Method: op.Method, Path: op.Path, RawQuery: op.RawQuery, File: op.File}
		if op.File != nil && op.Content != "" {
			own.Content = abi.ContentJSON // which names the file
		}
		all = append(all, own)
	}
	if op.Page != nil && op.Page.Path != "" {
		all = append(all, abi.RequestTemplate{Server: op.Server, Method: op.Method, Path: op.Page.Path, RawQuery: op.RawQuery})
	}
	for _, r := range op.Requests {
		if op.Content != "" && r.Content == "" {
			r.Content = abi.ContentJSON
		}
		all = append(all, r)
	}
	return all
}

func (c *Connector) appendParams(b []byte, params []Param) []byte {
	o := openObject(b)
	o.str("type", "object")
	properties := make([]Property, 0, len(params))
	var found []*Definition
	for i := range params {
		p := &params[i]
		if p.constant {
			continue
		}
		properties = append(properties, Property{p.name, p.schema, p.asked()})
		found = p.schema.refs(c.Definitions, found)
	}
	writeProperties(o, properties)
	c.writeDefinitions(o, found)
	return o.close()
}

func (c *Connector) writeDefinitions(o *object, definitions []*Definition) {
	if len(definitions) == 0 {
		return
	}
	o.key("$defs")
	v := openObject(o.b)
	for _, d := range definitions {
		v.key(d.Name)
		v.b = d.Schema.append(v.b)
	}
	o.b = v.close()
}

// AuthSchema returns how the vendor authenticates: an abi.AuthSchema as JSON.
func (c *Connector) AuthSchema() []byte {
	o := openObject(nil)
	o.key("schemes")
	o.b = append(o.b, '[')
	for i := range c.Auth.Schemes {
		o.b = appendScheme(appendComma(o.b, i), &c.Auth.Schemes[i])
	}
	o.b = append(o.b, ']')
	if len(c.Auth.Replication) > 0 {
		o.key("replication")
		o.b = appendFields(o.b, c.Auth.Replication)
	}
	return o.close()
}

func appendScheme(b []byte, s *abi.AuthScheme) []byte {
	o := openObject(b)
	o.mustStr("id", s.ID)
	o.mustStr("type", string(s.Type))
	o.str("title", s.Title)
	o.str("description", s.Description)
	o.key("fields")
	o.b = appendFields(o.b, s.Fields)
	if len(s.Inject) > 0 {
		o.key("inject")
		o.b = append(o.b, '[')
		for i, in := range s.Inject {
			v := openObject(appendComma(o.b, i))
			v.mustStr("in", in.In)
			v.mustStr("name", in.Name)
			v.mustStr("value", in.Value)
			o.b = v.close()
		}
		o.b = append(o.b, ']')
	}
	if s.Basic != nil {
		o.key("basic")
		v := openObject(o.b)
		v.mustStr("username", s.Basic.Username)
		v.mustStr("password", s.Basic.Password)
		o.b = v.close()
	}
	if s.OAuth2 != nil {
		o.key("oauth2")
		v := openObject(o.b)
		v.mustStr("grant", s.OAuth2.Grant)
		v.mustStr("token_url", s.OAuth2.TokenURL)
		v.str("revoke_url", s.OAuth2.RevokeURL)
		v.str("authorize_url", s.OAuth2.AuthorizeURL)
		if len(s.OAuth2.AuthorizeParams) > 0 {
			v.key("authorize_params")
			v.b = append(v.b, '[')
			for i, pair := range s.OAuth2.AuthorizeParams {
				v.b = appendStrings(appendComma(v.b, i), pair[:])
			}
			v.b = append(v.b, ']')
		}
		v.strs("scopes", s.OAuth2.Scopes)
		v.str("body_format", s.OAuth2.BodyFormat)
		v.str("client_auth", s.OAuth2.ClientAuth)
		v.str("issuer", s.OAuth2.Issuer)
		if t := s.OAuth2.Server; t != nil {
			v.key("server")
			w := openObject(v.b)
			w.mustStr("id", t.ID)
			w.mustStr("pointer", t.Pointer)
			w.strs("suffixes", t.Suffixes)
			v.b = w.close()
		}
		o.b = v.close()
	}
	o.bool("direct_only", s.DirectOnly)
	o.key("origins")
	o.b = appendStrings(o.b, s.Origins)
	return o.close()
}

func appendFields(b []byte, fields []abi.AuthField) []byte {
	b = append(b, '[')
	for i, f := range fields {
		o := openObject(appendComma(b, i))
		o.mustStr("name", f.Name)
		o.str("title", f.Title)
		o.str("description", f.Description)
		o.bool("secret", f.Secret)
		o.bool("required", f.Required)
		o.str("pattern", f.Pattern)
		o.str("format", f.Format)
		b = o.close()
	}
	return append(b, ']')
}

func appendConfig(b []byte, fields []abi.AuthField) []byte {
	b = append(b, '[')
	for i, f := range fields {
		o := openObject(appendComma(b, i))
		o.mustStr("name", f.Name)
		o.str("title", f.Title)
		o.str("description", f.Description)
		o.str("type", f.Type)
		o.bool("required", f.Required)
		o.str("default", f.Default)
		o.strs("enum", f.Enum)
		o.str("pattern", f.Pattern)
		o.bool("dots", f.Dots)
		b = o.close()
	}
	return append(b, ']')
}

func appendRequest(b []byte, r *Request) []byte {
	o := &object{appendRequestHead(b, r)}
	if len(r.PathParams) > 0 {
		o.key("path_params")
		v := openObject(o.b)
		for _, p := range r.PathParams {
			v.mustStr(p[0], p[1])
		}
		o.b = v.close()
	}
	o.b = appendPairs(o, "query", r.Query)
	return o.close()
}

// appendRequestHead appends the part that all requests of a template share.
func appendRequestHead(b []byte, r *Request) []byte {
	o := openObject(b)
	o.str("server", r.Server)
	o.mustStr("method", r.Method)
	o.mustStr("path", r.Path)
	return appendPairs(o, "headers", r.Headers)
}

func appendPairs(o *object, name string, pairs [][2]string) []byte {
	if len(pairs) == 0 {
		return o.b
	}
	o.key(name)
	o.b = append(o.b, '[')
	for i := range pairs {
		o.b = appendStrings(appendComma(o.b, i), pairs[i][:])
	}
	o.b = append(o.b, ']')
	return o.b
}

func appendError(b []byte, e *abi.Error) []byte {
	o := openObject(b)
	o.mustStr("kind", string(e.Kind))
	o.mustStr("message", e.Message)
	o.str("hint", e.Hint)
	o.str("field", e.Field)
	o.str("rule", e.Rule)
	o.key("retryable")
	o.b = strconv.AppendBool(o.b, e.Retryable)
	o.int("retry_after_ms", e.RetryAfterMS)
	o.key("request_sent")
	o.b = strconv.AppendBool(o.b, e.RequestSent)
	o.int("status", int64(e.Status))
	o.str("code", e.Code)
	o.str("request_id", e.RequestID)
	return o.close()
}
