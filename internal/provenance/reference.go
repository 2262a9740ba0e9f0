package provenance

import (
	"errors"
	"fmt"
	"strings"

	"github.com/agenthost/agenthost/internal/egress/origin"
	"github.com/agenthost/agenthost/internal/lazyregexp"
)

// Reference names an artifact in a registry, as in ghcr.io/acme/notes:1.2.0.
type Reference struct {
	// Host is the registry's: a name or an address, with a port if it is not that of https.
	Host string
	// Repository is the path, such as acme/notes.
	Repository string
	// Tag is what the registry may move to another artifact; empty where there is a digest only.
	Tag string
	// Digest pins the manifest: sha256: and 64 hexadecimal digits; empty where it is not pinned.
	Digest string
}

var (
	repositoryForm = lazyregexp.New(`^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$`)
	tagForm        = lazyregexp.New(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$`)
	digestForm     = lazyregexp.New(`^sha256:[0-9a-f]{64}$`)
)

const maxReference = 512

// ParseReference reads HOST/REPOSITORY:TAG, HOST/REPOSITORY@DIGEST, or all of them. There is no default
// registry and no default tag: a name must not mean something else on another machine.
func ParseReference(text string) (Reference, error) {
	var r Reference
	if len(text) > maxReference {
		return r, fmt.Errorf("a reference is at most %d bytes long", maxReference)
	}
	rest, digest, pinned := strings.Cut(text, "@")
	if pinned && !ValidDigest(digest) {
		return r, fmt.Errorf("%.80q is not a digest: write sha256: and 64 hexadecimal digits", digest)
	}
	host, path, found := strings.Cut(rest, "/")
	if !found || host != "localhost" && !strings.ContainsAny(host, ".:") {
		return r, fmt.Errorf("%.80q does not begin with the host of a registry: write it like ghcr.io/acme/notes:1.2.0", text)
	}
	at, err := origin.Parse("https://" + host)
	if err != nil {
		return r, fmt.Errorf("%.80q is not the host of a registry: %w", host, err)
	}
	path, tag, tagged := strings.Cut(path, ":")
	switch {
	case !repositoryForm.MatchString(path):
		return r, fmt.Errorf("%.80q is not a repository: it has lower-case letters, digits and single separators between slashes", path)
	case tagged && !tagForm.MatchString(tag):
		return r, fmt.Errorf("%.80q is not a tag", tag)
	case !tagged && !pinned:
		return r, errors.New("the reference has no tag and no digest: add a tag, such as :1.2.0")
	}
	return Reference{Host: at.Authority(), Repository: path, Tag: tag, Digest: digest}, nil
}

// ValidDigest reports whether text is sha256: and 64 hexadecimal digits in lower case.
func ValidDigest(text string) bool { return digestForm.MatchString(text) }

// String writes the reference as [ParseReference] reads it.
func (r Reference) String() string {
	text := r.Host + "/" + r.Repository
	if r.Tag != "" {
		text += ":" + r.Tag
	}
	if r.Digest != "" {
		text += "@" + r.Digest
	}
	return text
}

// At is the reference to the artifact of a digest, wherever its tag leads now.
func (r Reference) At(digest string) Reference {
	r.Digest = digest
	return r
}
