package connector

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/pdk/abi"
)

// get finds the operation that reads one record.
func (r *syncReader) get() error {
	if r.d.Get == "-" {
		if r.d.GetKey != "" {
			return malformed(r.at+".get_key", "is for an action that gets one record, and get is -")
		}
		return nil
	}
	asked := r.d.Get != "" || r.d.GetKey != ""
	op, err := r.action(".get", cmp.Or(r.d.Get, "get"))
	if err != nil {
		if !asked {
			return nil
		}
		return err
	}
	of := shapeOf(op)
	each := ""
	if r.s.Each != nil && of.has(r.s.Each.Param) {
		each = r.s.Each.Param
	}
	key := r.d.GetKey
	if key != "" {
		if err := r.inParams(".get_key", key, op); err != nil {
			return err
		}
	} else {
		left := slices.DeleteFunc(slices.Clone(of.Required), func(name string) bool { return each != "" && pointerTo(name) == each })
		switch {
		case len(left) == 1:
			key = pointerTo(left[0])
		case len(left) == 0 && of.has("/id") && each != "/id":
			key = "/id"
		case asked:
			return malformed(r.at+".get_key", "is missing: %s has several parameters; %s", op.Name(), fault.Choices(of.names()))
		default:
			return nil
		}
	}
	r.s.Get, r.s.getKey, r.s.getEach = op, key, each
	return nil
}

// writes finds the operations that change records of the entity.
func (r *syncReader) writes() error {
	if len(r.d.Writes) > maxSyncWrites {
		return malformed(r.at+".writes", "has %d entries, the limit is %d", len(r.d.Writes), maxSyncWrites)
	}
	r.s.Writes = make(map[abi.OperationRef]SyncWrite)
	var names []string
	for i := range r.c.Manifest.Operations {
		op := r.c.operations[ref(&r.c.Manifest.Operations[i])]
		if op.Effect == abi.EffectRead {
			continue
		}
		names = append(names, op.Name())
		if op.Entity == r.d.Entity {
			r.s.Writes[ref(op.Operation)] = r.usual(op)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.d.Writes)) {
		pointer, key := r.d.Writes[name], memberPath(".writes", name)
		if !slices.Contains(names, name) {
			return malformed(r.at+key, "names no operation that writes; %s", fault.Hint(name, names))
		}
		entity, action, _ := strings.Cut(name, ".")
		op := r.c.operations[abi.OperationRef{Entity: entity, Action: action}]
		if pointer == "" {
			delete(r.s.Writes, ref(op.Operation))
			continue
		}
		if err := r.pointer(key, pointer); err != nil {
			return err
		}
		switch tokens := tokensOf(pointer); {
		case len(tokens) < 2 || tokens[0] != inParams[1:] && tokens[0] != inData[1:]:
			return malformed(r.at+key, "is %.60q, want a place in the call's params or its result's data, such as /params/id or /data/id", pointer)
		case tokens[0] == inParams[1:] && shapeOf(op).Properties[tokens[1]] == nil:
			return malformed(r.at+key, "is %q, and %s has no parameter %q; %s", pointer, name, tokens[1], fault.Hint(tokens[1], shapeOf(op).names()))
		case tokens[0] == inData[1:]:
			if err := r.inResult(key, pointer, tokens[1:], op); err != nil {
				return err
			}
		}
		w := r.usual(op)
		if w.Key = pointer; r.s.Get == nil && r.s.Each != nil {
			w = SyncWrite{Each: pointer}
		}
		r.s.Writes[ref(op.Operation)] = w
	}
	return nil
}

// memberPath is the path of a member with a name that anybody may have written.
func memberPath(at, name string) string {
	if len(name) <= 200 && tokenForm.MatchString(name) {
		return at + "." + name
	}
	return fmt.Sprintf("%s[%.200q]", at, name)
}

// usual is where an operation of the entity names the record that it changes, if the manifest does not
// say.
func (r *syncReader) usual(op *Operation) SyncWrite {
	var w SyncWrite
	of := shapeOf(op)
	if e := r.s.Each; e != nil {
		if of.has(e.Param) {
			w.Each = inParams + e.Param
		}
		if r.s.Get == nil && op.Effect == abi.EffectWrite {
			return w // its list is read
		}
	}
	switch key := cmp.Or(r.s.getKey, r.s.Key); {
	case of.has(key) && (r.s.Each == nil || key != r.s.Each.Param):
		w.Key = inParams + key
	case op.Effect == abi.EffectWrite && r.inResult("", "", tokensOf(r.s.Key), op) == nil:
		w.Key = inData + r.s.Key
	}
	return w
}
