package wire

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/agenthost/agenthost/internal/egress/origin"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/policy"
	"github.com/agenthost/agenthost/internal/rawjson"
	"github.com/agenthost/agenthost/pdk/abi"
)

// RuleFile is the rule of a file that is not fetched.
const RuleFile = policy.RuleFile

// FileTemplate stands for the path of a file, which the vendor chose.
const FileTemplate = "/{file}"

// isRange reports whether a text asks for one part of a file (RFC 9110, section 14.1.2).
func isRange(text string) bool {
	rest, ok := strings.CutPrefix(text, "bytes=")
	first, last, dash := strings.Cut(rest, "-")
	const most = 18 // digits
	return ok && dash && first+last != "" && len(first) <= most && len(last) <= most && strings.Trim(first+last, "0123456789") == ""
}

// FileURL reads the URL that an answer has where file says. Params are those of the call. The
// answer is read once, and must leave no doubt: two members of one name on the way are an error.
//
// # Errors
//
//   - invalid_params: a parameter that the pointer needs is missing
//   - not_found: there is no text at the pointer
//   - vendor_error: the answer is not JSON, or names two files
func FileURL(file *abi.File, answer, params []byte) (string, *abi.Error) {
	if rawjson.Check(answer) != nil {
		return "", &abi.Error{Kind: abi.KindVendorError, Message: "the answer that should name a file is not JSON", Hint: "try again later"}
	}
	path, failed := FilePath(file, params)
	if failed != nil {
		return "", failed
	}
	value := rawjson.Trim(answer)
	for _, name := range path {
		found := 0
		switch rawjson.KindOf(value) {
		case rawjson.Object:
			inner := value
			for member, v := range rawjson.Members(inner) {
				if rawjson.Unquote(member) == name {
					value, found = v, found+1
				}
			}
		case rawjson.Array:
			at, err := strconv.Atoi(name)
			if err != nil || strconv.Itoa(at) != name {
				break
			}
			for element := range rawjson.Elements(value) {
				if at == 0 {
					value, found = element, 1
					break
				}
				at--
			}
		}
		switch {
		case found > 1:
			return "", &abi.Error{Kind: abi.KindVendorError, Message: fmt.Sprintf("the answer names two files: it has two members %.60q", name), Hint: "tell the vendor"}
		case found == 0:
			return "", noFile(file)
		}
	}
	if rawjson.KindOf(value) != rawjson.String {
		return "", noFile(file)
	}
	return rawjson.Unquote(value), nil
}

// FilePath returns the names and indices that lead to a file's URL, with parameters of the call in
// the place of braces.
func FilePath(file *abi.File, params []byte) ([]string, *abi.Error) {
	var path []string
	for segment := range strings.SplitSeq(strings.TrimPrefix(file.Pointer, "/"), "/") {
		name := strings.NewReplacer("~1", "/", "~0", "~").Replace(segment)
		if param, ok := FileParam(segment); ok {
			if name, ok = given(params, param); !ok {
				return nil, fault.Invalid(param, "is missing, or neither text nor a whole number", "it says which file of the answer is meant")
			}
		}
		path = append(path, name)
	}
	return path, nil
}

func noFile(file *abi.File) *abi.Error {
	return &abi.Error{Kind: abi.KindNotFound, Message: "the vendor's answer names no file at " + file.Pointer, Hint: "see whether the record has a file"}
}

// FileParam returns the parameter that a segment of a file's pointer stands for.
func FileParam(segment string) (name string, ok bool) {
	name, ok = strings.CutPrefix(segment, "{")
	if ok {
		name, ok = strings.CutSuffix(name, "}")
	}
	return name, ok
}

// given returns a parameter that is text or a whole number.
func given(params []byte, name string) (string, bool) {
	for member, value := range rawjson.Members(params) {
		if rawjson.Unquote(member) != name {
			continue
		}
		switch text := string(value); rawjson.KindOf(value) {
		case rawjson.String:
			return rawjson.Unquote(value), true
		case rawjson.Number:
			_, err := strconv.ParseInt(text, 10, 64)
			return text, err == nil
		}
	}
	return "", false
}

// File makes the request for a file of the URL that a vendor named, in an answer or in a redirect.
// It goes to a place that the grant permits, and has nothing of the connection: no credential,
// no cookie, no header of the guest. Named is that of [policy.Grant.Download].
func (r *Rules) File(s Scope, file *abi.File, raw string) (w Request, named bool, failed *abi.Error) {
	refuse := func(why string) (Request, bool, *abi.Error) {
		return Request{}, false, fault.Denied(RuleFile, "the vendor names a file whose URL "+why, "tell the vendor, or get the file in another way")
	}
	if len(raw) > r.Limits.URL {
		return refuse(fmt.Sprintf("has more than %d bytes", r.Limits.URL))
	}
	for i := 0; i < len(raw); i++ {
		if b := raw[i]; b <= ' ' || b >= 0x7f || strings.IndexByte("\"<>\\^`{|}", b) >= 0 {
			return refuse("has a character that cannot stand in a URL")
		}
	}
	u, err := url.Parse(raw)
	if err != nil || u.Opaque != "" {
		return refuse("cannot be read")
	}
	if u.User != nil {
		return refuse("has a user name")
	}
	from, err := origin.Of(u)
	if err != nil {
		return refuse("leads to no host: " + err.Error())
	}
	decision, named := s.Grant.Download(file, from)
	if !decision.Allowed {
		return Request{}, false, decision.Refusal()
	}
	path := cmp.Or(u.EscapedPath(), "/")
	w = Request{Request: policy.Request{Method: "GET", Origin: from, Path: path, Template: FileTemplate}, RawQuery: u.RawQuery}
	w.Header = map[string][]string{"Accept": {"*/*"}, "Accept-Encoding": asGzip, "User-Agent": r.UserAgent}
	if file.Range == "" || s.Given == nil {
		return w, named, nil
	}
	if part, ok := given(s.Given.Params, file.Range); ok {
		if !isRange(part) {
			return Request{}, false, fault.Invalid(file.Range, fmt.Sprintf("%.60q is not one part of a file", part), "write bytes=FIRST-LAST, such as bytes=0-1023")
		}
		w.Header["Range"] = []string{part}
		w.Header["Accept-Encoding"] = []string{"identity"} // or it is a part of something else
	}
	return w, named, nil
}

// Operators returns a file whose place the connector leaves to the operator as if the operator had
// named the host of its URL: for tests of connectors.
func Operators(file *abi.File, raw string) *abi.File {
	u, err := url.Parse(raw)
	if len(file.Suffixes) > 0 || err != nil {
		return file
	}
	own := *file
	own.Suffixes = []string{u.Hostname()}
	return &own
}

// FileOf returns the file that the answer to a declared request names; nil if it names none.
func (r *Rules) FileOf(s Scope, w *Request) *abi.File {
	if t := r.template(s, w); t != nil {
		return t.File
	}
	return nil
}

// ContentOf is the form of the answer to a declared request, where the operation's is content.
func (r *Rules) ContentOf(s Scope, w *Request, content abi.Content) abi.Content {
	if t := r.template(s, w); t != nil && t.Content != "" {
		content = t.Content
	}
	return cmp.Or(content, abi.ContentJSON)
}

// template returns what declares a checked request.
func (r *Rules) template(s Scope, w *Request) *abi.RequestTemplate {
	at := slices.IndexFunc(s.Requests, func(t abi.RequestTemplate) bool {
		return t.Method == w.Method && t.Path == w.Template && r.serverID(t.Server) == w.Server
	})
	if at < 0 {
		return nil
	}
	return &s.Requests[at]
}
