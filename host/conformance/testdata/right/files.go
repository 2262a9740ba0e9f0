package main

import (
	"bytes"
	"strings"

	"github.com/agenthost/agenthost/pdk"
	"github.com/agenthost/agenthost/pdk/abi"
)

var reportsDownload = pdk.Operation{
	Entity: "reports", Action: "download", Title: "Download a report", Effect: pdk.Read,
	Description: "A report of a month, as CSV with a row for each incident.",
	Method:      "GET", Path: "/reports/{month}.csv", Content: abi.ContentCSV,
	Params:   []pdk.Param{pdk.Path("month", pdk.String("The month, such as 2026-01.").Pattern(`^[0-9]{4}-[0-9]{2}$`))},
	Examples: []string{`{"month":"2026-01"}`},
}

var notesGet = pdk.Operation{
	Entity: "notes", Action: "get", Title: "Get a note", Effect: pdk.Read,
	Description: "A note, as plain text or Markdown.",
	Method:      "GET", Path: "/notes/{id}/raw", Content: abi.ContentText, Accept: "text/plain, text/markdown",
	Params:   []pdk.Param{pdk.Path("id", pdk.String("Id of the note.").Min(1).Max(50))},
	Examples: []string{`{"id":"n1"}`},
}

var picturesDownload = pdk.Operation{
	Entity: "pictures", Action: "download", Title: "Download a picture", Effect: pdk.Read,
	Description: "The picture of a user, as the bytes of a file.",
	Method:      "GET", Path: "/users/{user_id}/picture", Content: abi.ContentBinary, Accept: "image/*",
	Params:   []pdk.Param{pdk.Path("user_id", pdk.String("Id of the user.").Min(1).Max(50))},
	Examples: []string{`{"user_id":"u1"}`},
}

// attachmentsDownload has its file in a store, which the answer names.
var attachmentsDownload = pdk.Operation{
	Entity: "attachments", Action: "download", Title: "Download an attachment", Effect: pdk.Read,
	Description: "One of the files of a note.",
	Method:      "GET", Path: "/notes/{id}/attachments", Content: abi.ContentBinary,
	File: &abi.File{Pointer: "/attachments/{number}/url", Suffixes: []string{"rightfiles.com"}, Range: "range"},
	Params: []pdk.Param{
		pdk.Path("id", pdk.String("Id of the note.").Min(1).Max(50)),
		pdk.Input("number", pdk.Integer("Which of its files, from 0.").Min(0).Max(1000)).Required(),
		pdk.Input("range", pdk.String("The part that is wanted, such as bytes=0-99.").Pattern(`^bytes=[0-9]{1,9}-[0-9]{0,9}$`)),
	},
	Examples: []string{`{"id":"n1","number":1}`},
}

// firstColumn returns the first field of each row but the header, as an array of records.
func firstColumn(text []byte) pdk.Raw {
	records := []byte{'['}
	for i, line := range bytes.Split(text, []byte{'\n'}) {
		if i == 0 || len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		if len(records) > 1 {
			records = append(records, ',')
		}
		id, _, _ := strings.Cut(string(bytes.TrimSpace(line)), ",")
		records = append(pdk.AppendString(append(records, `{"id":`...), id), '}')
	}
	return append(records, ']')
}

func hasPrefix(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}
