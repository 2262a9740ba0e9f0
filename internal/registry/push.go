package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/agenthost/agenthost/internal/provenance"
	digest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/registry/remote"
)

// manifestJSON is a manifest that this package writes.
type manifestJSON struct {
	SchemaVersion int               `json:"schemaVersion"`
	MediaType     string            `json:"mediaType"`
	ArtifactType  string            `json:"artifactType,omitempty"`
	Config        descriptor        `json:"config"`
	Layers        []descriptor      `json:"layers"`
	Subject       *descriptor       `json:"subject,omitempty"`
	Annotations   map[string]string `json:"annotations,omitempty"`
}

// Make makes the artifact of a module. The same module and annotations make the same artifact, anywhere
// and at any time. Name is the connector's.
func Make(module []byte, name string, annotations map[string]string) (*Artifact, error) {
	layer := descriptor{MediaType: mediaModule, Digest: digestOf(module), Size: int64(len(module)), Annotations: map[string]string{"org.opencontainers.image.title": name + ".wasm"}}
	config, err := json.Marshal(wasmConfig{Created: "1970-01-01T00:00:00Z", Architecture: "wasm", OS: "wasip1", LayerDigests: []string{layer.Digest}})
	if err != nil {
		return nil, err
	}
	all := map[string]string{Annotation: name}
	for key, value := range annotations {
		if value != "" {
			all[key] = value
		}
	}
	manifest, err := json.Marshal(manifestJSON{
		SchemaVersion: 2, MediaType: mediaManifest, Annotations: all, Layers: []descriptor{layer},
		Config: descriptor{MediaType: mediaConfig, Digest: digestOf(config), Size: int64(len(config))},
	})
	if err != nil {
		return nil, err
	}
	if len(manifest) > maxManifest {
		return nil, invalid(fmt.Sprintf("the annotations of %s are too long", name), "shorten the description of the connector")
	}
	a, err := readArtifact(manifest)
	if err != nil {
		return nil, notArtifact(name, err)
	}
	return a, a.configured(config)
}

// Push sends an artifact of [Make] with its module to a registry, under the tag of the reference.
func (c *Client) Push(ctx context.Context, r provenance.Reference, a *Artifact, module []byte) error {
	if r.Tag == "" || r.Digest != "" {
		return invalid("push needs a reference with a tag and without a digest", "write it like ghcr.io/acme/notes:1.2.0")
	}
	ctx, cancel := context.WithTimeout(ctx, c.limits.within)
	defer cancel()
	repo, closeAll, err := c.repository(r)
	if err != nil {
		return err
	}
	defer closeAll()
	for _, blob := range [][]byte{a.config, module} {
		if err := send(ctx, repo, blob); err != nil {
			return explain(r, "push", err)
		}
	}
	d := ocispec.Descriptor{MediaType: mediaManifest, Digest: digest.Digest(a.Digest), Size: int64(len(a.manifest))}
	return explain(r, "push", repo.Manifests().PushReference(ctx, d, bytes.NewReader(a.manifest), r.Tag))
}

// Attach sends a signature of an artifact to its repository, as something that refers to it. Where the
// registry does not list such things, a tag does that everybody knows.
func (c *Client) Attach(ctx context.Context, r provenance.Reference, artifact string, bundle []byte) error {
	if len(bundle) == 0 || int64(len(bundle)) > c.limits.bundle {
		return invalid(fmt.Sprintf("a signature has %d bytes, the limit is %d", len(bundle), c.limits.bundle), "")
	}
	ctx, cancel := context.WithTimeout(ctx, c.limits.within)
	defer cancel()
	repo, closeAll, err := c.repository(r)
	if err != nil {
		return err
	}
	defer closeAll()
	of, err := c.manifest(ctx, repo, r.At(artifact))
	if err != nil {
		return err
	}
	empty := []byte("{}")
	manifest, err := json.Marshal(manifestJSON{
		SchemaVersion: 2, MediaType: mediaManifest, ArtifactType: provenance.BundleType,
		Config:  descriptor{MediaType: mediaEmpty, Digest: digestOf(empty), Size: int64(len(empty))},
		Layers:  []descriptor{{MediaType: provenance.BundleType, Digest: digestOf(bundle), Size: int64(len(bundle))}},
		Subject: &descriptor{MediaType: mediaManifest, Digest: artifact, Size: int64(len(of))},
	})
	if err != nil {
		return err
	}
	for _, blob := range [][]byte{empty, bundle} {
		if err := send(ctx, repo, blob); err != nil {
			return explain(r, "sign", err)
		}
	}
	d := ocispec.Descriptor{MediaType: mediaManifest, Digest: digest.Digest(digestOf(manifest)), Size: int64(len(manifest))}
	return explain(r, "sign", repo.Manifests().Push(ctx, d, bytes.NewReader(manifest)))
}

// send pushes a blob that the repository does not have.
func send(ctx context.Context, repo *remote.Repository, data []byte) error {
	d := ocispec.Descriptor{MediaType: "application/octet-stream", Digest: digest.Digest(digestOf(data)), Size: int64(len(data))}
	if there, err := repo.Blobs().Exists(ctx, d); err == nil && there {
		return nil
	}
	return repo.Blobs().Push(ctx, d, bytes.NewReader(data))
}
