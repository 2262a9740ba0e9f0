package pylon

// served is what a route is bound to. Searches are POSTs that only read.
type served struct {
	handle handler
	write  bool
}

// handlers binds every route of the contract. New panics when one is missing, and a test fails when one is left over.
func handlers() map[string]served {
	read := func(h handler) served { return served{handle: h} }
	write := func(h handler) served { return served{handle: h, write: true} }
	return map[string]served{
		"GET /me": read(getMe),

		"GET /issues":                                    read(listIssues),
		"POST /issues":                                   write(createIssue),
		"POST /issues/search":                            read(searchIssues),
		"GET /issues/{id}":                               read(getIssue),
		"PATCH /issues/{id}":                             write(updateIssue),
		"DELETE /issues/{id}":                            write(deleteIssue),
		"POST /issues/{id}/snooze":                       write(snoozeIssue),
		"GET /issues/{id}/followers":                     read(listFollowers),
		"POST /issues/{id}/followers":                    write(changeFollowers),
		"POST /issues/{id}/external-issues":              write(linkExternalIssue),
		"GET /issue-statuses":                            read(listIssueStatuses),
		"GET /issues/{id}/messages":                      read(listMessages),
		"POST /issues/{id}/reply":                        write(createReply),
		"POST /issues/{id}/note":                         write(createNote),
		"GET /issues/{id}/threads":                       read(listThreads),
		"POST /issues/{id}/threads":                      write(createThread),
		"DELETE /issues/{id}/messages/{message_id}":      write(deleteMessage),
		"POST /issues/{id}/messages/{message_id}/redact": write(redactMessage),
		"POST /attachments":                              write(createAttachment),

		"GET /accounts":                                           read(listAccounts),
		"POST /accounts":                                          write(createAccount),
		"POST /accounts/search":                                   read(searchAccounts),
		"GET /accounts/{id}":                                      read(getAccount),
		"PATCH /accounts/{id}":                                    write(updateAccount),
		"DELETE /accounts/{id}":                                   write(deleteAccount),
		"POST /accounts/{id}/activities":                          write(createActivity),
		"GET /activity-types":                                     read(listActivityTypes),
		"POST /accounts/{account_id}/highlights":                  write(createHighlight),
		"PATCH /accounts/{account_id}/highlights/{highlight_id}":  write(updateHighlight),
		"DELETE /accounts/{account_id}/highlights/{highlight_id}": write(deleteHighlight),

		"GET /contacts":         read(listContacts),
		"POST /contacts":        write(createContact),
		"POST /contacts/search": read(searchContacts),
		"GET /contacts/{id}":    read(getContact),
		"PATCH /contacts/{id}":  write(updateContact),
		"DELETE /contacts/{id}": write(deleteContact),

		"GET /users":         read(listUsers),
		"POST /users/search": read(searchUsers),
		"GET /users/{id}":    read(getUser),
		"PATCH /users/{id}":  write(updateUser),
		"GET /user-roles":    read(listUserRoles),
		"GET /teams":         read(listTeams),
		"POST /teams":        write(createTeam),
		"GET /teams/{id}":    read(getTeam),
		"PATCH /teams/{id}":  write(updateTeam),

		"GET /tags":                 read(listTags),
		"POST /tags":                write(createTag),
		"GET /tags/{id}":            read(getTag),
		"PATCH /tags/{id}":          write(updateTag),
		"DELETE /tags/{id}":         write(deleteTag),
		"GET /custom-fields":        read(listCustomFields),
		"POST /custom-fields":       write(createCustomField),
		"GET /custom-fields/{id}":   read(getCustomField),
		"PATCH /custom-fields/{id}": write(updateCustomField),
		"GET /ticket-forms":         read(listTicketForms),
		"GET /audit-logs":           read(listAuditLogs),

		"GET /tasks":                               read(listTasks),
		"POST /tasks":                              write(createTask),
		"POST /tasks/search":                       read(searchTasks),
		"GET /tasks/{id}":                          read(getTask),
		"PATCH /tasks/{id}":                        write(updateTask),
		"DELETE /tasks/{id}":                       write(deleteTask),
		"GET /tasks/{id}/comments":                 read(listTaskComments),
		"POST /tasks/{id}/comments":                write(createTaskComment),
		"PATCH /tasks/{id}/comments/{comment_id}":  write(updateTaskComment),
		"DELETE /tasks/{id}/comments/{comment_id}": write(deleteTaskComment),

		"POST /projects":          write(createProject),
		"POST /projects/search":   read(searchProjects),
		"GET /projects/{id}":      read(getProject),
		"PATCH /projects/{id}":    write(updateProject),
		"DELETE /projects/{id}":   write(deleteProject),
		"POST /milestones":        write(createMilestone),
		"GET /milestones/{id}":    read(getMilestone),
		"PATCH /milestones/{id}":  write(updateMilestone),
		"DELETE /milestones/{id}": write(deleteMilestone),

		"GET /macro-groups":  read(listMacroGroups),
		"GET /macros":        read(listMacros),
		"POST /macros":       write(createMacro),
		"GET /macros/{id}":   read(getMacro),
		"PATCH /macros/{id}": write(updateMacro),

		"GET /knowledge-bases":                                     read(listKnowledgeBases),
		"GET /knowledge-bases/{id}":                                read(getKnowledgeBase),
		"GET /knowledge-bases/{id}/articles":                       read(listArticles),
		"POST /knowledge-bases/{id}/articles":                      write(createArticle),
		"GET /knowledge-bases/{id}/articles/{article_id}":          read(getArticle),
		"PATCH /knowledge-bases/{id}/articles/{article_id}":        write(updateArticle),
		"DELETE /knowledge-bases/{id}/articles/{article_id}":       write(deleteArticle),
		"GET /knowledge-bases/{id}/collections":                    read(listCollections),
		"POST /knowledge-bases/{id}/collections":                   write(createCollection),
		"GET /knowledge-bases/{id}/collections/{collection_id}":    read(getCollection),
		"PATCH /knowledge-bases/{id}/collections/{collection_id}":  write(updateCollection),
		"DELETE /knowledge-bases/{id}/collections/{collection_id}": write(deleteCollection),
	}
}
