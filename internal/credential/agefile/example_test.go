package agefile_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/credential/agefile"
)

func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	identity := filepath.Join(dir, "identity")
	if err := agefile.CreateIdentity(ctx, identity); err != nil {
		fmt.Println(err)
		return
	}
	store := agefile.New(filepath.Join(dir, "secrets.age"), func(context.Context) (secret.Value, error) {
		text, err := os.ReadFile(identity)
		return secret.New(text), err
	})
	if err := store.Set(ctx, "pylon", secret.New([]byte("token-0123456789"))); err != nil {
		fmt.Println(err)
		return
	}
	for _, name := range []string{"pylon", "pilon"} {
		token, err := store.Read(ctx, name)
		fmt.Println(token, err == nil)
	}
	// Output:
	// [redacted] true
	// [redacted] false
}
