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
	// Confirm takes the code that the page shows at its end, by which the person at the page proves to
	// be the one at the client. It is not called if the client cannot ask for it.
	Confirm func(ctx context.Context, id, code string) error
	// Done reports whether the connection can be used.
	Done func(context.Context) bool
}

const (
	// connectInput and codeInput name the questions to open a page, and for the code that it shows, in
	// a call that is sent again with the answers.
	connectInput = "connect"
	codeInput    = "code"
	// connectWait is how long a call waits for the person on the page. Clients give a call a minute.
	connectWait = 45 * time.Second
	// connectLook is how often it looks.
	connectLook = 200 * time.Millisecond
)

// unconnected answers a call that failed. If a person can make it work by connecting an account, a
// client that can show pages asks the person (elicitation in mode url, and in mode form for the code),
// and the call waits and runs again. Other clients get the address of the page in the text for the
// model.
func (s *Server) unconnected(ctx context.Context, req *sdk.CallToolRequest, failed error, again func() (*sdk.CallToolResult, error)) *sdk.CallToolResult {
	link := s.connectLink(ctx, failed)
	if link == nil {
		return failure(failed)
	}
	if answered, asked := req.Params.InputResponses[connectInput].(*sdk.ElicitResult); asked {
		code, err := s.confirm(ctx, req, link)
		switch {
		case answered.Action != "accept" || code != nil && code.Action != "accept":
			return failure(withHint(failed, "the person did not open the page to connect the account: ask whether to try again"))
		case err != nil:
			return failure(err)
		case !waitFor(ctx, link.Done):
			return failure(withHint(failed, "wait until the person has connected the account on the page that was opened, then call again"))
		}
		// A client of an older protocol may show that it waits. The id went to it and came back.
		_ = req.Session.NotifyElicitationComplete(ctx, &sdk.ElicitationCompleteParams{ElicitationID: req.Params.RequestState})
		result, err := again()
		if err != nil {
			return failure(err)
		}
		return result
	}
	id, page, err := link.Make(ctx)
	if e, _ := errors.AsType[*abi.Error](err); e != nil { // such as that somebody is at it already
		return failure(e)
	}
	if err != nil {
		s.log.Error("cannot make a link to connect an account", "error", err)
		return failure(failed)
	}
	if pages, forms := shows(req); pages {
		questions := sdk.InputRequestMap{connectInput: &sdk.ElicitParams{Mode: "url", URL: page, ElicitationID: id, Message: link.Message}}
		if forms {
			questions[codeInput] = &sdk.ElicitParams{Mode: "form", Message: link.Message + ". Open the page, and type the code that it shows at its end", RequestedSchema: json.RawMessage(codeSchema)}
		}
		return &sdk.CallToolResult{RequestState: id, InputRequests: questions}
	}
	return failure(withHint(failed, "ask the person to open "+page+" and to connect the account there, then call again"))
}

// connectLink returns where a person can make a failed call work, or nil.
func (s *Server) connectLink(ctx context.Context, failed error) *ConnectLink {
	e, _ := errors.AsType[*abi.Error](failed)
	if e == nil || e.Kind != abi.KindAuthFailed || s.tenant == nil || s.tenant.identity.Connect == nil {
		return nil
	}
	return s.tenant.identity.Connect(ctx, failed)
}

const codeSchema = `{"type":"object","properties":{"code":{"type":"string","title":"Code","maxLength":40}},"required":["code"]}`

// shows reports whether a client can ask a person to open a page, and to fill in a form.
func shows(req *sdk.CallToolRequest) (pages, forms bool) {
	c := req.ClientCapabilities()
	if c == nil || c.Elicitation == nil {
		return false, false
	}
	return c.Elicitation.URL != nil, c.Elicitation.Form != nil
}

// confirm takes the code that the person typed. The answer is nil if the client was not asked for it.
func (s *Server) confirm(ctx context.Context, req *sdk.CallToolRequest, link *ConnectLink) (*sdk.ElicitResult, error) {
	answered, asked := req.Params.InputResponses[codeInput].(*sdk.ElicitResult)
	if !asked || answered.Action != "accept" {
		return answered, nil
	}
	code, _ := answered.Content["code"].(string)
	return answered, link.Confirm(ctx, req.Params.RequestState, code)
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
