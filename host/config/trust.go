package config

import (
	"maps"
	"slices"

	"github.com/agenthost/agenthost/internal/lazyregexp"
	"github.com/agenthost/agenthost/internal/provenance"
	"github.com/goccy/go-yaml/ast"
)

var connectorName = lazyregexp.New(`^[a-z][a-z0-9-]{0,62}$`)

const (
	identityHint = "write an e-mail address, or the URL of a workflow, such as https://github.com/acme/notes/.github/workflows/release.yml@refs/tags/v*"
	issuerHint   = "write the whole URL, such as https://token.actions.githubusercontent.com"
	digestHint   = "write sha256: and 64 hexadecimal digits, as in agenthost.lock"
)

func (r *reader) trust(n ast.Node, path string) *provenance.Trust {
	t := &provenance.Trust{}
	before := len(r.problems)
	r.mapping(n, path, []key{
		{"root", func(v ast.Node, p string) { r.path(v, p, &t.Root) }},
		{"max_age", func(v ast.Node, p string) { r.duration(v, p, &t.MaxAge) }},
		{"signers", func(v ast.Node, p string) {
			t.Signers = make(map[string][]provenance.TrustedSigner)
			r.pairs(v, p, func(name string, at, value ast.Node) {
				if !connectorName.MatchString(name) {
					r.problem(at, join(p, clip(name)), "is not the name of a connector", "write the exact name, such as notes; there is no name for every connector")
					return
				}
				t.Signers[name] = r.signers(value, join(p, name))
			})
		}},
		{"revoked", func(v ast.Node, p string) {
			r.elements(v, p, func(e ast.Node) { t.Revoked = append(t.Revoked, r.revocation(e, p)) })
		}},
	})
	if len(r.problems) == before && t.Root == "" && slices.ContainsFunc(slices.Concat(slices.Collect(maps.Values(t.Signers))...), func(s provenance.TrustedSigner) bool { return s.Identity != "" }) {
		r.problem(n, path, "has identities and no root, so nobody vouches for them", "add root: ./trusted_root.json")
	}
	return t
}

// elements yields the elements of a list that is not empty.
func (r *reader) elements(n ast.Node, path string, yield func(ast.Node)) {
	at := n
	if n = r.value(n, path); n == nil {
		return
	}
	list, ok := n.(*ast.SequenceNode)
	if !ok {
		r.problem(at, path, "needs a list, has "+describe(n), "write each entry on its own line, behind a dash")
		return
	}
	if len(list.Values) == 0 {
		r.problem(at, path, "is empty", "add an entry, or remove the key")
		return
	}
	for _, element := range list.Values {
		yield(element)
	}
}

func (r *reader) signers(n ast.Node, path string) (all []provenance.TrustedSigner) {
	r.elements(n, path, func(e ast.Node) {
		var s provenance.TrustedSigner
		before := len(r.problems)
		r.mapping(e, path, []key{
			{"identity", func(v ast.Node, p string) { r.identity(v, p, &s.Identity) }},
			{"issuer", func(v ast.Node, p string) { r.issuer(v, p, &s.Issuer) }},
			{"key", func(v ast.Node, p string) { r.path(v, p, &s.KeyFile) }},
		})
		if len(r.problems) > before {
			return
		}
		if (s.KeyFile == "") == (s.Identity == "" && s.Issuer == "") || s.KeyFile == "" && (s.Identity == "" || s.Issuer == "") {
			r.problem(e, path, "needs an identity and its issuer, or a key", "write {identity: ..., issuer: ...}, or {key: ./acme.pub}")
			return
		}
		all = append(all, s)
	})
	return all
}

func (r *reader) revocation(n ast.Node, path string) (revoked provenance.Revocation) {
	before := len(r.problems)
	digest := func(into *string) func(ast.Node, string) {
		return func(v ast.Node, p string) {
			if text, ok := r.text(v, p); ok && !provenance.ValidDigest(text) {
				r.problem(v, p, "is not a digest", digestHint)
			} else {
				*into = text
			}
		}
	}
	r.mapping(n, path, []key{
		{"digest", digest(&revoked.Digest)},
		{"key", digest(&revoked.Key)},
		{"identity", func(v ast.Node, p string) { r.identity(v, p, &revoked.Identity) }},
		{"issuer", func(v ast.Node, p string) { r.issuer(v, p, &revoked.Issuer) }},
	})
	set := 0
	for _, text := range []string{revoked.Digest, revoked.Key, revoked.Identity} {
		if text != "" {
			set++
		}
	}
	if len(r.problems) == before && (set != 1 || revoked.Issuer != "" && revoked.Identity == "") {
		r.problem(n, path, "needs a digest, a key or an identity, one of them", "write {digest: sha256:...}, {key: sha256:...}, or {identity: ...}")
	}
	return revoked
}

func (r *reader) identity(n ast.Node, path string, into *string) {
	r.checked(n, path, provenance.CheckIdentity, identityHint, into)
}

func (r *reader) issuer(n ast.Node, path string, into *string) {
	r.checked(n, path, provenance.CheckIssuer, issuerHint, into)
}

func (r *reader) checked(n ast.Node, path string, check func(string) error, hint string, into *string) {
	text, ok := r.text(n, path)
	if !ok {
		return
	}
	if err := check(text); err != nil {
		r.problem(n, path, err.Error(), hint)
		return
	}
	*into = text
}
