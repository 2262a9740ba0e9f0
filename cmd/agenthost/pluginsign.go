package main

import (
	"context"
	"fmt"
	"os"

	"github.com/agenthost/agenthost/internal/provenance"
	"github.com/agenthost/agenthost/internal/trust"
	"github.com/spf13/cobra"
)

func (a *app) pluginKeygenCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "keygen NAME",
		Short: "Make a key that signs connectors",
		Long: `Make a pair of ECDSA P-256 keys: NAME.key, which only you can read, and NAME.pub, which those who trust you put
into trust: in their agenthost.yaml. Neither file may exist. The private key has no password: keep it where you keep
other secrets of your releases.`,
		Example: `  agenthost plugin keygen acme`,
		Args:    args(1, "NAME"),
		RunE: func(_ *cobra.Command, args []string) error {
			private, public, err := trust.NewKey()
			if err != nil {
				return err
			}
			if err := newFile(args[0]+".key", 0o600, private); err != nil {
				return err
			}
			if err := newFile(args[0]+".pub", 0o644, public); err != nil {
				_ = os.Remove(args[0] + ".key") // of a pair that nobody has
				return err
			}
			return a.print("%s.key signs, and %s.pub is for others\n", args[0], args[0])
		},
	}
}

// newFile writes a file that is not there.
func newFile(path string, mode os.FileMode, data []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err == nil {
		_, err = f.Write(data)
		if closed := f.Close(); err == nil {
			err = closed
		}
	}
	if err != nil {
		return &usageError{message: fmt.Sprintf("cannot write %s: %v", path, cause(err)), hint: "choose a name that is not taken, in a folder that you can write to"}
	}
	return nil
}

func (a *app) pluginSignCommand() *cobra.Command {
	var key, out string
	cmd := &cobra.Command{
		Use:   "sign REFERENCE --key FILE",
		Short: "Sign a connector in a registry with a key",
		Long: `Sign the connector that a reference leads to now: make a Sigstore bundle over the digest of its manifest, with the
time, and put it beside the connector in the registry. Everybody who has the public key under trust: in their
agenthost.yaml then takes the connector as yours.

The key is a PEM file without a password, ECDSA P-256 or Ed25519: agenthost plugin keygen makes one. To sign with
an identity in place of a key, use cosign sign, or attestations of GitHub.

--bundle writes the bundle to a file and asks no registry; the reference then needs a digest.`,
		Example: `  agenthost plugin sign ghcr.io/acme/notes:1.2.0 --key acme.key`,
		Args:    args(1, "REFERENCE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := reference(args[0])
			if err != nil {
				return err
			}
			if key == "" {
				return &usageError{message: "sign needs a key", hint: "add --key FILE; agenthost plugin keygen NAME makes one"}
			}
			k, err := trust.ReadPrivateKey(key)
			if err != nil {
				return &usageError{message: fmt.Sprintf("%s is no key that signs: %v", key, cause(err)), hint: "use a PEM file with an ECDSA P-256 or Ed25519 key, such as agenthost plugin keygen makes"}
			}
			if out != "" {
				return a.signIntoFile(r, k, out)
			}
			return a.withDistribution(cmd.Context(), "", func(ctx context.Context, d *distribution) error { return d.sign(ctx, r, k) })
		},
	}
	cmd.Flags().StringVar(&key, "key", "", "`file` of the private key")
	cmd.Flags().StringVar(&out, "bundle", "", "write the bundle to this new `file`, and ask no registry")
	return cmd
}

func (a *app) signIntoFile(r provenance.Reference, k *trust.PrivateKey, out string) error {
	if r.Digest == "" {
		return &usageError{message: "--bundle needs a reference with a digest", hint: "write it as agenthost plugin push prints it: HOST/REPOSITORY:TAG@sha256:..."}
	}
	bundle, err := k.Sign(r.Digest, r.Host+"/"+r.Repository, a.now())
	if err != nil {
		return err
	}
	if err := newFile(out, 0o644, bundle); err != nil {
		return err
	}
	return a.print("signed: %s by the key %s\n", r, k.ID())
}

// sign signs what a reference leads to. It reads the whole artifact first, so that only a connector gets a signature.
func (d *distribution) sign(ctx context.Context, r provenance.Reference, k *trust.PrivateKey) error {
	artifact, err := d.fetch(ctx, r)
	if err != nil {
		return err
	}
	bundle, err := k.Sign(artifact.Digest, r.Host+"/"+r.Repository, d.app.now())
	if err != nil {
		return err
	}
	if err := d.client.Attach(ctx, r, artifact.Digest, bundle); err != nil {
		return err
	}
	return d.app.print("signed: %s by the key %s\n", r.At(artifact.Digest), k.ID())
}
