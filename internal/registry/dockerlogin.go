package registry

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/credential/helper"
	"github.com/agenthost/agenthost/internal/lazyregexp"
	"github.com/agenthost/agenthost/pdk/abi"
)

// maxLogins is the size of the largest file of logins, in bytes.
const maxLogins = 1 << 20

// dockerHub is how Docker's file calls the registry docker.io.
const dockerHub = "https://index.docker.io/v1/"

// dockerFile is Docker's config.json, as far as it says who somebody is.
type dockerFile struct {
	Auths map[string]struct {
		Auth          string `json:"auth"`
		Username      string `json:"username"`
		Password      string `json:"password"`
		IdentityToken string `json:"identitytoken"`
	} `json:"auths"`
	CredentialHelpers map[string]string `json:"credHelpers"`
	CredentialStore   string            `json:"credsStore"`
}

// helperName is what may follow docker-credential- in the name of a program.
var helperName = lazyregexp.New(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// helperEnv is what credential helpers get of the environment: where their own settings are.
var helperEnv = []string{
	"PATH", "HOME", "USER", "USERPROFILE", "APPDATA", "LOCALAPPDATA", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "DBUS_SESSION_BUS_ADDRESS", "DISPLAY",
	"GNUPGHOME", "PASSWORD_STORE_DIR", "DOCKER_CONFIG", "AWS_PROFILE", "AWS_REGION", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE",
	"CLOUDSDK_CONFIG", "GOOGLE_APPLICATION_CREDENTIALS", "AZURE_CONFIG_DIR",
}

// DockerLogins returns the function for [Options.Credential] that reads what docker login has kept: the file
// config.json of $DOCKER_CONFIG or of .docker in the home folder, and the programs that it names. A program
// has ten seconds, and is asked for the one registry that is used.
func DockerLogins(lookupEnv func(string) (string, bool)) func(ctx context.Context, host string) (Credential, error) {
	return func(ctx context.Context, host string) (Credential, error) {
		file, path, err := readLogins(lookupEnv)
		if err != nil || file == nil {
			return Credential{}, err
		}
		name := file.CredentialStore
		for key, of := range file.CredentialHelpers {
			if registryOf(key) == host {
				name = of
			}
		}
		if name != "" {
			found, err := askHelper(ctx, name, host, path, lookupEnv)
			if err != nil || !found.Password.IsZero() || !found.Token.IsZero() {
				return found, err
			}
		}
		for key, of := range file.Auths {
			if registryOf(key) != host {
				continue
			}
			user, password := of.Username, of.Password
			if of.Auth != "" {
				plain, err := base64.StdEncoding.DecodeString(of.Auth)
				if err != nil {
					return Credential{}, loginsError(path, "the entry of "+host+" is not base64")
				}
				user, password, _ = strings.Cut(strings.TrimRight(string(plain), "\x00"), ":")
			}
			return Credential{User: user, Password: secretOf(password), Token: secretOf(of.IdentityToken)}, nil
		}
		return Credential{}, nil
	}
}

// secretOf is a secret, and the zero value for an empty one.
func secretOf(text string) secret.Value {
	if text == "" {
		return secret.Value{}
	}
	return secret.New([]byte(text))
}

// registryOf is the host of a key in Docker's file, which may be a URL.
func registryOf(key string) string {
	if key == dockerHub {
		return dockerHost
	}
	key = strings.TrimPrefix(strings.TrimPrefix(key, "https://"), "http://")
	host, _, _ := strings.Cut(key, "/")
	return host
}

func loginsError(path, message string) error {
	return &abi.Error{Kind: abi.KindAuthFailed, Message: path + ": " + message, Hint: "repair the file, or log in again with docker login"}
}

// readLogins reads Docker's file; nil if there is none.
func readLogins(lookupEnv func(string) (string, bool)) (*dockerFile, string, error) {
	folder, _ := lookupEnv("DOCKER_CONFIG")
	if folder == "" {
		home, _ := lookupEnv("HOME")
		if home == "" {
			if home, _ = lookupEnv("USERPROFILE"); home == "" {
				return nil, "", nil
			}
		}
		folder = filepath.Join(home, ".docker")
	}
	path := filepath.Join(folder, "config.json")
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, path, nil
	case err != nil:
		return nil, path, loginsError(path, "cannot be read")
	case !info.Mode().IsRegular() || info.Size() > maxLogins:
		return nil, path, loginsError(path, "is not a file of logins")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, path, loginsError(path, "cannot be read")
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxLogins))
	defer clear(data)
	var file dockerFile
	if err != nil || json.Unmarshal(data, &file) != nil {
		return nil, path, loginsError(path, "is not JSON as docker login writes it") // the cause could quote it
	}
	return &file, path, nil
}

// askHelper asks a credential helper, docker-credential-NAME, for one registry.
func askHelper(ctx context.Context, name, host, path string, lookupEnv func(string) (string, bool)) (Credential, error) {
	if !helperName.MatchString(name) {
		return Credential{}, loginsError(path, "names a credential helper that is not the end of a program's name")
	}
	server := host
	if host == dockerHost {
		server = dockerHub
	}
	source := helper.New(map[string]helper.Command{"docker": {Args: []string{"docker-credential-" + name}, Env: helperEnv, Input: []byte(server)}}, lookupEnv)
	value, err := source.Read(ctx, "docker:get")
	if helper.Failed(err) {
		return Credential{}, nil // it knows nothing of this registry
	}
	if err != nil {
		return Credential{}, err
	}
	var found struct{ Username, Secret string }
	err = value.Reveal(func(plain []byte) error {
		if json.Unmarshal(plain, &found) != nil {
			return loginsError(path, "its helper docker-credential-"+name+" did not print what credential helpers print")
		}
		return nil
	})
	if err != nil {
		return Credential{}, err
	}
	if found.Username == "<token>" {
		return Credential{Token: secretOf(found.Secret)}, nil
	}
	return Credential{User: found.Username, Password: secretOf(found.Secret)}, nil
}
