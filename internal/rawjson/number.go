package rawjson

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// Bounds of a number that is decoded. A float64 has 309 digits at most, and an exponent
// of -324 to 308.
const (
	MaxNumberBytes    = 400
	MaxNumberExponent = 400
)

// CheckNumber returns an error for a JSON number that is out of bounds. Exact arithmetic
// takes time with the square of the digits, and writes 1e99999999 as a hundred million of
// them. The error does not quote the number.
func CheckNumber(number []byte) error {
	if len(number) > MaxNumberBytes {
		return BoundsError(fmt.Sprintf("a number has %d characters, the limit is %d", len(number), MaxNumberBytes))
	}
	at := bytes.IndexAny(number, "eE")
	if at < 0 {
		return nil
	}
	exponent, err := strconv.Atoi(string(number[at+1:]))
	if err != nil || exponent > MaxNumberExponent || exponent < -MaxNumberExponent {
		return BoundsError(fmt.Sprintf("a number has an exponent beyond %d", MaxNumberExponent))
	}
	return nil
}

// BoundsError is what is wrong with valid JSON that is not decoded all the same.
type BoundsError string

func (e BoundsError) Error() string { return string(e) }

// CanonicalNumber writes a JSON number as its digits and the power of ten that they are counted
// in, so that 1, 1.0 and 10e-1 are one. Nothing is rounded.
func CanonicalNumber(text string) string {
	mantissa, exponent, _ := strings.Cut(strings.ToLower(text), "e")
	power := 0
	if exponent != "" {
		n, err := strconv.ParseInt(exponent, 10, 32)
		if err != nil {
			return "?" + text // equal to itself only
		}
		power = int(n)
	}
	sign := ""
	if rest, negative := strings.CutPrefix(mantissa, "-"); negative {
		sign, mantissa = "-", rest
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimLeft(whole+fraction, "0")
	power -= len(fraction)
	trimmed := strings.TrimRight(digits, "0")
	power += len(digits) - len(trimmed)
	if trimmed == "" {
		return "0"
	}
	return sign + trimmed + "e" + strconv.Itoa(power)
}
