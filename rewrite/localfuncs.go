// This file follows maps into function literals that are called where they stand, or that a
// variable names and that are only ever called by that name.

package rewrite

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
)

// A localFunc is such a literal with all its calls:
//
//	check := func(m map[string]int) { … }   // → func(m *safemap.Sharded[string, int])
//	check(s.in)
//	check(s.out)
//	go func(m map[string]int) { … }(s.out)
//
// Its type may change, because nobody else has it.
type localFunc struct {
	lit   *ast.FuncLit
	calls []*ast.CallExpr
}

// localFuncOf returns the literal that an identifier names, nil if it names something
// else, or a variable that is assigned again, passed on or compared.
func (fi *fileInfo) localFuncOf(id *ast.Ident) *localFunc {
	v, ok := fi.object(id).(*types.Var)
	if !ok || !v.Pos().IsValid() || fi.syntax.FileStart > v.Pos() || v.Pos() >= fi.syntax.FileEnd {
		return nil
	}
	path := fi.enclosingPath(v.Pos())
	as, ok := path[1].(*ast.AssignStmt)
	if !ok || as.Tok != token.DEFINE || len(as.Lhs) != len(as.Rhs) {
		return nil
	}
	i := slices.IndexFunc(as.Lhs, func(e ast.Expr) bool { return e.Pos() == v.Pos() })
	lit, ok := as.Rhs[i].(*ast.FuncLit)
	if !ok {
		return nil
	}
	f := &localFunc{lit: lit}
	only := true
	ast.Inspect(fi.enclosing(as), func(n ast.Node) bool {
		id, ok := n.(*ast.Ident)
		if !ok || id.Pos() == v.Pos() || fi.object(id) != v {
			return only
		}
		call, ok := fi.parent(id).(*ast.CallExpr)
		if only = ok && call.Fun == id && len(call.Args) == lit.Type.Params.NumFields(); only {
			f.calls = append(f.calls, call)
		}
		return only
	})
	if !only || variadic(lit) {
		return nil
	}
	return f
}

// calledHere returns the local function that a call calls, if it is a literal.
func calledHere(call *ast.CallExpr) *localFunc {
	lit, ok := ast.Unparen(call.Fun).(*ast.FuncLit)
	if !ok || len(call.Args) != lit.Type.Params.NumFields() || variadic(lit) {
		return nil
	}
	return &localFunc{lit: lit, calls: []*ast.CallExpr{call}}
}

func variadic(lit *ast.FuncLit) bool {
	return slices.ContainsFunc(lit.Type.Params.List, func(f *ast.Field) bool { _, ok := f.Type.(*ast.Ellipsis); return ok })
}

// named returns the local function that a literal is, nil if it is used otherwise.
func (fi *fileInfo) named(lit *ast.FuncLit) *localFunc {
	if e, p := fi.outer(lit); p != nil {
		if call, ok := p.(*ast.CallExpr); ok && call.Fun == e {
			return calledHere(call)
		}
	}
	as, ok := fi.parent(lit).(*ast.AssignStmt)
	if !ok {
		return nil
	}
	i := slices.Index(as.Rhs, ast.Expr(lit))
	if i < 0 || i >= len(as.Lhs) {
		return nil
	}
	id, ok := as.Lhs[i].(*ast.Ident)
	if !ok || id.Name == "_" {
		return nil
	}
	if f := fi.localFuncOf(id); f != nil && f.lit == lit {
		return f
	}
	return nil
}

// intoLocal makes the parameter of a local function a member that gets the i-th argument
// of one of its calls. It reports false if the callee is no local function.
func (c *class) intoLocal(fi *fileInfo, call *ast.CallExpr, i int, e ast.Expr, pl place) bool {
	f := calledHere(call)
	if id, ok := call.Fun.(*ast.Ident); ok {
		f = fi.localFuncOf(id)
	}
	if f == nil {
		return false
	}
	for _, field := range f.lit.Type.Params.List {
		if i -= max(len(field.Names), 1); i >= 0 {
			continue
		}
		if len(field.Names) == 0 {
			return false
		}
		name := field.Names[len(field.Names)+i]
		if name.Name == "_" {
			return false
		}
		c.rowValue(fi, e, pl)
		c.add(fi, fi.pkg.Info.Defs[name], c.levelOf(pl), e.Pos())
		return true
	}
	return false
}

// localParameter feeds the arguments of all calls of a local function into its parameter
// m. It reports false if the function is no local one. A class that is shared in a way that
// asks which steps belong together is refused later: calls of literals are not followed there.
func (c *class) localParameter(m *member, lit *ast.FuncLit, list *ast.FieldList) bool {
	f := m.fi.named(lit)
	if f == nil || list != lit.Type.Params {
		return false
	}
	i := 0
	for _, field := range list.List {
		for _, pos := range slotsOf(field) {
			if pos == m.pos {
				for _, call := range f.calls {
					c.source(source{fi: m.fi, expr: call.Args[i], level: m.level, to: pos})
				}
				c.intoLiterals = m.pos
				return true
			}
			i++
		}
	}
	return false
}
