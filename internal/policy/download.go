package policy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/host/grant"
	"github.com/agenthost/agenthost/internal/egress/origin"
	"github.com/agenthost/agenthost/pdk/abi"
)

// RuleFile names the rule on where files come from that a vendor's answer names.
const RuleFile = "egress.file"

// downloads are the places of Allow.Downloads.
type downloads struct {
	suffixes []string
	origins  []origin.Origin
}

func parseDownloads(texts []string) (*downloads, int, error) {
	if texts == nil {
		return nil, 0, nil
	}
	d := &downloads{}
	for i, text := range texts {
		if strings.Contains(text, "://") {
			o, err := origin.Parse(text)
			if err != nil {
				return nil, i, err
			}
			d.origins = append(d.origins, o)
			continue
		}
		if err := origin.CheckSuffix(text); err != nil {
			return nil, i, err
		}
		d.suffixes = append(d.suffixes, text)
	}
	return d, 0, nil
}

// Download decides whether a file may come from an origin that a vendor's answer named. Named
// says that the operator wrote this very origin, so that it may be private or plain http.
func (g *Grant) Download(file *abi.File, from origin.Origin) (d grant.Decision, named bool) {
	suffixes, rule := file.Suffixes, "the connector's suffixes"
	if g != nil && g.downloads != nil {
		suffixes, rule = g.downloads.suffixes, "allow.downloads"
		if slices.Contains(g.downloads.origins, from) {
			return grant.Decision{Allowed: true, Rule: "allow.downloads has " + from.String()}, true
		}
	}
	own := g == nil || g.downloads == nil
	for _, suffix := range suffixes {
		if own && from.Under(suffix) && from.Everybodys(suffix) {
			continue
		}
		if from.Under(suffix) {
			return grant.Decision{Allowed: true, Rule: rule + " have " + suffix}, false
		}
	}
	d = grant.Decision{Rule: RuleFile, Permit: change(fmt.Sprintf("add %.200q to allow.downloads", from.Host))}
	switch usual := (origin.Origin{Scheme: "https", Host: from.Host, Port: 443}); {
	case from != usual:
		d.Why = "files come by https and port 443 only, and the vendor names " + from.String()
		d.Permit = change(fmt.Sprintf("add %.200q to allow.downloads", from.String()))
	case len(suffixes) == 0 && rule == "allow.downloads":
		d.Why = "allow.downloads has no domain, and the vendor names a file at " + from.String()
	case len(suffixes) == 0:
		d.Why = "the connector does not say where files come from, and the vendor names one at " + from.String()
	default:
		d.Why = "the vendor names a file at " + from.String() + ", which is under none of " + strings.Join(suffixes, ", ")
		if slices.ContainsFunc(suffixes, from.Under) {
			d.Why = "the vendor names a file at " + from.String() + ", where everybody can have a name"
		}
	}
	return d, false
}

// FilesFrom says in words where the files of a request may come from; empty if it names none.
func (g *Grant) FilesFrom(file *abi.File) string {
	if file == nil {
		return ""
	}
	from := file.Suffixes
	if g != nil && g.downloads != nil {
		from = g.downloads.texts()
	}
	if len(from) == 0 {
		return "nowhere, because neither the connector nor allow.downloads says where from"
	}
	return strings.Join(from, ", ")
}

func (d *downloads) texts() []string {
	texts := slices.Clone(d.suffixes)
	for _, o := range d.origins {
		texts = append(texts, o.String())
	}
	return texts
}
