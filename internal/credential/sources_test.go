package credential

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/pdk/abi"
)

func TestOwnSchemes(t *testing.T) {
	t.Parallel()
	good := &corpSource{}
	for scheme, says := range map[string]string{
		"corp": "", "corp-2": "", "c": "", strings.Repeat("c", 32): "", "corp_2": "cannot be a scheme",
		"env": "the source of env: cannot be replaced", "file": "cannot be replaced", "keyring": "cannot be replaced",
		"age": "cannot be replaced", "exec": "cannot be replaced", "vault": "cannot be replaced",
		"": "1 to 32 characters", "2corp": "cannot be a scheme", "Corp": "cannot be a scheme", "a:b": "cannot be a scheme", "-a": "cannot be a scheme", strings.Repeat("a", 33): "1 to 32 characters",
	} {
		_, err := Open(Options{Sources: map[string]secret.Source{scheme: good}})
		if says == "" && err != nil {
			t.Errorf("%q: %v", scheme, err)
		} else if says != "" {
			wantError(t, err, abi.KindInvalidParams, "sources."+scheme, says)
		}
	}
	_, err := Open(Options{Sources: map[string]secret.Source{"corp": nil}})
	wantError(t, err, abi.KindInvalidParams, "sources.corp", "is nil")
}

// TestOwnSourceFails: an error of an own source names the reference. It repeats no text that
// may hold the secret.
func TestOwnSourceFails(t *testing.T) {
	t.Parallel()
	const value = "sk_live_0123456789"
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for name, test := range map[string]struct {
		source    *corpSource
		ctx       context.Context
		kind      abi.Kind
		says      string
		retryable bool
	}{
		"a plain error":       {&corpSource{err: errors.New("cannot decode " + value)}, t.Context(), abi.KindAuthFailed, "no secret at corp:pylon: the source of corp: failed", false},
		"an error and value":  {&corpSource{secrets: map[string]string{"pylon": value}, err: errors.New("half read")}, t.Context(), abi.KindAuthFailed, "no secret at corp:pylon: the source of corp: failed", false},
		"no secret":           {&corpSource{}, t.Context(), abi.KindAuthFailed, "no secret at corp:pylon: the secret is empty", false},
		"an error of ours":    {&corpSource{err: &abi.Error{Kind: abi.KindNetwork, Message: "no route", Retryable: true}}, t.Context(), abi.KindAuthFailed, "no secret at corp:pylon: no route", true},
		"a context that ends": {&corpSource{err: context.Canceled}, ended, abi.KindCancelled, "the call ended", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := ownSource{"corp", test.source}.Read(test.ctx, "pylon")
			wantError(t, err, test.kind, "", test.says)
			e, _ := errors.AsType[*abi.Error](err)
			if e.Retryable != test.retryable || !got.IsZero() || strings.Contains(e.Error()+e.Hint, value) {
				t.Errorf("retryable %t, value %v, %v", e.Retryable, got, err)
			}
		})
	}
}

func TestOwnReferences(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	for reference, says := range map[string]string{
		"corp:pylon": "", "corp:team/pylon#token": "", "env:TOKEN": "",
		"corp:":        "corp: needs the name of a secret",
		"corp:a\nb":    "corp: needs the name of a secret",
		"crp:pylon":    "did you mean corp:?",
		"corp":         "write corp: and then the name",
		"sk_live:abc":  "unknown scheme in the reference",
		"other:secret": "unknown scheme in the reference",
	} {
		ref, err := l.store.Parse(reference)
		if says != "" {
			wantError(t, err, abi.KindInvalidParams, "", says)
		} else if err != nil || ref.String() != reference {
			t.Errorf("%s became %s: %v", reference, ref, err)
		}
	}
	_, err := l.store.Read(t.Context(), "connections.lab.x", "crp:pylon")
	wantError(t, err, abi.KindInvalidParams, "connections.lab.x", "corp:")
}

// TestSourceOfTheIdentity: the encrypted file can be opened with a secret of an own source.
func TestSourceOfTheIdentity(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, err := Open(Options{Secrets: config.Secrets{File: dir + "/secrets.age", Tokens: dir + "/tokens", Identity: "file:" + dir + "/identity.txt"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Set(t.Context(), "pylon", value("token-0123456789")); err != nil {
		t.Fatal(err)
	}
	identity, err := first.Read(t.Context(), "", "file:"+dir+"/identity.txt")
	if err != nil {
		t.Fatal(err)
	}
	second, err := Open(Options{
		Secrets: config.Secrets{File: dir + "/secrets.age", Tokens: dir + "/tokens", Identity: "corp:identity"},
		Sources: map[string]secret.Source{"corp": fixed{identity}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := second.Read(t.Context(), "", "age:pylon"); err != nil || !got.Equal(value("token-0123456789")) {
		t.Error(got, err)
	}
	if names, err := second.Names(t.Context()); err != nil || !slices.Equal(names, []string{"pylon"}) {
		t.Errorf("the names are %q, %v", names, err)
	}
}

type fixed struct{ value secret.Value }

func (f fixed) Read(context.Context, string) (secret.Value, error) { return f.value, nil }
