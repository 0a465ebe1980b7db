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

// otherOwner refuses a map where an access that is taken for a guarded one holds the lock of another
// object than the one beside the map: detection knows locks by their types where it does not know
// their objects.
//
//	t := n.root(); t.mu.Lock(); n.m[k]++; t.mu.Unlock() // the root's lock guards the tree
func (t *taking) otherOwner(decl token.Pos) bool {
	if t.m.Kind != detect.Field {
		return false
	}
	for _, a := range t.m.Accesses {
		pos := t.ix.at(a.Pos)
		fi := t.ix.fileAt(pos)
		if a.Test || !t.holds(a) || fi == nil || !pos.IsValid() {
			continue
		}
		sp := t.spotAt(fi, pos, decl)
		if sp == nil {
			continue // by another name
		}
		lock := t.lockFor(fi, sp.uses[0])
		if lock == nil {
			continue
		}
		t.guard, t.field = lock.decl, lock.symbol
		if at := t.underAnother(fi, sp.stmt, lock, 4); at != nil {
			t.c.refuse("lock-object", at.Pos(), "", "here the %s of another object is held where %s uses %s: which of them guards it?", t.m.Guard, a.Func, t.m.Name)
			return true
		}
	}
	return false
}

// underAnother returns where a function, or one that calls it, takes the guard of another object
// than lock's, and never that.
func (t *taking) underAnother(fi *fileInfo, at ast.Node, lock *lockExpr, depth int) ast.Node {
	decl := fi.topLevel(at)
	if decl == nil || decl.Body == nil || depth == 0 {
		return nil
	}
	switch own, other := t.taken(fi, decl, lock); {
	case own:
		return nil
	case other != nil:
		return other
	}
	for call, home := range t.callsOf(fi, decl) {
		outer := t.lockOfCall(home, call, fi, decl, lock)
		if outer != nil {
			if at := t.underAnother(home, call, outer, depth-1); at != nil {
				return at
			}
		} else if caller := home.topLevel(call); caller != nil && caller.Body != nil {
			if _, other := t.taken(home, caller, nil); other != nil {
				return other
			}
		}
	}
	return nil
}

// taken says whether a function takes a lock, and where it takes the guard of something else.
func (t *taking) taken(fi *fileInfo, decl *ast.FuncDecl, lock *lockExpr) (own bool, other ast.Node) {
	ast.Inspect(decl.Body, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || !t.calls(fi, call, "Lock", "RLock", "TryLock", "TryRLock") {
			return true
		}
		sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr)
		if ok && lock != nil && (spell(sel.X) == lock.text || spell(sel.X) == lock.text+"."+lock.symbol.Name()) {
			own = true
		} else if other == nil {
			other = call
		}
		return true
	})
	return own, other
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
