package token

import (
	"crypto/sha256"
	"sync"
)

// known are the tokens whose signature was checked lately, by their digest: how long a search for
// one takes says nothing of another. Whether a token is still good is asked each time.
type known struct {
	mu sync.Mutex
	// young takes what is asked for. Once it is full, it takes the place of old.
	young, old map[digest]*signed
}

// signed is what a token with a good signature says.
type signed struct {
	claims *Claims
	key    *Key
}

type digest = [sha256.Size]byte

// maxKnown is how many tokens each of the two maps has.
const maxKnown = 4096

// get returns what a token says, or nil if it is not known.
func (k *known) get(d digest) *signed {
	k.mu.Lock()
	defer k.mu.Unlock()
	if t := k.young[d]; t != nil {
		return t
	}
	t := k.old[d]
	if t != nil {
		k.add(d, t)
	}
	return t
}

// put makes a token known.
func (k *known) put(d digest, t *signed) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.add(d, t)
}

// add is put for a caller that holds k.mu.
func (k *known) add(d digest, t *signed) {
	if k.young == nil || len(k.young) >= maxKnown {
		k.young, k.old = make(map[digest]*signed), k.young
	}
	k.young[d] = t
}
