package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"github.com/agenthost/agenthost/cmd/agenthost/internal/render"
	"github.com/agenthost/agenthost/host/grant"
	"github.com/agenthost/agenthost/internal/modulefile"
	"github.com/agenthost/agenthost/internal/provenance"
	"github.com/spf13/cobra"
)

func (a *app) pluginInstallCommand() *cobra.Command {
	var yes bool
	var mirror string
	cmd := &cobra.Command{
		Use:   "install [REFERENCE]",
		Short: "Install a connector from a registry",
		Long: `Fetch a connector from an OCI registry, show what it can access and change, ask for your approval, and put it
into the plugins folder as NAME.wasm. Its digests and signatures are checked before anything reads the module. To
read what it declares, agenthost runs it in a sandbox without network or credentials. agenthost.lock keeps the
reference, the digests, who signed it and what you approved.

Without a reference, it installs the connectors of plugins.from in the configuration, and those of agenthost.lock.
What agenthost.lock has is installed at its digest, without a question: the same bytes, or an error.`,
		Example: `  agenthost plugin install ghcr.io/acme/notes:1.2.0
  agenthost plugin install --mirror ./mirror`,
		Args: args(0, "REFERENCE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withDistribution(cmd.Context(), mirror, func(ctx context.Context, d *distribution) error {
				if len(args) == 0 {
					return d.installAll(ctx, yes)
				}
				r, err := reference(args[0])
				if err != nil {
					return err
				}
				return d.install(ctx, r, "", yes)
			})
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "approve without asking")
	mirrorFlag(cmd, &mirror)
	return cmd
}

// installAll installs what the configuration and the lock file have. One that fails does not keep the others.
func (d *distribution) installAll(ctx context.Context, yes bool) error {
	locked, err := d.installed(nil)
	if err != nil {
		return err
	}
	var problems []error
	done := make(map[string]bool)
	for i := range locked {
		a := &locked[i]
		if from, configured := d.config.Registries.From[a.Name]; configured && !equalSources(from, a.Source.Reference) {
			continue // the configuration has another reference by now
		}
		done[a.Name] = true
		if err := d.restore(ctx, a); err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", a.Name, err))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(d.config.Registries.From)) {
		if done[name] {
			continue
		}
		if err := d.install(ctx, d.config.Registries.From[name], name, yes); err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", name, err))
		}
	}
	if len(locked)+len(d.config.Registries.From) == 0 {
		return &usageError{message: "there is nothing to install", hint: "name a reference, or add plugins: {from: {NAME: REFERENCE}} to agenthost.yaml"}
	}
	return d.app.problems(problems)
}

// restore puts the approved file of a connector into its place: those bytes, or an error.
func (d *distribution) restore(ctx context.Context, a *grant.Approval) error {
	digest, version := a.Current()
	artifact, err := d.fetch(ctx, a.Source.Reference)
	if err != nil {
		return err
	}
	if artifact.Module != "sha256:"+digest {
		return refusedArtifact(fmt.Sprintf("%s has the module %s, and %s approves sha256:%s", a.Source.Reference, artifact.Module, d.options.Lock, digest), "the lock file was changed: restore it, or revoke the connector and install it again")
	}
	if _, err := d.signer(ctx, artifact, a.Name); err != nil {
		return err
	}
	if err := d.place(ctx, a.Name, artifact.Module); err != nil {
		return err
	}
	return d.app.print("installed: the connector %s %s\n", a.Name, version)
}

// install installs what a reference leads to now, with a person's approval. Name is the connector's, if the
// configuration says it.
func (d *distribution) install(ctx context.Context, r provenance.Reference, name string, yes bool) error {
	if _, err := d.file("x"); err != nil {
		return err
	}
	artifact, err := d.fetch(ctx, r)
	if err != nil {
		return err
	}
	c, err := d.examine(ctx, r, artifact, name)
	if err != nil {
		return err
	}
	command := "agenthost plugin install " + r.String()
	if before := sourceOf(c.review.Approval); before == nil {
		if err := d.unowned(ctx, c.review.Name, c.artifact.Module); err != nil {
			return err
		}
	} else if digest, _ := c.review.Approval.Current(); digest == c.review.Digest && equalSources(before.Reference, r) {
		return d.restore(ctx, c.review.Approval)
	}
	if err := d.show(ctx, c); err != nil {
		return err
	}
	if err := d.agreeTo(c, yes, command); err != nil {
		return err
	}
	return d.take(ctx, c, "install", "")
}

// take puts a candidate into its place. By is the policy that lets it, and empty where a person agreed.
func (d *distribution) take(ctx context.Context, c *candidate, action, by string) error {
	old := c.review.Approval
	from := ""
	if sourceOf(old) != nil {
		from, _ = old.Current()
	}
	source := sourceOf(old).Next(c.reference, c.signer, d.replaced(old))
	var err error
	if by != "" {
		err = d.approved.Update(ctx, c.review.Module, source, from)
	} else {
		by = osUser() + " approved"
		err = d.approved.Install(ctx, c.review.Module, source, from, osUser())
	}
	if err != nil {
		return err
	}
	// The lock file first: where the program ends here, the old file is refused, and plugin install puts the
	// new one into its place.
	if err := d.place(ctx, c.review.Name, c.artifact.Module); err != nil {
		return err
	}
	if err := d.host.RecordPlugin(ctx, action, c.review.Module, by); err != nil {
		return err
	}
	return d.app.print("installed: the connector %s %s\n", render.Visible(c.review.Name), render.Visible(c.review.Module.Version))
}

// verifyOne checks an installed connector without a network.
func (d *distribution) verifyOne(ctx context.Context, name, digest string, source *provenance.Source) (provenance.Signer, error) {
	path, err := d.file(name)
	if err != nil {
		return provenance.Signer{}, err
	}
	now, err := modulefile.Digest(ctx, path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return provenance.Signer{}, refusedArtifact(path+" is not there", "run agenthost plugin install")
	case err != nil:
		return provenance.Signer{}, refusedArtifact(path+" cannot be read: "+err.Error(), "")
	case now != digest:
		return provenance.Signer{}, refusedArtifact(path+" was changed: it is not the approved file", "run agenthost plugin install")
	}
	artifact, err := d.cache.Get(ctx, source.Reference.Digest)
	if err != nil {
		return provenance.Signer{}, err
	}
	if artifact.Module != "sha256:"+digest {
		return provenance.Signer{}, refusedArtifact("the lock file names a module that is not that of its manifest", "restore the lock file, or revoke the connector and install it again")
	}
	return d.signer(ctx, artifact, name)
}
