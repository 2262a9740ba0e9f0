package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/agenthost/agenthost/internal/provenance"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/errdef"
	"oras.land/oras-go/v2/registry/remote"
)

// Resolve asks a registry for the digest of the manifest that a reference leads to now.
func (c *Client) Resolve(ctx context.Context, r provenance.Reference) (string, error) {
	if r.Digest != "" {
		return r.Digest, nil
	}
	ctx, cancel := context.WithTimeout(ctx, c.limits.within)
	defer cancel()
	repo, closeAll, err := c.repository(r)
	if err != nil {
		return "", err
	}
	defer closeAll()
	data, err := c.manifest(ctx, repo, r)
	if err != nil {
		return "", err
	}
	return digestOf(data), nil
}

// Pull fetches an artifact into a folder: the manifest, its config and module, and its signatures. It is
// there after it was compared with its digests, whole or not at all. A module that the folder has is not
// fetched again.
//
// The error has kind denied for what is no connector, and says why.
func (c *Client) Pull(ctx context.Context, r provenance.Reference, into *Folder) (*Artifact, error) {
	ctx, cancel := context.WithTimeout(ctx, c.limits.within)
	defer cancel()
	repo, closeAll, err := c.repository(r)
	if err != nil {
		return nil, err
	}
	defer closeAll()
	data, err := c.manifest(ctx, repo, r)
	if err != nil {
		return nil, err
	}
	a, err := readArtifact(data)
	if err != nil {
		return nil, notArtifact(r.String(), err)
	}
	config, err := c.blob(ctx, repo, r, a.configAt, c.limits.config)
	if err != nil {
		return nil, err
	}
	if err := a.configured(config); err != nil {
		return nil, notArtifact(r.String(), err)
	}
	if a.Size > c.limits.module {
		return nil, notArtifact(r.String(), fmt.Errorf("its module has %d bytes, the limit is %d", a.Size, c.limits.module))
	}
	if err := c.signatures(ctx, repo, r, a); err != nil {
		return nil, err
	}
	err = into.put(ctx, a, func() (io.ReadCloser, error) {
		rc, err := repo.Blobs().Fetch(ctx, ocispec.Descriptor{MediaType: mediaModule, Digest: digest.Digest(a.Module), Size: a.Size})
		if err != nil {
			return nil, explain(r, "fetch", err)
		}
		return rc, nil
	})
	if err != nil {
		return nil, explain(r, "fetch", err)
	}
	return a, nil
}

// manifest fetches the manifest of a reference.
func (c *Client) manifest(ctx context.Context, repo *remote.Repository, r provenance.Reference) ([]byte, error) {
	at := r.Tag
	if r.Digest != "" {
		at = r.Digest
	}
	d, rc, err := repo.Manifests().FetchReference(ctx, at)
	if err != nil {
		return nil, explain(r, "fetch", err)
	}
	defer rc.Close()
	switch d.MediaType {
	case mediaManifest:
	case mediaIndex, "application/vnd.docker.distribution.manifest.list.v2+json":
		return nil, notArtifact(r.String(), errors.New("it is an index of several artifacts, which name different files on different machines"))
	default:
		return nil, notArtifact(r.String(), fmt.Errorf("it is %q", plain(d.MediaType)))
	}
	data, err := whole(rc, c.limits.manifest)
	if err != nil {
		return nil, explain(r, "fetch", fmt.Errorf("its manifest: %w", err))
	}
	got := digestOf(data)
	if r.Digest != "" && got != r.Digest || d.Digest != "" && string(d.Digest) != got {
		return nil, refused("the registry has another manifest for "+r.String()+": "+got, "somebody changed what the digest names, or the registry lies; ask its operator")
	}
	return data, nil
}

// blob fetches a small blob.
func (c *Client) blob(ctx context.Context, repo *remote.Repository, r provenance.Reference, d descriptor, most int64) ([]byte, error) {
	if d.Size > most {
		return nil, notArtifact(r.String(), fmt.Errorf("a part of it has %d bytes, the limit is %d", d.Size, most))
	}
	rc, err := repo.Blobs().Fetch(ctx, ocispec.Descriptor{MediaType: d.MediaType, Digest: digest.Digest(d.Digest), Size: d.Size})
	if err != nil {
		return nil, explain(r, "fetch", err)
	}
	defer rc.Close()
	data, err := whole(rc, d.Size)
	if err != nil {
		return nil, explain(r, "fetch", err)
	}
	if digestOf(data) != d.Digest {
		return nil, refused("the registry has other bytes for "+d.Digest+" of "+r.String(), "somebody changed them, or the registry lies; ask its operator")
	}
	return data, nil
}

// whole reads all of something short.
func whole(r io.Reader, most int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, most+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > most {
		return nil, fmt.Errorf("it has more than %d bytes", most)
	}
	return data, nil
}

// errEnough ends a list of signatures.
var errEnough = errors.New("enough")

// maxListed is how many of the things that refer to an artifact are looked at.
const maxListed = 64

// signatures fetches what says that it signs an artifact. What is something else, or of something else,
// is left out: anybody who may push can put it there.
func (c *Client) signatures(ctx context.Context, repo *remote.Repository, r provenance.Reference, a *Artifact) error {
	var found []ocispec.Descriptor
	of := ocispec.Descriptor{MediaType: mediaManifest, Digest: digest.Digest(a.Digest), Size: int64(len(a.manifest))}
	// Some registries say the type of the config for that of the artifact, so oras does not select.
	types := []string{provenance.BundleType, mediaEmpty, ""}
	err := repo.Referrers(ctx, of, "", func(page []ocispec.Descriptor) error {
		for _, d := range page {
			if len(found) == maxListed {
				return errEnough
			}
			if d.MediaType == mediaManifest && slices.Contains(types, d.ArtifactType) && provenance.ValidDigest(string(d.Digest)) {
				found = append(found, d)
			}
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) && !errors.Is(err, errdef.ErrTooManyPages) {
		return explain(r, "list the signatures of", err)
	}
	for _, d := range found {
		if len(a.signatures) == c.limits.bundles {
			break
		}
		manifest, err := c.manifest(ctx, repo, provenance.Reference{Host: r.Host, Repository: r.Repository, Digest: string(d.Digest)})
		if err != nil {
			return fmt.Errorf("a signature: %w", err)
		}
		bundle, ok := a.signs(manifest)
		if !ok {
			continue
		}
		data, err := c.blob(ctx, repo, r, bundle, c.limits.bundle)
		if err != nil {
			return fmt.Errorf("a signature: %w", err)
		}
		a.add(signature{manifest, data})
	}
	return nil
}
