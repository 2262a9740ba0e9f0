package mcp

import (
	"context"
	"crypto/rand"
	"errors"
	"maps"
	"sync"
	"time"

	"github.com/agenthost/agenthost/host/ask"
	"github.com/agenthost/agenthost/pdk/abi"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// Calls of operations in allow.ask ask the client's user, if the client can show a form: the result
// of the first call is an input request with the plan, and the second call has the answer. The
// protocol's library does that for older clients by an elicitation during the call. A model has no
// part in it: no tool answers.

// Sizes and times of the questions that a server has asked.
const (
	maxQuestions = 1024
	questionFor  = 5 * time.Minute
	maxPlan      = 16 << 10 // bytes of a plan as text; longer ones are not shown in part
)

// approvalKey is the key of the one input request.
const approvalKey = "approval"

// questions are those that wait for their answers, by a random state. Each is answered once.
type questions struct {
	mu   sync.Mutex
	open map[string]question
}

type question struct {
	digest, caller string
	until          time.Time
}

// add keeps a question. It fails if too many are open.
func (q *questions) add(digest, caller string, now time.Time) (state string, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	maps.DeleteFunc(q.open, func(_ string, one question) bool { return now.After(one.until) })
	if len(q.open) >= maxQuestions {
		return "", false
	}
	if q.open == nil {
		q.open = make(map[string]question)
	}
	state = rand.Text()
	q.open[state] = question{digest, caller, now.Add(questionFor)}
	return state, true
}

// take returns whether a state is that of an open question, which it then is no more.
func (q *questions) take(state, digest, caller string, now time.Time) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	one, found := q.open[state]
	delete(q.open, state)
	return found && one.digest == digest && one.caller == caller && !now.After(one.until)
}

// canAsk reports whether a client shows forms to its user.
func canAsk(session *sdk.ServerSession) bool {
	p := session.InitializeParams()
	if p == nil || p.Capabilities == nil || p.Capabilities.Elicitation == nil {
		return false
	}
	return p.Capabilities.Elicitation.Form != nil || p.Capabilities.Elicitation.URL == nil
}

// errAsked ends a call whose result is a question.
var errAsked = &abi.Error{Kind: abi.KindDenied, Code: abi.CodeNeedsApproval, Message: "the user of the client is asked"}

// consent asks the user of a client about the call of a request.
type consent struct {
	server *Server
	req    *sdk.CallToolRequest
	result *sdk.CallToolResult // the question; nil if there is none
}

// confirm is a [tool.Confirm].
func (c *consent) confirm(_ context.Context, plan *ask.Plan) (ask.Answer, error) {
	s, params, caller := c.server, c.req.Params, c.server.caller(c.req)
	digest := plan.Digest()
	if answer, answered := params.InputResponses[approvalKey].(*sdk.ElicitResult); answered && answer != nil {
		if !s.questions.take(params.RequestState, digest, caller, time.Now()) {
			return ask.Answer{}, &abi.Error{
				Kind: abi.KindDenied, Code: abi.CodeNeedsApproval, Message: "the user was asked about another call, too long ago, or has answered already",
				Hint: "make the call again, which asks again",
			}
		}
		yes, _ := answer.Content["approve"].(bool)
		by := "the user of an MCP client"
		if caller != "" {
			by += ", " + caller
		}
		return ask.Answer{Approved: answer.Action == "accept" && yes, By: by}, nil
	}
	text := plan.Text()
	if len(text) > maxPlan {
		return ask.Answer{}, errors.New("the plan is too long for a form")
	}
	state, ok := s.questions.add(digest, caller, time.Now())
	if !ok {
		return ask.Answer{}, errors.New("too many questions are open")
	}
	c.result = &sdk.CallToolResult{RequestState: state, InputRequests: sdk.InputRequestMap{approvalKey: &sdk.ElicitParams{
		Mode: "form", Message: "agenthost asks for your approval. Nothing was sent yet.\n\n" + text,
		RequestedSchema: map[string]any{
			"type": "object", "required": []string{"approve"},
			"properties": map[string]any{"approve": map[string]any{"type": "boolean", "title": "Send exactly this, once"}},
		},
	}}}
	return ask.Answer{}, errAsked
}
