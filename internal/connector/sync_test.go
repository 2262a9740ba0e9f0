package connector

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/pdk/abi"
)

// copied is a declaration of entities with every kind of list.
func copied() (*abi.Manifest, *abi.AuthSchema) {
	m, a := valid()
	op := func(name string, effect abi.Effect, params, required, result string) abi.Operation {
		entity, action, _ := strings.Cut(name, ".")
		o := abi.Operation{
			Entity: entity, Action: action, Description: "An operation.", Effect: effect,
			Params:   json.RawMessage(`{"type":"object","additionalProperties":false,"properties":{` + params + `},"required":[` + required + `]}`),
			Requests: []abi.RequestTemplate{{Method: "POST", Path: "/" + entity + "/" + action}},
		}
		if result != "" {
			o.Result = json.RawMessage(result)
		}
		return o
	}
	const (
		id   = `"id":{"type":"string"}`
		when = `{"type":"string","format":"date-time"}`
		note = `{"type":"object","properties":{"id":{"type":"string"},"body":{"type":"string"}}}`
		file = `{"type":"object","properties":{"id":{"type":["string","null"]},"title":{"type":["string","null"]},"size":{"type":["integer","null"]},
			"open":{"type":["boolean","null"]},"updated_at":{"type":["string","null"],"format":"date-time"},"touched":{"type":["string","null"]},
			"tags":{"type":["array","null"],"items":{"type":"string"}},"gone":{"type":["boolean","null"]},"more":{"type":"object"},
			"owner":{"type":["object","null"],"properties":{"id":{"type":"string"},"name":{"type":"string"}}}}}`
	)
	m.Operations = append(m.Operations,
		op("files.list", abi.EffectRead, `"filter":{"type":"object","additionalProperties":false,"properties":{"field":{"type":"string"},"values":{"type":"array","items":`+when+`}}},"kind":{"type":"string"}`, ``, file),
		op("files.get", abi.EffectRead, id+`,"part":{"type":"string"}`, `"id"`, file),
		op("files.create", abi.EffectWrite, `"title":{"type":"string"}`, ``, file),
		op("files.update", abi.EffectWrite, id+`,"title":{"type":"string"}`, `"id"`, file),
		op("files.delete", abi.EffectDelete, id, `"id"`, ""),
		op("files.gone", abi.EffectRead, `"since":`+when, ``, `{"type":"object","properties":{"id":{"type":"string"}}}`),
		op("locks.put", abi.EffectWrite, `"file":{"type":"string"}`, `"file"`, ""),
		op("notes.list", abi.EffectRead, `"file":{"type":"string"}`, `"file"`, note),
		op("notes.create", abi.EffectWrite, `"file":{"type":"string"},"body":{"type":"string"}`, `"file"`, note),
		op("notes.delete", abi.EffectDelete, id, `"id"`, ""),
		op("pages.list", abi.EffectRead, `"file":{"type":"string"}`, `"file"`, ""),
		op("pages.get", abi.EffectRead, `"file":{"type":"string"},"number":{"type":"string"}`, `"file","number"`, ""),
		op("pages.update", abi.EffectWrite, `"file":{"type":"string"},"number":{"type":"string"}`, `"file","number"`, ""),
		op("kinds.list", abi.EffectRead, `"of":{"type":"string","enum":["a","b"]},"token":{"type":"string"}`, `"of"`, ""),
		op("kinds.export", abi.EffectRead, ``, ``, ""),
	)
	m.Operations[len(m.Operations)-1].Content = abi.ContentCSV
	m.Sync = []abi.Sync{
		{Entity: "notes", Each: &abi.SyncEach{Param: "/file", Of: "files", As: "file_id", Changed: "/touched"}, Text: []string{"body"}},
		{Entity: "pages", Key: "/number", Each: &abi.SyncEach{Param: "/file", Of: "files"}, Fields: map[string]string{"number": "text"}, Index: []string{"number"}},
		{Entity: "kinds", Each: &abi.SyncEach{Param: "/of", Values: []string{"a", "b"}}, Changes: &abi.SyncChanges{Param: "/token", Token: "/token"}, Text: []string{"name"}},
		{
			Entity: "files", Params: json.RawMessage(`{"kind":"text","filter":{"field":"x"}}`),
			Changes: &abi.SyncChanges{
				Param: "/filter/values/0", Params: json.RawMessage(`{"filter":{"values":["",""]}}`), Field: "/updated_at",
				Until: "/filter/values/1", MaxSeconds: 30 * 86400, Start: "2026-01-01T00:00:00Z",
			},
			Deletions: &abi.SyncDeletions{Field: "/gone"}, Writes: map[string]string{"locks.put": "/params/file"},
			Text: []string{"title", "tags"}, Fields: map[string]string{"touched": "time", "more.size": "number"}, Index: []string{"owner.id"},
		},
	}
	return m, a
}

func syncsOf(t *testing.T, change func(*abi.Manifest)) *Connector {
	t.Helper()
	m, a := copied()
	if change != nil {
		change(m)
	}
	c, err := parse(m, a)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestSyncs(t *testing.T) {
	t.Parallel()
	c := syncsOf(t, nil)
	var got []string
	for _, s := range c.Syncs() {
		line := fmt.Sprintf("%s %s key %s recent %q incremental %t every %v full %v", s.Entity, s.List.Name(), s.Key, s.Recent, s.Incremental(), s.Interval, s.Full)
		if s.Get != nil {
			params, err := s.GetParams([]byte(`"k"`), []byte(`"e"`))
			line += fmt.Sprintf(" get %s %v", params, err)
		}
		var writes []string
		for ref, w := range s.Writes {
			writes = append(writes, fmt.Sprintf(" %s.%s %s|%s", ref.Entity, ref.Action, w.Key, w.Each))
		}
		slices.Sort(writes)
		got = append(got, line+strings.Join(writes, ""))
	}
	want := []string{
		`notes notes.list key /id recent "" incremental true every 5m0s full 24h0m0s notes.create |/params/file notes.delete /params/id|`,
		`pages pages.list key /number recent "" incremental false every 1h0m0s full 1h0m0s get {"file":"e","number":"k"} <nil> pages.update /params/number|/params/file`,
		`kinds kinds.list key /id recent "" incremental true every 5m0s full 24h0m0s`,
		`files files.list key /id recent "/updated_at" incremental true every 5m0s full 24h0m0s get {"id":"k"} <nil> files.create /data/id| files.delete /params/id| files.update /params/id| locks.put /params/file|`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if s := c.Sync("notes"); s.Each.Of != c.Sync("files") || s.Fields["file_id"] != FieldText || c.Sync("widgets") != nil {
		t.Errorf("notes are %+v", s)
	}
	wantFields := map[string]FieldType{
		"id": FieldText, "title": FieldText, "size": FieldNumber, "open": FieldBoolean, "updated_at": FieldTime, "touched": FieldTime, "tags": FieldAny,
		"gone": FieldBoolean, "more": FieldAny, "more.size": FieldNumber, "owner": FieldAny, "owner.id": FieldText, "owner.name": FieldText,
	}
	if fields := c.Sync("files").Fields; fmt.Sprint(fields) != fmt.Sprint(wantFields) {
		t.Errorf("the fields are %v, want %v", fields, wantFields)
	}
}

// A list is asked for everything, for ranges of what changed, and for what a token knows.
func TestSyncLists(t *testing.T) {
	t.Parallel()
	c := syncsOf(t, nil)
	now := time.Date(2026, 2, 15, 12, 0, 0, 0, time.UTC)
	files, kinds, notes := c.Sync("files"), c.Sync("kinds"), c.Sync("notes")
	var got []string
	for _, ranges := range [][]SyncRange{files.All(now), files.Since(now.Add(-time.Hour), now), files.Since(now.Add(time.Hour), now)} {
		for _, r := range ranges {
			params, err := files.ListParams(nil, r)
			got = append(got, fmt.Sprint(string(params), err))
		}
	}
	for _, r := range append(kinds.All(now), SyncRange{Token: json.RawMessage(`"t1"`)}) {
		params, err := kinds.ListParams([]byte(`"a"`), r)
		got = append(got, fmt.Sprint(string(params), err))
	}
	params, err := notes.ListParams([]byte(`"f1"`), SyncRange{})
	got = append(got, fmt.Sprint(string(params), err))
	const filter = `{"filter":{"field":"x","values":["%s","%s"]},"kind":"text"}<nil>`
	want := []string{
		fmt.Sprintf(filter, "2026-01-01T00:00:00Z", "2026-01-31T00:00:00Z"), fmt.Sprintf(filter, "2026-01-30T23:59:00Z", "2026-02-15T12:01:00Z"),
		fmt.Sprintf(filter, "2026-02-15T10:59:00Z", "2026-02-15T12:01:00Z"),
		fmt.Sprintf(filter, "2026-02-15T12:00:00Z", "2026-02-15T12:01:00Z"),
		`{"of":"a"}<nil>`, `{"of":"a","token":"t1"}<nil>`, `{"file":"f1"}<nil>`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if r := append(kinds.Since(now, now), notes.Since(now, now)...); len(r) != 2 || !r[0].From.IsZero() || !r[1].From.IsZero() {
		t.Errorf("times tell %v", r)
	}
	for _, wrong := range []struct {
		s    *Sync
		each string
		r    SyncRange
	}{{notes, "", SyncRange{}}, {kinds, `"a"`, SyncRange{From: now}}, {files, "", SyncRange{Token: json.RawMessage(`"t"`)}}} {
		if params, err := wrong.s.ListParams([]byte(wrong.each), wrong.r); err == nil {
			t.Errorf("%s is listed with %s", wrong.s.Entity, params)
		}
	}
	for format, want := range map[string]string{"": `"2026-02-15T12:00:00Z"`, "date": `"2026-02-15"`, "epoch": "1771156800", "epoch_milliseconds": "1771156800000"} {
		if got := timeAs(now, format); string(got) != want {
			t.Errorf("%s is %s, want %s", format, got, want)
		}
	}
}

func TestSyncRecords(t *testing.T) {
	t.Parallel()
	files := syncsOf(t, nil).Sync("files")
	for record, want := range map[string]string{
		`{"id":"a"}`: `"a"`, `{"id":7}`: `7`, `{"id":""}`: "", `{"id":null}`: "", `{"id":{}}`: "", `{}`: "", `[]`: "",
	} {
		if key, ok := files.KeyOf([]byte(record)); ok != (want != "") || ok && string(key) != want {
			t.Errorf("the key of %s is %s, %t", record, key, ok)
		}
	}
	for record, want := range map[string]bool{`{"gone":true}`: true, `{"gone":"2026-01-01"}`: true, `{"gone":false}`: false, `{"gone":null}`: false, `{"gone":""}`: false, `{}`: false} {
		if got := files.Deleted([]byte(record)); got != want {
			t.Errorf("%s is deleted: %t", record, got)
		}
	}
	with := syncsOf(t, func(m *abi.Manifest) { m.Sync[3].Deletions.Values = []abi.RawMessage{[]byte(`"x"`), []byte("1")} }).Sync("files")
	for record, want := range map[string]bool{`{"gone":"x"}`: true, `{"gone": 1}`: true, `{"gone":true}`: false, `{}`: false} {
		if got := with.Deleted([]byte(record)); got != want {
			t.Errorf("%s is deleted: %t", record, got)
		}
	}
	for record, want := range map[string]string{
		`{"updated_at":"2026-02-03T04:05:06.7+01:00"}`: "2026-02-03T03:05:06Z", `{"updated_at":"2026-02-03"}`: "2026-02-03T00:00:00Z",
		`{"updated_at":1770091506}`: "2026-02-03T04:05:06Z", `{"updated_at":1770091506000}`: "2026-02-03T04:05:06Z",
		`{"updated_at":"soon"}`: "", `{"updated_at":1e300}`: "", `{"updated_at":null}`: "", `{}`: "",
	} {
		at, ok := files.TimeOf([]byte(record))
		if ok != (want != "") || ok && at.UTC().Format(time.RFC3339) != want {
			t.Errorf("the time of %s is %v, %t, want %s", record, at, ok, want)
		}
	}
}

// After a write, its record is known, or the list that it is in.
func TestTouched(t *testing.T) {
	t.Parallel()
	c := syncsOf(t, func(m *abi.Manifest) {
		m.Sync[3].Writes["notes.create"] = "/params/file" // which changes the file, too
	})
	for _, tt := range []struct{ name, params, data, want string }{
		{"files.list", `{}`, `[]`, ""},
		{"files.create", `{"title":"x"}`, `{"id":"f1"}`, `files "f1" "" false;`},
		{"files.create", `{"title":"x"}`, `{}`, `files "" "" false;`},
		{"files.update", `{"id":"f1"}`, `{"id":"other"}`, `files "f1" "" false;`},
		{"files.delete", `{"id":"f1"}`, `{}`, `files "f1" "" true;`},
		{"locks.put", `{"file":"f1"}`, `{}`, `files "f1" "" false;`},
		{"notes.create", `{"file":"f1"}`, `{"id":"n1"}`, `notes "" "f1" false;files "f1" "" false;`},
		{"notes.delete", `{"id":"n1"}`, `{}`, `notes "n1" "" true;`},
		{"pages.update", `{"file":"f1","number":"3"}`, `{}`, `pages "3" "f1" false;`},
		{"widgets.update", `{"id":"w"}`, `{}`, ""},
	} {
		entity, action, _ := strings.Cut(tt.name, ".")
		op, err := c.Operation(entity, action)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, touch := range c.Touched(op, []byte(tt.params), []byte(tt.data)) {
			got += fmt.Sprintf("%s %q %q %t;", touch.Sync.Entity, strings.Trim(string(touch.Key), `"`), strings.Trim(string(touch.Each), `"`), touch.Removed)
		}
		if got != tt.want {
			t.Errorf("%s with %s touches %s, want %s", tt.name, tt.params, got, tt.want)
		}
	}
}

func TestWhatIsWrongWithASync(t *testing.T) {
	t.Parallel()
	many := func(n int) []string { return slices.Repeat([]string{"title"}, n) }
	for _, tt := range []struct {
		field, message string
		change         func(m *abi.Manifest, notes, pages, kinds, files *abi.Sync)
	}{
		{"sync", "the limit is 200", func(m *abi.Manifest, _, _, _, _ *abi.Sync) { m.Sync = make([]abi.Sync, 201) }},
		{"sync[3].entity", `repeats "notes"`, func(_ *abi.Manifest, _, _, _, files *abi.Sync) { *files = abi.Sync{Entity: "notes"} }},
		{"sync[3].entity", "did you mean files?", func(_ *abi.Manifest, _, _, _, files *abi.Sync) { files.Entity = "fils" }},
		{"sync[3] (files).list", "did you mean list?", func(_ *abi.Manifest, _, _, _, files *abi.Sync) { files.List = "lst" }},
		{"sync[3] (files).list", "does not read", func(_ *abi.Manifest, _, _, _, files *abi.Sync) { files.List = "delete" }},
		{"sync[2] (kinds).list", "answers csv and no records", func(_ *abi.Manifest, _, _, kinds, _ *abi.Sync) { kinds.List = "export" }},
		{"sync[3] (files).params", `has "knd", which is no parameter of the list; did you mean kind?`, func(_ *abi.Manifest, _, _, _, files *abi.Sync) {
			files.Params = json.RawMessage(`{"knd":"x"}`)
		}},
		{"sync[3] (files).params", "is no JSON object", func(_ *abi.Manifest, _, _, _, files *abi.Sync) { files.Params = json.RawMessage(`[]`) }},
		{"sync[3] (files).params", "twice", func(_ *abi.Manifest, _, _, _, files *abi.Sync) {
			files.Params = json.RawMessage(`{"kind":"a","kind":"b"}`)
		}},
		{"sync[3] (files).params", "the limit is 4096", func(_ *abi.Manifest, _, _, _, files *abi.Sync) {
			files.Params = json.RawMessage(`{"kind":"` + strings.Repeat("x", 4096) + `"}`)
		}},
		{"sync[3] (files).changes", "kind", func(_ *abi.Manifest, _, _, _, files *abi.Sync) { files.Params = json.RawMessage(`{"kind":7}`) }},
		{"sync[0] (notes).params", `missing parameter "file"`, func(_ *abi.Manifest, notes, _, _, _ *abi.Sync) { notes.Each = nil }},
		{"sync[3] (files).key", "did you mean id?", func(_ *abi.Manifest, _, _, _, files *abi.Sync) { files.Key = "/idd" }},
		{"sync[3] (files).key", "did you mean id?", func(_ *abi.Manifest, _, _, _, files *abi.Sync) { files.Key = "/owner/idd" }},
		{"sync[3] (files).key", "want a JSON Pointer", func(_ *abi.Manifest, _, _, _, files *abi.Sync) { files.Key = "id" }},
		{"sync[1] (pages).key", "want a JSON Pointer", func(_ *abi.Manifest, _, pages, _, _ *abi.Sync) { pages.Key = strings.Repeat("/a", 17) }},
		{"sync[2] (kinds).each", "not both", func(_ *abi.Manifest, _, _, kinds, _ *abi.Sync) { kinds.Each.Of = "files" }},
		{"sync[2] (kinds).each", "needs values, or of", func(_ *abi.Manifest, _, _, kinds, _ *abi.Sync) { kinds.Each.Values = nil }},
		{"sync[2] (kinds).each.param", "choose one of of, token", func(_ *abi.Manifest, _, _, kinds, _ *abi.Sync) { kinds.Each.Param = "/zzzz" }},
		{"sync[2] (kinds).each.values[1]", "repeats", func(_ *abi.Manifest, _, _, kinds, _ *abi.Sync) { kinds.Each.Values[1] = "a" }},
		{"sync[2] (kinds).each.values[1]", "c", func(_ *abi.Manifest, _, _, kinds, _ *abi.Sync) { kinds.Each.Values[1] = "c" }},
		{"sync[2] (kinds).each.values", "the limit is 100", func(_ *abi.Manifest, _, _, kinds, _ *abi.Sync) { kinds.Each.Values = many(101) }},
		{"sync[2] (kinds).each.changed", "add of", func(_ *abi.Manifest, _, _, kinds, _ *abi.Sync) { kinds.Each.Changed = "/x" }},
		{"sync[0] (notes).each.of", "did you mean files?", func(_ *abi.Manifest, notes, _, _, _ *abi.Sync) { notes.Each.Of = "file" }},
		{"sync[0] (notes).each.of", "no other sync", func(_ *abi.Manifest, notes, _, _, _ *abi.Sync) { notes.Each.Of = "notes" }},
		{"sync[0] (notes).each.of", "leads back", func(_ *abi.Manifest, notes, pages, _, _ *abi.Sync) {
			notes.Each = &abi.SyncEach{Param: "/file", Of: "pages"}
			pages.Each = &abi.SyncEach{Param: "/file", Of: "notes"}
		}},
		{"sync[0] (notes).each.as", "letters, digits", func(_ *abi.Manifest, notes, _, _, _ *abi.Sync) { notes.Each.As = "a.b" }},
		{"sync[0] (notes).each.changed", "did you mean touched?", func(_ *abi.Manifest, notes, _, _, _ *abi.Sync) { notes.Each.Changed = "/touchd" }},
		{"sync[3] (files).changes", "is empty", func(_ *abi.Manifest, _, _, _, files *abi.Sync) { files.Changes = &abi.SyncChanges{} }},
		{"sync[3] (files).changes.param", "is missing", func(_ *abi.Manifest, _, _, _, files *abi.Sync) { files.Changes.Param = "" }},
		{"sync[3] (files).changes.param", "did you mean filter?", func(_ *abi.Manifest, _, _, _, files *abi.Sync) { files.Changes.Param = "/fliter/x" }},
		{"sync[3] (files).changes", "no element 2", func(_ *abi.Manifest, _, _, _, files *abi.Sync) {
			files.Changes.Param, files.Changes.Params = "/filter/values/2", json.RawMessage(`{"filter":{"values":[]}}`)
		}},
		{"sync[3] (files).changes", "unknown", func(_ *abi.Manifest, _, _, _, files *abi.Sync) { files.Changes.Param = "/filter/valus" }},
		{"sync[3] (files).changes", "needs field", func(_ *abi.Manifest, _, _, _, files *abi.Sync) { files.Changes.Field = "" }},
		{"sync[3] (files).changes.field", "did you mean updated_at?", func(_ *abi.Manifest, _, _, _, files *abi.Sync) { files.Changes.Field = "/update_at" }},
		{"sync[3] (files).changes.format", "did you mean epoch?", func(_ *abi.Manifest, _, _, _, files *abi.Sync) { files.Changes.Format = "epoc" }},
		{"sync[3] (files).changes", "does not make a call of files.list", func(_ *abi.Manifest, _, _, _, files *abi.Sync) { files.Changes.Format = "epoch" }},
		{"sync[3] (files).changes.overlap_seconds", "want 0", func(_ *abi.Manifest, _, _, _, files *abi.Sync) { files.Changes.OverlapSeconds = -1 }},
		{"sync[3] (files).changes.max_seconds", "add until", func(_ *abi.Manifest, _, _, _, files *abi.Sync) { files.Changes.Until = "" }},
		{"sync[3] (files).changes.max_seconds", "want a day", func(_ *abi.Manifest, _, _, _, files *abi.Sync) { files.Changes.MaxSeconds = 60 }},
		{"sync[3] (files).changes.max_seconds", "twice the overlap", func(_ *abi.Manifest, _, _, _, files *abi.Sync) { files.Changes.OverlapSeconds = 30 * 86400 }},
		{"sync[3] (files).changes.until", "no parameter", func(_ *abi.Manifest, _, _, _, files *abi.Sync) { files.Changes.Until = "/to" }},
		{"sync[3] (files).changes.start", "want a time", func(_ *abi.Manifest, _, _, _, files *abi.Sync) { files.Changes.Start = "2026" }},
		{"sync[3] (files).changes.token", "stands beside", func(_ *abi.Manifest, _, _, _, files *abi.Sync) { files.Changes.Token = "/t" }},
		{"sync[2] (kinds).changes.token", "want a JSON Pointer", func(_ *abi.Manifest, _, _, kinds, _ *abi.Sync) { kinds.Changes.Token = "t" }},
		{"sync[3] (files).deletions", "not both", func(_ *abi.Manifest, _, _, _, files *abi.Sync) { files.Deletions.List = "gone" }},
		{"sync[3] (files).deletions", "add list", func(_ *abi.Manifest, _, _, _, files *abi.Sync) { files.Deletions.Key = "/id" }},
		{"sync[3] (files).deletions.field", "did you mean gone?", func(_ *abi.Manifest, _, _, _, files *abi.Sync) { files.Deletions.Field = "/gon" }},
		{"sync[3] (files).deletions.values[0]", "is no text", func(_ *abi.Manifest, _, _, _, files *abi.Sync) {
			files.Deletions.Values = []abi.RawMessage{[]byte(`{}`)}
		}},
		{"sync[3] (files).deletions.list", "did you mean gone?", func(_ *abi.Manifest, _, _, _, files *abi.Sync) { files.Deletions = &abi.SyncDeletions{List: "gon"} }},
		{"sync[3] (files).deletions.key", "did you mean id?", func(_ *abi.Manifest, _, _, _, files *abi.Sync) {
			files.Deletions = &abi.SyncDeletions{List: "gone", Key: "/ids"}
		}},
		{"sync[3] (files).deletions.param", "did you mean since?", func(_ *abi.Manifest, _, _, _, files *abi.Sync) {
			files.Deletions = &abi.SyncDeletions{List: "gone", Param: "/sinc"}
		}},
		{"sync[3] (files).get", "did you mean get?", func(_ *abi.Manifest, _, _, _, files *abi.Sync) { files.Get = "gt" }},
		{"sync[3] (files).get_key", "get is -", func(_ *abi.Manifest, _, _, _, files *abi.Sync) { files.Get, files.GetKey = "-", "/id" }},
		{"sync[3] (files).get_key", "did you mean id?", func(_ *abi.Manifest, _, _, _, files *abi.Sync) { files.GetKey = "/ids" }},
		{"sync[3] (files).get_key", "several parameters", func(_ *abi.Manifest, _, _, _, files *abi.Sync) { files.Get = "gone" }},
		{"sync[3] (files).get", `missing parameter "id"`, func(_ *abi.Manifest, _, _, _, files *abi.Sync) { files.GetKey = "/part" }},
		{"sync[3] (files).writes.locks.putt", "did you mean locks.put?", func(_ *abi.Manifest, _, _, _, files *abi.Sync) { files.Writes["locks.putt"] = "/params/file" }},
		{"sync[3] (files).writes.files.list", "no operation that writes", func(_ *abi.Manifest, _, _, _, files *abi.Sync) { files.Writes["files.list"] = "/params/id" }},
		{"sync[3] (files).writes.locks.put", "did you mean file?", func(_ *abi.Manifest, _, _, _, files *abi.Sync) { files.Writes["locks.put"] = "/params/fil" }},
		{"sync[3] (files).writes.locks.put", "such as /params/id or /data/id", func(_ *abi.Manifest, _, _, _, files *abi.Sync) { files.Writes["locks.put"] = "/file" }},
		{"sync[3] (files).writes.files.create", "did you mean id?", func(_ *abi.Manifest, _, _, _, files *abi.Sync) { files.Writes["files.create"] = "/data/ids" }},
		{"sync[3] (files).interval_seconds", "want 10", func(_ *abi.Manifest, _, _, _, files *abi.Sync) { files.IntervalSeconds = 1 }},
		{"sync[3] (files).full_seconds", "want 10", func(_ *abi.Manifest, _, _, _, files *abi.Sync) { files.FullSeconds = -1 }},
		{"sync[3] (files).text[0]", "did you mean title?", func(_ *abi.Manifest, _, _, _, files *abi.Sync) { files.Text = []string{"titel"} }},
		{"sync[3] (files).text[1]", "repeats", func(_ *abi.Manifest, _, _, _, files *abi.Sync) { files.Text = many(2) }},
		{"sync[3] (files).text", "the limit is 50", func(_ *abi.Manifest, _, _, _, files *abi.Sync) { files.Text = many(51) }},
		{"sync[3] (files).text[0]", "has no words", func(_ *abi.Manifest, _, _, _, files *abi.Sync) { files.Text = []string{"size"} }},
		{"sync[3] (files).text[0]", "no name of a field", func(_ *abi.Manifest, _, _, _, files *abi.Sync) { files.Text = []string{"/title"} }},
		{"sync[3] (files).text[0]", "name it in fields", func(_ *abi.Manifest, _, _, _, files *abi.Sync) { files.Text = []string{"more.text"} }},
		{"sync[3] (files).index", "the limit is 20", func(_ *abi.Manifest, _, _, _, files *abi.Sync) { files.Index = many(21) }},
		{"sync[3] (files).index[0]", "only single values", func(_ *abi.Manifest, _, _, _, files *abi.Sync) { files.Index = []string{"tags"} }},
		{"sync[1] (pages).index[0]", "whose type nobody says", func(_ *abi.Manifest, _, pages, _, _ *abi.Sync) { pages.Index = []string{"title"} }},
		{"sync[3] (files).fields.touched", "did you mean time?", func(_ *abi.Manifest, _, _, _, files *abi.Sync) { files.Fields["touched"] = "tim" }},
		{"sync[3] (files).fields.titel", "did you mean title?", func(_ *abi.Manifest, _, _, _, files *abi.Sync) { files.Fields["titel"] = "text" }},
		{"sync[3] (files).fields.a|b", "no name of a field", func(_ *abi.Manifest, _, _, _, files *abi.Sync) { files.Fields["a|b"] = "text" }},
		{`sync[3] (files).fields["a\x1bb"]`, "no name of a field", func(_ *abi.Manifest, _, _, _, files *abi.Sync) { files.Fields["a\x1bb"] = "text" }},
	} {
		m, a := copied()
		tt.change(m, &m.Sync[0], &m.Sync[1], &m.Sync[2], &m.Sync[3])
		_, err := parse(m, a)
		var e *abi.Error
		if !errors.As(err, &e) {
			t.Errorf("%s, %s: there is no error", tt.field, tt.message)
			continue
		}
		if e.Field != tt.field || !strings.Contains(e.Message, tt.message) {
			t.Errorf("%s, %s: the error is of %s: %s", tt.field, tt.message, e.Field, e.Message)
		}
	}
}

// A manifest without syncs has none, and a host that has read one before does not check it again.
func TestNoSyncs(t *testing.T) {
	t.Parallel()
	c, err := parse(valid())
	if err != nil || len(c.Syncs()) != 0 || c.Sync("widgets") != nil {
		t.Errorf("%v, %v", c, err)
	}
	m, a := copied()
	manifest, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	auth, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := Load("digest", manifest, auth)
	if err != nil || len(loaded.Syncs()) != 4 {
		t.Errorf("%v, %v", loaded, err)
	}
}
