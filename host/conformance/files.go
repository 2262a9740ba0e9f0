package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/internal/egress/wire"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/sandbox"
	"github.com/agenthost/agenthost/pdk/abi"
)

// address is where the vendor of the tests has a file.
func address(file *abi.File) string {
	host := "files.vendor.example"
	if len(file.Suffixes) > 0 {
		host = file.Suffixes[0]
	}
	return "https://" + host + "/f/1?signature=a%2Fb"
}

// names is a vendor that names a file in its answers to requests that declare one.
func (s *subject) names(v vendor) vendor {
	if !s.namesFiles() {
		return v
	}
	return func(ctx context.Context, req *abi.Request, body []byte) (*sandbox.Response, error) {
		resp, err := v(ctx, req, body)
		t := s.declaring(req)
		if err != nil || t == nil || t.File == nil {
			return resp, err
		}
		path, refusal := wire.FilePath(t.File, s.running)
		if refusal != nil {
			return nil, refusal
		}
		for i := range path {
			path[i] = strings.NewReplacer("~", "~0", "/", "~1").Replace(path[i])
		}
		var whole any
		decoder := json.NewDecoder(bytes.NewReader(resp.Body))
		decoder.UseNumber()
		if decoder.Decode(&whole) != nil {
			whole = nil
		}
		resp.Body = marshal(put(whole, path, address(t.File)))
		return resp, nil
	}
}

func (s *subject) namesFiles() bool {
	return slices.ContainsFunc(s.Requests, func(t abi.RequestTemplate) bool { return t.File != nil })
}

// refusesFile returns why a host does not get the file that an answer names; nil if it does.
func (s *subject) refusesFile(req *abi.Request, answers []named) *abi.Error {
	at := slices.IndexFunc(answers, func(n named) bool { return n.Handle == req.File })
	if at < 0 {
		s.wrong("it wants the file of an answer whose request declares none")
		return fault.Denied(wire.RuleFile, "the request declares no file", "declare it")
	}
	file := answers[at].file
	url, refusal := wire.FileURL(file, answers[at].Body, s.running)
	if refusal == nil {
		_, _, refusal = s.examination.rules[0].File(wire.Scope{Given: &wire.Given{Params: s.running}}, wire.Operators(file, url), url)
	}
	return refusal
}

// fileAsked wants the file that an answer names asked for.
func fileAsked(ctx context.Context, s *subject, c *Check) {
	if s.sending == nil || !s.namesFiles() {
		return
	}
	c.Cases++
	if r := s.run(ctx, s.sending, s.good(s.body())); !slices.ContainsFunc(r.requests, func(q request) bool { return q.File != 0 }) {
		c.problem("%s declares that an answer names a file, and does not ask for it", s.Name())
	}
}

// fileErrors are those of the place where a file is. It knows no credential, and blames none.
func fileErrors(ctx context.Context, s *subject, c *Check) {
	if !s.namesFiles() {
		return
	}
	for _, status := range []int{401, 403, 404, 410, 500} {
		c.Cases++
		failed := s.run(ctx, s.sending, instead(s.good(s.body()), func() (*sandbox.Response, error) {
			return &sandbox.Response{Status: status, Header: map[string][]string{"Content-Type": {"application/xml"}}, Body: []byte("<Error/>")}, nil
		})).failed()
		switch {
		case failed == nil:
			c.problem("%s takes status %d for the file", s.Name(), status)
		case failed.Kind == abi.KindAuthFailed:
			c.problem("%s blames the credential for status %d of the file, to which it was not sent", s.Name(), status)
		}
	}
}

// fileSilence is a file that the host cannot or may not get.
func fileSilence(ctx context.Context, s *subject, c *Check) {
	if !s.namesFiles() {
		return
	}
	for _, kind := range []abi.Kind{abi.KindDenied, abi.KindNetwork, abi.KindLimitExceeded} {
		c.Cases++
		failed := s.run(ctx, s.sending, instead(s.good(s.body()), func() (*sandbox.Response, error) {
			return nil, &abi.Error{Kind: kind, Message: "the host's own words"}
		})).failed()
		if failed == nil || failed.Kind != kind {
			c.problem("%s: %s of the file becomes %v", s.Name(), kind, failed)
		}
	}
}

// instead is a vendor whose file is answered otherwise.
func instead(v vendor, file func() (*sandbox.Response, error)) vendor {
	return func(ctx context.Context, req *abi.Request, body []byte) (*sandbox.Response, error) {
		if req.File != 0 {
			return file()
		}
		return v(ctx, req, body)
	}
}
