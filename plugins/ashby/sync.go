package main

import (
	"errors"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/pdk"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Lists that take a syncToken answer with a new one, on their last page. Given back,
// it gets only what changed since. Ashby refuses a token that is too old, or that
// would get too much; its guide says to forget it then and to list everything.

// syncToken is the parameter; descriptions of lists need not explain it.
func syncToken() pdk.Param {
	return pdk.Body("syncToken", pdk.String("Get only what changed since an earlier list: its meta.syncToken, which stands on the last page. "+
		"Use the same other parameters. If Ashby no longer takes the token, the answer is the whole list instead, and meta.sync_reset is true.").Min(1).Max(maxToken))
}

// Keys of meta that say that a list is whole although changes were asked for.
const (
	metaReset       = "sync_reset"
	metaResetReason = "sync_reset_reason"
)

// resetCursor marks the cursors of a whole list that took the place of a sync: the
// caller goes on giving the stale token, which must not be sent again. They are
// opaque to callers.
const resetCursor = "reset~"

// The codes with which Ashby asks to start again, without the token or without the
// cursor.
var (
	staleTokenCodes  = []string{"sync_token_expired", "sync_token_invalid", "incremental_sync_too_large"}
	staleCursorCodes = []string{"next_cursor_expired", "cursor_invalid", "invalid_next_cursor"}
)

// listSync runs a list that takes a syncToken.
//
// A stale token makes it start again only on the first page. On a later one, records
// that the caller already has would come a second time, so that is an error, which
// says to start again.
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

// listWhole lists a page of everything where a sync was asked for.
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
