package approval

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/agenthost/agenthost/host/grant"
	"github.com/agenthost/agenthost/internal/egress/origin"
	"github.com/agenthost/agenthost/internal/egress/pathtemplate"
	"github.com/agenthost/agenthost/internal/lazyregexp"
	"github.com/agenthost/agenthost/internal/provenance"
	"github.com/agenthost/agenthost/pdk/abi"
)

// maxFileSize is the largest size of a lock file, in bytes.
const maxFileSize = 16 << 20

// maxLine is the longest line in bytes. Valid declarations produce shorter lines.
const maxLine = 64 << 10

// Error describes a problem with a lock file. It wraps an [*abi.Error] of kind denied: with
// an unreadable lock file, nothing is approved and nothing runs.
type Error struct {
	File string
	// Line counts from 1; 0 means the file as a whole.
	Line    int
	Message string
}

// Error returns the place and the problem.
func (e *Error) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %s", e.File, e.Message)
	}
	return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Message)
}

// Unwrap returns an [*abi.Error] of kind denied.
func (e *Error) Unwrap() error {
	return &abi.Error{
		Kind: abi.KindDenied, Rule: grant.RuleApproval, Message: e.Error(),
		Hint: "restore the file, or remove the connector's block and approve it again with agenthost plugin approve",
	}
}

// Parse reads a lock file. name is the file's name in errors, which are [*Error]s.
func Parse(name string, data []byte) (*File, error) {
	p := &parser{}
	f, err := p.file(data)
	if err != nil {
		return nil, &Error{File: name, Line: p.line, Message: err.Error()}
	}
	return f, nil
}

// parser reads line by line. Format writes accepted files again byte for byte, except for
// comments and empty lines between blocks.
type parser struct {
	lines []string
	line  int // number of the current line, from 1
}

var (
	connectorName = lazyregexp.New(`^[a-z][a-z0-9-]{0,62}$`)
	schemeName    = lazyregexp.New(`^[a-z][a-z0-9_-]{0,62}$`)
	operationName = lazyregexp.New(`^[a-z][a-z0-9_]{0,62}\.[a-z][a-z0-9_]{0,62}$`)
	fileForm      = lazyregexp.New(`^/[!-~]*( from [a-z0-9._,-]+)?$`)
	rawForm       = lazyregexp.New(`^[!$()*,/:?@]+$`)
	versionForm   = lazyregexp.New(`^[0-9A-Za-z.+-]+$`)
	digestForm    = lazyregexp.New(`^sha256:[0-9a-f]{64}$`)
)

func (p *parser) file(data []byte) (*File, error) {
	switch {
	case len(data) > maxFileSize:
		return nil, fmt.Errorf("larger than %d bytes", maxFileSize)
	case !utf8.Valid(data):
		return nil, errors.New("not UTF-8 text")
	case bytes.HasPrefix(data, []byte("\xef\xbb\xbf")):
		return nil, errors.New("starts with a byte order mark")
	case len(data) == 0 || data[len(data)-1] != '\n':
		return nil, errors.New("the last line is incomplete")
	}
	p.lines = strings.Split(string(data[:len(data)-1]), "\n")
	if !p.next() || p.text() != "agenthost-lock 1" {
		return nil, fmt.Errorf("%.60q is not the line agenthost-lock 1", p.text())
	}
	f := &File{}
	for p.next() {
		a, err := p.block()
		if err != nil {
			return nil, err
		}
		if n := len(f.Approvals); n > 0 && f.Approvals[n-1].Name >= a.Name {
			return nil, fmt.Errorf("connector %s must not follow %s: each connector has one block, sorted by name", a.Name, f.Approvals[n-1].Name)
		}
		f.Approvals = append(f.Approvals, *a)
	}
	return f, nil
}

// next moves to the next line that is neither empty nor a comment. It reports whether there
// is one.
func (p *parser) next() bool {
	for p.line < len(p.lines) {
		p.line++
		if text := p.text(); text != "" && text[0] != '#' {
			return true
		}
	}
	return false
}

func (p *parser) text() string {
	if p.line == 0 || p.line > len(p.lines) {
		return ""
	}
	return p.lines[p.line-1]
}

// block reads a connector, from its first line to its checksum.
func (p *parser) block() (*grant.Approval, error) {
	begin := p.line
	a := &grant.Approval{}
	words := strings.Split(p.text(), " ")
	if len(words) != 3 || words[0] != "connector" {
		return nil, fmt.Errorf("%.60q is not the start of a block: connector NAME VERSION", p.text())
	}
	if !connectorName.MatchString(words[1]) || !versionForm.MatchString(words[2]) {
		return nil, errors.New("not a name and version of a connector")
	}
	a.Name, a.Version = words[1], words[2]
	for p.line < len(p.lines) {
		p.line++
		text := p.text()
		if sum, ok := strings.CutPrefix(text, "  sum "); ok {
			return a, p.close(a, begin, sum)
		}
		if err := p.fact(a, text); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("the block of connector %s has no sum line at its end", a.Name)
}

// close checks that a block is complete and that Format would write the same text.
func (p *parser) close(a *grant.Approval, begin int, sum string) error {
	if a.Digest == "" || a.At.IsZero() {
		return fmt.Errorf("the block of connector %s has no digest or no approval time", a.Name)
	}
	block := strings.Join(p.lines[begin-1:p.line-1], "\n") + "\n"
	if sum != checksum(block) {
		return fmt.Errorf("the block of connector %s was changed: its checksum does not match", a.Name)
	}
	if again := format(a); again != block {
		written := strings.Split(again, "\n")
		for i := range p.lines[begin-1 : p.line-1] {
			if i >= len(written) || written[i] != p.lines[begin-1+i] {
				p.line = begin + i
				break
			}
		}
		return errors.New("a line is out of order or not in canonical form")
	}
	return nil
}

// fact reads a line of a block.
func (p *parser) fact(a *grant.Approval, text string) error {
	if len(text) > maxLine {
		return fmt.Errorf("a line is longer than %d bytes", maxLine)
	}
	if strings.IndexFunc(text, func(r rune) bool { return !unicode.IsGraphic(r) }) >= 0 {
		return errors.New("has an invisible character")
	}
	if inner, ok := strings.CutPrefix(text, "    "); ok {
		return p.detail(a, inner)
	}
	line, ok := strings.CutPrefix(text, "  ")
	if !ok || line == "" || line[0] == ' ' {
		return fmt.Errorf("%.60q does not belong in a block: indent lines by two or four spaces", text)
	}
	word, rest, _ := strings.Cut(line, " ")
	switch word {
	case "digest":
		return once(&a.Digest, rest, digest)
	case "approved":
		return p.approved(a, rest)
	case "update":
		return p.update(a, rest)
	case "from", "signer", "previous", "left":
		return p.source(a, word, rest)
	case "server":
		return p.server(a, rest)
	case "credential":
		if !schemeName.MatchString(rest) {
			return fmt.Errorf("%.60q is not the id of a scheme", rest)
		}
		a.Reach.Credentials = append(a.Reach.Credentials, grant.CredentialReach{Scheme: rest})
		return nil
	case "hosted":
		a.Reach.Hosted = append(a.Reach.Hosted, rest)
		return nil
	case "operation":
		return p.operation(a, rest)
	}
	return fmt.Errorf("%.60q is not a keyword", word)
}

// detail reads a line below a server, a credential or an operation.
func (p *parser) detail(a *grant.Approval, text string) error {
	if text == "" || text[0] == ' ' {
		return errors.New("indent lines by two or four spaces")
	}
	if n := len(a.Reach.Operations); n > 0 {
		return p.request(&a.Reach.Operations[n-1], text)
	}
	if n := len(a.Reach.Credentials); n > 0 {
		a.Reach.Credentials[n-1].Facts = append(a.Reach.Credentials[n-1].Facts, text)
		return nil
	}
	n := len(a.Reach.Servers)
	if n == 0 {
		return errors.New("a line outside a server, a credential or an operation")
	}
	a.Reach.Servers[n-1].Facts = append(a.Reach.Servers[n-1].Facts, text)
	return nil
}

func once(into *string, text string, read func(string) (string, error)) error {
	if *into != "" {
		return errors.New("duplicate line")
	}
	value, err := read(text)
	*into = value
	return err
}

func digest(text string) (string, error) {
	if !digestForm.MatchString(text) {
		return "", fmt.Errorf("%.80q is not a digest: write sha256: and 64 hexadecimal digits", text)
	}
	return strings.TrimPrefix(text, "sha256:"), nil
}

func instant(text string) (time.Time, error) {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil || at.IsZero() {
		return time.Time{}, fmt.Errorf("%.40q is not a time such as 2026-01-31T09:00:00Z", text)
	}
	return at.UTC(), nil
}

func (p *parser) approved(a *grant.Approval, text string) error {
	at, who, ok := strings.Cut(text, " by ")
	if !ok || !a.At.IsZero() {
		return errors.New("not a single line of the form approved TIME by \"NAME\"")
	}
	var err error
	if a.At, err = instant(at); err != nil {
		return err
	}
	if a.By, err = strconv.Unquote(who); err != nil {
		return errors.New("the name of the approver is not in quotes")
	}
	return nil
}

func (p *parser) update(a *grant.Approval, text string) error {
	words := strings.Split(text, " ")
	if len(words) != 3 || !versionForm.MatchString(words[1]) {
		return errors.New("not of the form update DIGEST VERSION TIME")
	}
	var u grant.Update
	var err error
	if u.Digest, err = digest(words[0]); err != nil {
		return err
	}
	u.Version = words[1]
	u.At, err = instant(words[2])
	a.Updates = append(a.Updates, u)
	return err
}

// source reads a line about where the file came from.
func (p *parser) source(a *grant.Approval, word, text string) error {
	if word == "from" {
		r, err := provenance.ParseReference(text)
		if err != nil || r.Digest == "" || a.Source != nil {
			return errors.New("not a single line of the form from REFERENCE@DIGEST")
		}
		a.Source = &provenance.Source{Reference: r}
		return nil
	}
	if a.Source == nil {
		return fmt.Errorf("a line %s without a line from before it", word)
	}
	switch word {
	case "signer":
		by, err := provenance.ParseSigner(text)
		if err != nil || a.Source.Signer != (provenance.Signer{}) {
			return errors.New("not a single line of the form signer \"IDENTITY\" issuer \"ISSUER\", or signer key \"ID\"")
		}
		a.Source.Signer = by
		return nil
	case "left":
		module, err := digest(text)
		a.Source.Left = append(a.Source.Left, module)
		return err
	}
	words := strings.Split(text, " ")
	if len(words) != 4 || !versionForm.MatchString(words[1]) || !provenance.ValidDigest(words[2]) {
		return errors.New("not of the form previous DIGEST VERSION MANIFEST TIME")
	}
	v := provenance.Version{Version: words[1], Manifest: words[2]}
	var err error
	if v.Module, err = digest(words[0]); err != nil {
		return err
	}
	v.At, err = instant(words[3])
	a.Source.Previous = append(a.Source.Previous, v)
	return err
}

func (p *parser) server(a *grant.Approval, text string) error {
	words := strings.Split(text, " ")
	isDefault := len(words) == 3 && words[2] == "default"
	if len(words) != 2 && !isDefault || !connectorName.MatchString(words[0]) {
		return errors.New("not of the form server ID URL, or server ID URL default")
	}
	if _, err := origin.ParseTemplate(words[1]); err != nil {
		return err
	}
	if slices.ContainsFunc(a.Reach.Servers, func(s grant.ServerReach) bool { return s.ID == words[0] || isDefault && s.Default }) {
		return errors.New("duplicate server, or a second default")
	}
	a.Reach.Servers = append(a.Reach.Servers, grant.ServerReach{ID: words[0], URL: words[1], Default: isDefault})
	return nil
}

func (p *parser) operation(a *grant.Approval, text string) error {
	words := strings.Split(text, " ")
	repeats := len(words) == 3 && words[2] == "repeats"
	if len(words) != 2 && !repeats || !operationName.MatchString(words[0]) {
		return errors.New("not of the form operation NAME EFFECT, or operation NAME EFFECT repeats")
	}
	effect := abi.Effect(words[1])
	if effect != abi.EffectRead && effect != abi.EffectWrite && effect != abi.EffectDelete {
		return fmt.Errorf("%.20q is not an effect: use read, write or delete", words[1])
	}
	if n := len(a.Reach.Operations); n > 0 && a.Reach.Operations[n-1].Name >= words[0] {
		return errors.New("operations must be sorted by name, each once")
	}
	a.Reach.Operations = append(a.Reach.Operations, grant.OperationReach{Name: words[0], Effect: effect, Repeats: repeats})
	return nil
}

func (p *parser) request(o *grant.OperationReach, text string) error {
	text, file, names := strings.Cut(text, " file ")
	text, raw, unescaped := strings.Cut(text, " raw ")
	words := strings.Split(text, " ")
	if len(words) != 2 && (len(words) != 4 || words[2] != "at" || !connectorName.MatchString(words[3])) || names && !fileForm.MatchString(file) || unescaped && !rawForm.MatchString(raw) {
		return errors.New("not of the form METHOD PATH, or METHOD PATH at SERVER, and behind it, where there are some, raw CHARACTERS and file POINTER from DOMAIN,DOMAIN")
	}
	if !slices.Contains([]string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}, words[0]) {
		return fmt.Errorf("%.20q is not a method", words[0])
	}
	if _, err := pathtemplate.ParseTemplate(words[1]); err != nil {
		return err
	}
	q := grant.RequestReach{Method: words[0], Path: words[1], RawQuery: raw, File: file}
	if len(words) == 4 {
		q.Server = words[3]
	}
	o.Requests = append(o.Requests, q)
	return nil
}
