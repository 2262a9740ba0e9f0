package main

import (
	"context"
	"net/url"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/secret"
	"github.com/spf13/pflag"
)

// defaultData is the folder of a server's data.
const defaultData = "agenthost-data"

// databaseFlags say where a server's database and its master keys are.
type databaseFlags struct {
	data, database string
	masterKeys     []string
}

func (f *databaseFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.data, "data", defaultData, "`folder` of the database and of the master key")
	flags.StringVar(&f.database, "db", "", "PostgreSQL instead of a file in --data: a `URL` without a password, or a reference such as env:DATABASE_URL")
	flags.StringArrayVar(&f.masterKeys, "master-key", nil, "`reference` to the master key, such as vault:secret/agenthost#key; with several, the first takes the place of the others (default: file master.key in --data)")
}

// secrets returns the address of PostgreSQL, and what reads the master keys; nothing for the files
// in the folder.
func (f *databaseFlags) secrets(ctx context.Context, o host.Options) (address secret.Value, keys func(context.Context) ([]secret.Value, error), err error) {
	if f.database == "" && len(f.masterKeys) == 0 {
		return address, nil, nil
	}
	secrets, err := openSecrets(o)
	if err != nil {
		return address, nil, err
	}
	if len(f.masterKeys) > 0 {
		keys = func(ctx context.Context) (found []secret.Value, err error) {
			for _, reference := range f.masterKeys {
				key, err := secrets.Read(ctx, "--master-key", reference)
				if err != nil {
					return nil, err
				}
				found = append(found, key)
			}
			return found, nil
		}
	}
	u, err := url.Parse(f.database)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		if f.database == "" {
			return address, keys, nil
		}
		address, err = secrets.Read(ctx, "--db", f.database)
		return address, keys, err
	}
	if _, has := u.User.Password(); has || u.Query().Has("password") {
		return address, nil, &usageError{message: "--db has a password, and every user of the machine can see arguments", hint: "put the URL into a variable or a file, and refer to it, such as --db env:DATABASE_URL"}
	}
	return secret.New([]byte(f.database)), keys, nil
}
