// This file hands out copies: where code keeps a map that it fetched under the lock, and
// only reads it later, without.

package rewrite

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"

	"github.com/mapmigrate/mapmigrate/detect"
)

// A fetched is an expression that takes the map out of its variable.
type fetched struct {
	fi   *fileInfo
	expr ast.Expr
}

// copyOut makes what an access uses a copy, and reports whether that is right: each place
// where the map is taken from its variable on the way to the access holds the lock, and all
// that gets the copy only reads. With --allow-api-change, that holds for other modules, too.
//
//	s.mu.RLock()
//	conns := maps.Clone(s.conns)
//	s.mu.RUnlock()
//	for c := range conns { … }
//
// What is read is then the map as it was when it was taken out. That is what the code could
// count on before: it looked at the map while others changed it.
func (w *outWalk) copyOut(fi *fileInfo, pos token.Pos) bool {
	base := accessedAt(fi, pos)
	return base != nil && !isNested(fi, base) && w.t.hasMaps() && w.copyable(fi, base)
}

// refuse says why an access can have no copy.
func (w *outWalk) refuse(pos token.Pos, a detect.Access) {
	if w.public != nil {
		w.t.c.refuse("exported-api", w.public.Pos(), "", "%s returns the map itself: to code of other modules, a copy might not do", w.public.Name())
		return
	}
	w.t.c.refuse("lock-alias", pos, "", "%s uses %s by another name, or hands it out, and a copy would not do: it is changed there, is fetched without the lock, or who gets it is not known", a.Func, w.t.m.Name)
}

// together returns where the map of an access is taken from its variable, if that is in the
// same function: then all of it can be put under the lock.
//
//	m := s.m
//	for k := range m { … }
func (w *outWalk) together(fi *fileInfo, pos, decl token.Pos) (loads []*spot) {
	base := accessedAt(fi, pos)
	if base == nil || mapVarOf(fi, base) == nil || w.t.isVar(fi, base, decl) {
		return nil
	}
	w.loads, w.seen = nil, map[token.Pos]bool{}
	if !w.back(fi, base) {
		return nil
	}
	for _, l := range w.loads {
		sp := w.t.spotAt(l.fi, l.expr.Pos(), decl)
		if sp == nil || l.fi != fi || fi.enclosing(l.expr) != fi.enclosing(base) || w.t.lexicallyHeld(fi, l.expr) {
			return nil
		}
		loads = append(loads, sp)
	}
	return loads
}

// copyable makes copies of all loads that base may come from, if all of them may be copies.
func (w *outWalk) copyable(fi *fileInfo, base ast.Expr) bool {
	if !w.back(fi, base) || len(w.loads) == 0 {
		return false
	}
	for _, l := range w.loads {
		if !w.t.lexicallyHeld(l.fi, l.expr) || !w.reads(l.fi, l.expr) {
			return false
		}
	}
	return !slices.ContainsFunc(w.loads, func(l fetched) bool { return !w.t.copies(l.fi, l.expr) })
}

// copies puts maps.Clone around an expression, once.
func (t *taking) copies(fi *fileInfo, x ast.Expr) bool {
	_, _, ok := steps(fi, x)
	if !ok {
		return false
	}
	for _, o := range t.ops[fi] {
		if o.target() == ast.Node(x) {
			return true
		}
	}
	name := t.importStd(fi, "maps", x)
	t.ops[fi] = append(t.ops[fi], &textOp{t.base(x), name + ".Clone(" + spell(x) + ")"})
	t.c.note("%s is copied at %s, under %s: it takes time and memory in proportion to the map, and what is read is the map as it was then", t.m.Name, t.ix.pos(x.Pos()), t.m.Guard)
	return true
}

// accessedAt returns what the access at a position uses as a map.
func accessedAt(fi *fileInfo, pos token.Pos) ast.Expr {
	for _, n := range fi.enclosingPath(pos) {
		switch n := n.(type) {
		case *ast.IndexExpr:
			if fi.isMap(n.X) {
				return n.X
			}
		case *ast.RangeStmt:
			if fi.isMap(n.X) {
				return n.X
			}
		case *ast.CallExpr:
			if b := fi.builtin(n); (b == "len" || b == "clear" || b == "delete") && fi.isMap(n.Args[0]) {
				return n.Args[0]
			}
			for _, a := range n.Args {
				if fi.isMap(a) {
					return a
				}
			}
		case *ast.ReturnStmt:
			for _, r := range n.Results {
				if fi.isMap(r) {
					return r
				}
			}
			return nil
		case ast.Stmt, *ast.FuncLit, *ast.FuncDecl:
			return nil
		}
	}
	return nil
}

// isNested reports whether the elements of a map are maps: a copy would share them.
func isNested(fi *fileInfo, x ast.Expr) bool {
	m, ok := fi.pkg.Info.TypeOf(x).Underlying().(*types.Map)
	if !ok {
		return true
	}
	switch m.Elem().Underlying().(type) {
	case *types.Map, *types.TypeParam:
		return true
	}
	return false
}

func (t *taking) isVar(fi *fileInfo, x ast.Expr, decl token.Pos) bool {
	id := mapVarOf(fi, x)
	return id != nil && slices.Contains(t.ix.uses[decl], id)
}

// An outWalk follows a map from where it is used back to its variable, and from there to all
// that gets it. Both end because each variable and function is visited once.
type outWalk struct {
	t     *taking
	decl  token.Pos
	loads []fetched
	seen  map[token.Pos]bool // variables and functions followed backwards
	ahead map[token.Pos]bool // … and forwards

	public *types.Func // a function that hands the map to other modules
}

func (t *taking) outWalk(decl token.Pos) *outWalk {
	return &outWalk{t: t, decl: decl, seen: map[token.Pos]bool{}}
}

// back collects the loads that x's value may come from; it reports false where it may come
// from elsewhere.
func (w *outWalk) back(fi *fileInfo, x ast.Expr) bool {
	x = ast.Unparen(x)
	if w.t.isVar(fi, x, w.decl) {
		w.loads = append(w.loads, fetched{fi, x})
		return true
	}
	switch x := x.(type) {
	case *ast.Ident:
		v, ok := fi.object(x).(*types.Var)
		if !ok || v.IsField() || v.Pkg() == nil || v.Parent() == v.Pkg().Scope() {
			return false
		}
		if w.seen[v.Pos()] {
			return true
		}
		w.seen[v.Pos()] = true
		return w.sources(fi, v)
	case *ast.CallExpr:
		fn := fi.callee(x)
		decl, home := w.t.ix.funcDecl(fn)
		if decl == nil || home == nil || decl.Body == nil || fn.Signature().Results().Len() != 1 {
			return false
		}
		if w.seen[decl.Pos()] {
			return true
		}
		w.seen[decl.Pos()] = true
		ok := true
		ast.Inspect(decl.Body, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncLit:
				return false
			case *ast.ReturnStmt:
				ok = ok && len(n.Results) == 1 && (home.isNil(n.Results[0]) || w.back(home, n.Results[0]))
			}
			return ok
		})
		return ok
	}
	return false
}

// sources follows what a local variable is given.
func (w *outWalk) sources(fi *fileInfo, v *types.Var) bool {
	given := false
	for _, id := range append(slices.Clone(w.t.ix.uses[v.Pos()]), definition(fi, v)) {
		if id == nil {
			return false // a parameter, or not found
		}
		switch p := fi.parent(id).(type) {
		case *ast.AssignStmt:
			i := slices.Index(p.Lhs, ast.Expr(id))
			if i < 0 {
				continue
			}
			if len(p.Lhs) != len(p.Rhs) || !w.back(fi, p.Rhs[i]) {
				return false
			}
			given = true
		case *ast.ValueSpec:
			i := slices.Index(p.Names, id)
			if i < 0 {
				continue
			}
			if i < len(p.Values) && len(p.Values) == len(p.Names) {
				if !w.back(fi, p.Values[i]) {
					return false
				}
				given = true
			} else if len(p.Values) > 0 {
				return false
			}
		case *ast.Field: // a parameter or named result
			return false
		}
	}
	return given
}

func definition(fi *fileInfo, v *types.Var) (id *ast.Ident) {
	for _, n := range fi.enclosingPath(v.Pos()) {
		if x, ok := n.(*ast.Ident); ok && x.Pos() == v.Pos() {
			return x
		}
	}
	return nil
}

// reads reports whether all that gets x's value only reads it.
func (w *outWalk) reads(fi *fileInfo, x ast.Expr) bool {
	if w.ahead == nil {
		w.ahead = map[token.Pos]bool{}
	}
	x, parent := fi.outer(x)
	switch p := parent.(type) {
	case *ast.IndexExpr:
		return p.X == x && !changed(fi, p) && !w.t.differs(fi, around(fi, x), true)
	case *ast.RangeStmt:
		return p.X == x && !w.t.differs(fi, p.Body, true)
	case *ast.BinaryExpr:
		return fi.isNil(p.X) || fi.isNil(p.Y)
	case *ast.CallExpr:
		return w.argument(fi, p, x)
	case *ast.AssignStmt:
		i := slices.Index(p.Rhs, x)
		if i < 0 || len(p.Lhs) != len(p.Rhs) {
			return i < 0 && slices.Contains(p.Lhs, x) && p.Tok != token.DEFINE // given another value
		}
		id, ok := p.Lhs[i].(*ast.Ident)
		return ok && w.variable(fi, fi.object(id))
	case *ast.ValueSpec:
		i := slices.Index(p.Values, x)
		return i >= 0 && len(p.Values) == len(p.Names) && w.variable(fi, fi.object(p.Names[i]))
	case *ast.ReturnStmt:
		decl, ok := fi.enclosing(p).(*ast.FuncDecl)
		return ok && len(p.Results) == 1 && w.result(fi, decl)
	}
	return false
}

// changed reports whether an element is assigned, or its address taken.
func changed(fi *fileInfo, e *ast.IndexExpr) bool {
	x, parent := fi.outer(e)
	switch p := parent.(type) {
	case *ast.AssignStmt:
		return slices.Contains(p.Lhs, x)
	case *ast.IncDecStmt:
		return true
	case *ast.UnaryExpr:
		return p.Op == token.AND
	case *ast.RangeStmt:
		return p.X != x
	}
	return false
}

func (w *outWalk) variable(fi *fileInfo, obj types.Object) bool {
	v, ok := obj.(*types.Var)
	if !ok || v.IsField() || v.Pkg() == nil || v.Parent() == v.Pkg().Scope() {
		return false
	}
	if w.ahead[v.Pos()] {
		return true
	}
	w.ahead[v.Pos()] = true
	id := definition(fi, v)
	for _, use := range w.t.ix.uses[v.Pos()] {
		if !w.reads(fi, use) || polls(fi, use) || fi.enclosing(use) != fi.enclosing(id) && fi.inValue(use) {
			return false
		}
	}
	decl := fi.topLevel(id)
	return decl != nil && !w.t.differs(fi, decl, true)
}

// around returns the largest expression that x is a part of, or the statement, where that is
// only expressions: what runs while x's value is used.
func around(fi *fileInfo, x ast.Expr) ast.Node {
	var n ast.Node = x
	for {
		switch p := fi.parent(n).(type) {
		case ast.Expr, *ast.AssignStmt, *ast.ReturnStmt, *ast.ExprStmt, *ast.SendStmt, *ast.IncDecStmt, *ast.ValueSpec:
			n = p
		default:
			return n
		}
	}
}

// polls reports whether a loop may look at a map again and again until it has changed.
func polls(fi *fileInfo, id *ast.Ident) bool {
	var child ast.Node = id
	for n := fi.parent(id); n != nil; child, n = n, fi.parent(n) {
		switch n := n.(type) {
		case *ast.ForStmt:
			if n.Cond == child || !counts(fi, n) {
				return true
			}
		case *ast.FuncDecl, *ast.FuncLit:
			return false
		}
	}
	return false
}

// argument reports whether a call only reads the map that it gets.
func (w *outWalk) argument(fi *fileInfo, call *ast.CallExpr, x ast.Expr) bool {
	i := slices.Index(call.Args, x)
	switch {
	case i < 0:
		return false
	case w.t.differs(fi, around(fi, call), true):
		return false
	case fi.builtin(call) != "":
		return fi.builtin(call) == "len"
	}
	fn := fi.callee(call)
	if fn == nil || fn.Pkg() == nil {
		return false
	}
	if fn.Pkg().Path() == "maps" {
		switch fn.Name() {
		case "Clone", "Equal":
			return true
		case "Copy":
			return i == 1
		case "Keys", "Values", "All":
			return usedUp(fi, call, func(body *ast.BlockStmt) bool { return !w.t.differs(fi, body, true) })
		}
		return false
	}
	decl, home := w.t.ix.funcDecl(fn)
	sig := fn.Signature()
	if decl == nil || home == nil || sig.Variadic() || i >= sig.Params().Len() {
		return false
	}
	return w.variable(home, sig.Params().At(i))
}

// result reports whether all callers of a function only read what it returns.
func (w *outWalk) result(fi *fileInfo, decl *ast.FuncDecl) bool {
	fn, ok := fi.pkg.Info.Defs[decl.Name].(*types.Func)
	if !ok || fn.Signature().Recv() != nil && w.t.ix.asked(fn) {
		return false // callers that are not seen
	}
	if w.t.ix.api()[fn.Pos()] && !w.t.api {
		w.public = fn
		return false
	}
	if w.ahead[fn.Pos()] {
		return true
	}
	w.ahead[fn.Pos()] = true
	for _, id := range w.t.ix.uses[fn.Pos()] {
		home := w.t.ix.fileAt(id.Pos())
		if home == nil {
			return false
		}
		fun := home.spelled(id)
		call, ok := home.parent(fun).(*ast.CallExpr)
		if !ok || call.Fun != fun || !w.reads(home, call) {
			return false
		}
	}
	return true
}

// lexicallyHeld reports whether the map's lock is taken before an expression, in a list of
// statements around it, and not let go of there.
func (t *taking) lexicallyHeld(fi *fileInfo, x ast.Expr) bool {
	id := mapVarOf(fi, x)
	lock := t.lockFor(fi, id)
	if lock == nil {
		return false
	}
	return t.under(fi, x, lock)
}

// under reports the same for a node and a lock.
func (t *taking) under(fi *fileInfo, x ast.Node, lock *lockExpr) bool {
	t.guard, t.field = lock.decl, lock.symbol
	child := x
	for n := fi.parent(x); n != nil; child, n = n, fi.parent(n) {
		switch n.(type) {
		case *ast.FuncDecl, *ast.FuncLit:
			return false
		}
		s, ok := child.(ast.Stmt)
		if !ok {
			continue
		}
		list := stmtsOf(n)
		for _, before := range slices.Backward(list[:max(0, slices.Index(list, s))]) {
			var call *ast.CallExpr
			if e, ok := before.(*ast.ExprStmt); ok {
				call, _ = e.X.(*ast.CallExpr)
			}
			if call == nil {
				unlocks := false
				ast.Inspect(before, func(n ast.Node) bool {
					c, ok := n.(*ast.CallExpr)
					_, deferred := before.(*ast.DeferStmt)
					unlocks = unlocks || ok && !deferred && t.calls(fi, c, "Unlock", "RUnlock", "Lock", "RLock")
					return !unlocks
				})
				if unlocks {
					return false // who knows
				}
				continue
			}
			sel, ok := call.Fun.(*ast.SelectorExpr)
			if !ok || spell(sel.X) != lock.text {
				continue
			}
			switch { // the nearest counts
			case t.calls(fi, call, "Lock", "RLock"):
				return true
			case t.calls(fi, call, "Unlock", "RUnlock"):
				return false
			}
		}
	}
	return false
}
