package mcp

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/agenthost/agenthost/pdk/abi"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// ConnectLink is where a person can make a call work that failed, by connecting an account.
type ConnectLink struct {
	// Message says to the person what the page is for.
	Message string
	// Make makes the link: its id, and the URL of its page. It may end an older link.
	Make func(context.Context) (id, url string, err error)
	// Done reports whether the person has done it.
	Done func(context.Context) bool
}

const (
	// connectInput names the question to open a page, in a call that is sent again with its answer.
	connectInput = "connect"
	// connectWait is how long a call waits for the person on the page. Clients give a call a minute.
	connectWait = 45 * time.Second
	// connectLook is how often it looks.
	connectLook = 200 * time.Millisecond
)

// unconnected answers a call that failed. If a person can make it work by connecting an account, a
// client that can show pages asks the person (elicitation in mode url), and the call waits and runs
// again. Other clients get the address of the page in the text for the model.
func (s *Server) unconnected(ctx context.Context, req *sdk.CallToolRequest, failed error, again func() (json.RawMessage, error)) (*sdk.CallToolResult, error) {
	link := s.connectLink(ctx, failed)
	if link == nil {
		return failure(failed), nil
	}
	if answered, asked := req.Params.InputResponses[connectInput].(*sdk.ElicitResult); asked {
		switch {
		case answered.Action != "accept":
			return failure(withHint(failed, "the person did not open the page to connect the account: ask whether to try again")), nil
		case !waitFor(ctx, link.Done):
			return failure(withHint(failed, "wait until the person has connected the account on the page that was opened, then call again")), nil
		}
		// A client of an older protocol may show that it waits. The id went to it and came back.
		_ = req.Session.NotifyElicitationComplete(ctx, &sdk.ElicitationCompleteParams{ElicitationID: req.Params.RequestState})
		answer, err := again()
		if err != nil {
			return failure(err), nil
		}
		return s.success(answer), nil
	}
	id, page, err := link.Make(ctx)
	if err != nil {
		s.log.Error("cannot make a link to connect an account", "error", err)
		return failure(failed), nil
	}
	if showsPages(req) {
		return &sdk.CallToolResult{RequestState: id, InputRequests: sdk.InputRequestMap{connectInput: &sdk.ElicitParams{
			Mode: "url", URL: page, ElicitationID: id, Message: link.Message,
		}}}, nil
	}
	return failure(withHint(failed, "ask the person to open "+page+" and to connect the account there, then call again")), nil
}

// connectLink returns where a person can make a failed call work, or nil.
func (s *Server) connectLink(ctx context.Context, failed error) *ConnectLink {
	e, _ := errors.AsType[*abi.Error](failed)
	if e == nil || e.Kind != abi.KindAuthFailed || s.tenant == nil || s.tenant.identity.Connect == nil {
		return nil
	}
	return s.tenant.identity.Connect(ctx, failed)
}

// showsPages reports whether a client can ask a person to open a page.
func showsPages(req *sdk.CallToolRequest) bool {
	c := req.ClientCapabilities()
	return c != nil && c.Elicitation != nil && c.Elicitation.URL != nil
}

func withHint(err error, hint string) error {
	e, is := errors.AsType[*abi.Error](err)
	if !is {
		return err
	}
	hinted := *e
	hinted.Hint = hint
	return &hinted
}

// waitFor waits until done reports true, and reports whether it did.
func waitFor(ctx context.Context, done func(context.Context) bool) bool {
	ctx, cancel := context.WithTimeout(ctx, connectWait)
	defer cancel()
	tick := time.NewTicker(connectLook)
	defer tick.Stop()
	for !done(ctx) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return false
		}
	}
	return true
}
