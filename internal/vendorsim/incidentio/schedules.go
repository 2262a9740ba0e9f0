package incidentio

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"github.com/agenthost/agenthost/internal/vendorsim/contract"
)

const (
	// mostForNextShifts is the largest page that still carries next_shifts.
	mostForNextShifts = 25
	defaultWindow     = 14 * day
	longestWindow     = 366 * day
)

func listSchedules(c *call) (result, *apiError) {
	next := c.pageSize() <= mostForNextShifts
	return paginate(c, listing[schedule]{table: &c.v.store.schedules, counted: true, show: func(r *row[schedule]) source {
		return contract.Value{V: c.v.store.shown(&r.Val, c.now, next)}
	}})
}

func getSchedule(c *call, r *row[schedule]) (result, *apiError) {
	return made(c.v.store.shown(&r.Val, c.now, true))
}

// shown adds who is on call now and, if asked, who comes next in each layer.
func (s *store) shown(sc *schedule, now time.Time, next bool) shownSchedule {
	out := shownSchedule{schedule: *sc, CurrentShifts: s.onCall(sc, now)}
	if !next {
		return out
	}
	out.NextShifts = []shift{}
	for _, cur := range out.CurrentShifts {
		for _, following := range s.onCall(sc, cur.EndAt) {
			if following.RotationID == cur.RotationID && following.LayerID == cur.LayerID {
				out.NextShifts = append(out.NextShifts, following)
			}
		}
	}
	return out
}

func (s *store) onCall(sc *schedule, at time.Time) []shift {
	out := []shift{}
	for _, sh := range s.entries(sc, at, at.Add(1)).Final {
		if !at.Before(sh.StartAt) && at.Before(sh.EndAt) {
			out = append(out, sh)
		}
	}
	return out
}

// responders are the people whom the first level of a path pages at a moment.
func (s *store) responders(path *escalationPath, at time.Time) []userRef {
	out := []userRef{}
	for _, node := range path.Path {
		if node.Level == nil {
			continue
		}
		for _, target := range node.Level.Targets {
			if u := s.users.Get(target.ID); u != nil {
				out = append(out, u.Val.userRef)
			}
			if sc := s.schedules.Get(target.ID); sc != nil {
				for _, sh := range s.onCall(&sc.Val, at) {
					if sh.User != nil {
						out = append(out, *sh.User)
					}
				}
			}
		}
		break
	}
	return out
}

func listScheduleEntries(c *call) (result, *apiError) {
	id := c.query.text("schedule_id")
	r := c.v.store.schedules.Get(id)
	if r == nil {
		return result{}, notFound("schedule", id)
	}
	from := c.stamp()
	if text := c.query.text("entry_window_start"); text != "" {
		var err error
		if from, err = time.Parse(time.RFC3339Nano, text); err != nil {
			return result{}, invalid("entry_window_start", "entry_window_start must be an RFC 3339 time")
		}
	}
	end := from.Add(defaultWindow)
	if text := c.query.text("entry_window_end"); text != "" {
		end, _ = time.Parse(time.RFC3339Nano, text) // checked before
	}
	if !from.Before(end) || end.Sub(from) > longestWindow {
		return result{}, invalid("entry_window_end", "entry_window_end must be after entry_window_start and at most a year later")
	}
	return made(c.v.store.entries(&r.Val, from.UTC(), end.UTC()))
}

// entries are the shifts of a schedule in a window: the planned ones, the overrides, and the result.
func (s *store) entries(sc *schedule, from, end time.Time) scheduleEntries {
	out := scheduleEntries{Scheduled: []shift{}, Overrides: []shift{}, Final: []shift{}}
	var touching []*row[override]
	for _, r := range s.overrides.Rows {
		if o := &r.Val; o.ScheduleID == sc.ID && o.StartAt.Before(end) && from.Before(o.EndAt) {
			touching = append(touching, r)
		}
	}
	// In order of creation, because the later of two overlapping ones wins.
	slices.SortFunc(touching, func(a, b *row[override]) int { return cmp.Compare(a.Pos.Seq, b.Pos.Seq) })
	for _, r := range touching {
		o, u := &r.Val, r.Val.User
		out.Overrides = append(out.Overrides, newShift(o.RotationID, o.LayerID, o.StartAt, o.EndAt, &u))
	}
	for i := range sc.Config.Rotations {
		planned := sc.Config.Rotations[i].shifts(from, end)
		out.Scheduled = append(out.Scheduled, planned...)
		for _, sh := range planned {
			out.Final = append(out.Final, overlay(sh, out.Overrides)...)
		}
	}
	for i, o := range out.Overrides {
		out.Final = append(out.Final, overlay(o, out.Overrides[i+1:])...)
	}
	byStart := func(a, b shift) int {
		return cmp.Or(a.StartAt.Compare(b.StartAt), cmp.Compare(a.RotationID, b.RotationID), cmp.Compare(a.LayerID, b.LayerID))
	}
	slices.SortStableFunc(out.Overrides, byStart)
	slices.SortStableFunc(out.Final, byStart)
	return out
}

// shifts are the turns of a rotation that touch a window. The layers take turns side by side, each one person further on.
func (r *rotation) shifts(from, end time.Time) []shift {
	out := []shift{}
	if len(r.users) == 0 || len(r.Handovers) == 0 {
		return out
	}
	unit := map[string]time.Duration{"hourly": time.Hour, "daily": day, "weekly": 7 * day}[r.Handovers[0].IntervalType]
	length := unit * time.Duration(r.Handovers[0].Interval)
	turn := int64(from.Sub(r.HandoverStartAt) / length)
	if from.Before(r.HandoverStartAt) {
		turn = 0 // nobody is on call before the rotation starts
	}
	for start := r.HandoverStartAt.Add(length * time.Duration(turn)); start.Before(end); start = start.Add(length) {
		for i, layer := range r.Layers {
			u := r.users[(turn+int64(i))%int64(len(r.users))]
			out = append(out, newShift(r.ID, layer.ID, start, start.Add(length), &u))
		}
		turn++
	}
	return out
}

// newShift gives equal shifts equal ids, so that an entry keeps its id between requests.
func newShift(rotationID, layerID string, start, end time.Time, u *userRef) shift {
	id := contract.ScopeOf(rotationID, layerID, u.ID, strconv.FormatInt(start.Unix(), 36), strconv.FormatInt(end.Unix(), 36))
	text := strconv.FormatUint(id, 16)
	return shift{
		EntryID: "entry_" + text, Fingerprint: text, RotationID: rotationID, LayerID: layerID,
		StartAt: start.UTC(), EndAt: end.UTC(), User: u,
	}
}

// overlay is what the overrides of its layer leave of a shift.
func overlay(sh shift, overrides []shift) []shift {
	left := []shift{sh}
	for _, o := range overrides {
		if o.RotationID != sh.RotationID || o.LayerID != sh.LayerID {
			continue
		}
		var next []shift
		for _, part := range left {
			if !o.StartAt.Before(part.EndAt) || !part.StartAt.Before(o.EndAt) {
				next = append(next, part)
				continue
			}
			if part.StartAt.Before(o.StartAt) {
				next = append(next, newShift(part.RotationID, part.LayerID, part.StartAt, o.StartAt, part.User))
			}
			if o.EndAt.Before(part.EndAt) {
				next = append(next, newShift(part.RotationID, part.LayerID, o.EndAt, part.EndAt, part.User))
			}
		}
		left = next
	}
	return left
}
