package anonymous

import (
	"iter"
	"net/netip"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// span is a part of a text, and what takes its place.
type span struct {
	start, end int
	kind       string
}

// What values look like. All of it is linear in the length of the text.
var (
	email   = regexp.MustCompile(`[\pL\pN._+'-]+@[\pL\pN-]+(?:\.[\pL\pN-]+)+`)
	jwt     = regexp.MustCompile(`eyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*){1,3}`)
	pem     = regexp.MustCompile(`(?s)-----BEGIN [A-Z0-9 ]{1,40}-----.*?(?:-----END [A-Z0-9 ]{1,40}-----|$)`)
	schemed = regexp.MustCompile(`(?i)\b(?:bearer|basic|token|apikey)\s+([A-Za-z0-9._~+/=-]{8,})`)
	prefix  = regexp.MustCompile(`\b(?:sk|pk|rk|xox[abeprs]|gh[opsur]|glpat|github_pat|AKIA|ASIA|AIza|ya29|shpat|whsec|SG|npm|pypi|dop_v1|hvs|eyJ)[-_.]?[A-Za-z0-9][A-Za-z0-9_.-]{10,}`)
	userPwd = regexp.MustCompile(`://([^\s/?#@:]+(?::[^\s/?#@]*)?)@`)
	pair    = regexp.MustCompile(`(?:^|[?&;#\s"',{(])([A-Za-z][A-Za-z0-9_.\[\]-]{0,63})=([^&;#\s"'<>]+)`)
	uuid    = regexp.MustCompile(`(?i)\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b`)
	ipv4    = regexp.MustCompile(`\b(?:\d{1,3}\.){3}\d{1,3}\b`)
	ipv6    = regexp.MustCompile(`[0-9A-Fa-f:]*:[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*`)
	mac     = regexp.MustCompile(`\b(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}\b`)
	phone   = regexp.MustCompile(`\+[0-9](?:[ ().\-/]{0,2}[0-9]){6,16}|\(0?[0-9]{2,5}\)[ ./-]?[0-9]{2,4}(?:[ ./-]?[0-9]{2,5}){1,3}|\b[0-9]{3}[-. ][0-9]{3}[-. ][0-9]{4}\b|\b0[0-9]{1,5}[ /-][0-9]{3,}(?:[ -]?[0-9]{2,}){0,4}\b`)
	card    = regexp.MustCompile(`\b\d(?:[ -]?\d){12,18}\b`)
	iban    = regexp.MustCompile(`\b[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b`)
	ssn     = regexp.MustCompile(`\b\d{3}-\d{2}-\d{4}\b`)
	dense   = regexp.MustCompile(`[A-Za-z0-9_+/=-]{16,}`)
)

// found yields what a text has, by its form.
func (w *walker) found(text string) (spans []span) {
	add := func(kind string, start, end int) { spans = append(spans, span{start, end, kind}) }
	every := func(of *regexp.Regexp, kind string, accept func(string) bool) {
		for _, at := range of.FindAllStringIndex(text, -1) {
			if accept == nil || accept(text[at[0]:at[1]]) {
				add(kind, at[0], at[1])
			}
		}
	}
	group := func(of *regexp.Regexp, n int, kind string) {
		for _, at := range of.FindAllStringSubmatchIndex(text, -1) {
			add(kind, at[2*n], at[2*n+1])
		}
	}
	if len(text) < 3 {
		return nil
	}
	w.looked += len(text)
	has := func(mark string) bool { return strings.Contains(text, mark) }
	if has("-----BEGIN") {
		every(pem, kindPEM, nil)
	}
	if has("eyJ") {
		every(jwt, kindJWT, nil)
	}
	group(schemed, 1, kindToken)
	every(prefix, kindToken, mixed)
	if has("://") {
		group(userPwd, 1, kindToken)
	}
	if has("=") {
		for _, at := range pair.FindAllStringSubmatchIndex(text, -1) {
			if kind := w.kindOf(text[at[2]:at[3]], nil); kind != "" && text[at[2]:at[3]] != "name" {
				add(kind, at[4], at[5])
			}
		}
	}
	if has("@") {
		every(email, kindEmail, nil)
	}
	if has("-") {
		every(uuid, kindUUID, nil)
		every(ssn, kindNumber, nil)
	}
	if has(":") {
		every(ipv6, kindIP, isIP)
	}
	if has(":") || has("-") {
		every(mac, kindMAC, nil)
	}
	if has(".") {
		every(ipv4, kindIP, isIP)
	}
	if manyDigits(text) {
		every(iban, kindNumber, isIBAN)
		every(card, kindNumber, luhn)
		every(phone, kindPhone, nil)
	}
	every(dense, kindToken, isDense)
	return spans
}

// seen yields where values stand that were found elsewhere in the recording.
func (w *walker) seen(text string) (spans []span) {
	for word := range words(text) {
		for _, form := range w.values.spread[strings.ToLower(text[word.start:word.end])] {
			start := word.start - form.before
			end := start + form.length
			if start < 0 || end > len(text) {
				continue
			}
			w.looked += form.length
			value, ok := w.values.all[strings.ToLower(text[start:end])]
			if !ok {
				continue
			}
			if r, _ := utf8.DecodeRuneInString(text[end:]); end < len(text) && isWord(r) && isWord(lastRune(value)) {
				continue
			}
			spans = append(spans, span{start, end, "=" + value})
			break
		}
	}
	return spans
}

func lastRune(s string) rune {
	r, _ := utf8.DecodeLastRuneInString(s)
	return r
}

func isWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) }

// words yields the runs of letters and digits of a text.
func words(text string) iter.Seq[span] {
	return func(yield func(span) bool) {
		start := -1
		for at, r := range text {
			switch {
			case isWord(r) && start < 0:
				start = at
			case !isWord(r) && start >= 0:
				if !yield(span{start: start, end: at}) {
					return
				}
				start = -1
			}
		}
		if start >= 0 {
			yield(span{start: start, end: len(text)})
		}
	}
}

func hasLetter(s string) bool { return strings.ContainsFunc(s, unicode.IsLetter) }

// looksLikeName says that a text is two to four words that begin with capitals.
func looksLikeName(text string) bool {
	parts := strings.Fields(text)
	if len(parts) < 2 || len(parts) > 4 {
		return false
	}
	for _, part := range parts {
		if r, _ := utf8.DecodeRuneInString(part); !unicode.IsUpper(r) || strings.ContainsFunc(part, unicode.IsDigit) {
			return false
		}
	}
	return true
}

func isIP(text string) bool {
	address, err := netip.ParseAddr(strings.Trim(text, "."))
	return err == nil && !address.IsLoopback() && !address.IsUnspecified()
}

// mixed says that a text has letters and digits, or letters of both cases in its middle.
func mixed(text string) bool { return changes(text) >= 1 }

// changes counts where letters and digits meet.
func changes(text string) (n int) {
	before := ' '
	for _, r := range text {
		now := before
		switch {
		case r >= '0' && r <= '9':
			now = '0'
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z':
			now = 'a'
		}
		if now != before && before != ' ' {
			n++
		}
		before = now
	}
	return n
}

// isDense says that a text is made by a machine: no writer changes so often between letters and
// digits, or between capitals and small letters.
func isDense(text string) bool {
	run := 0
	for _, part := range strings.FieldsFunc(text, func(r rune) bool { return r == '-' || r == '_' || r == '/' }) {
		run = max(run, len(part))
		if len(part) >= 16 && changes(part) >= 3 {
			return true
		}
	}
	if n := changes(text); len(text) >= 20 && n >= 5 || len(text) >= 16 && n >= 6 {
		return true
	}
	if run < 24 {
		return false
	}
	capitals, small := 0, 0
	for _, r := range text {
		switch {
		case unicode.IsUpper(r):
			capitals++
		case unicode.IsLower(r):
			small++
		}
	}
	return capitals*10 >= 3*(capitals+small) && small*10 >= 3*(capitals+small)
}

// manyDigits says that a text could have a number of a phone, a card or an account.
func manyDigits(text string) bool {
	n := 0
	for i := 0; i < len(text) && n < 7; i++ {
		if text[i] >= '0' && text[i] <= '9' {
			n++
		}
	}
	return n == 7
}

// luhn checks the number of a card.
func luhn(text string) bool {
	sum, count := 0, 0
	for i := len(text) - 1; i >= 0; i-- {
		c := text[i]
		if c < '0' || c > '9' {
			continue
		}
		d := int(c - '0')
		if count%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
		count++
	}
	return count >= 13 && sum > 0 && sum%10 == 0
}

// isIBAN checks the number of a bank account (ISO 13616).
func isIBAN(text string) bool {
	text = strings.ReplaceAll(text, " ", "")
	if len(text) < 15 || len(text) > 34 {
		return false
	}
	rest := 0
	for _, c := range text[4:] + text[:4] {
		switch {
		case c >= '0' && c <= '9':
			rest = (rest*10 + int(c-'0')) % 97
		default:
			rest = (rest*100 + int(c-'A') + 10) % 97
		}
	}
	return rest == 1
}
