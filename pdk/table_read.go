package pdk

import (
	"errors"

	"github.com/agenthost/agenthost/pdk/abi"
)

// readTable makes a connector of a table in JSON. What it makes shares the bytes of the table, which
// nobody may change.
func readTable(table []byte) (*Connector, error) {
	end := skipValue(table, skipSpace(table, 0))
	if Raw(table).Kind() != JSONObject || end < 0 || skipSpace(table, end) != len(table) {
		return nil, errors.New("the table is not a JSON object")
	}
	c, unknown := &Connector{}, ""
	for name, v := range Raw(table).Members() {
		switch name {
		case "name":
			c.Name = v.Text()
		case "title":
			c.Title = v.Text()
		case "version":
			c.Version = v.Text()
		case "description":
			c.Description = v.Text()
		case "docs_url":
			c.DocsURL = v.Text()
		case "accept":
			c.Accept = v.Text()
		case "check":
			c.Check = abi.OperationRef{Entity: v.Member("entity").Text(), Action: v.Member("action").Text()}
		case "definitions":
			for name, schema := range v.Members() {
				c.Definitions = append(c.Definitions, Definition{name, &Schema{raw: schema}})
			}
		case "failures":
			c.Failures = readFailures(v)
		case "records":
			c.Records = make(map[string]string)
			for name, members := range v.Members() {
				c.Records[name] = members.Text()
			}
		case "operations":
			const row = 256 // bytes, about: to count them would be to read all of them once more
			c.Operations = make([]Operation, 0, 1+len(v)/row)
			for op := range v.Elements() {
				c.Operations = append(c.Operations, Operation{})
				if name := c.Operations[len(c.Operations)-1].read(op); name != "" {
					unknown = name
				}
			}
		case "index":
			c.index = v
		case "servers", "config", "auth", "rate_headers", "airbyte", "sync", rowsAt:
		default:
			unknown = name
		}
	}
	if unknown != "" {
		return nil, errors.New("the table has the unknown key " + Shorten(unknown, 60))
	}
	c.table() // here nobody waits for it
	return c, nil
}

// texts are the texts of an array, or the one that stands for it.
func (r Raw) texts() []string {
	if r.Kind() == JSONString {
		return []string{r.Text()}
	}
	var list []string
	for element := range r.Elements() {
		list = append(list, element.Text())
	}
	return list
}

// raws are the elements of an array as JSON text.
func (r Raw) raws() []string {
	var list []string
	for element := range r.Elements() {
		list = append(list, text(element))
	}
	return list
}

func (r Raw) integer() int64 {
	n, _ := r.Int()
	return n
}

// read reads an operation, and returns a key that it does not know, or "".
func (op *Operation) read(r Raw) (unknown string) {
	for name, v := range r.Members() {
		switch name {
		case "entity":
			op.Entity = v.Text()
		case "action":
			op.Action = v.Text()
		case "title":
			op.Title = v.Text()
		case "description":
			op.Description = v.Text()
		case "effect":
			op.Effect = abi.Effect(v.Text())
		case "permission":
			op.Permission = v.Text()
		case "idempotent":
			op.Idempotent = v.Bool()
		case "handled": // by code that is not here
		case "method":
			op.Method = v.Text()
		case "path":
			op.Path = v.Text()
		case "server":
			op.Server = v.Text()
		case "raw_query":
			op.RawQuery = v.Text()
		case "params":
			for name, p := range v.Members() {
				param, key := readParam(name, p)
				if op.Params = append(op.Params, param); key != "" {
					unknown = key
				}
			}
		case "any_of":
			op.AnyOf = v.texts()
		case "content_type":
			op.ContentType = v.Text()
		case "graphql":
			op.GraphQL = v.Text()
		case "content":
			op.Content = abi.Content(v.Text())
		case "file":
			op.File = readFile(v)
		case "accept":
			op.Accept = v.Text()
		case "list":
			op.List = v.Bool()
		case "data":
			op.Data = v.Text()
		case "wrap":
			op.Wrap = v.Bool()
		case "data_optional":
			op.DataOptional = v.Bool()
		case "filter":
			op.Filter = v.Text()
		case "transform":
			for name, text := range v.Members() {
				op.Transform = append(op.Transform, [2]string{name, text.Text()})
			}
		case "meta":
			for name, m := range v.Members() {
				meta := Meta{Name: name, Pointer: m.Text(), Header: m.Member("header").Text(), Link: m.Member("link").Text()}
				op.Meta = append(op.Meta, meta)
			}
		case "page":
			op.Page = readPage(v)
		case "requests":
			for q := range v.Elements() {
				op.Requests = append(op.Requests, abi.RequestTemplate{Server: q.Member("server").Text(), Method: q.Member("method").Text(), Path: q.Member("path").Text(), Content: abi.Content(q.Member("content").Text()), RawQuery: q.Member("raw_query").Text(), File: readFile(q.Member("file"))})
			}
		case "rate_limit":
			op.RateLimit = abi.RateLimit{Requests: int(v.Member("requests").integer()), PerSeconds: int(v.Member("per_seconds").integer()), Bucket: v.Member("bucket").Text()}
		case "examples":
			op.Examples = v.raws()
		case "answers":
			op.Answers = v.raws()
		case "result":
			op.Result = &Schema{raw: v}
		default:
			unknown = name
		}
	}
	return unknown
}

func readFile(r Raw) *abi.File {
	if !r.Exists() {
		return nil
	}
	return &abi.File{Pointer: r.Member("pointer").Text(), Suffixes: r.Member("suffixes").texts(), Range: r.Member("range").Text()}
}

// places and styles are the words of tables for them.
var (
	places = [...]string{InNone: "none", InPath: "path", InQuery: "query", InHeader: "header", InSelection: "selection", InBody: "body"}
	styles = [...]string{StyleForm: "form", StyleComma: "comma", StyleBrackets: "brackets", StyleIndices: "indices"}
)

// indexOf returns which of several words one is, and 0 if it is none of them.
func indexOf(words []string, word string) int {
	for i, w := range words {
		if w == word {
			return i
		}
	}
	return 0
}

func readParam(name string, r Raw) (p Param, unknown string) {
	p = Param{name: name}
	for key, v := range r.Members() {
		switch key {
		case "in":
			p.in = Place(indexOf(places[:], v.Text()))
		case "as":
			p.wire = v.Text()
		case "required":
			p.required = v.Bool()
		case "send":
			p.fallback = v
		case "const":
			p.fallback, p.constant = v, true
		case "style":
			p.style = Style(indexOf(styles[:], v.Text()))
		case "whole":
			p.whole = v.Bool()
		case "base64":
			p.base64 = v.Bool()
		case "media_type_from":
			p.mediaOf = v.Text()
		case "file_name_from":
			p.nameOf = v.Text()
		case "at":
			p.at = v.Text()
		case "text":
			p.made, p.constant = v.Text(), true
		case "config":
			p.config = v.Text()
		case "map":
			p.images = v
		case "schema":
			p.schema = &Schema{raw: v}
		default:
			unknown = key
		}
	}
	p.required = p.required || p.in == InPath
	if p.schema == nil {
		p.schema, p.constant = &Schema{raw: Raw("{}")}, p.constant || p.config != ""
	}
	return p, unknown
}

func readPage(r Raw) *Page {
	p := &Page{}
	for name, v := range r.Members() {
		switch name {
		case "in":
			p.In = Place(indexOf(places[:], v.Text()))
		case "by":
			p.By = PageBy(v.Text())
		case "first":
			p.First = v.integer()
		case "send_first":
			p.SendFirst = v.Bool()
		case "total":
			p.Total = v.Text()
		case "pages":
			p.Pages = v.Text()
		case "cursor_name":
			p.CursorName = v.Text()
		case "cursor_names":
			p.CursorNames = v.texts()
		case "path":
			p.Path = v.Text()
		case "alone":
			p.Alone = v.Bool()
		case "limit_name":
			p.LimitName = v.Text()
		case "no_limit":
			p.NoLimit = v.Bool()
		case "max_limit":
			p.MaxLimit = v.integer()
		case "default_limit":
			p.DefaultLimit = v.integer()
		case "cursor":
			p.Cursor = v.Text()
		case "header":
			p.Header = v.Text()
		case "more":
			p.More = v.Text()
		case "number":
			p.Number = v.Bool()
		}
	}
	return p
}

func readFailures(r Raw) *Failures {
	f := &Failures{}
	for name, v := range r.Members() {
		switch name {
		case "if":
			for c := range v.Elements() {
				f.If = append(f.If, Condition{Pointer: c.Member("pointer").Text(), Header: c.Member("header").Text(), Equals: string(c.Member("equals")), Not: c.Member("not").Bool()})
			}
		case "message":
			f.Message = v.texts()
		case "item":
			f.Item = v.texts()
		case "retry_after":
			f.RetryAfter = v.texts()
		case "code":
			f.Code = v.texts()
		case "field":
			f.Field = v.texts()
		case "request_id":
			f.RequestID = v.texts()
		case "codes":
			for code, status := range v.Members() {
				f.Codes = append(f.Codes, CodeStatus{code, int(status.integer())})
			}
		}
	}
	return f
}
