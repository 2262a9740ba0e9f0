package incidentio

import "github.com/agenthost/agenthost/internal/vendorsim/contract"

// handlers binds every route of the contract. New panics if one is missing, and a test fails if there is one too many.
func handlers() map[string]*endpoint {
	read := func(h handler) *endpoint { return &endpoint{handle: h} }
	write := func(h handler) *endpoint { return &endpoint{handle: h, write: true} }
	attachments := kind[incidentAttachment]{"incident attachment", func(s *store) *table[incidentAttachment] { return &s.attachments }}
	actions := kind[action]{"action", func(s *store) *table[action] { return &s.actions }}
	followUps := kind[followUp]{"follow-up", func(s *store) *table[followUp] { return &s.followUps }}
	severities := kind[severity]{"severity", func(s *store) *table[severity] { return &s.severities }}
	statuses := kind[incidentStatus]{"incident status", func(s *store) *table[incidentStatus] { return &s.statuses }}
	types := kind[incidentType]{"incident type", func(s *store) *table[incidentType] { return &s.types }}
	roles := kind[incidentRole]{"incident role", func(s *store) *table[incidentRole] { return &s.roles }}
	timestamps := kind[timestampDef]{"incident timestamp", func(s *store) *table[timestampDef] { return &s.timestamps }}
	customFields := kind[customField]{"custom field", func(s *store) *table[customField] { return &s.customFields }}
	users := kind[user]{"user", func(s *store) *table[user] { return &s.users }}
	teams := kind[team]{"team", func(s *store) *table[team] { return &s.teams }}
	workflows := kind[workflow]{"workflow", func(s *store) *table[workflow] { return &s.workflows }}
	catalogEntries := kind[catalogEntry]{"catalog entry", func(s *store) *table[catalogEntry] { return &s.catalogEntries }}
	alertSources := kind[alertSource]{"alert source", func(s *store) *table[alertSource] { return &s.alertSources }}
	alertAttributes := kind[alertAttribute]{"alert attribute", func(s *store) *table[alertAttribute] { return &s.alertAttributes }}
	alertRoutes := kind[alertRoute]{"alert route", func(s *store) *table[alertRoute] { return &s.alertRoutes }}
	alerts := kind[alert]{"alert", func(s *store) *table[alert] { return &s.alerts }}
	escalations := kind[escalation]{"escalation", func(s *store) *table[escalation] { return &s.escalations }}
	escalationPaths := kind[escalationPath]{"escalation path", func(s *store) *table[escalationPath] { return &s.escalationPaths }}
	schedules := kind[schedule]{"schedule", func(s *store) *table[schedule] { return &s.schedules }}
	overrides := kind[override]{"schedule override", func(s *store) *table[override] { return &s.overrides }}
	statusPages := kind[statusPage]{"status page", func(s *store) *table[statusPage] { return &s.statusPages }}
	statusPageIncidents := kind[statusPageIncident]{"status page incident", func(s *store) *table[statusPageIncident] { return &s.statusPageIncidents }}
	return map[string]*endpoint{
		"GET /v1/identity": read(getIdentity),

		"GET /v2/incidents":                    read(listIncidents),
		"POST /v2/incidents":                   write(createIncident),
		"GET /v2/incidents/{id}":               read(getIncident),
		"POST /v2/incidents/{id}/actions/edit": write(editIncident),
		"GET /v2/incident_updates":             read(listIncidentUpdates),
		"GET /v1/incident_relationships":       read(listIncidentRelationships),
		"GET /v1/incident_attachments":         read(listAttachments),
		"POST /v1/incident_attachments":        write(createAttachment),
		"DELETE /v1/incident_attachments/{id}": write(attachments.remove),
		"GET /v1/postmortem_documents":         read(listPostmortems),
		"GET /v2/follow_ups":                   read(listFollowUps),
		"GET /v2/follow_ups/{id}":              read(followUps.get),
		"GET /v2/actions":                      read(listActions),
		"GET /v2/actions/{id}":                 read(actions.get),

		"GET /v1/severities":               read(severities.all),
		"POST /v1/severities":              write(createSeverity),
		"GET /v1/severities/{id}":          read(severities.get),
		"PUT /v1/severities/{id}":          write(contract.With(severities.at, updateSeverity)),
		"DELETE /v1/severities/{id}":       write(severities.remove),
		"GET /v1/incident_statuses":        read(statuses.all),
		"GET /v1/incident_statuses/{id}":   read(statuses.get),
		"GET /v2/incident_timestamps":      read(timestamps.all),
		"GET /v2/incident_timestamps/{id}": read(timestamps.get),
		"GET /v1/incident_types":           read(types.all),
		"GET /v1/incident_roles":           read(listRolesV1),
		"GET /v1/incident_roles/{id}":      read(contract.With(roles.at, getRoleV1)),
		"GET /v2/incident_roles":           read(roles.all),
		"GET /v2/incident_roles/{id}":      read(roles.get),
		"GET /v2/custom_fields":            read(customFields.all),
		"POST /v2/custom_fields":           write(createCustomField),
		"GET /v2/custom_fields/{id}":       read(customFields.get),
		"PUT /v2/custom_fields/{id}":       write(contract.With(customFields.at, updateCustomField)),
		"DELETE /v2/custom_fields/{id}":    write(customFields.remove),
		"GET /v1/custom_field_options":     read(listCustomFieldOptions),

		"GET /v2/users":               read(listUsers),
		"GET /v2/users/{id}":          read(users.get),
		"GET /v3/teams":               read(teams.list),
		"GET /v3/teams/{id}":          read(teams.get),
		"GET /v2/workflows":           read(workflows.all),
		"GET /v1/maintenance_windows": read(listMaintenanceWindows),

		"GET /v2/catalog_types":           read(listCatalogTypes((*store).shownTypeV2)),
		"GET /v2/catalog_types/{id}":      read(getCatalogType((*store).shownTypeV2)),
		"GET /v3/catalog_types":           read(listCatalogTypes((*store).shownType)),
		"GET /v3/catalog_types/{id}":      read(getCatalogType((*store).shownType)),
		"GET /v3/catalog_entries":         read(listCatalogEntries),
		"POST /v3/catalog_entries":        write(createCatalogEntry),
		"GET /v3/catalog_entries/{id}":    read(catalogEntries.get),
		"PUT /v3/catalog_entries/{id}":    write(contract.With(catalogEntries.at, updateCatalogEntry)),
		"DELETE /v3/catalog_entries/{id}": write(contract.With(catalogEntries.at, deleteCatalogEntry)),

		"GET /v2/alerts":                                      read(listAlerts),
		"GET /v2/alerts/{id}":                                 read(alerts.get),
		"POST /v2/alerts/{id}/actions/resolve":                write(contract.With(alerts.at, resolveAlert)),
		"GET /v2/incident_alerts":                             read(listIncidentAlerts),
		"GET /v2/alert_attributes":                            read(alertAttributes.all),
		"GET /v2/alert_sources":                               read(alertSources.all),
		"GET /v2/alert_routes":                                read(alertRoutes.list),
		"POST /v2/alert_events/http/{alert_source_config_id}": write(createAlertEvent),

		"GET /v2/escalations":                      read(listEscalations),
		"POST /v2/escalations":                     write(createEscalation),
		"GET /v2/escalations/{id}":                 read(escalations.get),
		"POST /v2/escalations/{id}/actions/cancel": write(contract.With(escalations.at, cancelEscalation)),
		"GET /v2/escalation_paths":                 read(listEscalationPaths),
		"GET /v2/escalation_paths/{id}":            read(contract.With(escalationPaths.at, getEscalationPath)),
		"GET /v2/schedules":                        read(listSchedules),
		"GET /v2/schedules/{id}":                   read(contract.With(schedules.at, getSchedule)),
		"GET /v2/schedule_entries":                 read(listScheduleEntries),
		"GET /v2/schedule_overrides":               read(listOverrides),
		"POST /v2/schedule_overrides":              write(createOverride),
		"PUT /v2/schedule_overrides/{id}":          write(contract.With(overrides.at, updateOverride)),
		"DELETE /v2/schedule_overrides/{id}":       write(overrides.remove),

		"GET /v2/status_pages":                                    read(statusPages.list),
		"GET /v2/status_page_structures/{status_page_id}":         read(contract.With(statusPages.at, getStatusPageStructure)),
		"GET /v2/status_page_incidents":                           read(listStatusPageIncidents),
		"POST /v2/status_page_incidents":                          write(createStatusPageIncident),
		"GET /v2/status_page_incidents/{status_page_incident_id}": read(statusPageIncidents.get),
		"PUT /v2/status_page_incidents/{status_page_incident_id}": write(contract.With(statusPageIncidents.at, updateStatusPageIncident)),
		"POST /v2/status_page_incident_updates":                   write(createStatusPageIncidentUpdate),
	}
}
