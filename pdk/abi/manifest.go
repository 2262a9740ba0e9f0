package abi

// Manifest says what a connector is and what it can do. It is the output of its describe function.
type Manifest struct {
	// ABI is the version of the ABI that the connector was written for.
	ABI int `json:"abi"`
	// Name identifies the connector: lower-case letters, digits and dashes.
	Name string `json:"name"`
	// Title is the vendor's name as a person writes it.
	Title string `json:"title"`
	// Version is the connector's own semantic version.
	Version string `json:"version"`
	// Description is one or two sentences for people and language models.
	Description string `json:"description"`
	// DocsURL points to the vendor's API reference.
	DocsURL string `json:"docs_url,omitempty"`
	// Airbyte identifies the same connector in the Airbyte API, for hosted mode.
	Airbyte *Airbyte `json:"airbyte,omitempty"`
	// Servers are the places of the vendor's API. The first one is the default.
	Servers []Server `json:"servers"`
	// Config are the values that a connection gives besides its credential: what servers,
	// token URLs and parameters refer to by name. They are not secret.
	Config []AuthField `json:"config,omitempty"`
	// Check is the operation that proves that a credential works. It has no required
	// parameters.
	Check *OperationRef `json:"check,omitempty"`
	// RateHeaders are the headers in which the vendor reports its rate limit. The host knows
	// those of most vendors.
	RateHeaders []RateHeaders `json:"rate_headers,omitempty"`
	// Sync are the entities whose records can be copied, to search in them.
	Sync []Sync `json:"sync,omitempty"`
	// Operations are all operations of the connector.
	Operations []Operation `json:"operations"`
}

// Server is a place of a vendor's API: https scheme, host, optional port and optional base path,
// without query, fragment or user info.
type Server struct {
	ID string `json:"id"`
	// URL may have variables in the host, before a literal domain of at least two labels:
	// https://{tenant}.vendor.example/v1. Each is the name of a [AuthField].
	URL   string `json:"url"`
	Title string `json:"title,omitempty"`
	// Operator says that the vendor's customers run such a server themselves: a connection may
	// name any https origin for it.
	Operator bool `json:"operator,omitempty"`
}

// OperationRef names an operation: an entity and an action.
type OperationRef struct {
	Entity string `json:"entity"`
	Action string `json:"action"`
}

// Effect says what an operation does to the vendor's data.
type Effect string

// The effects. An operation states exactly one; the host never infers it.
const (
	// EffectRead changes no data.
	EffectRead Effect = "read"
	// EffectWrite creates or changes data.
	EffectWrite Effect = "write"
	// EffectDelete removes data.
	EffectDelete Effect = "delete"
)

// Content is the form of an answer.
type Content string

// The forms of answers.
const (
	ContentJSON   Content = "json"
	ContentText   Content = "text"
	ContentCSV    Content = "csv"
	ContentBinary Content = "binary" // any bytes, such as a file
)

// Known reports whether c is one of them, or empty.
func (c Content) Known() bool {
	return c == "" || c == ContentJSON || c == ContentText || c == ContentCSV || c == ContentBinary
}

// Operation is an operation of a connector.
type Operation struct {
	Entity      string `json:"entity"`
	Action      string `json:"action"`
	Title       string `json:"title,omitempty"`
	Description string `json:"description"`
	Effect      Effect `json:"effect"`
	// Idempotent says that doing it twice is the same as doing it once, so that the host may
	// repeat a request that may have arrived.
	Idempotent bool `json:"idempotent,omitempty"`
	// Permission is the vendor's name of the permission that the credential needs. It is for
	// people who make credentials; the host does not enforce it.
	Permission string `json:"permission,omitempty"`
	// Content is the form of the vendor's answer; empty means [ContentJSON]. Other data is an
	// object: content_type is the vendor's media type, and text the text or base64 the bytes.
	Content Content `json:"content,omitempty"`
	// Params is a JSON Schema 2020-12 of type object.
	Params RawMessage `json:"params"`
	// Requests are all HTTP requests that the operation may send. The host refuses others.
	Requests []RequestTemplate `json:"requests"`
	// Paginated says that the operation takes "cursor" and "limit", and that its meta has
	// [MetaNextCursor] and [MetaHasMore].
	Paginated bool `json:"paginated,omitempty"`
	// HostLimit says that the vendor has no parameter for the length of a page: the connector
	// ignores "limit", and the host cuts longer pages.
	HostLimit bool `json:"host_limit,omitempty"`
	// Aliases maps the vendor's own name of a parameter to its uniform name. The connector
	// refuses a call that gives both with different values.
	Aliases map[string]string `json:"aliases,omitempty"`
	// Result is an optional JSON Schema of data, or of one record if data is an array of
	// records.
	Result RawMessage `json:"result,omitempty"`
	// RateLimit is the limit that the vendor documents for this operation.
	RateLimit *RateLimit `json:"rate_limit,omitempty"`
	// Examples are values of params that validate.
	Examples []RawMessage `json:"examples,omitempty"`
	// Answers are examples of the vendor's JSON answers, for tests that could not make up an
	// answer that the operation accepts.
	Answers []RawMessage `json:"answers,omitempty"`
}

// RequestTemplate is one HTTP request that an operation may send.
type RequestTemplate struct {
	// Server is the id of a server in the manifest; empty means the connection's server.
	Server string `json:"server,omitempty"`
	Method string `json:"method"`
	// Path starts with a slash and may have parameters in braces, each for one or more
	// characters of a segment: /issues/{id}/messages. The host escapes a slash in a value.
	Path string `json:"path"`
	// Content is the form of the answer to this request; empty means the operation's.
	Content Content `json:"content,omitempty"`
	// RawQuery are characters, of !$()*,/:?@, that may stand unescaped in values of the
	// query. With it the connector escapes the values itself, as %XX, and the host checks that.
	RawQuery string `json:"raw_query,omitempty"`
	// File says that the answer, which is JSON, names a file that the host can get.
	File *File `json:"file,omitempty"`
}

// File is a file that an answer names by its URL. The host takes the URL from the answer, and gets the
// file without the credential; its form is the operation's Content.
type File struct {
	// Pointer is a JSON Pointer to the URL. A segment in braces stands for the value of a
	// parameter, which is the name of a member or an index: /attachments/{number}/url.
	Pointer string `json:"pointer"`
	// Suffixes are the domains that the file may come from, each with all names under it:
	// files.vendor.com. Without any, only the operator can name them.
	Suffixes []string `json:"suffixes,omitempty"`
	// Range is the name of a parameter with the part of the file that is wanted: bytes=0-99.
	Range string `json:"range,omitempty"`
}

// RateLimit is a number of requests per time that a vendor documents.
type RateLimit struct {
	Requests   int `json:"requests"`
	PerSeconds int `json:"per_seconds"`
	// Bucket names the operations that share the limit; empty means only this operation.
	Bucket string `json:"bucket,omitempty"`
}

// RateHeaders are response headers about a rate limit. If none of it is left, the host sends no
// request before it is renewed.
type RateHeaders struct {
	// Remaining is the header with the number of remaining requests. Without it, Reset counts
	// if the status is 429 or 503.
	Remaining string `json:"remaining,omitempty"`
	// Reset is the header that says when the limit is renewed.
	Reset string `json:"reset"`
	// Unit is the unit of Reset: seconds or milliseconds from now, epoch or epoch_milliseconds
	// since 1970, or time for a date in the form of HTTP or RFC 3339.
	Unit string `json:"unit"`
}

// Keys of meta of all paginated operations.
const (
	// MetaNextCursor is the value of the "cursor" parameter that gets the next
	// page: a string, or null on the last page.
	MetaNextCursor = "next_cursor"
	// MetaHasMore is true when there is a next page.
	MetaHasMore = "has_more"
)
