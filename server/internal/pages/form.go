package pages

import (
	"errors"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/agenthost/agenthost/internal/httpserve"
)

const (
	// MaxForm is the most bytes of a form.
	MaxForm = 192 << 10
	// maxFields is the most fields of a form.
	maxFields = 100
)

// Form are the fields of a form, by name. Each stands once.
type Form map[string]string

// Form reads the form of a request.
func (v *Visit) Form() (Form, error) {
	types := v.Request.Header.Values("Content-Type")
	kind, _, err := mime.ParseMediaType(strings.Join(types, ", "))
	if err != nil || kind != "application/x-www-form-urlencoded" {
		return nil, wrongForm(http.StatusUnsupportedMediaType, "It was not sent as a form of a page.")
	}
	if v.ContentLength > MaxForm {
		return nil, wrongForm(http.StatusRequestEntityTooLarge, "It is too long.")
	}
	e := httpserve.Of(v.Context())
	if e == nil {
		return nil, errors.New("the request of a form did not come through a guard")
	}
	text, err := e.ReadBody(v.Request, v.Body, MaxForm, v.site.options.Hold)
	switch large := (*http.MaxBytesError)(nil); {
	case errors.As(err, &large):
		return nil, wrongForm(http.StatusRequestEntityTooLarge, "It is too long.")
	case errors.Is(err, httpserve.ErrNoRoom):
		return nil, wrongForm(http.StatusServiceUnavailable, "The server has no room for so long a form now.")
	case err != nil:
		return nil, wrongForm(http.StatusRequestTimeout, "It was late or incomplete.")
	}
	f, why := parseForm(string(text))
	if why != "" {
		return nil, wrongForm(http.StatusBadRequest, why)
	}
	return f, nil
}

func wrongForm(status int, why string) error {
	return &Problem{Status: status, Title: "The form cannot be read", Text: why, Next: "Go back, and send it again."}
}

// parseForm reads a form, or says why not.
func parseForm(text string) (f Form, why string) {
	if strings.Count(text, "&") >= maxFields {
		return nil, "It has too many fields."
	}
	values, err := url.ParseQuery(text)
	if err != nil {
		return nil, "Its text is not that of a form."
	}
	f = make(Form, len(values))
	for name, all := range values {
		if len(all) != 1 {
			return nil, "It has a field twice."
		}
		if !utf8.ValidString(name) || !utf8.ValidString(all[0]) || strings.Contains(name+all[0], "\x00") {
			return nil, "It has characters that are no text."
		}
		f[name] = all[0]
	}
	return f, ""
}
