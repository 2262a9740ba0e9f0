package main

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"

	"github.com/agenthost/agenthost/cmd/agenthost/internal/render"
	"github.com/agenthost/agenthost/internal/provenance"
	"github.com/agenthost/agenthost/internal/registry"
	"github.com/agenthost/agenthost/internal/sandbox"
	"github.com/spf13/cobra"
)

func (a *app) pluginPushCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "push REFERENCE FILE",
		Short: "Send a connector to a registry",
		Long: `Send a connector file to an OCI registry, as an artifact that agenthost plugin install takes. To read what
it declares, agenthost runs the file in a sandbox without network or credentials.

The same file makes the same artifact, anywhere and at any time. Log in to the registry with docker login.
The command prints the reference with the digest: that is what others can pin.`,
		Example: `  agenthost plugin push ghcr.io/acme/notes:1.2.0 notes.wasm`,
		Args:    args(2, "REFERENCE", "FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := reference(args[0])
			if err != nil {
				return err
			}
			return a.withDistribution(cmd.Context(), "", func(ctx context.Context, d *distribution) error { return d.push(ctx, r, args[1]) })
		},
	}
}

func (d *distribution) push(ctx context.Context, r provenance.Reference, file string) error {
	module, err := readModule(ctx, file)
	if err != nil {
		return &usageError{message: err.Error(), hint: "name a .wasm file, such as agenthost plugin build makes"}
	}
	info, err := d.host.Inspect(ctx, file)
	if err != nil {
		return err
	}
	if info.Digest != sandbox.Digest(module) {
		return &usageError{message: filepath.Base(file) + " was changed while it was read", hint: "run the command again"}
	}
	m := info.Manifest
	made, err := registry.Make(module, m.Name, map[string]string{
		"org.opencontainers.image.title": m.Title, "org.opencontainers.image.version": m.Version,
		"org.opencontainers.image.description": m.Description, "org.opencontainers.image.documentation": m.DocsURL,
	})
	if err != nil {
		return err
	}
	if err := d.client.Push(ctx, r, made, module); err != nil {
		return err
	}
	return d.app.print("%s\n", r.At(made.Digest))
}

func (a *app) pluginMirrorCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "mirror FOLDER [REFERENCE...]",
		Short: "Copy connectors from registries into a folder",
		Long: `Copy connectors with their signatures from registries into a folder, an OCI image layout, from which machines
without a network install: with plugins.mirror in the configuration, or --mirror. Without a reference, it copies
the connectors of agenthost.lock, each at the digest that is approved.`,
		Example: `  agenthost plugin mirror ./mirror ghcr.io/acme/notes:1.2.0`,
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var references []provenance.Reference
			for _, text := range args[1:] {
				r, err := reference(text)
				if err != nil {
					return err
				}
				references = append(references, r)
			}
			return a.withDistribution(cmd.Context(), "", func(ctx context.Context, d *distribution) error {
				d.mirror = nil // a mirror is made of what registries have
				return d.copyTo(ctx, registry.NewMirror(args[0]), references)
			})
		},
	}
}

// copyTo copies artifacts into a mirror.
func (d *distribution) copyTo(ctx context.Context, to *registry.Folder, references []provenance.Reference) error {
	if len(references) == 0 {
		installed, err := d.installed(nil)
		if err != nil {
			return err
		}
		for _, a := range installed {
			references = append(references, a.Source.Reference)
		}
	}
	for _, r := range references {
		artifact, err := d.fetch(ctx, r)
		if err != nil {
			return err
		}
		if err := to.Copy(ctx, d.cache, artifact, r); err != nil {
			return err
		}
		if err := d.app.print("%s\n", r.At(artifact.Digest)); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) pluginVerifyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "verify [NAME...]",
		Short: "Check installed connectors against agenthost.lock",
		Long: `Check connectors that came from registries: that the file in the plugins folder is the approved one, that the
cache has the artifact with all of its digests, and that its signatures satisfy trust: in the configuration. It
needs no network.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withDistribution(cmd.Context(), "", func(ctx context.Context, d *distribution) error { return d.verify(ctx, args) })
		},
	}
	a.formatFlag(cmd, "`format`: table or json", string(render.Table), string(render.JSON))
	return cmd
}

// verifiedPlugin is a connector in the output of plugin verify -o json.
type verifiedPlugin struct {
	Name      string `json:"name"`
	Version   string `json:"version"`
	Digest    string `json:"digest"`
	Reference string `json:"reference"`
	Signer    string `json:"signer,omitempty"`
	// Problem is empty if all is well.
	Problem string `json:"problem,omitempty"`
}

func (d *distribution) verify(ctx context.Context, names []string) error {
	installed, err := d.installed(names)
	if err != nil {
		return err
	}
	found := []verifiedPlugin{}
	var rows [][]string
	var problems []error
	for i := range installed {
		one := &installed[i]
		digest, version := one.Current()
		signer, err := d.verifyOne(ctx, one.Name, digest, one.Source)
		v := verifiedPlugin{Name: one.Name, Version: version, Digest: digest, Reference: one.Source.Reference.String(), Signer: signer.String()}
		if err != nil {
			v.Problem = err.Error()
			problems = append(problems, fmt.Errorf("%s: %w", one.Name, err))
		}
		found = append(found, v)
		rows = append(rows, []string{one.Name, version, shortDigest(digest), render.Visible(cmp.Or(v.Signer, "nobody")), render.Visible(cmp.Or(v.Problem, "ok"))})
	}
	done, err := d.app.json(found)
	if err == nil && !done && len(rows) == 0 {
		d.app.say("note", d.options.Lock+" has no connector from a registry")
	} else if err == nil && !done {
		err = render.Rows(d.app.stdout, d.app.style(render.Table), []string{"NAME", "VERSION", "DIGEST", "SIGNER", "RESULT"}, rows)
	}
	if err != nil {
		return err
	}
	return d.app.problems(problems)
}
