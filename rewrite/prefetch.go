// This file fetches under the lock what a statement uses that cannot stand under it: an element,
// a length, a copy of the map for a loop.

package rewrite

import (
	"go/ast"
	"go/token"
	"go/types"
	"go/version"
	"slices"
	"strconv"
)

// init moves the init of an if in front of it, under the lock: if v, ok := m[k]; ok { … }.
func (t *taking) init(sp *spot, s *ast.IfStmt, lock *lockExpr, writes bool) bool {
	assign, ok := s.Init.(*ast.AssignStmt)
	if !ok || sp.inner || slices.ContainsFunc(sp.calls, func(c *ast.CallExpr) bool { return c.Pos() < assign.Pos() || c.Pos() >= assign.End() }) || slices.ContainsFunc(sp.uses, func(id *ast.Ident) bool { return id.Pos() < assign.Pos() || id.Pos() >= assign.End() }) {
		return false
	}
	if t.runs(sp.fi, []ast.Stmt{assign}, lock) != nil || t.panics(sp.fi, []ast.Stmt{assign}, 3) != nil || jumpedOver(sp.fi.enclosing(s), s) {
		return false
	}
	if assign.Tok == token.DEFINE && (jumps(sp.fi.enclosing(s)) || !widens(sp.fi, s, assign)) {
		return false
	}
	writes = writes || !onlyReads(sp.fi, []ast.Stmt{assign})
	t.section(s.Pos(), s.Pos()+1)
	t.add(sp.fi, &hoistOp{opBase: t.base(s), Before: []string{lock.take(writes)}, After: []string{lock.leave(writes)}})
	return true
}

// hidesResult reports whether a new variable before a statement would hide a named result from a bare
// return in the statements after it, which does not compile.
func hidesResult(fi *fileInfo, s ast.Stmt, name string, later []ast.Stmt) (bare bool) {
	if !slices.ContainsFunc(namedResults(fi, s), func(id *ast.Ident) bool { return id.Name == name }) {
		return false
	}
	for _, l := range later {
		ast.Inspect(l, func(n ast.Node) bool {
			if ret, ok := n.(*ast.ReturnStmt); ok {
				bare = bare || len(ret.Results) == 0
			}
			_, lit := n.(*ast.FuncLit)
			return !lit && !bare
		})
	}
	return bare
}

// widens reports whether the variables of an if's init may be variables of the list around it
// instead. Names that are used there later would mean the new ones; a variable that is there
// may be used for a new one when nothing looks at it any more.
func widens(fi *fileInfo, s *ast.IfStmt, init *ast.AssignStmt) bool {
	list := stmtsOf(fi.parent(s))
	scope := fi.pkg.Info.Scopes[s].Parent()
	later := list[slices.Index(list, ast.Stmt(s))+1:]
	fresh := false
	for _, lhs := range init.Lhs {
		id, ok := lhs.(*ast.Ident)
		if !ok || id.Name == "_" {
			continue
		}
		there := scope.Lookup(id.Name)
		switch {
		case fi.widened[scope][id.Name]: // by the init of another if
			return false
		case there == nil:
			if hidesResult(fi, s, id.Name, later) {
				return false
			}
			fresh = true
		case !isVariable(there) || !types.Identical(there.Type(), fi.object(id).Type()) || there.Pos() > s.Pos() || inLiteral(fi, there, fi.enclosing(s)),
			there.Pos() < bodyOf(fi.enclosing(s)).Pos(): // a parameter or result: a bare return gives it
			return false
		}
		for _, l := range later {
			found := false
			ast.Inspect(l, func(n ast.Node) bool {
				if x, ok := n.(*ast.Ident); ok && x.Name == id.Name {
					obj := fi.object(x)
					found = found || obj != nil && (obj.Pos() < l.Pos() || obj.Pos() >= l.End()) && !isField(obj)
				}
				return !found
			})
			if found {
				return false
			}
		}
	}
	if fresh {
		if fi.widened == nil {
			fi.widened = map[*types.Scope]map[string]bool{}
		}
		if fi.widened[scope] == nil {
			fi.widened[scope] = map[string]bool{}
		}
		for _, lhs := range init.Lhs {
			if id, ok := lhs.(*ast.Ident); ok {
				fi.widened[scope][id.Name] = true
			}
		}
	}
	return fresh
}

func isField(obj types.Object) bool {
	v, ok := obj.(*types.Var)
	return ok && v.IsField()
}

// inLiteral reports whether a function literal in fn uses a variable of fn, or its address is taken.
func inLiteral(fi *fileInfo, v types.Object, fn ast.Node) (found bool) {
	switch v.Type().Underlying().(type) {
	case *types.Array, *types.Struct: // v[:], v.f.method(): an address that is not written
		return true
	}
	ast.Inspect(fn, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok { // v.method(), of a pointer to v
			if id, ok := ast.Unparen(sel.X).(*ast.Ident); ok && fi.pkg.Info.Uses[id] == v && !isPointer(v.Type()) {
				s := fi.pkg.Info.Selections[sel]
				found = found || s != nil && s.Kind() == types.MethodVal && isPointer(s.Obj().(*types.Func).Signature().Recv().Type())
			}
		}
		if u, ok := n.(*ast.UnaryExpr); ok && u.Op == token.AND {
			if id, ok := ast.Unparen(u.X).(*ast.Ident); ok && fi.pkg.Info.Uses[id] == v {
				found = true
			}
		}
		if id, ok := n.(*ast.Ident); ok && fi.pkg.Info.Uses[id] == v && fi.enclosing(id) != fn {
			found = true
		}
		return !found
	})
	return found
}

// jumps reports whether a function has a goto, which may lead to code in front of it.
func jumps(fn ast.Node) (found bool) {
	ast.Inspect(fn, func(n ast.Node) bool {
		b, ok := n.(*ast.BranchStmt)
		found = found || ok && b.Tok == token.GOTO
		return !found
	})
	return found
}

// copied lets a loop run over a copy of the map.
func (t *taking) copied(sp *spot, s *ast.RangeStmt, lock *lockExpr) bool {
	if sp.inner || len(sp.uses) != 1 || len(sp.calls) > 0 || !sp.fi.isMap(s.X) || isNested(sp.fi, s.X) || !t.hasMaps() {
		return false
	}
	if m, ok := core(sp.fi.pkg.Info.TypeOf(s.X)).(*types.Map); ok && holdsLock(m.Elem()) {
		return false // the copy would have copies of locks
	}
	if t.stale(sp.fi, s) || mapVarOf(sp.fi, s.X) != sp.uses[0] || t.runs(sp.fi, []ast.Stmt{&ast.ExprStmt{X: s.X}}, lock) != nil || jumpedOver(sp.fi.enclosing(s), s) {
		return false
	}
	name := t.importStd(sp.fi, "maps", sp.stmt)
	fresh := sp.fi.localName(s, sp.uses[0].Name, "snapshot")
	t.section(s.Pos(), s.Pos()+1)
	t.add(sp.fi, &hoistOp{opBase: t.base(s), Expr: s.X, Name: fresh, Call: name + ".Clone",
		Before: []string{lock.take(false)}, After: []string{lock.leave(false)}})
	t.c.note("the loop at %s runs over a copy of the map, made under %s: it takes time and memory in proportion to the map, and does not see what changes meanwhile", t.ix.pos(s.Pos()), t.lockName())
	return true
}

// localName returns a name for a new variable before a statement: want, if the function has it
// for fields only, or else something like otherwise.
func (fi *fileInfo) localName(at ast.Stmt, want, otherwise string) string {
	decl := fi.topLevel(at)
	if decl == nil {
		want = fi.fresh(at, otherwise)
		fi.reserve(at, want)
		return want
	}
	free := fi.pkg.Types.Scope().Lookup(want) == nil && !token.IsExported(want) && types.Universe.Lookup(want) == nil
	ast.Inspect(decl, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && id.Name == want {
			sel, ok := fi.parent(id).(*ast.SelectorExpr)
			free = free && ok && sel.Sel == id
		}
		return free
	})
	if !free || fi.given[decl][want] {
		want = fi.fresh(at, otherwise)
	}
	if fi.given == nil {
		fi.given = map[*ast.FuncDecl]map[string]bool{}
	}
	if fi.given[decl] == nil {
		fi.given[decl] = map[string]bool{}
	}
	fi.given[decl][want] = true
	fi.reserve(at, want)
	return want
}

// hasMaps reports whether the module's Go version has the package maps.
func (t *taking) hasMaps() bool {
	v := t.ix.prog.GoVersion
	return v == "" || version.Compare("go"+v, "go1.21") >= 0
}

// importStd makes a file import a package of the standard library, and returns its name there.
func (t *taking) importStd(fi *fileInfo, path string, at ast.Node) string {
	for _, spec := range fi.syntax.Imports {
		if pn := fi.packageOf(spec); spec.Path.Value == strconv.Quote(path) && pn != nil && pn.Name() != "." && pn.Name() != "_" {
			if visibleAt(fi, pn, at.Pos()) {
				return pn.Name()
			}
		}
	}
	imp := fileImport{Path: path}
	name := fi.freshImport(path)
	if name != path {
		imp.Name = name
	}
	t.c.imports[fi] = append(t.c.imports[fi], imp)
	return name
}

// fetch reads the one element, or the length, that a statement uses before it.
//
//	s.mu.RLock()
//	value := s.m[k]
//	s.mu.RUnlock()
//	value.handle(ctx)
func (t *taking) fetch(sp *spot, lock *lockExpr) bool {
	fi := sp.fi
	x, name := t.fetchable(sp, lock)
	if x == nil {
		return false
	}
	fresh := fi.fresh(sp.stmt, name)
	fi.reserve(sp.stmt, fresh)
	t.section(sp.stmt.Pos(), sp.stmt.Pos()+1)
	writes := !onlyReads(fi, []ast.Stmt{&ast.ExprStmt{X: x}})
	t.add(fi, &hoistOp{opBase: t.base(sp.stmt), Expr: x, Name: fresh, Before: []string{lock.take(writes)}, After: []string{lock.leave(writes)}})
	return true
}

// fetchable returns what of a statement can be read before it, and a name for that; nil if there is more.
func (t *taking) fetchable(sp *spot, lock *lockExpr) (x ast.Expr, name string) {
	fi := sp.fi
	if sp.inner || len(sp.uses)+len(sp.calls) != 1 || jumpedOver(fi.enclosing(sp.stmt), sp.stmt) {
		return nil, ""
	}
	name = "result"
	if len(sp.calls) == 1 {
		if t := fi.pkg.Info.TypeOf(sp.calls[0]); t != nil && !isTuple(t) {
			x = sp.calls[0]
		}
	} else {
		x, name = accessOf(fi, sp.uses[0])
	}
	expr := []ast.Stmt{&ast.ExprStmt{X: x}}
	if x == nil || t.runs(fi, expr, lock) != nil || t.panics(fi, expr, 3) != nil || !first(fi, sp.stmt, x) || holdsLock(fi.pkg.Info.TypeOf(x)) {
		return nil, ""
	}
	return x, name
}

// holdsLock reports whether a copy of a value of type t would be a copy of a lock.
func holdsLock(t types.Type) bool {
	switch u := t.Underlying().(type) {
	case *types.Array:
		return holdsLock(u.Elem())
	case *types.Struct:
		if m, _, _ := types.LookupFieldOrMethod(t, true, nil, "Lock"); m != nil {
			return true
		}
		for f := range u.Fields() {
			if holdsLock(f.Type()) {
				return true
			}
		}
	}
	return false
}

// isTuple reports whether t is what a call of several results, or of none, gives.
func isTuple(t types.Type) bool {
	_, ok := t.(*types.Tuple)
	return ok
}

// accessOf returns the expression m[k] or len(m) around what names a map, and a name for its value.
func accessOf(fi *fileInfo, id *ast.Ident) (ast.Expr, string) {
	x := fi.spelled(id)
	x, parent := fi.outer(x)
	switch p := parent.(type) {
	case *ast.IndexExpr:
		if p.X != x || fi.isMap(p) {
			return nil, ""
		}
		if a, ok := fi.parent(p).(*ast.AssignStmt); ok && len(a.Lhs) == 2 && len(a.Rhs) == 1 {
			return nil, ""
		}
		return p, "value"
	case *ast.CallExpr:
		if fi.builtin(p) == "len" {
			return p, "n"
		}
	}
	return nil, ""
}

// first reports whether x may be evaluated before everything else of its statement: nothing
// that comes before it has an effect, and the statement evaluates it once, in any case.
func first(fi *fileInfo, s ast.Stmt, x ast.Expr) bool {
	var child ast.Node = x
	for n := fi.parent(x); n != nil && child != ast.Node(s); child, n = n, fi.parent(n) {
		switch n := n.(type) {
		case *ast.BinaryExpr:
			if (n.Op == token.LAND || n.Op == token.LOR) && n.Y == child {
				return false
			}
		case *ast.IfStmt:
			if n.Cond != child || n.Init != nil || ast.Node(s) != n {
				return false
			}
		case *ast.SwitchStmt:
			if n.Tag != child || n.Init != nil {
				return false
			}
		case *ast.ForStmt, *ast.RangeStmt, *ast.TypeSwitchStmt, *ast.SelectStmt, *ast.CaseClause, *ast.CommClause, *ast.FuncLit, *ast.LabeledStmt:
			return false
		case *ast.UnaryExpr:
			if n.Op == token.AND {
				return false
			}
		case *ast.AssignStmt:
			if slices.Contains(n.Lhs, ast.Expr(x)) {
				return false
			}
		}
	}
	ok := true
	header(s, func(n ast.Node) {
		if n.Pos() >= x.Pos() && n.End() <= x.End() || n.Pos() <= x.Pos() && x.End() <= n.End() {
			return // part of it, or what it is an operand of
		}
		switch n := n.(type) {
		case *ast.CallExpr: // compilers call first, and read then
			if b := fi.builtin(n); !fi.isConversion(n) && b != "len" && b != "cap" {
				ok = false
			}
		case *ast.UnaryExpr:
			ok = ok && n.Op != token.ARROW
		}
	})
	return ok
}
