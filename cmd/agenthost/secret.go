package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/agenthost/agenthost/cmd/agenthost/internal/render"
	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/credential"
	"github.com/agenthost/agenthost/internal/credential/source"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

func (a *app) secretCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "secret",
		Short: "Keep secrets in an encrypted file",
		Long: `Keep secrets in a file that is encrypted with age. A connection refers to a secret as
age:NAME. The first "secret set" makes the file and the identity that decrypts it. To
choose their paths, set secrets: {file: ..., identity: ...} in the configuration.`,
		Example: `  agenthost secret set pylon
  pass show pylon | agenthost secret set pylon
  agenthost secret list`,
		Args: cobra.ArbitraryArgs,
		RunE: showHelp,
	}
	cmd.AddCommand(a.secretSetCommand(), a.secretListCommand(), a.secretRemoveCommand())
	return cmd
}

func (a *app) secretSetCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "set NAME",
		Short: "Store a secret from a prompt or from standard input",
		Long: `Store a secret. On a terminal, the command asks for it and does not show it. Otherwise it
reads standard input and drops one line break at the end. A secret is never an argument:
every user of the machine can see arguments, and the shell keeps them.`,
		Args: func(cmd *cobra.Command, given []string) error {
			if len(given) > 1 { // do not print the extra argument: it may be a secret
				return &usageError{message: "a secret is never an argument", hint: "type it at the prompt or send it to standard input; your shell may have kept this one"}
			}
			return args(1, "NAME")(cmd, given)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withSecrets(cmd.Context(), func(ctx context.Context, secrets *credential.Store) error {
				value, err := a.readSecret(ctx, args[0])
				if err != nil {
					return err
				}
				if err := secrets.Set(ctx, args[0], value); err != nil {
					return err
				}
				a.say("note", "stored in "+secrets.Path()+"; refer to it as age:"+args[0])
				return nil
			})
		},
	}
}

func (a *app) secretListCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list",
		Short: "Print the names of the secrets",
		Args:  args(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withSecrets(cmd.Context(), func(ctx context.Context, secrets *credential.Store) error {
				names, err := secrets.Names(ctx)
				if err != nil {
					return err
				}
				if done, err := a.json(append([]string{}, names...)); done {
					return err
				}
				for _, name := range names {
					if err := a.print("%s\n", name); err != nil {
						return err
					}
				}
				if len(names) == 0 {
					a.say("note", secrets.Path()+" has no secrets")
				}
				return nil
			})
		},
	}
	a.formatFlag(cmd, "`format`: table or json", string(render.Table), string(render.JSON))
	return cmd
}

func (a *app) secretRemoveCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "rm NAME",
		Aliases: []string{"remove"},
		Short:   "Remove a secret",
		Args:    args(1, "NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withSecrets(cmd.Context(), func(ctx context.Context, secrets *credential.Store) error {
				return secrets.Remove(ctx, args[0])
			})
		},
	}
}

// withSecrets opens the secrets without opening a host.
func (a *app) withSecrets(ctx context.Context, use func(context.Context, *credential.Store) error) error {
	o, err := a.options()
	if err != nil {
		return err
	}
	secrets, err := openSecrets(o)
	if err != nil {
		return err
	}
	ctx, cancel := a.withTimeout(ctx)
	defer cancel()
	return use(ctx, secrets)
}

// openSecrets opens the secrets that options configure. It reads none of them.
func openSecrets(o host.Options) (*credential.Store, error) {
	return credential.Open(credential.Options{Secrets: o.Secrets, Sources: o.Sources, LookupEnv: o.LookupEnv, Logger: o.Logger, Seams: o.Seams})
}

// readSecret asks for a secret on a terminal, and otherwise reads standard input.
func (a *app) readSecret(ctx context.Context, name string) (secret.Value, error) {
	if f, ok := a.stdin.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		if _, err := fmt.Fprintf(a.stderr, "%s: ", render.Visible(name)); err != nil {
			return secret.Value{}, fmt.Errorf("ask for the secret: %w", err)
		}
		defer fmt.Fprintln(a.stderr)
		return readHidden(ctx, int(f.Fd()))
	}
	b, err := io.ReadAll(io.LimitReader(a.stdin, source.MaxSize+3))
	defer clear(b)
	if err != nil {
		return secret.Value{}, fmt.Errorf("read standard input: %w", err)
	}
	return secret.New(source.TrimLineBreak(b)), nil
}

// readHidden reads a line without showing it. If ctx ends, it restores the terminal, and the
// goroutine that reads stays until the process ends.
func readHidden(ctx context.Context, fd int) (secret.Value, error) {
	before, err := term.GetState(fd)
	if err != nil {
		return secret.Value{}, fmt.Errorf("read the secret: %w", err)
	}
	type line struct {
		value secret.Value
		err   error
	}
	read := make(chan line, 1)
	go func() {
		b, err := term.ReadPassword(fd)
		defer clear(b)
		if errors.Is(err, io.EOF) {
			err = nil // the user typed nothing
		}
		read <- line{secret.New(b), err}
	}()
	select {
	case l := <-read:
		if l.err != nil {
			return secret.Value{}, fmt.Errorf("read the secret: %w", l.err)
		}
		return l.value, nil
	case <-ctx.Done():
		return secret.Value{}, errors.Join(context.Cause(ctx), term.Restore(fd, before))
	}
}
