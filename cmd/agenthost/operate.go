package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/agenthost/agenthost/cmd/agenthost/internal/render"
	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/adminapi"
	"github.com/agenthost/agenthost/internal/adminclient"
	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/credential"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/httpserve"
	"github.com/agenthost/agenthost/internal/localsocket"
	database "github.com/agenthost/agenthost/internal/store"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/agenthost/agenthost/server"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// The commands of operators, such as agenthost workspace list, send requests of package adminapi to
// a server: see there how to add one. operate finds the server.

// The environment variables of operators' commands.
const (
	serverVariable = "AGENTHOST_SERVER"
	tokenVariable  = "AGENTHOST_OPERATOR_TOKEN"
)

// operatorFlags say which server a command is for.
type operatorFlags struct {
	databaseFlags
	server, token, organization string
}

// operatorGroup returns a command with the flags of operators and with commands below it.
func (a *app) operatorGroup(use, short, long, example string, commands func(f *operatorFlags) []*cobra.Command) *cobra.Command {
	var f operatorFlags
	cmd := &cobra.Command{
		Use: use, Short: short, Example: example,
		Long: long + `

The command asks the server that uses the folder of --data on this machine, over a socket there that
only its user and root can open. If no server runs, it opens the database itself. With --server, it
asks a server elsewhere, with an operator's token from --token or $` + tokenVariable + `.`,
		Args: cobra.ArbitraryArgs,
		RunE: showHelp,
	}
	f.add(cmd.PersistentFlags())
	for _, c := range commands(&f) {
		c.ValidArgsFunction = a.completeServed(&f, strings.Fields(c.Use)[1:])
		cmd.AddCommand(c)
	}
	return cmd
}

// add adds the flags to those of a command.
func (f *operatorFlags) add(flags *pflag.FlagSet) {
	f.databaseFlags.add(flags)
	flags.StringVar(&f.server, "server", "", "`origin` of a server elsewhere, such as https://agents.example.com (default $"+serverVariable+")")
	flags.StringVar(&f.token, "token", "", "`reference` to an operator's token for --server, such as file:/run/secrets/operator (default $"+tokenVariable+")")
}

// organizationFlag adds --org to a command about what an organization has.
func (f *operatorFlags) organizationFlag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.organization, "org", "", "`name` or id of the organization (default: the only one)")
}

// operate calls use with a client of the server that the flags mean.
func (a *app) operate(ctx context.Context, f *operatorFlags, use func(context.Context, *adminclient.Client) error) error {
	ctx, cancel := a.withTimeout(ctx)
	defer cancel()
	if f.server == "" {
		f.server, _ = a.lookupEnv(serverVariable)
	}
	c, path, err := a.loadConfig()
	if err != nil {
		return err
	}
	o, err := a.optionsOf(c, path)
	if err != nil {
		return err
	}
	to := adminclient.Config{Logger: o.Logger.Named("server"), Seams: o.Seams}
	if f.server != "" {
		secrets, err := openSecrets(o)
		if err != nil {
			return err
		}
		to.Server = f.server
		if to.Token, err = a.operatorToken(ctx, f, secrets); err != nil {
			return err
		}
		if to.Proxy, err = secrets.Proxy(o.Proxy); err != nil {
			return err
		}
		return with(ctx, to, use)
	}
	switch conn, err := localsocket.Dial(ctx, f.data); {
	case err == nil:
		_ = conn.Close() // it has only been seen that somebody listens
		to.Dial = func(ctx context.Context) (net.Conn, error) { return localsocket.Dial(ctx, f.data) }
		return with(ctx, to, use)
	case !errors.Is(err, localsocket.ErrNoServer):
		return &usageError{message: fmt.Sprintf("the server of the folder %s cannot be reached: %v", f.data, err), hint: "run the command as the user of the server, or with --server"}
	}
	if _, err := os.Stat(filepath.Join(f.data, database.FileName)); err != nil && f.database == "" {
		return &usageError{message: "there is no database in the folder " + f.data, hint: "name the folder of a server with --data, or a server with --server"}
	}
	if _, err := os.Stat(filepath.Join(f.data, database.MasterFile)); err != nil && f.database != "" && len(f.masterKeys) == 0 {
		return &usageError{message: "there is no master key in the folder " + f.data, hint: "name the folder of a server with --data, or its --master-key, or a server with --server"}
	}
	return a.operateHere(ctx, f, to, o, use)
}

// with calls use with a client.
func with(ctx context.Context, to adminclient.Config, use func(context.Context, *adminclient.Client) error) error {
	client, err := adminclient.New(to)
	if err != nil {
		return err
	}
	defer client.Close()
	return use(ctx, client)
}

// operatorToken reads the token for a server elsewhere.
func (a *app) operatorToken(ctx context.Context, f *operatorFlags, secrets *credential.Store) (secret.Value, error) {
	if f.token == "" {
		text, _ := a.lookupEnv(tokenVariable)
		if text == "" {
			return secret.Value{}, &usageError{message: "there is no operator's token for " + f.server, hint: "set " + tokenVariable + ", or name one with --token file:PATH; agenthost token create makes one on the server's machine"}
		}
		return secret.New([]byte(text)), nil
	}
	return secrets.Read(ctx, "--token", f.token)
}

// operateHere is operate where no server runs: one in this process has the database for that time, and
// only this command can reach it.
func (a *app) operateHere(ctx context.Context, f *operatorFlags, to adminclient.Config, o host.Options, use func(context.Context, *adminclient.Client) error) (err error) {
	c, path, err := a.loadConfig()
	if err != nil {
		return err
	}
	so := server.Options{Data: f.data, URL: "http://127.0.0.1", Connectors: c.Serve.Connectors, AuditFor: -1, Only: true}
	if so.Host, err = a.servedHost(c, path); err != nil {
		return err
	}
	so.Host.Reload, so.Host.CompileAhead = 0, false
	if so.Database, so.MasterKeys, err = f.secrets(ctx, o); err != nil {
		return fault.Configuration(err)
	}
	so.Bootstrap = func(b *server.Bootstrap) error { return a.showBootstrap(b, so) }
	s, err := server.New(ctx, so)
	if err != nil {
		if e, ok := errors.AsType[*abi.Error](err); ok && e.Rule == "one_server" {
			e.Hint = "it offers no socket there; use --server, or stop it"
		}
		return fault.Configuration(err)
	}
	pipe := localsocket.NewPipe()
	end := serveAside(context.WithoutCancel(ctx), func(ctx context.Context) error {
		return httpserve.Serve(ctx, pipe, s.LocalHandler(ctx), localOptions(o.Logger), time.Second)
	})
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
		defer cancel()
		err = errors.Join(err, end(), s.Close(closing))
	}()
	to.Dial = pipe.Dial
	return with(ctx, to, use)
}

// organizationOf returns the id of the organization that --org names.
func organizationOf(ctx context.Context, c *adminclient.Client, f *operatorFlags) (string, error) {
	var query [][2]string
	if f.organization != "" {
		if _, err := airbyteapi.ParseID(f.organization); err == nil {
			return strings.ToLower(f.organization), nil
		}
		query = [][2]string{{"name", f.organization}}
	}
	found, err := adminclient.All[adminapi.Organization](ctx, c, adminapi.OrganizationsPath, nil, query...)
	switch {
	case err != nil:
		return "", err
	case len(found) == 1:
		return found[0].ID, nil
	case len(found) == 0:
		return "", &usageError{message: fmt.Sprintf("there is no organization %q", f.organization), hint: "agenthost org list shows them"}
	case f.organization != "":
		return "", &usageError{message: fmt.Sprintf("%d organizations have the name %q", len(found), f.organization), hint: "name one by its id: --org " + found[0].ID}
	}
	return "", &usageError{message: fmt.Sprintf("there are %d organizations", len(found)), hint: "name one with --org; agenthost org list shows them"}
}

// workspaceOf returns the path of the workspace that an argument names, by its name or its id, as
// parameters of package adminapi's paths.
func workspaceOf(ctx context.Context, c *adminclient.Client, f *operatorFlags, argument string) (map[string]string, error) {
	organization, err := organizationOf(ctx, c, f)
	if err != nil {
		return nil, err
	}
	path := map[string]string{"organization_id": organization}
	if _, err := airbyteapi.ParseID(argument); err == nil {
		path["workspace_id"] = strings.ToLower(argument)
		return path, nil
	}
	found, err := adminclient.All[adminapi.Workspace](ctx, c, adminapi.WorkspacesPath, path, [2]string{"name", argument})
	if err != nil {
		return nil, err
	}
	if len(found) != 1 {
		return nil, &abi.Error{Kind: abi.KindNotFound, Field: "workspace", Message: fmt.Sprintf("there is no workspace %.60q", argument), Hint: "agenthost workspace list shows them"}
	}
	path["workspace_id"] = found[0].ID
	return path, nil
}

// showList writes a list as JSON, or as a table with a row for each member. None says what to do
// where there is none.
func showList[T any](a *app, list []T, columns []string, row func(*T) []string, none string) error {
	if list == nil {
		list = []T{}
	}
	if done, err := a.json(list); done {
		return err
	}
	rows := make([][]string, len(list))
	for i := range list {
		rows[i] = row(&list[i])
		for j := range rows[i] {
			rows[i][j] = render.Visible(rows[i][j])
		}
	}
	if err := render.Rows(a.stdout, a.style(render.Table), columns, rows); err != nil {
		return err
	}
	if len(list) == 0 {
		a.say("note", none)
	}
	return nil
}

// ask sends one request to the server, and returns its answer.
func ask[T any](ctx context.Context, c *adminclient.Client, method, template string, path map[string]string, in any) (*T, error) {
	out := new(T)
	if err := c.Do(ctx, method, template, path, nil, in, out); err != nil {
		return nil, err
	}
	return out, nil
}
