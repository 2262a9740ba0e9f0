package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
)

type kind string

const (
	negated  kind = "negated condition"
	removed  kind = "removed statement"
	swapped  kind = "swapped constant"
	unerring kind = "dropped error"
)

// kinds are drawn from in turn, so that the many statements do not crowd out the few errors.
func kinds() []kind { return []kind{negated, removed, swapped, unerring} }

type mutant struct {
	kind       kind
	folder     string // of the package, from the root of the module
	file       string // from the root of the module
	line       int
	function   string
	start, end int    // the bytes that change
	text       string // what takes their place
	old, new   string // the line, or the lines as one, before and after
}

// change names a mutant by what it changes, so that it keeps its name when lines move.
func (m *mutant) change() string {
	return fmt.Sprintf("%s %s: %s => %s", m.folder, m.function, m.old, m.new)
}

func (m *mutant) apply(source []byte) []byte {
	return slices.Concat(source[:m.start], []byte(m.text), source[m.end:])
}

type finder struct {
	fset         *token.FileSet
	folder, file string
	source       []byte
	found        []*mutant
}

// mutants returns every change that the tool knows to make to a file, in the file's order.
func mutants(folder, file string, source []byte) ([]*mutant, error) {
	f := &finder{fset: token.NewFileSet(), folder: folder, file: file, source: source}
	syntax, err := parser.ParseFile(f.fset, file, source, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	for _, d := range syntax.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Body != nil {
				f.walk(d.Body, nameOf(d), d.Type)
			}
		case *ast.GenDecl:
			if d.Tok == token.CONST || d.Tok == token.VAR {
				f.walk(d, d.Tok.String(), nil)
			}
		}
	}
	return f.found, nil
}

// nameOf is the function's name, with its receiver's type where it has one.
func nameOf(d *ast.FuncDecl) string {
	if d.Recv == nil || len(d.Recv.List) == 0 {
		return d.Name.Name
	}
	t := d.Recv.List[0].Type
	if star, ok := t.(*ast.StarExpr); ok {
		t = star.X
	}
	if generic, ok := t.(*ast.IndexExpr); ok {
		t = generic.X
	}
	if id, ok := t.(*ast.Ident); ok {
		return id.Name + "." + d.Name.Name
	}
	return d.Name.Name
}

// walk looks at a piece of code in a function of the given type.
func (f *finder) walk(root ast.Node, function string, signature *ast.FuncType) {
	ast.Inspect(root, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			f.walk(n.Body, function, n.Type)
			return false
		case *ast.IfStmt:
			f.negate(n.Cond, function)
		case *ast.ForStmt:
			if n.Cond != nil {
				f.negate(n.Cond, function)
			}
		case *ast.BlockStmt:
			f.remove(n.List, function)
		case *ast.CaseClause:
			f.remove(n.Body, function)
		case *ast.CommClause:
			f.remove(n.Body, function)
		case *ast.BinaryExpr:
			if other, ok := map[token.Token]string{token.LSS: "<=", token.LEQ: "<", token.GTR: ">=", token.GEQ: ">"}[n.Op]; ok {
				f.replace(swapped, n.OpPos, n.OpPos+token.Pos(len(n.Op.String())), other, function)
			}
		case *ast.Ident:
			if other, ok := map[string]string{"true": "false", "false": "true"}[n.Name]; ok {
				f.replace(swapped, n.Pos(), n.End(), other, function)
			}
		case *ast.BasicLit:
			if other, ok := map[string]string{"0": "1", "1": "0"}[n.Value]; ok {
				f.replace(swapped, n.Pos(), n.End(), other, function)
			}
		case *ast.ReturnStmt:
			// Nobody may look at what comes with an error, so that it is not changed.
			return !f.drop(n, function, signature)
		}
		return true
	})
}

func (f *finder) negate(cond ast.Expr, function string) {
	f.replace(negated, cond.Pos(), cond.End(), "!("+f.text(cond)+")", function)
}

// remove takes statements out one by one. They stay in a branch that never runs, so that
// what only they use is still used. Diagnostics stay: no test has to look for those.
func (f *finder) remove(list []ast.Stmt, function string) {
	for _, s := range list {
		switch s := s.(type) {
		case *ast.ExprStmt:
			if diagnostic(s.X) {
				continue
			}
		case *ast.AssignStmt:
			if s.Tok == token.DEFINE || !slices.ContainsFunc(s.Lhs, named) {
				continue
			}
		case *ast.IncDecStmt, *ast.DeferStmt, *ast.SendStmt:
		default:
			continue
		}
		f.replace(removed, s.Pos(), s.End(), "if false { "+f.text(s)+" }", function)
	}
}

// named says that something is assigned to, and not to the blank name.
func named(e ast.Expr) bool {
	id, ok := e.(*ast.Ident)
	return !ok || id.Name != "_"
}

// diagnostic says that a call writes a line of a log that is off unless somebody looks for a fault.
func diagnostic(e ast.Expr) bool {
	call, ok := e.(*ast.CallExpr)
	if !ok {
		return false
	}
	s, ok := call.Fun.(*ast.SelectorExpr)
	return ok && (s.Sel.Name == "Debug" || s.Sel.Name == "Trace")
}

// drop returns nil in the place of an error. It reports whether the statement returns one.
func (f *finder) drop(s *ast.ReturnStmt, function string, signature *ast.FuncType) bool {
	if signature == nil || signature.Results == nil || len(s.Results) == 0 || len(s.Results) != signature.Results.NumFields() {
		return false
	}
	types := signature.Results.List
	last := s.Results[len(s.Results)-1]
	if id, ok := last.(*ast.Ident); !isError(types[len(types)-1].Type) || ok && id.Name == "nil" {
		return false
	}
	start, end := f.offset(s.Pos()), f.offset(last.Pos())
	f.replace(unerring, s.Pos(), last.End(), "{ _ = "+f.text(last)+"; "+string(f.source[start:end])+"nil }", function)
	return true
}

// isError goes by the type's name, as error and *abi.Error have it.
func isError(t ast.Expr) bool {
	if star, ok := t.(*ast.StarExpr); ok {
		t = star.X
	}
	switch t := t.(type) {
	case *ast.Ident:
		return t.Name == "error" || t.Name == "Error"
	case *ast.SelectorExpr:
		return t.Sel.Name == "Error"
	}
	return false
}

func (f *finder) offset(p token.Pos) int { return f.fset.Position(p).Offset }

func (f *finder) text(n ast.Node) string {
	return string(f.source[f.offset(n.Pos()):f.offset(n.End())])
}

func (f *finder) replace(k kind, from, to token.Pos, text, function string) {
	m := &mutant{kind: k, folder: f.folder, file: f.file, line: f.fset.Position(from).Line, function: function, start: f.offset(from), end: f.offset(to), text: text}
	first := strings.LastIndexByte(string(f.source[:m.start]), '\n') + 1
	last := m.end
	if rest := strings.IndexByte(string(f.source[m.end:]), '\n'); rest >= 0 {
		last += rest
	}
	m.old = oneLine(string(f.source[first:last]))
	m.new = oneLine(string(f.source[first:m.start]) + text + string(f.source[m.end:last]))
	f.found = append(f.found, m)
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
