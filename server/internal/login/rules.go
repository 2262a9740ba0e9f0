package login

import "strings"

// Rules say what people may do, by what an ID token says of them. A rule is CLAIM=VALUE, such as
// groups=operators; without a claim it is a subject. A claim that is a list has all of its values. The
// claim email counts only where the issuer says that it is verified.
type Rules struct{ Operators, Viewers []string }

// The roles.
const (
	Operator = "operator"
	Viewer   = "viewer"
)

// Role returns what a person may do as an operator; empty for nothing.
func (r *Rules) Role(i *Identity) string {
	for _, one := range []struct {
		role  string
		rules []string
	}{{Operator, r.Operators}, {Viewer, r.Viewers}} {
		for _, rule := range one.rules {
			if i.fits(rule) {
				return one.role
			}
		}
	}
	return ""
}

func (i *Identity) fits(rule string) bool {
	claim, value, named := strings.Cut(rule, "=")
	if !named {
		claim, value = "sub", rule
	}
	if value == "" {
		return false
	}
	if claim == "sub" {
		return i.Subject == value
	}
	if verified, _ := i.Claims["email_verified"].(bool); claim == "email" && !verified {
		return false
	}
	switch given := i.Claims[claim].(type) {
	case string:
		return given == value
	case []any:
		for _, one := range given {
			if one == value {
				return true
			}
		}
	}
	return false
}

// Text returns a claim that is text; empty if it is not.
func (i *Identity) Text(claim string) string {
	text, _ := i.Claims[claim].(string)
	return text
}
