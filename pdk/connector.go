package pdk

import "github.com/agenthost/agenthost/pdk/abi"

// Connector is a whole connector: the vendor, the servers of its API, how to authenticate, and a
// table of operations. Keep it in a variable of package main that is never changed.
type Connector struct {
	// Name identifies the connector: lower-case letters, digits and dashes.
	Name string
	// Title is the vendor's name as a person writes it.
	Title string
	// Version is the connector's own semantic version.
	Version string
	// Description is one or two sentences for people and language models.
	Description string
	// DocsURL points to the vendor's API reference.
	DocsURL string
	// Airbyte identifies the same connector in the Airbyte API. Optional.
	Airbyte *abi.Airbyte
	// Servers are the places of the API; the first one is the default.
	Servers []abi.Server
	// Config are the values that a connection gives besides its credential; see [Param.Config].
	Config []abi.AuthField
	// Auth says how the vendor authenticates a caller. The host injects the
	// credential; a connector never sees it.
	Auth abi.AuthSchema
	// Check names the operation that proves that a credential works.
	Check abi.OperationRef
	// RateHeaders are the headers in which the vendor reports its rate limit. The host knows
	// Retry-After, RateLimit-Remaining and -Reset, and the same with X-.
	RateHeaders []abi.RateHeaders
	// Sync says of which entities a host can keep copies for search, and how.
	Sync []abi.Sync
	// Definitions are the schemas that [Ref] points to.
	Definitions []Definition
	// Records are what operations without a Result answer: the members of their records, by
	// entity.action, or by entity for all operations of the entity that do not delete. An empty
	// text says that nothing is known of the answer. The members stand with blanks between them:
	//
	//	id title number:integer account{id} tags[] followers[]{id email} custom_fields:object
	//
	// A member is text, or integer, number, boolean, time, object or any after a colon. Braces have
	// the members of an object, and brackets make an array. All may be absent or null. A time is one of
	// RFC 3339.
	Records map[string]string
	// Operations are all operations of the connector.
	Operations []Operation
	// Accept is the media type that requests accept; empty means application/json. Operations
	// may override it.
	Accept string
	// Error makes an error of a response that reports a failure; nil means [StatusError].
	Error func(*Response) *abi.Error
	// Failed reports whether a response with a status of 2xx is a failure, for vendors that
	// say so in the body. Nil means never.
	Failed func(*Response) bool
	// Failures say both without functions.
	Failures *Failures

	index Raw    // of the rows of a table
	later *later // which are read when they are called
}

// Operation is one row of the table. The manifest and the execution follow from it, unless it has
// a Handle.
type Operation struct {
	// Entity and Action name the operation: issues, list.
	Entity, Action string
	// Title is the operation's name for people: List issues.
	Title string
	// Description tells people and language models what it does and how to use it.
	Description string
	// Effect says what it does to the vendor's data.
	Effect abi.Effect
	// Permission is the vendor's name of the permission that the credential needs. Optional.
	Permission string
	// Idempotent says that doing it twice is the same as doing it once.
	Idempotent bool

	// Method and Path are the request: GET, /issues/{id}. The path has the wire names of
	// parameters made with [Path].
	Method, Path string
	// Server is the id of a server, if it is not the connection's.
	Server string
	// RawQuery are characters, of !$()*,/:?@, that the vendor wants unescaped in the values of
	// the query, as Rest.li does. They stay as they are, as does %XX, in a value that begins with
	// ( or with List(. In other values only a comma does. A space becomes %20.
	RawQuery string
	// Params are the parameters, in the order in which they are sent.
	Params []Param
	// AnyOf are names of parameters; a caller must give at least one of them, not empty.
	AnyOf []string
	// ContentType is the media type of the body. Without one, there is a body if there are
	// parameters for it, and it is application/json.
	//   - JSON is an object of the parameters. It is {} without any.
	//   - application/x-www-form-urlencoded has objects as name[member], and arrays in the
	//     [Style] of the parameter.
	//   - multipart/related (RFC 2387) has the parameters as JSON, and then the bytes of the
	//     one that is [Param.Base64].
	//   - multipart/form-data (RFC 7578) has a part for each parameter and for each element of
	//     an array. Those that are [Param.Base64] are files, and objects are JSON.
	//   - Any other type is the text or the bytes of a parameter that is [Param.Whole].
	ContentType string
	// GraphQL is a document (https://spec.graphql.org), whose variables are the parameters of
	// the body.
	GraphQL string

	// Content is the form of an answer that is not JSON: [abi.ContentText], [abi.ContentCSV]
	// or [abi.ContentBinary]. The result's data is then an object with content_type, and text
	// or base64.
	Content abi.Content
	// File says where the answer names the file that the result is, for vendors that answer with its
	// URL. Content says what the file is. The host takes the URL and gets the file without the
	// credential; see [Call.Download] for a Handle.
	File *abi.File
	// Accept is the media type that the request accepts, if it is not the connector's or the
	// one for Content: application/vnd.vendor+json;version=2.
	Accept string
	// List says that the records are an array. A paginated operation is a list.
	List bool
	// Data is a JSON Pointer to the records in the response; empty means all of
	// it. The result's data is an array for a list and an object otherwise; where
	// the response has null there, it is [] or {}. Where it has nothing there, a read
	// fails with vendor_error, unless DataOptional is set.
	//
	// Between slashes, * stands for each element of an array and each member of an object:
	// /items/*/customer. What several of them lead to is one list, in which arrays are laid
	// out; where the operation is no list, the first one counts.
	Data string
	// Wrap makes {"value": x} of every record x of a list that is no object, and a list of
	// one of what is no array. An answer that needs it, or has a * in Data, may have 8 MiB.
	Wrap bool
	// DataOptional says that the vendor leaves Data out where it has no records.
	DataOptional bool
	// Filter is a condition that the records of a list must meet: not record.isPrivate. It has
	// members, not, and, or, parentheses, and == or != with a text in quotes, a whole number,
	// true, false or null. A member on its own must be true, false or null. A record without a
	// member that the condition names is an error of kind vendor_error.
	Filter string
	// Transform are names of members that each record of a read gets, and their texts, in which
	// members of the record stand in braces:
	//
	//	{"id", "{{ record.value | replace('customers/', '') }}"}
	//
	// A record that is no object is {"value": x} there, and only has these members then. A
	// text with a member that is null is null; one with a member that is missing is an error.
	// Filter is about what comes out.
	Transform [][2]string
	// Meta are the parts of the response that become the result's meta.
	Meta []Meta
	// Page says how the vendor paginates; nil if it does not.
	Page *Page

	// Requests are requests that Handle sends besides Method and Path. Their answers are JSON
	// unless their Content says otherwise.
	Requests []abi.RequestTemplate
	// Handle runs the operation in place of [Call.Run], for what a table cannot express. It
	// should return an [abi.Error].
	Handle func(*Call) error

	// RateLimit is the limit that the vendor documents for this operation.
	RateLimit abi.RateLimit
	// Examples are values of the parameters, each a JSON object.
	Examples []string
	// Answers are examples of the vendor's answers, as JSON, if plugin test cannot make up an
	// answer that the operation accepts, such as the state of a job.
	Answers []string
	// Result describes the result's data, for a list one record of it. Optional; see also
	// [Connector.Records].
	Result *Schema
}

// Meta is a member of the result's meta.
type Meta struct {
	// Name is the key in meta.
	Name string
	// Pointer is a JSON Pointer to the value in the response. If it is missing, so is the key.
	Pointer string
	// Header is the name of a response header that has the value instead. Of Link (RFC 8288)
	// it is the target of the first link with the relation Link.
	Header, Link string
}

// ofHeader is the value that a response's header has, "" for nothing.
func (m *Meta) ofHeader(resp *Response) string {
	if m.Link != "" {
		return resp.Link(m.Link)
	}
	return resp.Header(m.Header)
}

func (op *Operation) list() bool { return op.List || op.Page != nil }
