// This file asks whether a map in a field belongs to one object only: which lock is the map's is
// not known otherwise.

package rewrite

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"

	"github.com/mapmigrate/mapmigrate/detect"
)

// otherInstances refuses a field that is given the map of another object, be it by way of variables
// and functions, and a struct with the map that is copied.
func (t *taking) otherInstances(decl token.Pos) bool {
	if t.m.Kind != detect.Field {
		return false
	}
	for _, fi := range t.ix.list {
		var at ast.Node
		ast.Inspect(fi.syntax, func(n ast.Node) bool {
			if at == nil && n != nil && t.sharesMap(fi, n, decl) {
				at = n
			}
			return at == nil
		})
		if at != nil {
			t.c.refuse("lock-alias", at.Pos(), "", "%s of one object becomes that of another here: the lock of which guards it?", t.m.Name)
			return true
		}
	}
	return false
}

// sharesMap reports whether a node gives an object the map that another one has.
func (t *taking) sharesMap(fi *fileInfo, n ast.Node, decl token.Pos) bool {
	isMap := func(id *ast.Ident) bool { return slices.Contains(t.ix.uses[decl], id) }
	from := func(x ast.Expr) bool { return t.comesFrom(fi, x, decl, map[token.Pos]bool{}) }
	switch n := n.(type) {
	case *ast.KeyValueExpr:
		if id, ok := n.Key.(*ast.Ident); ok && isMap(id) && from(n.Value) {
			return true
		}
		return t.copiesHolder(fi, n.Value, decl)
	case *ast.AssignStmt:
		for i, lhs := range n.Lhs {
			id := mapVarOf(fi, lhs)
			if id != nil && isMap(id) && from(n.Rhs[min(i, len(n.Rhs)-1)]) {
				return true
			}
			blank, ok := lhs.(*ast.Ident)
			if len(n.Lhs) == len(n.Rhs) && !(ok && blank.Name == "_") && t.copiesHolder(fi, n.Rhs[i], decl) {
				return true
			}
		}
	case *ast.CompositeLit:
		st, ok := fi.pkg.Info.TypeOf(n).Underlying().(*types.Struct)
		for i, e := range n.Elts {
			if _, keyed := e.(*ast.KeyValueExpr); !keyed && (ok && st.Field(i).Pos() == decl && from(e) || t.copiesHolder(fi, e, decl)) {
				return true
			}
		}
	case *ast.RangeStmt:
		return n.Value != nil && hasField(fi.pkg.Info.TypeOf(n.Value), decl)
	case *ast.ValueSpec:
		return slices.ContainsFunc(n.Values, func(x ast.Expr) bool { return t.copiesHolder(fi, x, decl) })
	case *ast.CallExpr:
		return slices.ContainsFunc(n.Args, func(x ast.Expr) bool { return t.copiesHolder(fi, x, decl) })
	case *ast.ReturnStmt:
		return slices.ContainsFunc(n.Results, func(x ast.Expr) bool { return t.copiesHolder(fi, x, decl) })
	}
	return false
}

// comesFrom reports whether x may be the map of some object: it is fetched from the field there, or
// from what was given that.
func (t *taking) comesFrom(fi *fileInfo, x ast.Expr, decl token.Pos, seen map[token.Pos]bool) bool {
	x = ast.Unparen(x)
	if t.isVar(fi, x, decl) {
		return true
	}
	switch x := x.(type) {
	case *ast.CallExpr:
		if fi.isConversion(x) {
			return t.comesFrom(fi, x.Args[0], decl, seen)
		}
		fn, home := t.ix.funcDecl(fi.callee(x))
		if fn == nil || fn.Body == nil || seen[fn.Pos()] {
			return false
		}
		seen[fn.Pos()] = true
		found := false
		ast.Inspect(fn.Body, func(n ast.Node) bool {
			if ret, ok := n.(*ast.ReturnStmt); ok {
				found = found || slices.ContainsFunc(ret.Results, func(r ast.Expr) bool { return home.isMap(r) && t.comesFrom(home, r, decl, seen) })
			}
			return !found
		})
		return found
	case *ast.Ident, *ast.SelectorExpr:
		v, ok := fi.object(mapVarOf(fi, x)).(*types.Var)
		return ok && !seen[v.Pos()] && t.givenMap(v, decl, seen)
	}
	return false
}

// givenMap reports whether a variable, field or parameter may be given the map of some object.
func (t *taking) givenMap(v *types.Var, decl token.Pos, seen map[token.Pos]bool) bool {
	seen[v.Pos()] = true
	home := t.ix.fileAt(v.Pos())
	if home == nil {
		return false
	}
	ids := slices.Clone(t.ix.uses[v.Pos()])
	if id := definition(home, v); id != nil {
		ids = append(ids, id)
	}
	for _, id := range ids {
		fi := t.ix.fileAt(id.Pos())
		x := fi.spelled(id)
		var value ast.Expr
		switch p := fi.parent(x).(type) {
		case *ast.KeyValueExpr:
			if p.Key == x {
				value = p.Value
			}
		case *ast.AssignStmt:
			if i := slices.Index(p.Lhs, x); i >= 0 {
				value = p.Rhs[min(i, len(p.Rhs)-1)]
			}
		case *ast.ValueSpec:
			if i := slices.Index(p.Names, id); i >= 0 && len(p.Values) > 0 {
				value = p.Values[min(i, len(p.Values)-1)]
			}
		}
		if value != nil && t.comesFrom(fi, value, decl, seen) {
			return true
		}
	}
	return isParam(home, v) && t.passedMap(home, v, decl, seen)
}

// passedMap reports whether some call passes the map of an object as a parameter.
func (t *taking) passedMap(home *fileInfo, v *types.Var, decl token.Pos, seen map[token.Pos]bool) bool {
	fn, ok := home.enclosing(definition(home, v)).(*ast.FuncDecl)
	if !ok {
		return true // of a literal: who calls it is not seen
	}
	i := names(home, fn.Type.Params, v)
	obj, ok := home.pkg.Info.Defs[fn.Name].(*types.Func)
	if i < 0 || !ok || fn.Recv != nil && t.ix.asked(obj) || t.isValue(obj) {
		return i >= 0
	}
	return slices.ContainsFunc(t.ix.usesOf(obj), func(id *ast.Ident) bool {
		fi := t.ix.fileAt(id.Pos())
		call, ok := fi.parent(fi.spelled(id)).(*ast.CallExpr)
		return ok && i < len(call.Args) && t.comesFrom(fi, call.Args[i], decl, seen)
	})
}

// copiesHolder reports whether x is a copy of a struct that has the map in it: both have the map
// then, and if the lock is in it, too, each has a lock.
func (t *taking) copiesHolder(fi *fileInfo, x ast.Expr, decl token.Pos) bool {
	switch ast.Unparen(x).(type) {
	case *ast.Ident, *ast.SelectorExpr, *ast.StarExpr, *ast.IndexExpr:
		return fi.pkg.Info.Types[x].IsValue() && hasField(fi.pkg.Info.TypeOf(x), decl)
	}
	return false
}

// hasField reports whether values of type t have a field in them.
func hasField(t types.Type, field token.Pos) bool {
	if t == nil {
		return false
	}
	switch u := t.Underlying().(type) {
	case *types.Array:
		return hasField(u.Elem(), field)
	case *types.Struct:
		for f := range u.Fields() {
			if f.Pos() == field || hasField(f.Type(), field) {
				return true
			}
		}
	}
	return false
}
