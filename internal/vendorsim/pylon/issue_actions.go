package pylon

import (
	"slices"
	"time"

	"github.com/agenthost/agenthost/internal/vendorsim/contract"
)

// snoozeIssue puts an issue on hold until a time in the future.
func snoozeIssue(c *call, r *row[issue]) (result, *apiError) {
	until, _ := c.body.Time("snooze_until")
	if !until.After(c.now) {
		return result{}, invalid("snooze_until must be in the future")
	}
	is := r.Val
	c.setState(&is, "on_hold")
	until = until.UTC().Truncate(time.Second)
	is.SnoozedUntil, is.UpdatedAt = &until, c.stamp()
	c.audit("issue.snoozed", "issue", is.ID)
	return one(c.v.store.issues.Replace(r, is))
}

func listFollowers(_ *call, r *row[issue]) (result, *apiError) {
	return followers(&r.Val)
}

func followers(is *issue) (result, *apiError) {
	out := []source{}
	for _, id := range is.followerUsers {
		out = append(out, contract.Value{V: follower{ID: id, Type: "user"}})
	}
	for _, id := range is.followerContacts {
		out = append(out, contract.Value{V: follower{ID: id, Type: "contact"}})
	}
	return all(out)
}

// changeFollowers adds (the default) or removes followers. Repeating it has no effect.
func changeFollowers(c *call, r *row[issue]) (result, *apiError) {
	users, contacts := c.body.Texts("user_ids"), c.body.Texts("contact_ids")
	if len(users)+len(contacts) == 0 {
		return result{}, invalid("user_ids or contact_ids is required")
	}
	for _, id := range users {
		if u, err := c.userRef("user_ids", id); err != nil || u == nil {
			return result{}, invalid("user_ids: no user %q", id)
		}
	}
	for _, id := range contacts {
		if p, err := c.contactRef("contact_ids", id); err != nil || p == nil {
			return result{}, invalid("contact_ids: no contact %q", id)
		}
	}
	change := union
	if c.body.Text("operation") == "remove" {
		change = without
	}
	is := r.Val
	is.followerUsers, is.followerContacts = change(is.followerUsers, users), change(is.followerContacts, contacts)
	is.UpdatedAt = c.stamp()
	c.audit("issue.followers_changed", "issue", is.ID)
	return followers(&c.v.store.issues.Replace(r, is).Val)
}

// union and without return fresh slices: rows never change in place.
func union(have, more []string) []string {
	out := slices.Clone(have)
	for _, s := range more {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

func without(have, gone []string) []string {
	var out []string
	for _, s := range have {
		if !slices.Contains(gone, s) {
			out = append(out, s)
		}
	}
	return out
}

// linkExternalIssue links (the default) or unlinks an issue of another tracker.
func linkExternalIssue(c *call, r *row[issue]) (result, *apiError) {
	is := r.Val
	id, tracker := c.body.Text("external_issue_id"), c.body.Text("source")
	at := slices.IndexFunc(is.ExternalIssues, func(e externalIssue) bool { return e.ExternalID == id && e.Source == tracker })
	switch op := c.body.Text("operation"); {
	case op == "unlink" || op == "remove":
		if at < 0 {
			return result{}, notFound("external issue", id)
		}
		is.ExternalIssues = slices.Delete(slices.Clone(is.ExternalIssues), at, at+1)
	case at >= 0:
		return result{}, duplicate("external issue", "external_issue_id", is.ID)
	default:
		is.ExternalIssues = append(slices.Clone(is.ExternalIssues), externalIssue{ExternalID: id, Link: "https://" + tracker + ".example/" + id, Source: tracker})
	}
	is.UpdatedAt = c.stamp()
	c.audit("issue.external_issue_changed", "issue", is.ID)
	return one(c.v.store.issues.Replace(r, is))
}
