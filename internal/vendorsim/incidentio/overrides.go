package incidentio

import (
	"slices"
)

func listOverrides(c *call) (result, *apiError) {
	id, rotation, layer := c.query.text("schedule_id"), c.query.text("rotation_id"), c.query.text("layer_id")
	if c.v.store.schedules.Get(id) == nil {
		return result{}, notFound("schedule", id)
	}
	return paginate(c, listing[override]{table: &c.v.store.overrides, match: func(o *override) bool {
		return o.ScheduleID == id && (rotation == "" || o.RotationID == rotation) && (layer == "" || o.LayerID == layer)
	}})
}

func createOverride(c *call) (result, *apiError) {
	s := &c.v.store
	sc, err := refIn(&s.schedules, "schedule_id", "schedule", c.body.Text("schedule_id"))
	if err != nil {
		return result{}, err
	}
	o := override{ScheduleID: sc.ID, CreatedAt: c.stamp()}
	if err := c.setOverride(&o, sc); err != nil {
		return result{}, err
	}
	o.ID = c.newID()
	return one(s.overrides.Insert(o.ID, o.StartAt.UnixNano(), o))
}

func updateOverride(c *call, r *row[override]) (result, *apiError) {
	s := &c.v.store
	o := r.Val
	if err := c.setOverride(&o, &s.schedules.Get(o.ScheduleID).Val); err != nil {
		return result{}, err
	}
	return one(s.overrides.Replace(r, o))
}

func (c *call) setOverride(o *override, sc *schedule) *apiError {
	b := c.body
	i := slices.IndexFunc(sc.Config.Rotations, func(r rotation) bool { return r.ID == b.Text("rotation_id") })
	if i < 0 {
		return invalid("rotation_id", "rotation_id: this schedule has no rotation %q", b.Text("rotation_id"))
	}
	if !slices.ContainsFunc(sc.Config.Rotations[i].Layers, func(l namedRef) bool { return l.ID == b.Text("layer_id") }) {
		return invalid("layer_id", "layer_id: this rotation has no layer %q", b.Text("layer_id"))
	}
	start, _ := b.Time("start_at") // checked before
	end, _ := b.Time("end_at")
	if !start.Before(end) {
		return invalid("end_at", "end_at must be after start_at")
	}
	u, err := c.userIn("user", b.Object("user"))
	if err != nil {
		return err
	}
	o.RotationID, o.LayerID, o.User = b.Text("rotation_id"), b.Text("layer_id"), *u
	o.StartAt, o.EndAt, o.UpdatedAt = start.UTC(), end.UTC(), c.stamp()
	return nil
}
