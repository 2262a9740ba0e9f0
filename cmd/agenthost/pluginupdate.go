package main

import (
	"context"
	"fmt"

	"github.com/agenthost/agenthost/cmd/agenthost/internal/render"
	"github.com/agenthost/agenthost/host/grant"
	"github.com/agenthost/agenthost/internal/provenance"
	"github.com/spf13/cobra"
)

func (a *app) pluginUpdateCommand() *cobra.Command {
	var yes bool
	var mirror string
	cmd := &cobra.Command{
		Use:   "update [NAME...]",
		Short: "Update connectors from their registries",
		Long: `Ask the registries for newer versions of connectors that came from them: of all, or of those that you name. For
each it shows the difference of what it reaches, of its operations, limits, titles and descriptions, and asks for
your approval.

A version is taken without a question only if trust: in the configuration has an entry for who signed it, that is
who signed the version in use, it is newer, it was not installed before, it reaches no further, and the
configuration does not say updates: never. The audit records such an update, and whether its texts changed.`,
		Example: `  agenthost plugin update
  agenthost plugin update notes --yes`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withDistribution(cmd.Context(), mirror, func(ctx context.Context, d *distribution) error { return d.update(ctx, args, yes) })
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "approve without asking")
	mirrorFlag(cmd, &mirror)
	return cmd
}

// update looks for newer versions. One that fails does not keep the others.
func (d *distribution) update(ctx context.Context, names []string, yes bool) error {
	installed, err := d.installed(names)
	if err != nil {
		return err
	}
	if len(installed) == 0 {
		d.app.say("note", d.options.Lock+" has no connector from a registry")
	}
	var problems []error
	for i := range installed {
		if err := d.updateOne(ctx, &installed[i], yes); err != nil {
			problems = append(problems, err)
		}
	}
	return d.app.problems(problems)
}

func (d *distribution) updateOne(ctx context.Context, a *grant.Approval, yes bool) error {
	r := a.Source.Reference
	if from, configured := d.config.Registries.From[a.Name]; configured {
		r = from
	} else if r.Tag != "" {
		r = r.At("")
	}
	artifact, err := d.fetch(ctx, r)
	if err != nil {
		return err
	}
	current, version := a.Current()
	if artifact.Digest == a.Source.Reference.Digest {
		return d.app.print("%s %s is what %s has\n", a.Name, version, r)
	}
	c, err := d.examine(ctx, r, artifact, a.Name)
	if err != nil {
		return err
	}
	if c.review.Digest == current {
		// Another manifest for the same module: another signature, or other annotations.
		return d.app.print("%s %s is what %s has\n", a.Name, version, r)
	}
	if why := d.needsPerson(a, c, r); why != "" {
		d.app.say("note", fmt.Sprintf("%s %s needs a person: %s", a.Name, c.review.Module.Version, why))
		if err := d.show(ctx, c); err != nil {
			return err
		}
		if err := d.agreeTo(c, yes, "agenthost plugin update "+a.Name); err != nil {
			return err
		}
		return d.take(ctx, c, "update", "")
	}
	changed, err := d.difference(ctx, a, c.review)
	if err != nil {
		return err
	}
	rule := "trust: signed by " + c.signer.String()
	switch {
	case changed == nil:
		rule += "; texts not compared"
	case len(changed.Texts) > 0:
		rule += fmt.Sprintf("; %d texts changed", len(changed.Texts))
	}
	if changed != nil && !changed.Empty() {
		p := &page{w: d.app.stdout, style: d.app.style(render.Table)}
		if p.changed(changed); p.err != nil {
			return p.err
		}
	}
	return d.take(ctx, c, "update", rule)
}

// needsPerson says why a version is not taken without a person, and is empty where the policy lets it.
func (d *distribution) needsPerson(a *grant.Approval, c *candidate, r provenance.Reference) string {
	_, version := a.Current()
	switch {
	case !equalSources(r, a.Source.Reference):
		return "it comes from another reference than the version in use"
	case d.options.Updates == grant.UpdatesNever:
		return "the configuration says updates: never"
	case a.Source.Was(c.review.Digest):
		return "it was installed before, and another version took its place or a person went back from it"
	case !provenance.Newer(c.review.Module.Version, version):
		return fmt.Sprintf("version %s is not newer than %s", c.review.Module.Version, version)
	case len(c.review.Wider) > 0:
		return "it needs further access"
	case c.signer == (provenance.Signer{}):
		return "trust: in the configuration has no entry for it"
	case c.signer != a.Source.Signer:
		return "somebody else signed it than the version in use"
	}
	return ""
}

func (a *app) pluginRollbackCommand() *cobra.Command {
	var yes bool
	var mirror string
	cmd := &cobra.Command{
		Use:   "rollback NAME",
		Short: "Go back to the version of a connector before this one",
		Long: `Put the version of a connector that was installed before into its place, from the cache. Each further rollback goes
one version further back. That is your decision, so it counts as your approval; agenthost asks only if the older
version reaches further than the one in use. No update goes on to the version that you left without asking.`,
		Example: `  agenthost plugin rollback notes`,
		Args:    args(1, "NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withDistribution(cmd.Context(), mirror, func(ctx context.Context, d *distribution) error { return d.rollback(ctx, args[0], yes) })
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "approve further access without asking")
	mirrorFlag(cmd, &mirror)
	return cmd
}

func (d *distribution) rollback(ctx context.Context, name string, yes bool) error {
	installed, err := d.installed([]string{name})
	if err != nil {
		return err
	}
	a := &installed[0]
	left, _ := a.Current()
	to, source, ok := a.Source.Back(left)
	if !ok {
		return &usageError{message: "there is no version of " + name + " before this one", hint: "install another one with agenthost plugin install"}
	}
	artifact, err := d.fetch(ctx, source.Reference)
	if err != nil {
		return err
	}
	if artifact.Module != "sha256:"+to.Module {
		return refusedArtifact("the lock file names a module that is not that of its manifest", "restore the lock file, or revoke the connector and install it again")
	}
	c, err := d.examine(ctx, source.Reference, artifact, name)
	if err != nil {
		return err
	}
	if len(c.review.Wider) > 0 {
		if err := d.show(ctx, c); err != nil {
			return err
		}
		if err := d.agreeTo(c, yes, "agenthost plugin rollback "+name); err != nil {
			return err
		}
	}
	source.Signer = c.signer
	if err := d.approved.Install(ctx, c.review.Module, source, left, osUser()); err != nil {
		return err
	}
	if err := d.place(ctx, name, artifact.Module); err != nil {
		return err
	}
	if err := d.host.RecordPlugin(ctx, "rollback", c.review.Module, osUser()+" went back"); err != nil {
		return err
	}
	return d.app.print("rolled back: the connector %s is %s again\n", name, render.Visible(c.review.Module.Version))
}
