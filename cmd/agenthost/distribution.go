package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/agenthost/agenthost/cmd/agenthost/internal/render"
	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/approval"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/host/grant"
	"github.com/agenthost/agenthost/internal/catalog"
	"github.com/agenthost/agenthost/internal/difference"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/modulefile"
	"github.com/agenthost/agenthost/internal/provenance"
	"github.com/agenthost/agenthost/internal/registry"
	"github.com/agenthost/agenthost/internal/sandbox"
	"github.com/agenthost/agenthost/internal/trust"
	"github.com/agenthost/agenthost/internal/wholefile"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/spf13/cobra"
)

// distribution is what the commands share that move connectors between registries, the cache and the
// plugins folder. Everything that came from elsewhere is compared with its digests and its signatures
// before the host reads it, and the host reads it in its worker, without network or credentials.
type distribution struct {
	app      *app
	config   *config.Config
	options  host.Options
	approved *approval.Store
	client   *registry.Client
	cache    *registry.Folder
	mirror   *registry.Folder // nil asks registries
	verifier provenance.Verifier
	host     *host.Host
}

// verifierOf returns what checks signatures; nil asks a person about each connector. Tests replace it.
var verifierOf = func(c *config.Config, now func() time.Time) (provenance.Verifier, error) {
	if c.Trust == nil {
		return nil, nil
	}
	return trust.New(c.Trust, now)
}

// mirrorFlag adds --mirror to a command.
func mirrorFlag(cmd *cobra.Command, into *string) {
	cmd.Flags().StringVar(into, "mirror", "", "`folder` made by agenthost plugin mirror, which is asked in the place of registries (default plugins.mirror in the configuration)")
}

// withDistribution opens what is needed, and calls use.
func (a *app) withDistribution(ctx context.Context, mirror string, use func(ctx context.Context, d *distribution) error) error {
	ctx, cancel := a.withTimeout(ctx)
	defer cancel()
	c, path, err := a.loadConfig()
	if err != nil {
		return err
	}
	d := &distribution{app: a, config: c}
	if d.options, err = a.optionsOf(c, path); err != nil {
		return err
	}
	if d.verifier, err = verifierOf(c, a.now); err != nil {
		return err
	}
	secrets, err := openSecrets(d.options)
	if err != nil {
		return err
	}
	proxy, err := secrets.Proxy(d.options.Proxy)
	if err != nil {
		return err
	}
	d.client = registry.New(registry.Options{Credential: registry.DockerLogins(a.lookupEnv), Blobs: c.Registries.Blobs, Proxy: proxy, Seams: d.options.Seams})
	d.cache = registry.NewCache(filepath.Join(cmp.Or(d.options.Cache, catalog.DefaultCache()), "registry"))
	if mirror = cmp.Or(mirror, c.Registries.Mirror); mirror != "" {
		d.mirror = registry.NewMirror(mirror)
	}
	d.approved = store(d.options, a)
	if d.host, err = host.Open(ctx, d.options); err != nil {
		return err
	}
	defer d.host.Close(context.WithoutCancel(ctx))
	return use(ctx, d)
}

// reference reads an argument.
func reference(text string) (provenance.Reference, error) {
	r, err := provenance.ParseReference(text)
	if err != nil {
		return r, &usageError{message: err.Error(), hint: "write HOST/REPOSITORY:TAG, such as ghcr.io/acme/notes:1.2.0"}
	}
	return r, nil
}

// fetch gets an artifact into the cache, compared with its digests: from the mirror if there is one, else
// from the registry. What a digest names and the cache has is not fetched.
func (d *distribution) fetch(ctx context.Context, r provenance.Reference) (*registry.Artifact, error) {
	if r.Digest != "" {
		a, err := d.cache.Get(ctx, r.Digest)
		if err == nil || ctx.Err() != nil {
			return a, err
		}
	}
	if d.mirror == nil {
		return d.client.Pull(ctx, r, d.cache)
	}
	digest, err := d.mirror.Find(r)
	if err != nil {
		return nil, err
	}
	a, err := d.mirror.Get(ctx, digest)
	if err != nil {
		return nil, err
	}
	return a, d.cache.Copy(ctx, d.mirror, a, provenance.Reference{})
}

// signer asks the policy who signed an artifact, before anybody reads its module.
func (d *distribution) signer(ctx context.Context, a *registry.Artifact, name string) (provenance.Signer, error) {
	if d.verifier == nil {
		return provenance.Signer{}, nil
	}
	return d.verifier.Verify(ctx, a.Digest, name, a.Bundles)
}

// candidate is an artifact that may be installed: what it declares, who signed it, and how it differs from what
// is there.
type candidate struct {
	reference provenance.Reference // with the digest
	artifact  *registry.Artifact
	signer    provenance.Signer
	review    *host.Review
}

// examine checks an artifact and reads what it declares, in this order. Name is the connector's, if that is
// known; otherwise the artifact says it, and the module must say the same.
func (d *distribution) examine(ctx context.Context, r provenance.Reference, a *registry.Artifact, name string) (*candidate, error) {
	claimed := cmp.Or(name, a.Name)
	switch {
	case claimed == "":
		return nil, refusedArtifact(r.String()+" does not say which connector it is", "push it with agenthost plugin push, or name it under plugins.from in agenthost.yaml")
	case a.Name != "" && a.Name != claimed:
		return nil, refusedArtifact(fmt.Sprintf("%s is the connector %s, not %s", r, render.Visible(a.Name), claimed), "check the reference")
	}
	signer, err := d.signer(ctx, a, claimed)
	if err != nil {
		return nil, err
	}
	review, err := d.host.Review(ctx, d.cache.ModulePath(a.Module))
	if err != nil {
		return nil, err
	}
	if review.Name != claimed {
		return nil, refusedArtifact(fmt.Sprintf("%s says that it is the connector %s, and its module says %s", r, render.Visible(claimed), review.Name), "ask who published it")
	}
	if "sha256:"+review.Digest != a.Module {
		return nil, refusedArtifact("the module of "+r.String()+" was changed in the cache", "run the command again")
	}
	review.File = r.At(a.Digest).String()
	return &candidate{r.At(a.Digest), a, signer, review}, nil
}

func refusedArtifact(message, hint string) error {
	return fault.Denied(registry.RuleArtifact, message, hint)
}

// file is where a connector is in the plugins folder.
func (d *distribution) file(name string) (string, error) {
	if d.options.Plugins == "" {
		return "", &usageError{message: "the folder of connectors is not set", hint: "add --plugins DIR, set AGENTHOST_PLUGINS, or add plugins: ./plugins to agenthost.yaml"}
	}
	return filepath.Join(d.options.Plugins, name+".wasm"), nil
}

// place puts a module of the cache into the plugins folder.
func (d *distribution) place(ctx context.Context, name, module string) error {
	path, err := d.file(name)
	if err != nil {
		return err
	}
	if now, err := modulefile.Digest(ctx, path); err == nil && "sha256:"+now == module {
		return nil
	}
	data, err := modulefile.Read(ctx, d.cache.ModulePath(module))
	if err != nil {
		return fmt.Errorf("cannot read %s in the cache: %w", module, err)
	}
	if "sha256:"+sandbox.Digest(data) != module {
		return refusedArtifact("the bytes of "+module+" in the cache were changed", "run the command again")
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return err
	}
	return wholefile.Replace(path, 0o644, data)
}

// unowned refuses to replace a file of the plugins folder that did not come from a registry.
func (d *distribution) unowned(ctx context.Context, name, module string) error {
	path, err := d.file(name)
	if err != nil {
		return err
	}
	now, err := modulefile.Digest(ctx, path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && "sha256:"+now == module {
		return nil
	}
	return refusedArtifact(path+" is there, and did not come from a registry", "remove it, or give it another name, and install again")
}

// before is what is in use of a connector: its manifest, from the plugins folder, the cache or the registry. It
// is nil where none of them has it.
func (d *distribution) before(ctx context.Context, a *grant.Approval) *host.ConnectorInfo {
	digest, _ := a.Current()
	if path, err := d.file(a.Name); err == nil {
		if now, err := modulefile.Digest(ctx, path); err == nil && now == digest {
			if info, err := d.host.Inspect(ctx, path); err == nil {
				return info
			}
		}
	}
	artifact, err := d.fetch(ctx, a.Source.Reference)
	if err != nil || artifact.Module != "sha256:"+digest {
		return nil
	}
	info, err := d.host.Inspect(ctx, d.cache.ModulePath(artifact.Module))
	if err != nil {
		return nil
	}
	return info
}

// show writes what a person decides on: the difference to what is in use, if something is, and all that the
// connector may do.
func (d *distribution) show(ctx context.Context, c *candidate) error {
	p := &page{w: d.app.stdout, style: d.app.style(render.Table)}
	if a := c.review.Approval; a != nil && a.Source != nil {
		changed, err := d.difference(ctx, a, c.review)
		if err != nil {
			return err
		}
		p.changed(changed)
	}
	switch by := c.signer.String(); {
	case by != "":
		p.line("Signed by %s.", by)
	case len(c.artifact.Bundles) > 0:
		p.line("It has %d signatures, which no entry of trust: in agenthost.yaml asks for.", len(c.artifact.Bundles))
	default:
		p.line("Nobody signed it.")
	}
	if p.err != nil {
		return p.err
	}
	return d.app.consentText(d.app.stdout, d.app.style(render.Table), c.review)
}

// difference compares what a candidate declares with what is in use; nil where that is not to be had.
func (d *distribution) difference(ctx context.Context, a *grant.Approval, r *host.Review) (*difference.Difference, error) {
	before := d.before(ctx, a)
	if before == nil {
		return nil, nil
	}
	return difference.Of(before.Manifest, r.Manifest, before.Auth, r.Auth)
}

// changed writes the difference of two versions, beside their reach.
func (p *page) changed(d *difference.Difference) {
	if d == nil {
		p.line("The version in use cannot be had, so its titles, descriptions and limits are not compared.")
		return
	}
	for _, part := range []struct {
		title string
		lines []string
	}{
		{"Operations that are new or gone", d.Operations},
		{"Limits that changed", d.Limits},
		{"Texts that changed, which models read", d.Texts},
		{"What else changed", d.Others},
	} {
		if len(part.lines) > 0 {
			p.heading(part.title)
			p.list(part.lines)
		}
	}
}

// installed returns the approvals of connectors that came from registries, of some names or of all.
func (d *distribution) installed(names []string) ([]grant.Approval, error) {
	f, err := d.approved.Load()
	if err != nil {
		return nil, err
	}
	var found []grant.Approval
	var all []string
	for i := range f.Approvals {
		if a := &f.Approvals[i]; a.Source != nil {
			all = append(all, a.Name)
			if len(names) == 0 || slices.Contains(names, a.Name) {
				found = append(found, *a)
			}
		}
	}
	for _, name := range names {
		if !slices.Contains(all, name) {
			hint := fault.Hint(name, all)
			if len(all) == 0 {
				hint = "install one with agenthost plugin install REFERENCE"
			}
			return nil, &usageError{message: fmt.Sprintf("%s has no connector %q from a registry", d.options.Lock, name), hint: hint}
		}
	}
	return found, nil
}

// replaced is a version that gives its place to another one now.
func (d *distribution) replaced(a *grant.Approval) provenance.Version {
	if a == nil || a.Source == nil {
		return provenance.Version{}
	}
	digest, version := a.Current()
	return provenance.Version{Module: digest, Version: version, Manifest: a.Source.Reference.Digest, At: d.app.now().UTC().Truncate(time.Second)}
}

// sourceOf is the source of an approval, nil without one.
func sourceOf(a *grant.Approval) *provenance.Source {
	if a == nil {
		return nil
	}
	return a.Source
}

// equalSources reports whether two references are the same but for their digests.
func equalSources(a, b provenance.Reference) bool { return a.At("") == b.At("") }

// problems are the errors of several connectors: each is told, and the first one decides the exit code.
func (a *app) problems(errs []error) error {
	for _, err := range errs[min(1, len(errs)):] {
		a.say("error", err.Error())
	}
	if len(errs) == 0 {
		return nil
	}
	return errs[0]
}

// agreeTo asks a person to agree to what is shown, unless yes says so.
func (d *distribution) agreeTo(c *candidate, yes bool, command string) error {
	if yes || d.app.interactive() {
		return d.app.agree(c.review, yes)
	}
	e := &abi.Error{Kind: abi.KindDenied, Rule: grant.RuleApproval, Message: fmt.Sprintf("the connector %s %s needs a person's approval", c.review.Name, c.review.Module.Version), Hint: "read the output above, and run " + command + " --yes if you agree"}
	if len(c.review.Wider) > 0 && c.review.Approval != nil {
		e.Message = fmt.Sprintf("the connector %s %s needs access beyond the approval of version %s: %s", c.review.Name, c.review.Module.Version, c.review.Approval.Version, c.review.Wider[0])
		if n := len(c.review.Wider); n > 1 {
			e.Message += fmt.Sprintf(", and %d more", n-1)
		}
	}
	return e
}
