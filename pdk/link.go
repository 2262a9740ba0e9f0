package pdk

import "strings"

// Link returns the target of the first link with a relation, such as next, in the header Link
// (RFC 8288), as the vendor wrote it, or "" if there is none or the header is malformed before
// it. It ignores links with an anchor. An operation can only send its declared requests, not one
// to the target: take the parameters that you need from it, as [Response.LinkParam] does.
func (r *Response) Link(relation string) string {
	for rest := r.Header("Link"); ; {
		var l link
		var ok bool
		if l, rest, ok = readLink(rest); !ok {
			return ""
		}
		if !l.anchored && l.has(relation) {
			return l.target
		}
	}
}

// link is one of a header.
type link struct {
	target, relations string
	related, anchored bool
}

// has compares relations without regard to case (RFC 8288, section 2.1.1).
func (l *link) has(relation string) bool {
	for _, r := range strings.Fields(l.relations) {
		if strings.EqualFold(r, relation) {
			return true
		}
	}
	return false
}

// readLink reads the first of a list of links, and returns the others.
func readLink(s string) (l link, rest string, ok bool) {
	s = strings.TrimLeft(s, " \t,")
	if s == "" || s[0] != '<' {
		return l, "", false
	}
	target, s, ok := strings.Cut(s[1:], ">")
	if !ok || strings.ContainsAny(target, " \t\"<") {
		return l, "", false
	}
	l.target = target
	for {
		if s = strings.TrimLeft(s, " \t"); s == "" || s[0] == ',' {
			return l, s, true
		}
		if s[0] != ';' {
			return l, "", false
		}
		var name, value string
		if name, value, s, ok = readLinkParam(s[1:]); !ok {
			return l, "", false
		}
		switch {
		case strings.EqualFold(name, "rel") && !l.related: // the first one counts
			l.relations, l.related = value, true
		case strings.EqualFold(name, "anchor"):
			l.anchored = true
		}
	}
}

// readLinkParam reads name, name=token or name="quoted". An empty one is allowed.
func readLinkParam(s string) (name, value, rest string, ok bool) {
	s = strings.TrimLeft(s, " \t")
	end := strings.IndexAny(s, "=;,")
	if end < 0 {
		end = len(s)
	}
	name, s = strings.TrimRight(s[:end], " \t"), s[end:]
	if strings.ContainsAny(name, " \t\"<>") {
		return "", "", "", false
	}
	if s == "" || s[0] != '=' {
		return name, "", s, true
	}
	s = strings.TrimLeft(s[1:], " \t")
	if s == "" || s[0] != '"' {
		end := strings.IndexAny(s, " \t;,")
		if end < 0 {
			end = len(s)
		}
		return name, s[:end], s[end:], end > 0
	}
	b := make([]byte, 0, 32)
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			return name, string(b), s[i+1:], true
		case '\\':
			if i++; i == len(s) {
				return "", "", "", false
			}
		}
		b = append(b, s[i])
	}
	return "", "", "", false
}

// LinkParam returns the decoded value of the first parameter of that name in the query string of
// [Response.Link], or "" if there is none or its escapes are malformed.
func (r *Response) LinkParam(relation, name string) string {
	return queryValue(r.Link(relation), name)
}

func queryValue(url, name string) string {
	url, _, _ = strings.Cut(url, "#")
	_, query, _ := strings.Cut(url, "?")
	for query != "" {
		var pair string
		pair, query, _ = strings.Cut(query, "&")
		key, value, _ := strings.Cut(pair, "=")
		if decoded, ok := unescape(key); ok && decoded == name {
			decoded, _ = unescape(value)
			return decoded
		}
	}
	return ""
}

// unescape decodes a part of a query string.
func unescape(s string) (string, bool) {
	if !strings.ContainsAny(s, "%+") {
		return s, true
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '+':
			b = append(b, ' ')
		case '%':
			if len(s)-i < 3 {
				return "", false
			}
			high, low := unhex(s[i+1]), unhex(s[i+2])
			if high > 15 || low > 15 {
				return "", false
			}
			b = append(b, high<<4|low)
			i += 2
		default:
			b = append(b, c)
		}
	}
	return string(b), true
}

// unhex returns the value of a hexadecimal digit, and more than 15 for anything else.
func unhex(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10
	}
	return 16
}
