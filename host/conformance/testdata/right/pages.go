package main

import (
	"strconv"

	"github.com/agenthost/agenthost/pdk"
	"github.com/agenthost/agenthost/pdk/abi"
)

// usersList goes by offset, as PagerDuty's lists do: the answer says whether there is more, and
// the next offset is to be computed.
var usersList = pdk.Operation{
	Entity: "users", Action: "list", Title: "List users", Effect: pdk.Read,
	Description: "Users in the order of their names.",
	Method:      "GET", Path: "/users",
	Params: []pdk.Param{pdk.Query("query", pdk.String("Only users whose name contains this.").Max(100))},
	Data:   "/users",
	Page:   &pdk.Page{In: pdk.InNone, MaxLimit: 100},
	Handle: byOffset,
}

const pageSize = 25

func byOffset(c *pdk.Call) error {
	offset, limit := 0, int64(pageSize)
	if cursor := c.Param("cursor"); cursor.Exists() {
		var err error
		if offset, err = strconv.Atoi(cursor.Text()); err != nil || offset < 0 || offset > 10_000 {
			return pdk.InvalidParam("cursor", "the cursor is not one that users.list gave", "use next_cursor of the page before")
		}
	}
	if n, ok := c.Param("limit").Int(); ok {
		limit = n
	}
	r := c.Request()
	r.SetQuery("offset", strconv.Itoa(offset))
	r.SetQuery("limit", strconv.FormatInt(limit, 10))
	resp, err := c.Do(r)
	if err != nil {
		return err
	}
	next := ""
	if records := resp.Body.Part("/users").Count(); resp.Body.Part("/more").Bool() && records > 0 {
		next = strconv.Itoa(offset + records)
	}
	return c.RespondPage(resp, next)
}

// incidentsList has its next page in the header Link.
var incidentsList = pdk.Operation{
	Entity: "incidents", Action: "list", Title: "List incidents", Effect: pdk.Read,
	Description: "Incidents, newest first.",
	Method:      "GET", Path: "/incidents",
	Page: &pdk.Page{In: pdk.InQuery, CursorName: "page", LimitName: "per_page", MaxLimit: 100, Header: "Link"},
}

// teamsList has it in a header of its own.
var teamsList = pdk.Operation{
	Entity: "teams", Action: "list", Title: "List teams", Effect: pdk.Read,
	Description: "Teams, oldest first.",
	Method:      "GET", Path: "/organizations/{organization}/teams",
	Params:   []pdk.Param{pdk.Path("organization", pdk.String("Id of the organization.").Min(1).Max(50))},
	Data:     "/teams",
	Page:     &pdk.Page{In: pdk.InQuery, CursorName: "after", Header: "X-Next-Page"},
	Examples: []string{`{"organization":"o1"}`},
}

// rowsList makes records of CSV by itself.
var rowsList = pdk.Operation{
	Entity: "rows", Action: "list", Title: "List rows", Effect: pdk.Read,
	Description: "The ids of all rows of the register.",
	List:        true,
	Requests:    []abi.RequestTemplate{{Method: "GET", Path: "/register.csv", Content: abi.ContentCSV}},
	Handle:      idsOfRows,
}

func idsOfRows(c *pdk.Call) error {
	resp, err := c.Do(&pdk.Request{Method: "GET", Path: "/register.csv", Headers: [][2]string{{"Accept", "text/csv"}}})
	if err != nil {
		return err
	}
	if mediaType := resp.Header("Content-Type"); mediaType != "" && !hasPrefix(mediaType, "text/csv") {
		e := pdk.StatusError(resp)
		e.Message = "the register is " + mediaType + " and not CSV"
		return e
	}
	body, err := resp.Body.Bytes(8 << 20)
	if err != nil {
		return err
	}
	c.Result().DataRaw(firstColumn(body))
	return nil
}
