package envelope

import (
	"hash/crc32"
	"io"
	"math/big"
	"strings"

	"github.com/agenthost/agenthost/host/secret"
)

const (
	// tokenDigits is how many digits of base 62 hold 256 bits, and checkDigits those of a checksum.
	tokenDigits = 43
	checkDigits = 6
)

// NewToken returns a token of 256 random bits: a prefix that says what it is for, the bits, and a
// checksum by which a scanner for leaked secrets tells it from other text without asking anybody.
func NewToken(random io.Reader, prefix string) (token secret.Value, err error) {
	key, err := NewKey(random)
	if err != nil {
		return secret.Value{}, err
	}
	err = key.Reveal(func(b []byte) error {
		text := append([]byte(prefix), digits(new(big.Int).SetBytes(b), tokenDigits)...)
		text = append(text, checksum(text)...)
		defer clear(text)
		token = secret.New(text)
		return nil
	})
	return token, err
}

// IsToken reports whether a text has the form of a token with a prefix. It needs no database, so a
// slip of the hand or a guess costs nobody a query.
func IsToken(prefix, text string) bool {
	end := len(prefix) + tokenDigits
	return len(text) == end+checkDigits && strings.HasPrefix(text, prefix) && checksum([]byte(text[:end])) == text[end:]
}

func checksum(text []byte) string {
	return digits(new(big.Int).SetUint64(uint64(crc32.ChecksumIEEE(text))), checkDigits)
}

// digits writes a number in base 62, with zeros before it.
func digits(n *big.Int, count int) string {
	text := n.Text(62)
	return strings.Repeat("0", max(0, count-len(text))) + text
}
