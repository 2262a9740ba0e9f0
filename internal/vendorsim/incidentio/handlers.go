package incidentio

// served is what a route is bound to.
type served struct {
	handle handler
	write  bool
}

// handlers binds every route of the contract. New panics when one is missing, and a test fails when one is left over.
func handlers() map[string]served {
	read := func(h handler) served { return served{handle: h} }
	write := func(h handler) served { return served{handle: h, write: true} }
	return map[string]served{
		"GET /v1/identity": read(getIdentity),

		"GET /v2/incidents":                    read(listIncidents),
		"POST /v2/incidents":                   write(createIncident),
		"GET /v2/incidents/{id}":               read(getIncident),
		"POST /v2/incidents/{id}/actions/edit": write(editIncident),
		"GET /v2/incident_updates":             read(listIncidentUpdates),
		"GET /v1/incident_relationships":       read(listIncidentRelationships),
		"GET /v1/incident_attachments":         read(listAttachments),
		"POST /v1/incident_attachments":        write(createAttachment),
		"DELETE /v1/incident_attachments/{id}": write(deleteAttachment),
		"GET /v1/postmortem_documents":         read(listPostmortems),
		"GET /v2/follow_ups":                   read(listFollowUps),
		"GET /v2/follow_ups/{id}":              read(getFollowUp),
		"GET /v2/actions":                      read(listActions),
		"GET /v2/actions/{id}":                 read(getAction),

		"GET /v1/severities":               read(listSeverities),
		"POST /v1/severities":              write(createSeverity),
		"GET /v1/severities/{id}":          read(getSeverity),
		"PUT /v1/severities/{id}":          write(updateSeverity),
		"DELETE /v1/severities/{id}":       write(deleteSeverity),
		"GET /v1/incident_statuses":        read(listStatuses),
		"GET /v1/incident_statuses/{id}":   read(getStatus),
		"GET /v2/incident_timestamps":      read(listTimestamps),
		"GET /v2/incident_timestamps/{id}": read(getTimestamp),
		"GET /v1/incident_types":           read(listTypes),
		"GET /v1/incident_roles":           read(listRolesV1),
		"GET /v1/incident_roles/{id}":      read(getRoleV1),
		"GET /v2/incident_roles":           read(listRoles),
		"GET /v2/incident_roles/{id}":      read(getRole),
		"GET /v2/custom_fields":            read(listCustomFields),
		"POST /v2/custom_fields":           write(createCustomField),
		"GET /v2/custom_fields/{id}":       read(getCustomField),
		"PUT /v2/custom_fields/{id}":       write(updateCustomField),
		"DELETE /v2/custom_fields/{id}":    write(deleteCustomField),
		"GET /v1/custom_field_options":     read(listCustomFieldOptions),

		"GET /v2/users":               read(listUsers),
		"GET /v2/users/{id}":          read(getUser),
		"GET /v3/teams":               read(listTeams),
		"GET /v3/teams/{id}":          read(getTeam),
		"GET /v2/workflows":           read(listWorkflows),
		"GET /v1/maintenance_windows": read(listMaintenanceWindows),

		"GET /v2/catalog_types":           read(listCatalogTypes((*store).shownTypeV2)),
		"GET /v2/catalog_types/{id}":      read(getCatalogType((*store).shownTypeV2)),
		"GET /v3/catalog_types":           read(listCatalogTypes((*store).shownType)),
		"GET /v3/catalog_types/{id}":      read(getCatalogType((*store).shownType)),
		"GET /v3/catalog_entries":         read(listCatalogEntries),
		"POST /v3/catalog_entries":        write(createCatalogEntry),
		"GET /v3/catalog_entries/{id}":    read(getCatalogEntry),
		"PUT /v3/catalog_entries/{id}":    write(updateCatalogEntry),
		"DELETE /v3/catalog_entries/{id}": write(deleteCatalogEntry),

		"GET /v2/alerts":                                      read(listAlerts),
		"GET /v2/alerts/{id}":                                 read(getAlert),
		"POST /v2/alerts/{id}/actions/resolve":                write(resolveAlert),
		"GET /v2/incident_alerts":                             read(listIncidentAlerts),
		"GET /v2/alert_attributes":                            read(listAlertAttributes),
		"GET /v2/alert_sources":                               read(listAlertSources),
		"GET /v2/alert_routes":                                read(listAlertRoutes),
		"POST /v2/alert_events/http/{alert_source_config_id}": write(createAlertEvent),

		"GET /v2/escalations":                      read(listEscalations),
		"POST /v2/escalations":                     write(createEscalation),
		"GET /v2/escalations/{id}":                 read(getEscalation),
		"POST /v2/escalations/{id}/actions/cancel": write(cancelEscalation),
		"GET /v2/escalation_paths":                 read(listEscalationPaths),
		"GET /v2/escalation_paths/{id}":            read(getEscalationPath),
		"GET /v2/schedules":                        read(listSchedules),
		"GET /v2/schedules/{id}":                   read(getSchedule),
		"GET /v2/schedule_entries":                 read(listScheduleEntries),
		"GET /v2/schedule_overrides":               read(listOverrides),
		"POST /v2/schedule_overrides":              write(createOverride),
		"PUT /v2/schedule_overrides/{id}":          write(updateOverride),
		"DELETE /v2/schedule_overrides/{id}":       write(deleteOverride),

		"GET /v2/status_pages":                                    read(listStatusPages),
		"GET /v2/status_page_structures/{status_page_id}":         read(getStatusPageStructure),
		"GET /v2/status_page_incidents":                           read(listStatusPageIncidents),
		"POST /v2/status_page_incidents":                          write(createStatusPageIncident),
		"GET /v2/status_page_incidents/{status_page_incident_id}": read(getStatusPageIncident),
		"PUT /v2/status_page_incidents/{status_page_incident_id}": write(updateStatusPageIncident),
		"POST /v2/status_page_incident_updates":                   write(createStatusPageIncidentUpdate),
	}
}
