// Command image makes the OCI image of agenthost without a container engine, and pushes it:
//
//	image make FOLDER CONFIG PLUGINS amd64=BINARY arm64=BINARY
//	image push FOLDER REFERENCE
//
// The folder is an OCI image layout. The same files make the same bytes: the image has no time, no name of
// a user and no path of the machine in it. It has one program, its connectors, a configuration and the
// certificate authorities of Mozilla; no shell, and nothing that runs as root.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

var errUsage = errors.New("usage: image make FOLDER CONFIG PLUGINS ARCH=BINARY..., or image push FOLDER REFERENCE")

func run(ctx context.Context, args []string) error {
	switch {
	case len(args) >= 5 && args[0] == "make":
		index, err := multi(args[2], args[3], args[4:])
		if err != nil {
			return err
		}
		if err := os.RemoveAll(args[1]); err != nil {
			return err
		}
		// Programs that read a layout want one image in it: here, the index of both.
		folder, err := layout.Write(args[1], empty.Index)
		if err != nil {
			return err
		}
		if err := folder.AppendIndex(index, layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": "latest"})); err != nil {
			return err
		}
		digest, err := index.Digest()
		if err != nil {
			return err
		}
		fmt.Println(args[1], digest)
		return nil
	case len(args) == 3 && args[0] == "push":
		return push(ctx, args[1], args[2])
	}
	return errUsage
}

// multi is the image for several processors.
func multi(config, plugins string, binaries []string) (v1.ImageIndex, error) {
	base, err := baseLayer(config, plugins)
	if err != nil {
		return nil, err
	}
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, b := range binaries {
		arch, path, found := strings.Cut(b, "=")
		if !found {
			return nil, errUsage
		}
		program, err := programLayer(path)
		if err != nil {
			return nil, err
		}
		image, err := single(arch, base, program)
		if err != nil {
			return nil, err
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: image, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: arch}}})
	}
	return index, nil
}

// single is the image for one processor.
func single(arch string, layers ...v1.Layer) (v1.Image, error) {
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	image, err := mutate.AppendLayers(image, layers...)
	if err != nil {
		return nil, err
	}
	c, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	c = c.DeepCopy()
	c.OS, c.Architecture, c.Config = "linux", arch, settings()
	return mutate.ConfigFile(image, c)
}

// settings say how a container of the image runs. deploy/Containerfile has the same.
func settings() v1.Config {
	return v1.Config{
		User:         "65532:65532",
		WorkingDir:   "/var/lib/agenthost",
		Entrypoint:   []string{"/usr/bin/agenthost"},
		Cmd:          []string{"serve"},
		Env:          []string{"PATH=/usr/bin", "HOME=/var/lib/agenthost", "AGENTHOST_CONFIG=/etc/agenthost/agenthost.yaml"},
		Volumes:      map[string]struct{}{"/var/lib/agenthost": {}},
		ExposedPorts: map[string]struct{}{"8080/tcp": {}, "9464/tcp": {}},
		StopSignal:   "SIGTERM",
		Healthcheck:  &v1.HealthConfig{Test: []string{"CMD", "/usr/bin/agenthost", "serve", "ready"}},
		Labels: map[string]string{
			"org.opencontainers.image.title":    "agenthost",
			"org.opencontainers.image.source":   "https://github.com/agenthost/agenthost",
			"org.opencontainers.image.licenses": "Apache-2.0",
		},
	}
}

// push sends the image in a folder to a registry, with the credentials of docker login if there are some.
func push(ctx context.Context, folder, reference string) error {
	ref, err := name.ParseReference(reference)
	if err != nil {
		return err
	}
	all, err := layout.ImageIndexFromPath(folder)
	if err != nil {
		return err
	}
	manifest, err := all.IndexManifest()
	if err != nil {
		return err
	}
	if len(manifest.Manifests) != 1 || !manifest.Manifests[0].MediaType.IsIndex() {
		return fmt.Errorf("%s is no folder of image make", folder)
	}
	index, err := all.ImageIndex(manifest.Manifests[0].Digest)
	if err != nil {
		return err
	}
	return remote.WriteIndex(ref, index, remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain))
}
