package store

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/agenthost/agenthost/internal/modulefile"
	"github.com/agenthost/agenthost/pdk/abi"
)

// testConnectorFiles: who can write to the database can neither change a module nor approve one.
//
// threat: K9 in TestSQLite
func testConnectorFiles(t *testing.T, l *lab) {
	ctx := WithActor(t.Context(), Actor{Via: "operator", Caller: "ada"})
	p := l.organization(t)
	first := ok(l.PutConnectorFile(ctx, ConnectorFile{Name: "notes", Approval: []byte("it reads")}, []byte("module 1"), ""))(t)
	if first.By != "ada" || first.Created.IsZero() || first.Size != 8 || first.Digest != digestOf([]byte("module 1")) {
		t.Errorf("%+v", first)
	}
	put := func(module, replaces string) error {
		_, err := l.PutConnectorFile(ctx, ConnectorFile{Name: "notes", Approval: []byte("it writes")}, []byte(module), replaces)
		return err
	}
	wantErr(t, "one is there", put("module 2", ""), ErrChanged)
	wantErr(t, "another one is there", put("module 2", digestOf([]byte("module 3"))), ErrChanged)
	find := func() ConnectorFile {
		t.Helper()
		for _, f := range ok(l.ConnectorFiles(ctx))(t) {
			if f.Name == "notes" {
				return f
			}
		}
		return ConnectorFile{}
	}
	if got := find(); got.Err != nil || string(got.Approval) != "it reads" || got.Digest != first.Digest {
		t.Errorf("%+v", got)
	}
	if err := put("module 2", first.Digest); err != nil {
		t.Fatal(err)
	}
	second := find()
	if string(second.Approval) != "it writes" || !bytes.Equal(ok(l.ConnectorModule(ctx, "notes", second.Digest))(t), []byte("module 2")) {
		t.Errorf("%+v", second)
	}
	_, err := l.ConnectorModule(ctx, "notes", first.Digest)
	wantErr(t, "the module before", err, ErrNone)

	l.tamper(t, "UPDATE connector_module SET module = $1 WHERE name = $2", []byte("module 3"), "notes")
	_, err = l.ConnectorModule(ctx, "notes", second.Digest)
	wantErr(t, "another module", err, ErrTampered)
	l.tamper(t, "UPDATE connector_module SET module = $1 WHERE name = $2", make([]byte, modulefile.Max+1), "notes")
	_, err = l.ConnectorModule(ctx, "notes", second.Digest)
	wantErr(t, "a module that is too long", err, ErrNone)
	for _, column := range []string{"digest", "name"} {
		l.tamper(t, "UPDATE connector_file SET "+column+" = 'another' WHERE name = 'notes'")
		if files := ok(l.ConnectorFiles(ctx))(t); len(files) != 1 || files[0].Err == nil || files[0].Approval != nil {
			t.Errorf("with another %s, the approval is good: %+v", column, files)
		}
		l.tamper(t, "UPDATE connector_file SET digest = $1, name = 'notes'", second.Digest)
	}
	if err := l.RemoveConnectorFile(ctx, "notes"); err != nil {
		t.Fatal(err)
	}
	wantErr(t, "removed twice", l.RemoveConnectorFile(ctx, "notes"), ErrNone)
	for _, module := range [][]byte{nil, make([]byte, modulefile.Max+1)} {
		_, err := l.PutConnectorFile(ctx, ConnectorFile{Name: "notes"}, module, "")
		if e, is := errors.AsType[*abi.Error](err); !is || e.Kind != abi.KindInvalidParams {
			t.Errorf("%d bytes: %v", len(module), err)
		}
	}
	changes := map[string]int{}
	for _, r := range ok(l.Audit(ctx, Scope{Organization: p.Organization}, Page{}))(t) {
		for _, action := range []string{"install", "remove"} {
			if bytes.Contains(r.Record, []byte(`"entity":"connectors","action":"`+action+`","object":"notes"`)) && bytes.Contains(r.Record, []byte(`"caller":"ada"`)) {
				changes[action]++
			}
		}
	}
	if changes["install"] != 2 || changes["remove"] != 1 {
		t.Errorf("the records are %v", changes)
	}
}

func testManyConnectorFiles(t *testing.T, l *lab) {
	for i := range MaxConnectorFiles {
		ok(l.PutConnectorFile(t.Context(), ConnectorFile{Name: fmt.Sprint("c", i)}, []byte("module"), ""))(t)
	}
	_, err := l.PutConnectorFile(t.Context(), ConnectorFile{Name: "one more"}, []byte("module"), "")
	if e, is := errors.AsType[*abi.Error](err); !is || e.Kind != abi.KindLimitExceeded {
		t.Errorf("one more: %v", err)
	}
	long, replaces := bytes.Repeat([]byte("module. "), modulefile.Max/8), digestOf([]byte("module"))
	for range 2 {
		f, err := l.PutConnectorFile(t.Context(), ConnectorFile{Name: "c0"}, long, replaces)
		if err != nil {
			t.Fatalf("the longest one in the place of another one: %v", err)
		}
		if got, err := l.ConnectorModule(t.Context(), "c0", f.Digest); err != nil || !bytes.Equal(got, long) {
			t.Errorf("%d bytes, %v", len(got), err)
		}
		replaces = f.Digest
	}
}
