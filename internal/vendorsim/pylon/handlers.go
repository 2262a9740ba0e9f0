package pylon

import "github.com/agenthost/agenthost/internal/vendorsim/contract"

// handlers binds every route of the contract. New panics if one is missing, and a test fails if there is one too many.
func handlers() map[string]*endpoint {
	read := func(h handler) *endpoint { return &endpoint{handle: h} }
	write := func(h handler) *endpoint { return &endpoint{handle: h, write: true} }
	statuses := kind[issueStatus]{"issue status", func(s *store) *table[issueStatus] { return &s.statuses }}
	accounts := kind[account]{"account", func(s *store) *table[account] { return &s.accounts }}
	contacts := kind[contact]{"contact", func(s *store) *table[contact] { return &s.contacts }}
	activityTypes := kind[activityType]{"activity type", func(s *store) *table[activityType] { return &s.activityTypes }}
	users := kind[user]{"user", func(s *store) *table[user] { return &s.users }}
	roles := kind[role]{"user role", func(s *store) *table[role] { return &s.roles }}
	teams := kind[team]{"team", func(s *store) *table[team] { return &s.teams }}
	tags := kind[tag]{"tag", func(s *store) *table[tag] { return &s.tags }}
	customFields := kind[customField]{"custom field", func(s *store) *table[customField] { return &s.customFields }}
	ticketForms := kind[ticketForm]{"ticket form", func(s *store) *table[ticketForm] { return &s.ticketForms }}
	tasks := kind[task]{"task", func(s *store) *table[task] { return &s.tasks }}
	projects := kind[project]{"project", func(s *store) *table[project] { return &s.projects }}
	milestones := kind[milestone]{"milestone", func(s *store) *table[milestone] { return &s.milestones }}
	macroGroups := kind[macroGroup]{"macro group", func(s *store) *table[macroGroup] { return &s.macroGroups }}
	macros := kind[macro]{"macro", func(s *store) *table[macro] { return &s.macros }}
	knowledgeBases := kind[knowledgeBase]{"knowledge base", func(s *store) *table[knowledgeBase] { return &s.knowledgeBases }}
	auditLogs := kind[auditLog]{"audit log", func(s *store) *table[auditLog] { return &s.auditLogs }}
	return map[string]*endpoint{
		"GET /me": read(getMe),

		"GET /issues":                                    read(listIssues),
		"POST /issues":                                   write(createIssue),
		"POST /issues/search":                            read(searchIssues),
		"GET /issues/{id}":                               read(contract.With((*call).issueAt, show)),
		"PATCH /issues/{id}":                             write(contract.With((*call).issueAt, updateIssue)),
		"DELETE /issues/{id}":                            write(contract.With((*call).issueAt, deleteIssue)),
		"POST /issues/{id}/snooze":                       write(contract.With((*call).issueAt, snoozeIssue)),
		"GET /issues/{id}/followers":                     read(contract.With((*call).issueAt, listFollowers)),
		"POST /issues/{id}/followers":                    write(contract.With((*call).issueAt, changeFollowers)),
		"POST /issues/{id}/external-issues":              write(contract.With((*call).issueAt, linkExternalIssue)),
		"GET /issue-statuses":                            read(statuses.all),
		"GET /issues/{id}/messages":                      read(contract.With((*call).issueAt, listMessages)),
		"POST /issues/{id}/reply":                        write(contract.With((*call).issueAt, createReply)),
		"POST /issues/{id}/note":                         write(contract.With((*call).issueAt, createNote)),
		"GET /issues/{id}/threads":                       read(contract.With((*call).issueAt, listThreads)),
		"POST /issues/{id}/threads":                      write(contract.With((*call).issueAt, createThread)),
		"DELETE /issues/{id}/messages/{message_id}":      write(contract.Within((*call).messageAt, deleteMessage)),
		"POST /issues/{id}/messages/{message_id}/redact": write(contract.Within((*call).messageAt, redactMessage)),
		"POST /attachments":                              write(createAttachment),

		"GET /accounts":                                           read(accounts.list),
		"POST /accounts":                                          write(createAccount),
		"POST /accounts/search":                                   read(searchAccounts),
		"GET /accounts/{id}":                                      read(contract.With((*call).accountAt, show)),
		"PATCH /accounts/{id}":                                    write(contract.With((*call).accountAt, updateAccount)),
		"DELETE /accounts/{id}":                                   write(contract.With((*call).accountAt, deleteAccount)),
		"POST /accounts/{id}/activities":                          write(contract.With((*call).accountAt, createActivity)),
		"GET /activity-types":                                     read(activityTypes.all),
		"POST /accounts/{account_id}/highlights":                  write(contract.With((*call).accountAt, createHighlight)),
		"PATCH /accounts/{account_id}/highlights/{highlight_id}":  write(contract.Within((*call).highlightAt, updateHighlight)),
		"DELETE /accounts/{account_id}/highlights/{highlight_id}": write(contract.Within((*call).highlightAt, deleteHighlight)),

		"GET /contacts":         read(contacts.list),
		"POST /contacts":        write(createContact),
		"POST /contacts/search": read(searchContacts),
		"GET /contacts/{id}":    read(contacts.get),
		"PATCH /contacts/{id}":  write(contract.With(contacts.at, updateContact)),
		"DELETE /contacts/{id}": write(contract.With(contacts.at, deleteContact)),

		"GET /users":         read(users.list),
		"POST /users/search": read(searchUsers),
		"GET /users/{id}":    read(users.get),
		"PATCH /users/{id}":  write(contract.With(users.at, updateUser)),
		"GET /user-roles":    read(roles.list),
		"GET /teams":         read(teams.list),
		"POST /teams":        write(createTeam),
		"GET /teams/{id}":    read(teams.get),
		"PATCH /teams/{id}":  write(contract.With(teams.at, updateTeam)),

		"GET /tags":                 read(tags.list),
		"POST /tags":                write(createTag),
		"GET /tags/{id}":            read(tags.get),
		"PATCH /tags/{id}":          write(contract.With(tags.at, updateTag)),
		"DELETE /tags/{id}":         write(contract.With(tags.at, deleteTag)),
		"GET /custom-fields":        read(listCustomFields),
		"POST /custom-fields":       write(createCustomField),
		"GET /custom-fields/{id}":   read(customFields.get),
		"PATCH /custom-fields/{id}": write(contract.With(customFields.at, updateCustomField)),
		"GET /ticket-forms":         read(ticketForms.list),
		"GET /audit-logs":           read(auditLogs.list),

		"GET /tasks":                               read(tasks.list),
		"POST /tasks":                              write(createTask),
		"POST /tasks/search":                       read(searchTasks),
		"GET /tasks/{id}":                          read(tasks.get),
		"PATCH /tasks/{id}":                        write(contract.With(tasks.at, updateTask)),
		"DELETE /tasks/{id}":                       write(contract.With(tasks.at, deleteTask)),
		"GET /tasks/{id}/comments":                 read(listTaskComments),
		"POST /tasks/{id}/comments":                write(createTaskComment),
		"PATCH /tasks/{id}/comments/{comment_id}":  write(contract.Within((*call).taskCommentAt, updateTaskComment)),
		"DELETE /tasks/{id}/comments/{comment_id}": write(contract.Within((*call).taskCommentAt, deleteTaskComment)),

		"POST /projects":          write(createProject),
		"POST /projects/search":   read(searchProjects),
		"GET /projects/{id}":      read(projects.get),
		"PATCH /projects/{id}":    write(contract.With(projects.at, updateProject)),
		"DELETE /projects/{id}":   write(contract.With(projects.at, deleteProject)),
		"POST /milestones":        write(createMilestone),
		"GET /milestones/{id}":    read(milestones.get),
		"PATCH /milestones/{id}":  write(contract.With(milestones.at, updateMilestone)),
		"DELETE /milestones/{id}": write(contract.With(milestones.at, deleteMilestone)),

		"GET /macro-groups":  read(macroGroups.all),
		"GET /macros":        read(listMacros),
		"POST /macros":       write(createMacro),
		"GET /macros/{id}":   read(macros.get),
		"PATCH /macros/{id}": write(contract.With(macros.at, updateMacro)),

		"GET /knowledge-bases":                                     read(knowledgeBases.all),
		"GET /knowledge-bases/{id}":                                read(knowledgeBases.get),
		"GET /knowledge-bases/{id}/articles":                       read(contract.With((*call).knowledgeBaseAt, listArticles)),
		"POST /knowledge-bases/{id}/articles":                      write(contract.With((*call).knowledgeBaseAt, createArticle)),
		"GET /knowledge-bases/{id}/articles/{article_id}":          read(contract.Within((*call).articleAt, getArticle)),
		"PATCH /knowledge-bases/{id}/articles/{article_id}":        write(contract.Within((*call).articleAt, updateArticle)),
		"DELETE /knowledge-bases/{id}/articles/{article_id}":       write(contract.Within((*call).articleAt, deleteArticle)),
		"GET /knowledge-bases/{id}/collections":                    read(contract.With((*call).knowledgeBaseAt, listCollections)),
		"POST /knowledge-bases/{id}/collections":                   write(contract.With((*call).knowledgeBaseAt, createCollection)),
		"GET /knowledge-bases/{id}/collections/{collection_id}":    read(contract.Within((*call).collectionAt, getCollection)),
		"PATCH /knowledge-bases/{id}/collections/{collection_id}":  write(contract.Within((*call).collectionAt, updateCollection)),
		"DELETE /knowledge-bases/{id}/collections/{collection_id}": write(contract.Within((*call).collectionAt, deleteCollection)),
	}
}
