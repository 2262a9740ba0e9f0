package pylon

// listMessages answers an issue's messages, oldest first: all of them when neither limit nor cursor is sent.
func listMessages(c *call) (result, *apiError) {
	r, err := c.issueAt()
	if err != nil {
		return result{}, err
	}
	limit := c.limit()
	if limit == 0 && c.cursor() != "" {
		limit = 100
	}
	t := c.v.store.messages[r.id]
	if t == nil {
		t = &table[message]{}
	}
	return paginate(c, limit, pageQuery[message]{table: t, scope: scopeOf(c.ep.op.Route(), r.id)})
}

// addMessage stores a message and gives it its id.
func (c *call) addMessage(issueID string, m message) *row[message] {
	m.ID = c.newID()
	if m.FileURLs == nil {
		m.FileURLs = []string{}
	}
	return child(c.v.store.messages, issueID).insert(m.ID, m.Timestamp.UnixNano(), m)
}

// author is who a message is from: the user or contact that the body names, or else the token's user.
func (c *call) author() (*author, *apiError) {
	s, b := &c.v.store, c.body
	if b.text("user_id") != "" && b.text("contact_id") != "" {
		return nil, invalid("user_id and contact_id exclude each other")
	}
	if id := b.text("contact_id"); id != "" {
		p := s.contacts.get(id)
		if p == nil {
			return nil, invalid("contact_id: no contact %q", id)
		}
		return authorContact(&p.val), nil
	}
	id := b.text("user_id")
	if id == "" {
		id = s.org.User.ID
	}
	u := s.users.get(id)
	if u == nil {
		return nil, invalid("user_id: no user %q", id)
	}
	return authorUser(&u.val), nil
}

func authorUser(u *user) *author {
	return &author{AvatarURL: u.AvatarURL, Name: u.Name, User: &personRef{Email: u.Email, ID: u.ID}}
}

func authorContact(p *contact) *author {
	return &author{AvatarURL: p.AvatarURL, Name: p.Name, Contact: &personRef{Email: p.Email, ID: p.ID}}
}

// createReply answers a message where the customer sees it. Replies to e-mail issues need a recipient.
func createReply(c *call) (result, *apiError) {
	r, err := c.issueAt()
	if err != nil {
		return result{}, err
	}
	s, b := &c.v.store, c.body
	to := child(s.messages, r.id).get(b.text("message_id"))
	if to == nil {
		return result{}, invalid("message_id: this issue has no message %q", b.text("message_id"))
	}
	if to.val.IsPrivate {
		return result{}, invalid("message_id: %q is an internal note; reply to a customer-visible message", to.id)
	}
	from, err := c.author()
	if err != nil {
		return result{}, err
	}
	urls, err := c.webURLs("attachment_urls")
	if err != nil {
		return result{}, err
	}
	m := message{Author: from, FileURLs: urls, MessageHTML: b.text("body_html"), Source: r.val.Source, Timestamp: c.stamp()}
	if r.val.Source == "email" {
		info := b.object("email_info")
		m.EmailInfo = &emailInfo{
			To: info.texts("to_emails"), CC: info.texts("cc_emails"), BCC: info.texts("bcc_emails"),
			From: "support@" + mailDomain, MessageID: "<" + c.newID() + "@" + mailDomain + ">",
		}
		if len(m.EmailInfo.To)+len(m.EmailInfo.CC)+len(m.EmailInfo.BCC) == 0 {
			return result{}, invalid("email_info with at least one recipient is required for e-mail issues")
		}
	}
	is := r.val
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
	s.issues.replace(r, is)
	msg := c.addMessage(is.ID, m)
	c.audit("issue.reply_created", "message", msg.id)
	return one(value{struct {
		ID      string `json:"id"`
		IssueID string `json:"issue_id"`
	}{msg.id, is.ID}})
}

// createNote adds an internal note: to a thread, to the thread of another note, or to a new thread.
func createNote(c *call) (result, *apiError) {
	r, err := c.issueAt()
	if err != nil {
		return result{}, err
	}
	s, b := &c.v.store, c.body
	if b.text("thread_id") != "" && b.text("message_id") != "" {
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
	case b.text("thread_id") != "":
		th := child(s.threads, r.id).get(b.text("thread_id"))
		if th == nil {
			return result{}, invalid("thread_id: this issue has no thread %q", b.text("thread_id"))
		}
		threadID = &th.id
	case b.text("message_id") != "":
		m := child(s.messages, r.id).get(b.text("message_id"))
		if m == nil || !m.val.IsPrivate {
			return result{}, invalid("message_id: this issue has no internal note %q", b.text("message_id"))
		}
		threadID = m.val.ThreadID
	default:
		name := b.text("thread_name")
		if name == "" {
			name = "Internal note"
		}
		threadID = &c.addThread(r.id, name).id
	}
	now := c.stamp()
	msg := c.addMessage(r.id, message{
		Author: from, FileURLs: urls, IsPrivate: true, MessageHTML: b.text("body_html"), Source: "manual", ThreadID: threadID, Timestamp: now,
	})
	is := r.val
	is.LatestMessageTime, is.UpdatedAt = &now, now
	s.issues.replace(r, is)
	c.audit("issue.note_created", "message", msg.id)
	return one(value{struct {
		ID      string `json:"id"`
		IssueID string `json:"issue_id"`
	}{msg.id, r.id}})
}

func (c *call) addThread(issueID, name string) *row[thread] {
	id := c.newID()
	return child(c.v.store.threads, issueID).insert(id, 0, thread{
		ID: id, Name: name, IssueID: issueID, ChannelID: "C" + id[:8], Source: "slack", ThreadID: id,
	})
}

func listThreads(c *call) (result, *apiError) {
	r, err := c.issueAt()
	if err != nil {
		return result{}, err
	}
	if t := c.v.store.threads[r.id]; t != nil {
		return all(t.everything())
	}
	return all(nil)
}

func createThread(c *call) (result, *apiError) {
	r, err := c.issueAt()
	if err != nil {
		return result{}, err
	}
	th := c.addThread(r.id, c.body.text("name"))
	c.audit("issue.thread_created", "thread", th.id)
	return one(th)
}

func (c *call) messageAt() (*table[message], *row[message], *apiError) {
	r, err := c.issueAt()
	if err != nil {
		return nil, nil, err
	}
	t := child(c.v.store.messages, r.id)
	m := t.get(c.vars[1])
	if m == nil {
		return nil, nil, notFound("message", c.vars[1])
	}
	return t, m, nil
}

// redactMessage blanks a message's text and files and keeps the rest.
func redactMessage(c *call) (result, *apiError) {
	t, m, err := c.messageAt()
	if err != nil {
		return result{}, err
	}
	val := m.val
	val.MessageHTML, val.FileURLs = "<p>[redacted]</p>", []string{}
	c.audit("message.redacted", "message", m.id)
	return one(t.replace(m, val))
}

func deleteMessage(c *call) (result, *apiError) {
	t, m, err := c.messageAt()
	if err != nil {
		return result{}, err
	}
	t.remove(m)
	c.audit("message.deleted", "message", m.id)
	return result{}, nil
}
