package pylon

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/agenthost/agenthost/internal/vendorsim/contract"
)

// issueTarget is the JSON size in bytes that most issues are filled up to: a page of 100 is then about 98 KB and one of
// 1000 about 983 KB, the sizes the benchmarks compare.
const issueTarget = 930

// issuesAndMessages spreads five eighths of the issues over the last 30 days and the rest over the year before, oldest
// first, so that numbers rise with time.
func (s *seeder) issuesAndMessages() {
	n := s.scale.Issues
	old := n * 3 / 8
	counts := s.messageCounts(n)
	for i := range n {
		from, to, k, of := 365*day, 30*day, i, old
		if i >= old {
			from, to, k, of = 29*day+20*time.Hour, 2*time.Minute, i-old, n-old
		}
		step := (from - to) / time.Duration(of)
		age := from - step*time.Duration(k) - time.Duration(s.rng.Int64N(int64(step)))
		s.issue(s.now.Add(-age).Truncate(time.Second), counts[i])
	}
}

// messageCounts distributes the messages: one for every issue, the rest at random.
func (s *seeder) messageCounts(issues int) []int {
	counts := make([]int, issues)
	for i := range counts {
		counts[i] = 1
	}
	for range max(0, s.scale.Messages-issues) {
		counts[s.rng.IntN(issues)]++
	}
	return counts
}

func (s *seeder) issue(created time.Time, messages int) {
	requester := anyRow(s, &s.contacts).Val
	is := issue{
		ID: s.newID(), Number: s.next, State: "new", Type: oneOf(s, issueTypes), Account: requester.Account,
		Source:    oneOf(s, []string{"slack", "email", "email", "chat_widget", "form", "microsoft_teams", "manual", "whatsapp", "phone"}),
		Requester: &personRef{Email: requester.Email, ID: requester.ID}, Tags: []string{},
		CustomFields: customValues{"priority": {Slug: "priority", Value: oneOf(s, []string{"urgent", "high", "medium", "medium", "low"})}},
		CreatedAt:    created, UpdatedAt: created, NumberOfTouches: messages, CustomerPortalVisible: s.chance(30),
	}
	s.next++
	s.issueNumbers[is.Number] = is.ID
	is.Link = issueLink(is.Number)
	is.Title = fmt.Sprintf(oneOf(s, subjects), oneOf(s, products))
	if s.chance(85) {
		u := anyRow(s, &s.users).Val
		is.Assignee = &personRef{Email: u.Email, ID: u.ID}
	}
	if s.chance(80) {
		is.Team = &ref{ID: anyRow(s, &s.teams).ID}
	}
	for range s.rng.IntN(3) {
		is.Tags = union(is.Tags, []string{oneOf(s, tagWords)})
	}
	s.channelDetails(&is)
	if s.chance(20) {
		is.followerUsers = []string{anyRow(s, &s.users).ID}
	}
	if s.chance(10) {
		is.followerContacts = []string{anyRow(s, &s.contacts).ID}
	}
	s.conversation(&is, requester, messages)
	s.lifecycle(&is)
	if is.Number%25 == 0 {
		s.everyField(&is)
	}
	s.fillBody(&is)
	s.issues.Insert(is.ID, newestFirst(created), is)
	s.messages[is.ID].Update(func(m *message) bool {
		first := m.Timestamp.Equal(created)
		if first {
			m.MessageHTML = is.BodyHTML
		}
		return first
	})
}

func (s *seeder) channelDetails(is *issue) {
	switch is.Source {
	case "slack":
		is.Slack = &slackInfo{ChannelID: "C" + strings.ToUpper(is.ID[:8]), MessageTS: strconv.FormatInt(is.CreatedAt.Unix(), 10) + ".000100", WorkspaceID: "T0NORTHWD"}
	case "chat_widget":
		is.ChatWidget = &chatWidgetInfo{PageURL: "https://app.northwind.example/" + slugify(oneOf(s, products), "-")}
	case "form":
		is.ticketFormID = anyRow(s, &s.ticketForms).ID
	}
}

// conversation makes the issue's messages, the first at its creation, none in the future.
func (s *seeder) conversation(is *issue, requester contact, count int) {
	t := child(s.messages, is.ID)
	at := is.CreatedAt
	var noteThread *string
	for i := range count {
		if i > 0 {
			room := s.now.Sub(at) / time.Duration(count-i+1)
			at = at.Add(time.Second + time.Duration(s.rng.Int64N(int64(min(max(room, time.Second), 2*day))))).Truncate(time.Second)
			if at.After(s.now) {
				at = s.now
			}
		}
		m := message{ID: s.newID(), Author: authorContact(&requester), FileURLs: []string{}, Source: is.Source, Timestamp: at, MessageHTML: s.paragraph(1 + s.rng.IntN(3))}
		if i > 0 && i%2 == 1 {
			u := anyRow(s, &s.users).Val
			if is.Assignee != nil {
				u = s.users.Get(is.Assignee.ID).Val
			}
			m.Author = authorUser(&u)
			if is.FirstResponseTime == nil && s.chance(50) {
				first := at
				is.FirstResponseTime, is.FirstResponseSeconds = &first, int(at.Sub(is.CreatedAt)/time.Second)
			}
		} else if i > 0 && s.chance(25) {
			u := anyRow(s, &s.users).Val
			m.Author, m.IsPrivate, m.Source = authorUser(&u), true, "manual"
			if noteThread == nil {
				id := s.newID()
				child(s.threads, is.ID).Insert(id, 0, thread{ID: id, Name: "Internal discussion", IssueID: is.ID, ChannelID: "C" + id[:8], Source: "slack", ThreadID: id})
				noteThread = &id
			}
			m.ThreadID = noteThread
		}
		if m.Source == "email" {
			from, to := "support@"+mailDomain, requester.Email
			if m.Author.Contact != nil {
				from, to = to, from
			}
			m.EmailInfo = &emailInfo{BCC: []string{}, CC: []string{}, From: from, To: []string{to}, MessageID: "<" + m.ID + "@mail.example>"}
		}
		t.Insert(m.ID, at.UnixNano(), m)
	}
	latest := at
	is.LatestMessageTime, is.UpdatedAt = &latest, latest
}

// lifecycle gives the issue a state that fits its age, and the dates that follow from the state.
func (s *seeder) lifecycle(is *issue) {
	closedShare := 45
	if s.now.Sub(is.CreatedAt) > 30*day {
		closedShare = 95
	}
	switch {
	case s.chance(closedShare):
		is.State = "closed"
		done := is.LatestMessageTime.Add(time.Duration(s.rng.Int64N(int64(time.Hour)))).Truncate(time.Second)
		if done.After(s.now) {
			done = s.now
		}
		is.ResolutionTime, is.ResolutionSeconds, is.UpdatedAt = &done, int(done.Sub(is.CreatedAt)/time.Second), done
	case s.chance(12):
		is.State = "on_hold"
		until := s.now.Add(time.Duration(1+s.rng.IntN(14)) * day)
		is.SnoozedUntil = &until
	case is.NumberOfTouches > 1:
		is.State = oneOf(s, []string{"waiting_on_you", "waiting_on_customer", "waiting_on_customer", "escalated_to_engineering"})
	}
}

// everyField fills rare fields, so that every field of the vendor's schema occurs.
func (s *seeder) everyField(is *issue) {
	breach := is.CreatedAt.Add(4 * time.Hour)
	is.FirstResponseBreach, is.ResolutionBreach = &breach, &breach
	is.BusinessFirstResponse, is.BusinessResolution = is.FirstResponseSeconds/3, is.ResolutionSeconds/3
	is.AttachmentURLs = []string{"https://assets.usepylon.example/" + is.ID + "/screenshot.png"}
	is.ExternalIssues = []externalIssue{{ExternalID: "ENG-" + strconv.Itoa(is.Number), Link: "https://linear.example/ENG-" + strconv.Itoa(is.Number), Source: "linear"}}
	is.CSAT = []csatResponse{{Comment: "Schnell gelöst, danke! 👍", Score: 5}}
	is.TimeInStatus = map[string]int{"new": 1800, is.State: 7200}
	is.BusinessTimeInStatus = map[string]int{"new": 600, is.State: 3600}
	is.ActiveTime, is.BusinessActiveTime = 5400, 4200
	if is.Assignee != nil {
		is.ActiveTimeByUser = []userActiveTime{{ActiveTime: 5400, BusinessActiveTime: 4200, UserID: is.Assignee.ID}}
	}
	if prev := s.issueNumbers[is.Number-1]; prev != "" {
		is.ChildIssues = []numberedRef{{ID: prev, Number: is.Number - 1}}
	}
	if first := s.issueNumbers[1001]; first != "" && first != is.ID {
		is.ParentIssueGroup = &numberedRef{ID: first, Number: 1001}
	}
	if is.Team != nil {
		is.TeamSLAs = []teamSLA{{
			TeamID: is.Team.ID, FirstResponse: slaClock{BreachTime: &breach, Seconds: is.FirstResponseSeconds, Time: is.FirstResponseTime},
			Resolution: slaClock{BreachTime: &breach, Seconds: is.ResolutionSeconds, Time: is.ResolutionTime},
		}}
	}
	is.CustomFields["affected_regions"] = customValue{Slug: "affected_regions", Values: []string{"eu-west", "us-east"}}
}

// fillBody writes a body of at least one sentence that brings the record to about issueTarget bytes.
func (s *seeder) fillBody(is *issue) {
	room := issueTarget - len(contract.Encode(is)) - len("<p></p>")
	var b strings.Builder
	b.WriteString("<p>")
	b.WriteString(oneOf(s, sentences))
	for b.Len() < room-40 {
		b.WriteByte(' ')
		b.WriteString(oneOf(s, sentences))
	}
	b.WriteString("</p>")
	is.BodyHTML = b.String()
}

func (s *seeder) paragraph(n int) string {
	var b strings.Builder
	b.WriteString("<p>")
	for i := range n {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(oneOf(s, sentences))
	}
	b.WriteString("</p>")
	return b.String()
}
