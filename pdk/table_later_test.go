package pdk

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// manyRows is a table of so many operations, and what reads it.
func manyRows(operations int) (rows []byte, read func(at int, p []byte) error, bytes, times *int) {
	c := &Connector{Name: "many", Title: "Many"}
	for i := range operations {
		c.Operations = append(c.Operations, Operation{
			Entity: fmt.Sprintf("things_%d", i), Action: "list", Effect: Read, Method: "GET", Path: fmt.Sprintf("/groups/{group}/things/%d", i), Data: "/data",
			Params: []Param{Path("group", String("Of which group.")), Query("state", String("State of the things.")), Query("tags", Array("", String("")))},
			Page:   &Page{In: InQuery, CursorName: "after", LimitName: "page_size", Cursor: "/meta/next"},
			Meta:   []Meta{{Name: "total", Pointer: "/meta/total"}},
		})
	}
	rows, bytes, times = c.Rows(), new(int), new(int)
	return rows, func(at int, p []byte) error {
		*bytes += len(p)
		*times++
		copy(p, rows[at:])
		return nil
	}, bytes, times
}

// Of a large table the index is read, with some rows to warm up, and of each call its row, which is the same as that of a table that is
// read whole.
func TestTablesWithManyRows(t *testing.T) {
	rows, read, bytes, times := manyRows(1000)
	whole, err := readTable(rows)
	if err != nil {
		t.Fatal(err)
	}
	c, err := ReadTable(len(rows), read)
	if err != nil {
		t.Fatal(err)
	}
	if *bytes > len(rows)/6 || *times > 2+9 {
		t.Errorf("%d of %d bytes are read before the first call, in %d pieces", *bytes, len(rows), *times)
	}
	for _, i := range []int{0, 1, 499, 999} {
		entity := fmt.Sprintf("things_%d", i)
		*bytes, *times = 0, 0
		got := c.table().find(entity, "list")
		if *times != 1 || *bytes > len(rows)/900 {
			t.Errorf("a call reads %d bytes in %d pieces", *bytes, *times)
		}
		if want := whole.table().find(entity, "list"); got == nil || want == nil || !reflect.DeepEqual(*got, *want) {
			t.Errorf("%s is %+v, and in a table that is read whole %+v", entity, got, want)
		}
	}
	if c.table().find("things_1000", "list") != nil || c.table().find("things_1", "lost") != nil {
		t.Error("an operation is found that is not there")
	}
}

// A small table is read whole: its calls are faster.
func TestTablesWithFewRows(t *testing.T) {
	rows, read, bytes, times := manyRows(50)
	c, err := ReadTable(len(rows), read)
	if err != nil || *times != 1 || *bytes != len(rows) || len(c.Operations) != 50 {
		t.Errorf("%v: %d bytes in %d pieces", err, *bytes, *times)
	}
}

// threat: E14
//
// An index that leads elsewhere is an error, and no call reads beyond the table.
func TestWrongIndex(t *testing.T) {
	good, _, _, _ := manyRows(1000)
	for name, change := range map[string]func(rows string) string{
		"a row that is longer": func(rows string) string {
			return strings.Replace(rows, `["things_7","list","`, `["things_7","list","9`, 1)
		},
		"a row without a length": func(rows string) string {
			return strings.Replace(rows, `["things_7","list","`, `["things_7","list","x`, 1)
		},
		"a row too few": func(rows string) string {
			return strings.Replace(rows, `["things_7","list",`, `["things_7","list","0",`, 1)
		},
		"no index":      func(rows string) string { return strings.Replace(rows, `"index":[`, `"index":1,"accept":[`, 1) },
		"another place": func(rows string) string { return beforeRowsAt + "00000050" + rows[len(beforeRowsAt)+len(noRowsAt):] },
	} {
		rows := change(string(good))
		c, err := ReadTable(len(rows), func(at int, p []byte) error {
			if at < 0 || at+len(p) > len(rows) {
				t.Fatalf("%s: reads %d bytes at %d of %d", name, len(p), at, len(rows))
			}
			copy(p, rows[at:])
			return nil
		})
		if err == nil {
			t.Errorf("%s: %d rows", name, len(c.later.rows))
		}
	}
}
