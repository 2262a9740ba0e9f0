package main

import "github.com/agenthost/agenthost/pdk"

// candidateDetailOperations are the operations on candidates' notes, tags, projects and files.
func candidateDetailOperations() []pdk.Operation {
	return []pdk.Operation{
		{
			Entity: "candidate_notes", Action: "list", Title: "List a candidate's notes", Effect: pdk.Read, Permission: "candidatesRead",
			Description: "The notes that people wrote about a candidate.",
			Method:      "POST", Path: "/candidate.listNotes",
			Params: []pdk.Param{candidateID(), syncToken()},
			Data:   "/results", Meta: syncMeta, Page: page(), Handle: listSync,
			Examples: []string{`{"candidateId":"3ae2b801-19f6-41ef-ad28-214bd731948f"}`},
		},
		{
			Entity: "candidate_notes", Action: "create", Title: "Write a note about a candidate", Effect: pdk.Write, Permission: "candidatesWrite",
			Description: "Adds a note to a candidate, for everybody who may see the candidate unless it is private.",
			Method:      "POST", Path: "/candidate.createNote",
			Params: []pdk.Param{
				candidateID(),
				pdk.Body("note", pdk.AnyOf("The note: plain text, or an object that says whether it is plain text or HTML.",
					pdk.String("").Min(1).Max(maxNote),
					pdk.Object("",
						pdk.Prop("type", pdk.Enum("What the value is.", "text/plain", "text/html")),
						pdk.Prop("value", pdk.String("The text. Of HTML, Ashby keeps simple formatting, links and lists.").Max(maxNote))))).Required(),
				option("sendNotifications", "Tell users who follow the candidate."),
				option("isPrivate", "Only users who may see private notes see it."),
				pdk.Body("createdAt", pdk.DateTime("When the note shall count as written; now, if absent.")),
			},
			Data: "/results", Meta: warnings,
			Examples: []string{
				`{"candidateId":"3ae2b801-19f6-41ef-ad28-214bd731948f","note":"Prefers calls after 4 pm."}`,
				`{"candidateId":"3ae2b801-19f6-41ef-ad28-214bd731948f","note":{"type":"text/html","value":"<b>Strong</b> in Go."},"isPrivate":true}`,
			},
		},
		{
			Entity: "candidate_tags", Action: "list", Title: "List candidate tags", Effect: pdk.Read, Permission: "hiringProcessMetadataRead",
			Description: "The tags that candidates can have.",
			Method:      "POST", Path: "/candidateTag.list",
			Params: []pdk.Param{includeArchived(), syncToken()},
			Data:   "/results", Meta: syncMeta, Page: page(), Handle: listSync,
			Examples: []string{`{}`},
		},
		{
			Entity: "projects", Action: "list", Title: "List projects", Effect: pdk.Read, Permission: "candidatesRead",
			Description: "The projects: collections of candidates that recruiters keep for later.",
			Method:      "POST", Path: "/project.list",
			Params: []pdk.Param{createdAfter(), syncToken()},
			Data:   "/results", Meta: syncMeta, Page: page(), Handle: listSync,
			Examples: []string{`{}`},
		},
		{
			Entity: "files", Action: "get", Title: "Get a file's URL", Effect: pdk.Read, Permission: "candidatesRead",
			Description: "A URL from which a file, such as a candidate's resume, can be downloaded for a short time. The handle of the file is in the candidate: resumeFileHandle.handle or fileHandles.",
			Method:      "POST", Path: "/file.info",
			Params: []pdk.Param{pdk.Body("fileHandle", pdk.String("Handle of the file.").Min(1).Max(maxToken)).Required()},
			Data:   "/results", Meta: warnings,
			Examples: []string{`{"fileHandle":"aGFuZGxlLW9mLWEtcmVzdW1l"}`},
		},
	}
}
