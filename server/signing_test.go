package server

import (
	"testing"
	"time"

	"github.com/agenthost/agenthost/server/internal/token"
)

// A token that another server signed with a key that this one has not seen is good here, and so is one
// that this server signs before it hears of the key.
func TestKeyOfAnotherServer(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	before := l.s.signer.Load()
	claims, err := l.s.check(t.Context(), l.token)
	if err != nil {
		t.Fatal(err)
	}
	made, err := l.s.store.RotateSigningKey(t.Context(), token.Life+signingLag)
	if err != nil {
		t.Fatal(err)
	}
	other, err := token.NewSigner(token.Key{ID: made.ID, Secret: made.Key})
	if err != nil {
		t.Fatal(err)
	}
	fresh, err := other.Sign(*claims)
	if err != nil {
		t.Fatal(err)
	}
	late := *claims
	late.Issued = time.Now().Add(signingEvery).Unix()
	old, err := before.Sign(late)
	if err != nil {
		t.Fatal(err)
	}
	for what, text := range map[string]string{"of a new key": fresh, "of the old key": l.token, "of the old key, a minute later": old} {
		if _, err := l.s.check(t.Context(), text); err != nil {
			t.Errorf("a token %s: %v", what, err)
		}
	}
	// Guesses of keys do not ask the database for ever.
	l.asked()
	for range 100 {
		if _, err := l.s.check(t.Context(), token.Prefix+".guess.e30.AAAA"); err == nil {
			t.Fatal("a guess is good")
		}
	}
	if n := len(l.asked()); n > 2*signingRate.Burst {
		t.Errorf("%d queries", n)
	}
}
