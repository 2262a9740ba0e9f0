package ashby

// runReport runs a report to its end. includeHeadersInData is true unless said otherwise.
func runReport(c *call) (result, *apiError) {
	s := &c.v.store
	r, err := lookup(c, &s.reports, "reportId", "report", "Report")
	if err != nil {
		return result{}, err
	}
	type data struct {
		Data        [][]any           `json:"data"`
		ColumnNames []string          `json:"columnNames"`
		Metadata    map[string]string `json:"metadata"`
	}
	out := struct {
		RequestID     string  `json:"requestId"`
		Status        string  `json:"status"`
		ReportData    *data   `json:"reportData"`
		FailureReason *string `json:"failureReason"`
	}{RequestID: requestID(c.now, c.v.requests.Add(1)), Status: "complete"}
	if r.Val.Fails != "" {
		out.Status, out.FailureReason = "failed", &r.Val.Fails
		return value(out)
	}
	columns, rows := r.Val.run(s)
	if headers, ok := c.body["includeHeadersInData"].(bool); !ok || headers {
		first := make([]any, len(columns))
		for i, name := range columns {
			first[i] = name
		}
		rows = append([][]any{first}, rows...)
	}
	updated, _ := c.stamp().MarshalJSON()
	out.ReportData = &data{Data: rows, ColumnNames: columns, Metadata: map[string]string{"title": r.Val.Title, "updatedAt": string(updated[1 : len(updated)-1])}}
	return value(out)
}

func applicationsByStatus(s *store) ([]string, [][]any) {
	counts := map[string]int{}
	for _, r := range s.applications.Rows {
		counts[r.Val.Status]++
	}
	var rows [][]any
	for _, status := range []string{"Lead", "Active", "Hired", "Archived"} {
		rows = append(rows, []any{status, counts[status]})
	}
	return []string{"Status", "Applications"}, rows
}

func jobsByDepartment(s *store) ([]string, [][]any) {
	counts := map[string]int{}
	for _, r := range s.jobs.Rows {
		counts[r.Val.DepartmentID]++
	}
	var rows [][]any
	for _, d := range s.departments.Rows {
		if n := counts[d.ID]; n > 0 {
			rows = append(rows, []any{d.Val.Name, n})
		}
	}
	return []string{"Department", "Jobs"}, rows
}
