// This file asks whether a map that is written to may be nil, so that the write panics.

package rewrite

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// writesNil reports whether an assignment to x may write to a map that is nil: one that came out
// of a map, or the map itself if nothing sets it early enough. What the statements themselves make
// on every way to the assignment is there.
func (r *risk) writesNil(x ast.Expr, at ast.Node) bool {
	e, ok := ast.Unparen(x).(*ast.IndexExpr)
	if !ok || !r.fi.isMap(e.X) {
		return false
	}
	return r.doubtful(e.X) && !r.isMade(e.X, at)
}

// mapMayBeNil reports whether the map that gets the lock may be nil at some time.
func (t *taking) mapMayBeNil() bool {
	if t.own != nil && !t.own.field {
		return t.own.mayBe
	}
	if t.unset == 0 {
		t.unset = -1
		at := t.ix.at(t.m.Pos)
		if home := t.ix.fileAt(at); home != nil {
			id, _ := home.enclosingPath(at)[0].(*ast.Ident)
			if v, ok := home.pkg.Info.Defs[id].(*types.Var); ok && t.isUnsetAtTimes(home, v) {
				t.unset = 1
			}
		}
	}
	return t.unset > 0
}

// isUnsetAtTimes reports whether the source shows that a map is nil at times: it is compared with
// nil, or set to it, or made, but not where it is declared, nor by what makes the struct it is in.
//
//	func (s *S) Put(k string) { if s.m == nil { s.m = map[string]int{} }; s.m[k]++ }
//
// A program in which nothing at all makes it does not work without the lock either.
func (t *taking) isUnsetAtTimes(home *fileInfo, m *types.Var) bool {
	x := valueOf(home, m)
	made, later := x != nil && makesMap(home, x), false
	for _, id := range t.ix.usesOf(m) {
		fi := t.ix.fileAt(id.Pos())
		if fi == nil || strings.HasSuffix(fi.abs, "_test.go") {
			continue
		}
		x, parent := fi.outer(fi.spelled(id))
		switch p := parent.(type) {
		case *ast.BinaryExpr:
			if fi.isNil(p.X) || fi.isNil(p.Y) {
				return true
			}
		case *ast.AssignStmt:
			if i := slices.Index(p.Lhs, x); i >= 0 {
				if len(p.Lhs) == len(p.Rhs) && t.showsNil(fi, p.Rhs[i]) {
					return true
				}
				early := t.setsUp(fi, p)
				made, later = made || early, later || !early
			}
		case *ast.KeyValueExpr:
			if p.Key == x {
				if t.showsNil(fi, p.Value) {
					return true
				}
				made = true
			}
		}
	}
	return later && !made && !t.listed(m)
}

// showsNil reports whether the source shows that a value is nil at times: it is nil, or a function
// that gives it gives nil, unless with an error that the caller looks at.
//
//	m, _ := load()
//	s.m = m
func (t *taking) showsNil(fi *fileInfo, x ast.Expr) bool {
	switch x := ast.Unparen(x).(type) {
	case *ast.CallExpr:
		return t.returnsNil(fi, x, 0)
	case *ast.Ident:
		v, ok := fi.object(x).(*types.Var)
		if !ok || v.IsField() || t.ix.fileAt(v.Pos()) != fi {
			return fi.isNil(x)
		}
		at := definition(fi, v)
		for _, id := range append(slices.Clone(t.ix.usesOf(v)), at) {
			if id == nil || t.ix.fileAt(id.Pos()) != fi {
				continue
			}
			a, ok := fi.parent(id).(*ast.AssignStmt)
			if !ok {
				continue
			}
			i := slices.Index(a.Lhs, ast.Expr(id))
			switch {
			case i < 0:
			case len(a.Lhs) == len(a.Rhs):
				call, ok := ast.Unparen(a.Rhs[i]).(*ast.CallExpr)
				if fi.isNil(a.Rhs[i]) || ok && t.returnsNil(fi, call, 0) {
					return true
				}
			case blank(a.Lhs[len(a.Lhs)-1]):
				if call, ok := ast.Unparen(a.Rhs[0]).(*ast.CallExpr); ok && t.returnsNil(fi, call, i) {
					return true
				}
			}
		}
	}
	return false
}

// returnsNil reports whether the i-th result of a call of a function of the module is nil in some
// return statement.
func (t *taking) returnsNil(fi *fileInfo, call *ast.CallExpr, i int) (found bool) {
	decl, home := t.ix.funcDecl(fi.callee(call))
	if decl == nil || decl.Body == nil {
		return false
	}
	ast.Inspect(decl.Body, func(n ast.Node) bool {
		if ret, ok := n.(*ast.ReturnStmt); ok {
			found = found || i < len(ret.Results) && home.isNil(ret.Results[i])
		}
		_, lit := n.(*ast.FuncLit)
		return !lit && !found
	})
	return found
}

// setsUp reports whether a statement is one of a function that makes the holder of the map, or that
// such a function calls: New, say, or main.
func (t *taking) setsUp(fi *fileInfo, s ast.Stmt) bool {
	holder, _ := cutLast(t.m.Key)
	decl := fi.topLevel(s)
	if decl == nil {
		return true
	}
	makes := func(fi *fileInfo, decl *ast.FuncDecl) (found bool) {
		found = decl.Recv == nil && (decl.Name.Name == "init" || decl.Name.Name == "main")
		ast.Inspect(decl, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CompositeLit:
				found = found || keyOf(fi.pkg.Info.TypeOf(n)) == holder
			case *ast.CallExpr:
				found = found || fi.builtin(n) == "new" && keyOf(fi.pkg.Info.TypeOf(n.Args[0])) == holder
			case *ast.ValueSpec:
				found = found || n.Type != nil && keyOf(fi.pkg.Info.TypeOf(n.Type)) == holder
			}
			return !found
		})
		return found
	}
	if !always(fi, decl, s) {
		return false
	}
	if makes(fi, decl) {
		return true
	}
	return slices.ContainsFunc(t.ix.usesOf(fi.pkg.Info.Defs[decl.Name]), func(id *ast.Ident) bool {
		from := t.ix.fileAt(id.Pos())
		if from == nil || strings.HasSuffix(from.abs, "_test.go") {
			return false
		}
		caller := from.topLevel(id)
		return caller != nil && makes(from, caller)
	})
}

// always reports whether a function that gives what it makes has run a statement of it: it is under no
// condition, and what returns before gives nil.
//
//	s := &S{}
//	if !on { return s }
//	s.m = map[string]int{}
func always(fi *fileInfo, decl *ast.FuncDecl, s ast.Stmt) bool {
	i := slices.Index(decl.Body.List, s)
	if i < 0 {
		return false
	}
	early := false
	for _, before := range decl.Body.List[:i] {
		ast.Inspect(before, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.ReturnStmt:
				early = early || len(n.Results) == 0 || !fi.isNil(n.Results[0])
			case *ast.BranchStmt:
				early = early || n.Tok == token.GOTO
			}
			_, lit := n.(*ast.FuncLit)
			return !lit
		})
	}
	return !early
}

// listed reports whether a literal gives a field its value without naming it: S{sync.Mutex{}, m}.
func (t *taking) listed(field *types.Var) (found bool) {
	for _, fi := range t.ix.list {
		ast.Inspect(fi.syntax, func(n ast.Node) bool {
			lit, ok := n.(*ast.CompositeLit)
			if !ok || len(lit.Elts) == 0 || found {
				return !found
			}
			if _, keyed := lit.Elts[0].(*ast.KeyValueExpr); keyed {
				return true
			}
			if s, ok := deref(fi.pkg.Info.TypeOf(lit)).Underlying().(*types.Struct); ok {
				for f := range s.Fields() {
					found = found || f.Origin() == field.Origin()
				}
			}
			return !found
		})
	}
	return found
}

// isMade reports whether a map is certainly not nil where a node uses it, for what the statements at
// hand do on the way there: they make it, or look whether it is there.
//
//	if m[a] == nil { m[a] = map[string]int{} }
//	m[a][b]++ // but not if a has been assigned between the two
func (r *risk) isMade(x ast.Expr, use ast.Node) bool {
	if len(r.list) == 0 || r.callsUnmake(use, x) {
		return false
	}
	if loop, ok := use.(*ast.RangeStmt); ok && r.unmakes(loop.Body, x) {
		return false // for m[k] = range …
	}
	from := r.list[0].Pos() // what is before may be another's lock
	if r.isUnset(x) && r.t.staysMade() {
		from = token.NoPos
	}
	for child, n := use, r.fi.parent(use); n != nil; child, n = n, r.fi.parent(n) {
		if s, ok := child.(ast.Stmt); ok && !holdsClauses(r.fi, n) {
			list := stmtsOf(n)
			for _, before := range slices.Backward(list[:max(0, slices.Index(list, s))]) {
				switch {
				case before.Pos() < from:
					return false
				case r.makes(before, x):
					return true
				case r.unmakes(before, x):
					return false
				}
			}
		}
		if n.Pos() < from {
			return false
		}
		switch n := n.(type) {
		case *ast.FuncLit, *ast.FuncDecl:
			return false
		case *ast.IfStmt:
			if child == n.Body && r.thereIf(n, n.Cond, x) || child == n.Else && r.thereUnless(n, n.Cond, x) {
				return !r.unmakes(n.Cond, x) // m[at] != nil && next()
			}
			if n.Init != nil && r.unmakes(n.Init, x) || r.unmakes(n.Cond, x) {
				return false
			}
		case *ast.ForStmt, *ast.RangeStmt: // what comes later may have run before
			if r.unmakes(n, x) {
				return false
			}
		case *ast.SwitchStmt, *ast.TypeSwitchStmt:
			if slices.ContainsFunc(headOf(n), func(h ast.Node) bool { return r.unmakes(h, x) }) {
				return false
			}
		}
	}
	return false
}

// staysMade reports whether the map is there for good once it is: nothing sets it to what may be nil.
func (t *taking) staysMade() bool {
	return !slices.ContainsFunc(t.ix.uses[t.ix.at(t.m.Pos)], func(id *ast.Ident) bool {
		fi := t.ix.fileAt(id.Pos())
		if fi == nil || strings.HasSuffix(fi.abs, "_test.go") {
			return fi == nil
		}
		x, parent := fi.outer(fi.spelled(id))
		switch p := parent.(type) {
		case *ast.AssignStmt:
			i := slices.Index(p.Lhs, x)
			return i >= 0 && (len(p.Lhs) != len(p.Rhs) || !makesMap(fi, p.Rhs[i]))
		case *ast.RangeStmt:
			return p.X != x
		case *ast.UnaryExpr:
			return p.Op == token.AND
		}
		return false
	})
}

// makes reports whether a map is there wherever a statement has ended by its end.
func (r *risk) makes(s ast.Stmt, x ast.Expr) bool {
	switch s := s.(type) {
	case *ast.AssignStmt:
		if len(s.Lhs) != len(s.Rhs) {
			return false
		}
		for i, lhs := range s.Lhs {
			if r.alike(lhs, x) {
				return r.isNew(s.Rhs[i], s)
			}
		}
	case *ast.DeclStmt:
		decl := s.Decl.(*ast.GenDecl)
		for _, spec := range decl.Specs {
			if v, ok := spec.(*ast.ValueSpec); ok && len(v.Names) == len(v.Values) {
				for i, id := range v.Names {
					if r.alike(id, x) {
						return r.isNew(v.Values[i], s)
					}
				}
			}
		}
	case *ast.BlockStmt:
		return r.makesInTurn(s.List, x)
	case *ast.IfStmt:
		if r.thereUnless(s, s.Cond, x) && (terminates(s.Body) || r.makesInTurn(s.Body.List, x)) {
			return s.Else == nil || !r.unmakes(s.Else, x)
		}
		return s.Else != nil && (terminates(s.Body) || r.makesInTurn(s.Body.List, x)) && (terminates(s.Else) || r.makes(s.Else, x))
	case *ast.SwitchStmt:
		byDefault := false
		for _, c := range s.Body.List {
			c := c.(*ast.CaseClause)
			byDefault = byDefault || c.List == nil
			if !r.makesInTurn(c.Body, x) {
				return false
			}
		}
		return byDefault && !breaksOut(s)
	case *ast.ExprStmt:
		call, ok := s.X.(*ast.CallExpr)
		return ok && r.callMakes(call, x)
	}
	return false
}

// makesInTurn reports whether a map is there at the end of a list of statements.
func (r *risk) makesInTurn(list []ast.Stmt, x ast.Expr) bool {
	made := false
	for _, s := range list {
		switch {
		case r.makes(s, x):
			made = true
		case made && r.unmakes(s, x):
			made = false
		case !made && exits([]ast.Stmt{s}) && !terminates(s):
			if by, ok := s.(*ast.IfStmt); !ok || by.Else != nil || !r.thereIf(by, by.Cond, x) {
				return false
			}
		}
	}
	return made
}

// isNew reports whether a value is a map that is not nil: a new one, or one that has been made before
// the statement that uses it.
func (r *risk) isNew(x ast.Expr, at ast.Stmt) bool {
	if call, ok := ast.Unparen(x).(*ast.CallExpr); ok {
		return !r.doubtful(call) || makesMap(r.fi, x)
	}
	return makesMap(r.fi, x) || r.fi.isMap(x) && r.isMade(x, at)
}

// callMakes reports whether a method of the map's holder, or a function, makes the map:
//
//	s.init()
//	s.m[k]++
func (r *risk) callMakes(call *ast.CallExpr, x ast.Expr) (found bool) {
	decl, home := r.t.ix.funcDecl(r.fi.callee(call))
	if decl == nil || decl.Body == nil || r.depth == 0 {
		return false
	}
	var there ast.Expr // how the function calls it
	ast.Inspect(decl.Body, func(n ast.Node) bool {
		if e, ok := n.(ast.Expr); ok && there == nil && r.means(call, decl, home, e, x) {
			there = e
		}
		return there == nil
	})
	in := &risk{t: r.t, fi: home, list: decl.Body.List, depth: r.depth - 1}
	return there != nil && in.makesInTurn(decl.Body.List, there)
}

// means reports whether an expression of a function means, in a call, what x means for the caller:
// the same variable of a package, or the same field of the receiver.
func (r *risk) means(call *ast.CallExpr, decl *ast.FuncDecl, home *fileInfo, e, x ast.Expr) bool {
	switch x := ast.Unparen(x).(type) {
	case *ast.Ident:
		id, ok := e.(*ast.Ident)
		v, variable := r.fi.object(x).(*types.Var)
		return ok && variable && home.object(id) == v && v.Parent() == v.Pkg().Scope()
	case *ast.SelectorExpr:
		sel, ok := e.(*ast.SelectorExpr)
		method, also := ast.Unparen(call.Fun).(*ast.SelectorExpr)
		if !ok || !also || decl.Recv == nil || len(decl.Recv.List[0].Names) == 0 || !r.fi.same(method.X, x.X) {
			return false
		}
		recv, ok := ast.Unparen(sel.X).(*ast.Ident)
		f, field := r.fi.object(x.Sel).(*types.Var)
		g, too := home.object(sel.Sel).(*types.Var)
		return ok && field && too && f.Origin() == g.Origin() && home.object(recv) == home.pkg.Info.Defs[decl.Recv.List[0].Names[0]]
	}
	return false
}

// thereUnless reports whether a map is there where a condition of an if does not hold.
func (r *risk) thereUnless(s *ast.IfStmt, cond, x ast.Expr) bool {
	switch c := ast.Unparen(cond).(type) {
	case *ast.BinaryExpr:
		if c.Op == token.LOR {
			return r.thereUnless(s, c.X, x) || r.thereUnless(s, c.Y, x)
		}
		return c.Op == token.EQL && r.isEmpty(c, x)
	case *ast.UnaryExpr:
		return c.Op == token.NOT && r.isFound(s, c.X, x)
	}
	return false
}

// thereIf reports whether a map is there where a condition of an if holds.
func (r *risk) thereIf(s *ast.IfStmt, cond, x ast.Expr) bool {
	switch c := ast.Unparen(cond).(type) {
	case *ast.BinaryExpr:
		if c.Op == token.LAND {
			return r.thereIf(s, c.X, x) || r.thereIf(s, c.Y, x)
		}
		return (c.Op == token.NEQ || c.Op == token.GTR) && r.isEmpty(c, x)
	case *ast.Ident:
		return r.isFound(s, c, x)
	}
	return false
}

// isEmpty reports whether a comparison is of a map with nil, or of its length with 0.
func (r *risk) isEmpty(c *ast.BinaryExpr, x ast.Expr) bool {
	switch {
	case r.fi.isNil(c.Y):
		return r.alike(c.X, x)
	case r.fi.isNil(c.X):
		return r.alike(c.Y, x)
	}
	call, ok := ast.Unparen(c.X).(*ast.CallExpr)
	zero := r.fi.pkg.Info.Types[c.Y].Value
	return ok && zero != nil && zero.ExactString() == "0" && r.fi.builtin(call) == "len" && r.alike(call.Args[0], x)
}

// isFound reports whether a variable says that a row is there, in a map none of whose rows is nil:
//
//	row, ok := m[a]
//	if !ok { row = map[string]int{}; m[a] = row }
func (r *risk) isFound(s *ast.IfStmt, ok, x ast.Expr) bool {
	a, _ := s.Init.(*ast.AssignStmt)
	if a == nil {
		if s.Init != nil && r.unmakes(s.Init, x) {
			return false
		}
		a, _ = r.fi.previous(s).(*ast.AssignStmt)
	}
	if a == nil || len(a.Lhs) != 2 || len(a.Rhs) != 1 || !r.alike(a.Lhs[1], ok) {
		return false
	}
	row, indexed := ast.Unparen(a.Rhs[0]).(*ast.IndexExpr)
	if !indexed || !r.fi.isMap(row.X) || !r.alike(row, x) && !r.alike(a.Lhs[0], x) {
		return false
	}
	id := mapVarOf(r.fi, row.X)
	if id == nil {
		return false
	}
	v, variable := r.fi.object(id).(*types.Var)
	return variable && r.t.rowsMade(v)
}

// alike reports whether two expressions mean the same map, or key, if nothing happens in between.
func (r *risk) alike(a, b ast.Expr) bool {
	if r.fi.same(a, b) {
		return true
	}
	x, ok := ast.Unparen(a).(*ast.IndexExpr)
	y, also := ast.Unparen(b).(*ast.IndexExpr)
	if !ok || !also || !r.fi.same(x.X, y.X) {
		return false
	}
	f, ok := ast.Unparen(x.Index).(*ast.CallExpr) // m[strings.ToLower(k)]
	g, also := ast.Unparen(y.Index).(*ast.CallExpr)
	if !ok || !also {
		return false
	}
	fn := r.fi.callee(f)
	return fn != nil && fn == r.fi.callee(g) && fn.Pkg() != nil && sameAgain[fn.Pkg().Path()] && slices.EqualFunc(f.Args, g.Args, r.fi.same)
}

// sameAgain are packages whose functions give the same for the same.
var sameAgain = map[string]bool{"strings": true, "strconv": true, "path": true, "path/filepath": true, "unicode": true}

// unmakes reports whether a map may be nil, or another one, once a node has been evaluated: it, or what
// it is found by, is assigned, or an entry deleted that may be the row.
func (r *risk) unmakes(n ast.Node, x ast.Expr) (found bool) {
	ast.Inspect(n, func(n ast.Node) bool {
		if found || n == nil {
			return false
		}
		switch n := n.(type) {
		case *ast.FuncLit:
			call, ok := r.fi.parent(n).(*ast.CallExpr)
			return ok && call.Fun == ast.Expr(n)
		case *ast.AssignStmt:
			for i, lhs := range n.Lhs {
				var value ast.Expr
				if len(n.Lhs) == len(n.Rhs) {
					value = n.Rhs[i]
				}
				found = found || r.assigns(lhs, value, n, x)
			}
		case *ast.IncDecStmt:
			found = r.assigns(n.X, nil, nil, x)
		case *ast.RangeStmt:
			found = n.Key != nil && r.assigns(n.Key, nil, nil, x) || n.Value != nil && r.assigns(n.Value, nil, nil, x)
		case *ast.CallExpr:
			found = r.callUnmakes(n, x)
		}
		return !found
	})
	return found
}

// assigns reports whether an assignment of a value to lhs may make x nil, or another map.
func (r *risk) assigns(lhs, value ast.Expr, at ast.Stmt, x ast.Expr) bool {
	if r.alike(lhs, x) {
		return value == nil || !r.isNew(value, at)
	}
	if other, ok := ast.Unparen(lhs).(*ast.IndexExpr); ok { // another key, which may be the same
		if row, ok := ast.Unparen(x).(*ast.IndexExpr); ok && r.fi.same(other.X, row.X) {
			return value == nil || !r.isNew(value, at)
		}
	}
	sel, _ := ast.Unparen(lhs).(*ast.SelectorExpr)
	for _, part := range partsOf(x) {
		if r.fi.same(lhs, part) {
			return true
		}
		if p, ok := part.(*ast.SelectorExpr); ok && sel != nil && r.fi.object(p.Sel) == r.fi.object(sel.Sel) {
			return true // d.n, where d is perhaps the c of c.n
		}
	}
	return false
}

// partsOf returns the expressions within x.
func partsOf(x ast.Expr) (parts []ast.Expr) {
	ast.Inspect(x, func(n ast.Node) bool {
		if e, ok := n.(ast.Expr); ok && e != x {
			parts = append(parts, e)
		}
		return true
	})
	return parts
}

// callsUnmake reports whether what a statement calls may make a map nil.
func (r *risk) callsUnmake(use ast.Node, x ast.Expr) (found bool) {
	if _, loop := use.(*ast.RangeStmt); loop {
		return false // its body is looked at
	}
	ast.Inspect(use, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok && !found {
			found = r.callUnmakes(call, x)
		}
		_, lit := n.(*ast.FuncLit)
		return !lit && !found
	})
	return found
}

// callUnmakes reports whether a call may make a map nil, or take a row out of its map.
func (r *risk) callUnmakes(call *ast.CallExpr, x ast.Expr) bool {
	row, isRow := ast.Unparen(x).(*ast.IndexExpr)
	switch r.fi.builtin(call) {
	case "":
	case "delete", "clear":
		return isRow && r.alike(call.Args[0], row.X)
	default:
		return false
	}
	id, local := ast.Unparen(x).(*ast.Ident)
	if v, ok := r.fi.object(id).(*types.Var); local && ok && v.Parent() != v.Pkg().Scope() {
		return false // nobody else has it
	}
	if decl, _ := r.t.ix.funcDecl(r.fi.callee(call)); decl == nil || r.fi.isConversion(call) {
		return false // under a lock, no others are called but those of libraries
	}
	at := r.t.ix.at(r.t.m.Pos)
	if !r.t.isVar(r.fi, rowMap(x), at) {
		return true
	}
	named := r.named(x)
	return r.t.walk(r.fi, call, func(fi *fileInfo, n ast.Node) bool {
		return r.t.takesOut(fi, n, isRow) || assignsAny(fi, n, named)
	})
}

// named returns the variables and fields that x is made of, without the map.
func (r *risk) named(x ast.Expr) map[types.Object]bool {
	out := map[types.Object]bool{}
	ast.Inspect(x, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok {
			if v, ok := r.fi.object(id).(*types.Var); ok && r.t.ix.at(r.t.m.Pos) != v.Pos() {
				out[v] = true
			}
		}
		return true
	})
	return out
}

// assignsAny reports whether a node assigns one of some variables or fields, or takes its address:
//
//	func advance() { cur += "x" } // of m[cur]
func assignsAny(fi *fileInfo, n ast.Node, vars map[types.Object]bool) bool {
	is := func(e ast.Expr) bool {
		switch e := ast.Unparen(e).(type) {
		case *ast.Ident:
			return vars[fi.object(e)]
		case *ast.SelectorExpr:
			return vars[fi.object(e.Sel)]
		}
		return false
	}
	switch n := n.(type) {
	case *ast.AssignStmt:
		return n.Tok != token.DEFINE && slices.ContainsFunc(n.Lhs, is)
	case *ast.IncDecStmt:
		return is(n.X)
	case *ast.UnaryExpr:
		return n.Op == token.AND && is(n.X)
	case *ast.RangeStmt:
		return n.Tok == token.ASSIGN && (n.Key != nil && is(n.Key) || n.Value != nil && is(n.Value))
	}
	return false
}

// takesOut reports whether a node sets the map to what may be nil, or a row, or deletes one.
func (t *taking) takesOut(fi *fileInfo, n ast.Node, rows bool) bool {
	at := t.ix.at(t.m.Pos)
	switch n := n.(type) {
	case *ast.AssignStmt:
		for i, lhs := range n.Lhs {
			if t.isVar(fi, lhs, at) || rows && t.isRowOf(fi, lhs, at) {
				if len(n.Lhs) != len(n.Rhs) || !makesMap(fi, n.Rhs[i]) || rows && t.isVar(fi, lhs, at) {
					return true
				}
			}
		}
	case *ast.CallExpr:
		b := fi.builtin(n)
		return rows && (b == "delete" || b == "clear") && t.isVar(fi, n.Args[0], at)
	}
	return false
}

// rowsMade reports whether no row of a nested map is nil: all that are stored are made there, and
// nobody has the map by another name.
func (t *taking) rowsMade(m *types.Var) bool {
	if made, known := t.madeRows[m.Pos()]; known {
		return made
	}
	if t.madeRows == nil {
		t.madeRows = map[token.Pos]bool{}
	}
	t.madeRows[m.Pos()] = true // while we look
	home := t.ix.fileAt(m.Pos())
	made := home != nil && (valueOf(home, m) == nil || t.hasRows(home, valueOf(home, m)))
	for _, id := range t.ix.usesOf(m) {
		fi := t.ix.fileAt(id.Pos())
		made = made && fi != nil && (strings.HasSuffix(fi.abs, "_test.go") || t.keepsRows(fi, id))
	}
	t.madeRows[m.Pos()] = made
	return made
}

// hasRows reports whether x is a new nested map none of whose rows is nil, or no map.
func (t *taking) hasRows(fi *fileInfo, x ast.Expr) bool {
	if lit, ok := ast.Unparen(x).(*ast.CompositeLit); ok {
		return !slices.ContainsFunc(lit.Elts, func(e ast.Expr) bool {
			kv, ok := e.(*ast.KeyValueExpr)
			return !ok || !makesMap(fi, kv.Value)
		})
	}
	return makesMap(fi, x) || fi.isNil(x)
}

// keepsRows reports whether a use of a nested map stores no row that may be nil, nor hands the map on
// to who may.
func (t *taking) keepsRows(fi *fileInfo, id *ast.Ident) bool {
	x, parent := fi.outer(fi.spelled(id))
	switch p := parent.(type) {
	case *ast.IndexExpr:
		if p.X != x {
			return true
		}
		return t.storesRow(fi, p)
	case *ast.AssignStmt:
		i := slices.Index(p.Lhs, x)
		return i >= 0 && len(p.Lhs) == len(p.Rhs) && t.hasRows(fi, p.Rhs[i])
	case *ast.KeyValueExpr:
		return p.Key != x || t.hasRows(fi, p.Value)
	case *ast.UnaryExpr:
		return p.Op != token.AND
	case *ast.CallExpr:
		decl, _ := t.ix.funcDecl(fi.callee(p))
		return decl == nil
	}
	return true
}

// storesRow reports whether what is assigned to a row, if anything is, is certainly a map.
func (t *taking) storesRow(fi *fileInfo, row *ast.IndexExpr) bool {
	x, parent := fi.outer(row)
	switch p := parent.(type) {
	case *ast.AssignStmt:
		i := slices.Index(p.Lhs, x)
		if i < 0 {
			return true
		}
		fn := fi.enclosing(p)
		if len(p.Lhs) != len(p.Rhs) || fn == nil {
			return false
		}
		in := &risk{t: t, fi: fi, list: bodyOf(fn).List, depth: 1}
		return in.isNew(p.Rhs[i], p)
	case *ast.RangeStmt:
		return p.X == x
	}
	return true
}
