package registry

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/agenthost/agenthost/internal/modulefile"
	"github.com/agenthost/agenthost/internal/provenance"
	"github.com/agenthost/agenthost/internal/rawjson"
)

// The media types of an artifact, and no others: those of the CNCF's layout for WebAssembly.
const (
	mediaManifest = "application/vnd.oci.image.manifest.v1+json"
	mediaIndex    = "application/vnd.oci.image.index.v1+json"
	mediaConfig   = "application/vnd.wasm.config.v0+json"
	mediaModule   = "application/wasm"
	mediaEmpty    = "application/vnd.oci.empty.v1+json"
)

// The most that each part of an artifact may have, in bytes.
const (
	maxManifest  = 256 << 10
	maxConfig    = 64 << 10
	maxModule    = modulefile.Max
	maxBundle    = 256 << 10
	maxBundles   = 16      // signatures of one artifact
	maxReferrers = 1 << 20 // a list of what refers to an artifact
)

// Annotation has the connector's name. It says whose policy of signatures counts, and is compared with
// what the module declares. Nothing else depends on an annotation.
const Annotation = "com.github.agenthost.connector"

// Artifact is a connector as a registry keeps it. Its digests agree with each other; nobody has looked
// into the module.
type Artifact struct {
	// Digest is that of the manifest.
	Digest string
	// Module is the digest of the module, and Size its length.
	Module string
	Size   int64
	// Name is the connector's, as the manifest's annotation says; empty without one.
	Name string
	// Bundles are what the registry has as signatures, with nothing checked but whom they say they are of.
	Bundles [][]byte

	manifest, config []byte
	configAt         descriptor
	signatures       []signature
}

// signature is a manifest whose subject is an artifact, and the bundle in it.
type signature struct {
	manifest, bundle []byte
}

// descriptor names a blob.
type descriptor struct {
	MediaType    string            `json:"mediaType"`
	Digest       string            `json:"digest"`
	Size         int64             `json:"size"`
	ArtifactType string            `json:"artifactType,omitempty"`
	Annotations  map[string]string `json:"annotations,omitempty"`
}

// digestOf is the digest of some bytes as OCI writes it.
func digestOf(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// object reads an object of JSON in which each member is once. Members are found by their exact names:
// encoding/json also takes others for them, and another program would read another thing.
func object(data []byte) (map[string]json.RawMessage, error) {
	if twice, err := rawjson.Duplicate(data); err != nil || twice != "" {
		return nil, errors.New("it is not JSON, or has a member twice")
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil || members == nil {
		return nil, errors.New("it is not an object")
	}
	return members, nil
}

// member reads one member into a value, if it is there.
func member(members map[string]json.RawMessage, name string, into any) error {
	data, ok := members[name]
	if !ok {
		return nil
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("its %s is not what it should be", name)
	}
	return nil
}

// readDescriptor reads the descriptor of a blob of at most some bytes, which the registry keeps itself.
func readDescriptor(data []byte, most int64) (d descriptor, err error) {
	members, err := object(data)
	if err != nil {
		return d, err
	}
	for name, into := range map[string]any{"mediaType": &d.MediaType, "digest": &d.Digest, "size": &d.Size, "artifactType": &d.ArtifactType, "annotations": &d.Annotations} {
		if err := member(members, name, into); err != nil {
			return d, err
		}
	}
	switch {
	case !provenance.ValidDigest(d.Digest):
		return d, errors.New("a digest in it is not sha256: and 64 hexadecimal digits")
	case d.Size < 0 || d.Size > most:
		return d, fmt.Errorf("a part of it has %d bytes, the limit is %d", d.Size, most)
	case members["urls"] != nil, members["data"] != nil:
		return d, errors.New("a part of it says that it is elsewhere")
	}
	return d, nil
}

// image is what the manifest of any artifact says.
type image struct {
	artifactType string
	config       descriptor
	layers       []descriptor
	subject      string
	annotations  map[string]string
}

// readImage reads a manifest strictly. Most is how long one of its layers may be.
func readImage(data []byte, most int64) (m image, err error) {
	members, err := object(data)
	if err != nil {
		return m, err
	}
	version, mediaType := 0, ""
	var config, subject json.RawMessage
	var layers []json.RawMessage
	for name, into := range map[string]any{
		"schemaVersion": &version, "mediaType": &mediaType, "artifactType": &m.artifactType, "config": &config,
		"layers": &layers, "annotations": &m.annotations, "subject": &subject,
	} {
		if err := member(members, name, into); err != nil {
			return m, err
		}
	}
	switch {
	case members["manifests"] != nil:
		return m, errors.New("it is an index of several artifacts, which name different files on different machines")
	case version != 2:
		return m, errors.New("its schemaVersion is not 2")
	case mediaType != "" && mediaType != mediaManifest:
		return m, fmt.Errorf("its mediaType is %q", plain(mediaType))
	case config == nil:
		return m, errors.New("it has no config")
	case len(layers) != 1:
		return m, fmt.Errorf("it has %d layers, and a connector is exactly one", len(layers))
	}
	if m.config, err = readDescriptor(config, maxConfig); err != nil {
		return m, fmt.Errorf("its config: %w", err)
	}
	layer, err := readDescriptor(layers[0], most)
	if err != nil {
		return m, fmt.Errorf("its layer: %w", err)
	}
	m.layers = []descriptor{layer}
	if subject != nil && string(subject) != "null" {
		of, err := readDescriptor(subject, maxManifest)
		if err != nil {
			return m, fmt.Errorf("its subject: %w", err)
		}
		m.subject = of.Digest
	}
	return m, nil
}

// readArtifact reads the manifest of a connector.
func readArtifact(data []byte) (*Artifact, error) {
	m, err := readImage(data, maxModule)
	if err != nil {
		return nil, err
	}
	module := m.layers[0]
	switch {
	case m.artifactType != "" && m.artifactType != mediaConfig:
		return nil, fmt.Errorf("its artifactType is %q", plain(m.artifactType))
	case m.config.MediaType != mediaConfig:
		return nil, fmt.Errorf("its config is %q, and that of a connector is %s", plain(m.config.MediaType), mediaConfig)
	case module.MediaType != mediaModule:
		return nil, fmt.Errorf("its layer is %q, and that of a connector is %s", plain(module.MediaType), mediaModule)
	case module.Size == 0 || m.config.Digest == module.Digest:
		return nil, errors.New("its layer is not a module")
	}
	return &Artifact{
		Digest: digestOf(data), Module: module.Digest, Size: module.Size, Name: m.annotations[Annotation],
		manifest: data, configAt: m.config,
	}, nil
}

// wasmConfig is the config of an artifact, in the CNCF's layout.
type wasmConfig struct {
	Created      string   `json:"created"`
	Architecture string   `json:"architecture"`
	OS           string   `json:"os"`
	LayerDigests []string `json:"layerDigests"`
}

// configured checks the config against the manifest: it names the same module.
func (a *Artifact) configured(data []byte) error {
	var c wasmConfig
	members, err := object(data)
	if err != nil {
		return fmt.Errorf("its config: %w", err)
	}
	for name, into := range map[string]any{"architecture": &c.Architecture, "os": &c.OS, "layerDigests": &c.LayerDigests} {
		if err := member(members, name, into); err != nil {
			return fmt.Errorf("its config: %w", err)
		}
	}
	switch {
	case c.Architecture != "wasm" || c.OS != "wasip1":
		return fmt.Errorf("its config is for %q on %q, and a connector is for wasm on wasip1", plain(c.Architecture), plain(c.OS))
	case c.LayerDigests != nil && !slices.Equal(c.LayerDigests, []string{a.Module}):
		return errors.New("its config names another module than its manifest")
	}
	a.config = data
	return nil
}

// signs reads the manifest of a signature, and returns where the bundle is. It reports whether that says
// that it signs this artifact.
func (a *Artifact) signs(manifest []byte) (bundle descriptor, ok bool) {
	m, err := readImage(manifest, maxBundle)
	if err != nil || m.subject != a.Digest || m.artifactType != provenance.BundleType || m.layers[0].MediaType != provenance.BundleType {
		return bundle, false
	}
	return m.layers[0], true
}

func (a *Artifact) add(s signature) {
	a.signatures = append(a.signatures, s)
	a.Bundles = append(a.Bundles, s.bundle)
}

// notArtifact is the error of what is no connector.
func notArtifact(what string, err error) error {
	return refused(what+" is not a connector: "+err.Error(), "install what agenthost plugin push has made; another artifact is not a connector").WithCause(err)
}
