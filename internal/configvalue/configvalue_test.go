package configvalue

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/pdk/abi"
)

func fields() []abi.AuthField {
	return []abi.AuthField{
		{Name: "tenant", Required: true, Pattern: "[a-z]+[0-9]?", Description: "The first part of the address."},
		{Name: "region", Default: "eu", Enum: []string{"eu", "us"}},
		{Name: "account", Dots: true},
		{Name: "size", Type: Integer},
		{Name: "beta", Type: Boolean},
	}
}

func TestNew(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		given map[string]string
		json  string // or
		field string
		hint  string
	}{
		"all":            {map[string]string{"tenant": "acme1", "region": "us", "account": "a \"b\"<", "size": "-12", "beta": "true"}, `{"tenant":"acme1","region":"us","account":"a \"b\"\u003c","size":-12,"beta":true}`, "", ""},
		"the default":    {map[string]string{"tenant": "acme"}, `{"tenant":"acme","region":"eu"}`, "", ""},
		"missing":        {nil, "", "at.tenant", "The first part of the address."},
		"misspelt":       {map[string]string{"tenat": "acme"}, "", "at.tenat", "did you mean tenant?"},
		"another choice": {map[string]string{"tenant": "acme", "region": "uss"}, "", "at.region", "choose one of eu, us"},
		"half a match":   {map[string]string{"tenant": "acme12"}, "", "at.tenant", ""},
		"empty":          {map[string]string{"tenant": ""}, "", "at.tenant", ""},
		"a line break":   {map[string]string{"tenant": "acme", "account": "a\nb"}, "", "at.account", ""},
		"no UTF-8":       {map[string]string{"tenant": "acme", "account": "\xff"}, "", "at.account", ""},
		"too long":       {map[string]string{"tenant": "acme", "account": strings.Repeat("a", 1001)}, "", "at.account", ""},
		"no number":      {map[string]string{"tenant": "acme", "size": "1.5"}, "", "at.size", ""},
		"another form":   {map[string]string{"tenant": "acme", "size": "012"}, "", "at.size", ""},
		"too large":      {map[string]string{"tenant": "acme", "size": "99999999999999999999"}, "", "at.size", ""},
		"no boolean":     {map[string]string{"tenant": "acme", "beta": "yes"}, "", "at.beta", ""},
	} {
		v, err := New("at", fields(), test.given)
		if err == nil {
			err = v.Complete("at")
		}
		if test.json != "" {
			if got := string(v.JSON()); err != nil || got != test.json || !json.Valid([]byte(got)) {
				t.Errorf("%s: %s, %v", name, got, err)
			}
			continue
		}
		if e, ok := errors.AsType[*abi.Error](err); !ok || e.Kind != abi.KindInvalidParams || e.Field != test.field || !strings.Contains(e.Hint, test.hint) {
			t.Errorf("%s: %+v", name, err)
		}
	}
	if got := (Values{}).JSON(); got != nil {
		t.Errorf("no values are %s", got)
	}
}

func TestExpand(t *testing.T) {
	t.Parallel()
	v, err := New("at", fields(), map[string]string{"tenant": "acme", "account": "x1.eu"})
	if err != nil {
		t.Fatal(err)
	}
	servers, err := v.Servers("at", []abi.Server{{ID: "a", URL: "https://{tenant}.vendor.example/v1"}, {ID: "b", URL: "https://{account}.{region}.vendor.example"}, {ID: "c", URL: "https://c.example"}})
	if err != nil || servers[0].URL != "https://acme.vendor.example/v1" || servers[1].URL != "https://x1.eu.eu.vendor.example" || servers[2].URL != "https://c.example" {
		t.Errorf("%+v, %v", servers, err)
	}
	declared := []abi.AuthScheme{{Origins: []string{"https://{tenant}.vendor.example"}, OAuth2: &abi.OAuth2{
		TokenURL: "https://{tenant}.vendor.example/token", AuthorizeURL: "https://{tenant}.vendor.example?x={tenant}",
	}}}
	schemes, err := v.Schemes("at", declared)
	if err != nil || schemes[0].Origins[0] != "https://acme.vendor.example" || schemes[0].OAuth2.TokenURL != "https://acme.vendor.example/token" ||
		schemes[0].OAuth2.AuthorizeURL != "https://acme.vendor.example?x={tenant}" {
		t.Errorf("%+v, %v", schemes, err)
	}
	if declared[0].Origins[0] != "https://{tenant}.vendor.example" || declared[0].OAuth2.TokenURL != "https://{tenant}.vendor.example/token" {
		t.Error("the declaration was changed, which other connections share")
	}
	for _, url := range []string{"https://{tenant}", "https://{missing}.vendor.example", "https://{size}.vendor.example", "https://{tenant}.vendor.example@evil.example/", "https://evil.example#{tenant}"} {
		got, err := v.Expand("at", url)
		if err == nil && url != got {
			t.Errorf("%s is expanded to %s", url, got)
		}
	}
}

func TestExampleFits(t *testing.T) {
	t.Parallel()
	declared := append(fields(), abi.AuthField{Name: "id", Pattern: "[0-9]{8}"}, abi.AuthField{Name: "flag", Type: Boolean, Required: true})
	v := Example(declared)
	for i := range declared {
		if f := &declared[i]; Problem(f, v.texts[f.Name]) != "" {
			t.Errorf("%s is %q", f.Name, v.texts[f.Name])
		}
	}
}
