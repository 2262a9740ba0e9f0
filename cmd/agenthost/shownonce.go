package main

import (
	"context"
	"errors"
	"net/http"
	"os"

	"github.com/agenthost/agenthost/cmd/agenthost/internal/render"
	"github.com/agenthost/agenthost/internal/adminapi"
	"github.com/agenthost/agenthost/internal/adminclient"
	"github.com/spf13/cobra"
)

// outFlag adds --out to a command that shows a secret once.
func outFlag(cmd *cobra.Command, out *string) {
	cmd.Flags().StringVar(out, "out", "", "write the secret into this new `file`, which only you can read, and do not show it")
}

// askOnce sends a request whose answer has a secret that nobody can read again. With a file in out,
// it makes that first, so that no secret is made that cannot be kept, and writes the secret into it.
func askOnce[T any](ctx context.Context, c *adminclient.Client, template string, path map[string]string, in any, out string, shown func(*T) *adminapi.Shown) (made *T, err error) {
	if out == "" {
		return ask[T](ctx, c, http.MethodPost, template, path, in)
	}
	file, err := os.OpenFile(out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, &usageError{message: "the file of --out cannot be made: " + err.Error(), hint: "name a file that does not exist"}
	}
	defer func() {
		if err = errors.Join(err, file.Close()); err != nil && made == nil {
			err = errors.Join(err, os.Remove(out))
		}
	}()
	if made, err = ask[T](ctx, c, http.MethodPost, template, path, in); err != nil {
		return nil, err
	}
	text, err := shown(made).MarshalText()
	if err != nil {
		return made, err
	}
	defer clear(text)
	if _, err := file.Write(append(text, '\n')); err != nil {
		return made, err
	}
	return made, file.Sync()
}

// showOnce writes what was made, and its secret unless that is in a file.
func (a *app) showOnce(made any, out string, pairs [][2]string, name string, shown adminapi.Shown) error {
	if out != "" {
		a.say("note", "the secret is in "+out)
		if a.format == string(render.JSON) {
			return nil
		}
		return render.Pairs(a.stdout, a.style(render.Table), pairs)
	}
	if done, err := a.json(made); done {
		return err
	}
	text, err := shown.MarshalText()
	if err != nil {
		return err
	}
	defer clear(text)
	a.say("note", "the secret is shown once")
	return render.Pairs(a.stdout, a.style(render.Table), append(pairs, [2]string{name, string(text)}))
}
