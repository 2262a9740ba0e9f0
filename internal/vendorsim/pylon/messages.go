package pylon

import (
	"cmp"
	"github.com/agenthost/agenthost/internal/vendorsim/contract"
)

// listMessages answers an issue's messages, oldest first: all of them when neither limit nor cursor is sent.
func listMessages(c *call, r *row[issue]) (result, *apiError) {
	limit := c.limit()
	if limit == 0 && c.cursor() != "" {
		limit = 100
	}
	t := c.v.store.messages[r.ID]
	if t == nil {
		t = &table[message]{}
	}
	return paginate(c, limit, pageQuery[message]{table: t, scope: contract.ScopeOf(c.ep.op.Route(), r.ID)})
}

func (c *call) addMessage(issueID string, m message) *row[message] {
	m.ID = c.newID()
	if m.FileURLs == nil {
		m.FileURLs = []string{}
	}
	return child(c.v.store.messages, issueID).Insert(m.ID, m.Timestamp.UnixNano(), m)
}

// author is who a message is from: the user or contact that the body names, or else the token's user.
func (c *call) author() (*author, *apiError) {
	s, b := &c.v.store, c.body
	if b.Text("user_id") != "" && b.Text("contact_id") != "" {
		return nil, invalid("user_id and contact_id exclude each other")
	}
	if id := b.Text("contact_id"); id != "" {
		p := s.contacts.Get(id)
		if p == nil {
			return nil, invalid("contact_id: no contact %q", id)
		}
		return authorContact(&p.Val), nil
	}
	id := cmp.Or(b.Text("user_id"), s.org.User.ID)
	u := s.users.Get(id)
	if u == nil {
		return nil, invalid("user_id: no user %q", id)
	}
	return authorUser(&u.Val), nil
}

func authorUser(u *user) *author {
	return &author{AvatarURL: u.AvatarURL, Name: u.Name, User: &personRef{Email: u.Email, ID: u.ID}}
}

func authorContact(p *contact) *author {
	return &author{AvatarURL: p.AvatarURL, Name: p.Name, Contact: &personRef{Email: p.Email, ID: p.ID}}
}

// createReply answers a message where the customer sees it. Replies to e-mail issues need a recipient.
func createReply(c *call, r *row[issue]) (result, *apiError) {
	s, b := &c.v.store, c.body
	to := child(s.messages, r.ID).Get(b.Text("message_id"))
	if to == nil {
		return result{}, invalid("message_id: this issue has no message %q", b.Text("message_id"))
	}
	if to.Val.IsPrivate {
		return result{}, invalid("message_id: %q is an internal note; reply to a customer-visible message", to.ID)
	}
	from, err := c.author()
	if err != nil {
		return result{}, err
	}
	urls, err := c.webURLs("attachment_urls")
	if err != nil {
		return result{}, err
	}
	m := message{Author: from, FileURLs: urls, MessageHTML: b.Text("body_html"), Source: r.Val.Source, Timestamp: c.stamp()}
	if r.Val.Source == "email" {
		info := b.Object("email_info")
		m.EmailInfo = &emailInfo{
			To: info.Texts("to_emails"), CC: info.Texts("cc_emails"), BCC: info.Texts("bcc_emails"),
			From: "support@" + mailDomain, MessageID: "<" + c.newID() + "@" + mailDomain + ">",
		}
		if len(m.EmailInfo.To)+len(m.EmailInfo.CC)+len(m.EmailInfo.BCC) == 0 {
			return result{}, invalid("email_info with at least one recipient is required for e-mail issues")
		}
	}
	is := r.Val
	now := c.stamp()
	if from.User != nil {
		c.setState(&is, "waiting_on_customer")
		if is.FirstResponseTime == nil {
			is.FirstResponseTime, is.FirstResponseSeconds = &now, int(now.Sub(is.CreatedAt).Seconds())
		}
	} else {
		c.setState(&is, "waiting_on_you")
	}
	is.NumberOfTouches++
	is.LatestMessageTime, is.UpdatedAt = &now, now
	s.issues.Replace(r, is)
	msg := c.addMessage(is.ID, m)
	c.audit("issue.reply_created", "message", msg.ID)
	return one(contract.Value{V: struct {
		ID      string `json:"id"`
		IssueID string `json:"issue_id"`
	}{msg.ID, is.ID}})
}

// createNote adds an internal note: to a thread, to the thread of another note, or to a new thread.
func createNote(c *call, r *row[issue]) (result, *apiError) {
	s, b := &c.v.store, c.body
	if b.Text("thread_id") != "" && b.Text("message_id") != "" {
		return result{}, invalid("thread_id and message_id exclude each other")
	}
	from, err := c.author()
	if err != nil {
		return result{}, err
	}
	urls, err := c.webURLs("attachment_urls")
	if err != nil {
		return result{}, err
	}
	var threadID *string
	switch {
	case b.Text("thread_id") != "":
		th := child(s.threads, r.ID).Get(b.Text("thread_id"))
		if th == nil {
			return result{}, invalid("thread_id: this issue has no thread %q", b.Text("thread_id"))
		}
		threadID = &th.ID
	case b.Text("message_id") != "":
		m := child(s.messages, r.ID).Get(b.Text("message_id"))
		if m == nil || !m.Val.IsPrivate {
			return result{}, invalid("message_id: this issue has no internal note %q", b.Text("message_id"))
		}
		threadID = m.Val.ThreadID
	default:
		name := cmp.Or(b.Text("thread_name"), "Internal note")
		threadID = &c.addThread(r.ID, name).ID
	}
	now := c.stamp()
	msg := c.addMessage(r.ID, message{
		Author: from, FileURLs: urls, IsPrivate: true, MessageHTML: b.Text("body_html"), Source: "manual", ThreadID: threadID, Timestamp: now,
	})
	is := r.Val
	is.LatestMessageTime, is.UpdatedAt = &now, now
	s.issues.Replace(r, is)
	c.audit("issue.note_created", "message", msg.ID)
	return one(contract.Value{V: struct {
		ID      string `json:"id"`
		IssueID string `json:"issue_id"`
	}{msg.ID, r.ID}})
}

func (c *call) addThread(issueID, name string) *row[thread] {
	id := c.newID()
	return child(c.v.store.threads, issueID).Insert(id, 0, thread{
		ID: id, Name: name, IssueID: issueID, ChannelID: "C" + id[:8], Source: "slack", ThreadID: id,
	})
}

func listThreads(c *call, r *row[issue]) (result, *apiError) {
	if t := c.v.store.threads[r.ID]; t != nil {
		return all(t.Matching(nil))
	}
	return all(nil)
}

func createThread(c *call, r *row[issue]) (result, *apiError) {
	th := c.addThread(r.ID, c.body.Text("name"))
	c.audit("issue.thread_created", "thread", th.ID)
	return one(th)
}

func (c *call) messageAt() (*table[message], *row[message], *apiError) {
	r, err := c.issueAt()
	if err != nil {
		return nil, nil, err
	}
	t := child(c.v.store.messages, r.ID)
	m := t.Get(c.vars[1])
	if m == nil {
		return nil, nil, notFound("message", c.vars[1])
	}
	return t, m, nil
}

// redactMessage blanks a message's text and files and keeps the rest.
func redactMessage(c *call, t *table[message], m *row[message]) (result, *apiError) {
	val := m.Val
	val.MessageHTML, val.FileURLs = "<p>[redacted]</p>", []string{}
	c.audit("message.redacted", "message", m.ID)
	return one(t.Replace(m, val))
}

func deleteMessage(c *call, t *table[message], m *row[message]) (result, *apiError) {
	t.Remove(m)
	c.audit("message.deleted", "message", m.ID)
	return result{}, nil
}
