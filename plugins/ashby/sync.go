package main

import (
	"errors"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/pdk"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Lists that take a syncToken return a new one on their last page, with which a later call gets only
// the changes. Ashby refuses a token that is too old, or has too many changes; its guide says to list
// everything then.

func syncToken() pdk.Param {
	return pdk.Body("syncToken", pdk.String("Get only what changed since an earlier list: its meta.syncToken, which stands on the last page. "+
		"Use the same other parameters. If Ashby no longer takes the token, the answer is the whole list instead, and meta.sync_reset is true.").Min(1).Max(maxToken))
}

// Keys of meta that say that a list is whole although the call asked for changes.
const (
	metaReset       = "sync_reset"
	metaResetReason = "sync_reset_reason"
)

// resetCursor marks the cursors of a whole list in place of a sync: the caller still passes the stale
// token, which must not be sent again. They are opaque to callers.
const resetCursor = "reset~"

// The codes with which Ashby asks to start again, without the token or the cursor.
var (
	staleTokenCodes  = []string{"sync_token_expired", "sync_token_invalid", "incremental_sync_too_large"}
	staleCursorCodes = []string{"next_cursor_expired", "cursor_invalid", "invalid_next_cursor"}
)

// listSync runs a list that takes a syncToken.
//
// With a stale token it starts again only on the first page. On a later one, the caller would get
// records twice, so it returns an error that says to start again.
func listSync(c *pdk.Call) error {
	cursor := c.Param("cursor").Text()
	if rest, ok := strings.CutPrefix(cursor, resetCursor); ok {
		return listWhole(c, rest)
	}
	resp, err := c.Do(c.Request())
	if err == nil {
		return c.Respond(resp)
	}
	var e *abi.Error
	if cursor != "" || !c.Param("syncToken").Exists() || !errors.As(err, &e) || !slices.Contains(staleTokenCodes, e.Code) {
		return err
	}
	c.Result().MetaText(metaResetReason, e.Code)
	return listWhole(c, "")
}

// listWhole lists a page of everything in place of a sync.
func listWhole(c *pdk.Call, cursor string) error {
	r := c.Request()
	r.SetBody("syncToken", nil)
	r.SetBody("cursor", nil)
	if cursor != "" {
		r.SetBody("cursor", pdk.AppendString(nil, cursor))
	}
	resp, err := c.Do(r)
	if err != nil {
		return err
	}
	c.Result().MetaBool(metaReset, true)
	next := c.NextCursor(resp)
	if next != "" {
		next = resetCursor + next
	}
	return c.RespondPage(resp, next)
}
