package incidentio

import "github.com/agenthost/agenthost/internal/vendorsim/contract"

func getIdentity(c *call) (result, *apiError) {
	return made(struct {
		Name         string     `json:"name"`
		DashboardURL string     `json:"dashboard_url"`
		Roles        []string   `json:"roles"`
		Teams        []namedRef `json:"teams"`
		TeamRoles    []string   `json:"team_roles"`
	}{c.key.name, "https://app.incident.io/northwind", c.key.roles, []namedRef{}, []string{}})
}

// createSeverity ranks a severity above all others unless told otherwise.
func createSeverity(c *call) (result, *apiError) {
	s, now := &c.v.store, c.stamp()
	sev := severity{ID: c.newID(), Name: c.body.Text("name"), Description: c.body.Text("description"), CreatedAt: now, UpdatedAt: now}
	for _, r := range s.severities.Rows {
		if r.Val.Name == sev.Name {
			return result{}, duplicate("name", "a severity named %q exists already", sev.Name)
		}
		sev.Rank = max(sev.Rank, r.Val.Rank+1)
	}
	if c.body.Has("rank") {
		sev.Rank = int(c.body.Int("rank"))
	}
	return one(s.severities.Insert(sev.ID, int64(sev.Rank), sev))
}

func updateSeverity(c *call, r *row[severity]) (result, *apiError) {
	s := &c.v.store
	sev := r.Val
	sev.Name, sev.Description, sev.UpdatedAt = c.body.Text("name"), c.body.Text("description"), c.stamp()
	if s.severities.Find(func(o *severity) bool { return o.ID != sev.ID && o.Name == sev.Name }) != nil {
		return result{}, duplicate("name", "a severity named %q exists already", sev.Name)
	}
	if c.body.Has("rank") {
		sev.Rank = int(c.body.Int("rank"))
	}
	return one(s.severities.Replace(r, sev))
}

func listRolesV1(c *call) (result, *apiError) {
	out := []source{}
	for _, r := range c.v.store.roles.Rows {
		out = append(out, contract.Value{V: incidentRoleV1{r.Val, r.Val.required}})
	}
	return all(out)
}

func getRoleV1(_ *call, r *row[incidentRole]) (result, *apiError) {
	return made(incidentRoleV1{r.Val, r.Val.required})
}

func createCustomField(c *call) (result, *apiError) {
	s, b, now := &c.v.store, c.body, c.stamp()
	f := customField{
		FieldType: b.Text("field_type"), CatalogTypeID: b.Text("catalog_type_id"), CreatedAt: now,
	}
	if err := c.setCustomField(&f); err != nil {
		return result{}, err
	}
	f.ID = c.newID()
	return one(s.customFields.Insert(f.ID, 0, f))
}

func updateCustomField(c *call, r *row[customField]) (result, *apiError) {
	s := &c.v.store
	f := r.Val
	if err := c.setCustomField(&f); err != nil {
		return result{}, err
	}
	return one(s.customFields.Replace(r, f))
}

// setCustomField replaces all that create and update have in common.
func (c *call) setCustomField(f *customField) *apiError {
	s, b := &c.v.store, c.body
	f.Name, f.Description, f.UpdatedAt = b.Text("name"), b.Text("description"), c.stamp()
	f.GroupByAttributeID, f.HelptextAttributeID = b.Text("group_by_catalog_attribute_id"), b.Text("helptext_catalog_attribute_id")
	f.FilterBy, f.FixedFilter = nil, nil
	if s.customFields.Find(func(have *customField) bool { return have.ID != f.ID && have.Name == f.Name }) != nil {
		return duplicate("name", "a custom field named %q exists already", f.Name)
	}
	if o := b.Object("filter_by"); o != nil {
		f.FilterBy = &filterBy{o.Text("catalog_attribute_id"), o.Text("custom_field_id")}
		if _, err := refIn(&s.customFields, "filter_by.custom_field_id", "custom field", f.FilterBy.CustomFieldID); err != nil {
			return err
		}
	}
	if o := b.Object("fixed_filter"); o != nil {
		f.FixedFilter = &fixedFilter{o.Text("catalog_attribute_id"), o.Texts("values")}
	}
	return s.checkCatalogField(f)
}

func (s *store) checkCatalogField(f *customField) *apiError {
	attributes := [][2]string{{"group_by_catalog_attribute_id", f.GroupByAttributeID}, {"helptext_catalog_attribute_id", f.HelptextAttributeID}}
	if f.FilterBy != nil {
		attributes = append(attributes, [2]string{"filter_by.catalog_attribute_id", f.FilterBy.CatalogAttributeID})
	}
	if f.FixedFilter != nil {
		attributes = append(attributes, [2]string{"fixed_filter.catalog_attribute_id", f.FixedFilter.CatalogAttributeID})
	}
	var of *catalogTypeV3
	if f.CatalogTypeID != "" {
		if f.FieldType != "single_select" && f.FieldType != "multi_select" {
			return invalid("catalog_type_id", "catalog_type_id is only for single_select and multi_select")
		}
		var err *apiError
		if of, err = refIn(&s.catalogTypes, "catalog_type_id", "catalog type", f.CatalogTypeID); err != nil {
			return err
		}
	}
	for _, a := range attributes {
		if a[1] == "" {
			continue
		}
		if of == nil {
			return invalid(a[0], "%s needs catalog_type_id", a[0])
		}
		if of.Schema.attribute(a[1]) == nil {
			return invalid(a[0], "%s: catalog type %q has no attribute %q", a[0], of.Name, a[1])
		}
	}
	return nil
}

func listCustomFieldOptions(c *call) (result, *apiError) {
	id := c.query.text("custom_field_id")
	if c.v.store.customFields.Get(id) == nil {
		return result{}, notFound("custom field", id)
	}
	return paginate(c, listing[customFieldOption]{
		table: &c.v.store.customOptions,
		match: func(o *customFieldOption) bool { return o.CustomFieldID == id },
	})
}

func listMaintenanceWindows(c *call) (result, *apiError) {
	q := listing[maintenanceWindow]{table: &c.v.store.maintenance}
	switch c.query.text("status") {
	case "active":
		q.match = func(m *maintenanceWindow) bool { return !c.now.Before(m.StartAt) && c.now.Before(m.EndAt) }
	case "upcoming":
		q.match = func(m *maintenanceWindow) bool { return c.now.Before(m.StartAt) }
	case "past":
		q.match = func(m *maintenanceWindow) bool { return !c.now.Before(m.EndAt) }
	}
	return paginate(c, q)
}
