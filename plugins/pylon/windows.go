package main

import (
	"strings"
	"time"

	"github.com/agenthost/agenthost/pdk"
)

// maxWindow is the longest window that GET /issues takes.
const maxWindow = 30 * 24 * time.Hour

// windowCursor marks the cursors of a long window: "w1~<start of the part>~<Pylon's
// cursor in it>". They are opaque to callers.
const windowCursor = "w1~"

// listIssues lists the issues of a window. Pylon refuses one of more than 30 days, so a longer one is
// read in consecutive parts of 30 days, a page per call. Parts share a boundary, because an issue
// seen twice does less harm than one missed. A window that Pylon accepts is sent unchanged, with its
// cursor.
func listIssues(c *pdk.Call) error {
	start, err := timeParam(c, "start_time")
	if err != nil {
		return err
	}
	end, err := timeParam(c, "end_time")
	if err != nil {
		return err
	}
	if !end.After(start) {
		return pdk.InvalidParam("end_time", "end_time is not after start_time", "swap them, or make the window longer")
	}
	if end.Sub(start) <= maxWindow {
		return c.Run()
	}

	// Phase 1: find this call's part of the window.
	from, cursor := start, ""
	if given := c.Param("cursor"); given.Exists() {
		if from, cursor, err = parseWindowCursor(given.Text(), start, end); err != nil {
			return err
		}
	}
	to := from.Add(maxWindow)
	if to.After(end) {
		to = end
	}

	// Phase 2: request that part.
	r := c.Request()
	if !from.Equal(start) {
		r.SetQuery("start_time", from.Format(time.RFC3339Nano))
	}
	if !to.Equal(end) {
		r.SetQuery("end_time", to.Format(time.RFC3339Nano))
	}
	r.SetQuery("cursor", cursor)
	resp, err := c.Do(r)
	if err != nil {
		return err
	}

	// Phase 3: continue in the part, then with the next one.
	next := ""
	if cursor = c.NextCursor(resp); cursor != "" {
		next = part(from, cursor)
	} else if to.Before(end) {
		next = part(to, "")
	}
	return c.RespondPage(resp, next)
}

// part is the cursor of a page in a part of the window.
func part(from time.Time, cursor string) string {
	return windowCursor + from.Format(time.RFC3339Nano) + "~" + cursor
}

// parseWindowCursor returns the start of a part and Pylon's cursor in it.
func parseWindowCursor(s string, start, end time.Time) (from time.Time, cursor string, err error) {
	wrong := pdk.InvalidParam("cursor", "the cursor does not belong to this window",
		"pass next_cursor of the page before, with the same start_time and end_time")
	rest, ok := strings.CutPrefix(s, windowCursor)
	if !ok {
		return from, "", wrong
	}
	at, cursor, ok := strings.Cut(rest, "~")
	if !ok {
		return from, "", wrong
	}
	from, parseErr := time.Parse(time.RFC3339Nano, at)
	if parseErr != nil || from.Before(start) || !from.Before(end) || from.Sub(start)%maxWindow != 0 {
		return from, "", wrong
	}
	return from, cursor, nil
}

func timeParam(c *pdk.Call, name string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, c.Param(name).Text())
	if err != nil {
		return t, pdk.InvalidParam(name, name+" is not a time", "write it as RFC 3339 says, such as 2026-06-01T00:00:00Z")
	}
	return t, nil
}
