// This file lets a function hand out a copy of its map, where its signature has to stay.

package rewrite

import (
	"go/ast"
	"go/types"
	"slices"

	"github.com/mapmigrate/mapmigrate/detect"
	"github.com/mapmigrate/mapmigrate/plans"
)

// A handOut is a map that leaves its function for good:
//
//	func (s *store) Totals() map[string]int {   // an interface asks for it
//		sum := make(map[string]int)
//		…
//		return sum                              // → return sum.Snapshot()
//	}
//
// The copy cannot be told from the map if nobody has the map any more once the function
// has returned: it was made in the function (or in what that called), is in no variable
// that lives on, no goroutine, closure or deferred call has it, and nothing that is
// returned beside it looks at it.
type handOut struct {
	fi  *fileInfo
	ret *ast.ReturnStmt
	e   ast.Expr
	v   *types.Var
}

// handsOver handles a returned variable of a function whose signature stays. It reports
// false where the result is to change type, as usual.
func (c *class) handsOver(fi *fileInfo, p *ast.ReturnStmt, e ast.Expr, pl place) bool {
	if !c.copies || len(pl.keys) > 0 || pl.row || c.named != nil {
		return false
	}
	id, ok := ast.Unparen(e).(*ast.Ident)
	if !ok {
		return false
	}
	v, ok := fi.object(id).(*types.Var)
	if !ok || !c.signatureStays(fi, p, slices.Index(p.Results, e)) {
		return false
	}
	c.record(&rec{fi: fi, kind: useSnapshot, node: e, base: pl.base})
	c.handed = append(c.handed, handOut{fi, p, e, v})
	c.note("%s: the map is copied when it is returned, O(n) a call, because the signature has to stay", c.ix.pos(e.Pos()))
	return true
}

// signatureStays reports whether the i-th result of the function around p has to keep
// its type: it is no map, code outside the module may call the function, an interface
// asks for it, or it is a literal.
func (c *class) signatureStays(fi *fileInfo, p *ast.ReturnStmt, i int) bool {
	decl, ok := fi.enclosing(p).(*ast.FuncDecl)
	if !ok {
		return true
	}
	fn, ok := fi.pkg.Info.Defs[decl.Name].(*types.Func)
	if !ok || fn.Signature().Results().Len() != len(p.Results) {
		return false
	}
	if _, isMap := fn.Signature().Results().At(i).Type().(*types.Map); !isMap {
		return true
	}
	return decl.Recv != nil && c.ix.asked(fn) || !c.apiMayChange && c.ix.api()[decl.Name.Pos()]
}

// forGood reports whether the maps that are handed out have left their functions for good.
func (c *class) forGood() bool {
	if c.livesOn {
		return false
	}
	for _, m := range c.order {
		if m.kind == packageVar || m.kind == structField || !c.closuresDone(m) {
			return false
		}
	}
	for _, h := range c.handed {
		fn := h.fi.enclosing(h.ret)
		for _, m := range c.order {
			if m.kind != localVar && m.fi == h.fi && fn.Pos() <= m.pos && m.pos < bodyOf(fn).Pos() {
				return false // the caller has the map, too
			}
		}
		if body := bodyOf(fn); h.v.Pos() < body.Pos() || body.End() <= h.v.Pos() {
			return false
		}
		for _, other := range h.ret.Results {
			if other != h.e && c.looksAt(h.fi, other) {
				return false
			}
		}
	}
	return true
}

// closuresDone reports whether no closure that uses a variable lives longer than the
// function that declares it.
func (c *class) closuresDone(m *member) bool {
	decl := m.fi.enclosing(m.fi.enclosingPath(m.pos)[0])
	return !slices.ContainsFunc(c.ix.uses[m.pos], func(id *ast.Ident) bool {
		fi := c.ix.fileAt(id.Pos())
		for fn := fi.enclosing(id); fn != decl; fn = fi.enclosing(fn) {
			lit, ok := fn.(*ast.FuncLit)
			if !ok || !c.runsNow(fi, lit, map[types.Object]bool{}) {
				return true
			}
		}
		return false
	})
}

// runsNow reports whether a literal has run for the last time when the statement that
// it is in is done, or the statement that waits for it: it is an argument of a function
// that only calls it, or hands it to one that does.
//
//	s.index.Each(func(k string, n int) { sum[k] += n })
func (c *class) runsNow(fi *fileInfo, lit *ast.FuncLit, seen map[types.Object]bool) bool {
	e, p := fi.outer(lit)
	call, ok := p.(*ast.CallExpr)
	if !ok {
		f := fi.named(lit)
		return f != nil && !slices.ContainsFunc(f.calls, func(call *ast.CallExpr) bool { return !c.callsNow(fi, call, fi.enclosing(lit), seen) })
	}
	switch s := fi.parent(call).(type) {
	case *ast.GoStmt:
		return call.Fun == e && awaited(fi, s, s, lit)
	case *ast.DeferStmt:
		return false
	}
	if call.Fun == e {
		return true
	}
	if sel, ok := call.Fun.(*ast.SelectorExpr); ok && sel.Sel.Name == "Go" {
		if s, ok := fi.parent(call).(*ast.ExprStmt); ok {
			return awaited(fi, s, sel.X, nil)
		}
	}
	return c.onlyCalls(fi, call, slices.Index(call.Args, e), seen)
}

// callsNow reports whether a call is made before the function decl around it is left.
func (c *class) callsNow(fi *fileInfo, call *ast.CallExpr, decl ast.Node, seen map[types.Object]bool) bool {
	switch fi.parent(call).(type) {
	case *ast.GoStmt, *ast.DeferStmt:
		return false
	}
	for fn := fi.enclosing(call); fn != decl; fn = fi.enclosing(fn) {
		if lit, ok := fn.(*ast.FuncLit); !ok || !c.runsNow(fi, lit, seen) {
			return false
		}
	}
	return true
}

// onlyCalls reports whether the callee of a call does no more with its i-th argument, a
// function, than call it before it returns.
func (c *class) onlyCalls(fi *fileInfo, call *ast.CallExpr, i int, seen map[types.Object]bool) bool {
	fn := fi.callee(call)
	if fn == nil || i < 0 || call.Ellipsis.IsValid() {
		return false
	}
	decl, home := c.ix.funcDecl(fn.Origin())
	if decl == nil {
		return fn.Pkg() != nil && slices.Contains(callers, fn.FullName())
	}
	if decl.Body == nil || i >= decl.Type.Params.NumFields() || fn.Signature().Variadic() && i >= fn.Signature().Params().Len()-1 {
		return false
	}
	param := fn.Origin().Signature().Params().At(i)
	if seen[param] {
		return true // what is asked already
	}
	seen[param] = true
	only := true
	ast.Inspect(decl.Body, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && home.object(id) == param {
			only = only && c.callsOnly(home, decl, id, seen)
		}
		return only
	})
	return only
}

// callsOnly reports whether one mention of a function's parameter calls it, hands it to
// a function that only calls it, or compares it with nil.
func (c *class) callsOnly(fi *fileInfo, decl *ast.FuncDecl, id *ast.Ident, seen map[types.Object]bool) bool {
	for fn := fi.enclosing(id); fn != ast.Node(decl); fn = fi.enclosing(fn) {
		if lit, ok := fn.(*ast.FuncLit); !ok || !c.runsNow(fi, lit, seen) {
			return false
		}
	}
	use, p := fi.outer(id)
	switch p := p.(type) {
	case *ast.CallExpr:
		switch fi.parent(p).(type) {
		case *ast.GoStmt, *ast.DeferStmt:
			return false
		}
		return p.Fun == use || c.onlyCalls(fi, p, slices.Index(p.Args, use), seen)
	case *ast.BinaryExpr:
		return fi.isNil(p.X) || fi.isNil(p.Y)
	}
	return false
}

// callers are functions of the standard library that call what they are given, and are
// done with it when they return.
var callers = []string{
	"path/filepath.Walk", "path/filepath.WalkDir", "io/fs.WalkDir", "go/ast.Inspect", "strings.Map", "strings.FieldsFunc",
	"sort.Slice", "sort.SliceStable", "sort.Search", "slices.SortFunc", "slices.SortStableFunc", "slices.ContainsFunc",
	"slices.IndexFunc", "slices.DeleteFunc", "slices.BinarySearchFunc", "maps.DeleteFunc", "(*sync.Map).Range", "(*sync.Once).Do",
}

// awaited reports whether the function that starts a goroutine waits for all of them in
// a statement of its own body, behind the start: on the group that starts it, or that it
// tells as its last deed.
func awaited(fi *fileInfo, start ast.Stmt, group ast.Node, lit *ast.FuncLit) bool {
	body := bodyOf(fi.enclosing(start))
	for _, s := range body.List {
		if s.Pos() < start.End() {
			continue
		}
		x := waits(s)
		if x == nil || !fi.waitsForAll(x) || lit == nil && !fi.same(x, group.(ast.Expr)) || lit != nil && !tells(fi, lit, x) {
			continue
		}
		return !returnsBetween(body, start, s)
	}
	return false
}

// waitsForAll reports whether the Wait of a value waits for all that it has started or
// that has been added to it.
func (fi *fileInfo) waitsForAll(x ast.Expr) bool {
	t := fi.pkg.Info.TypeOf(x)
	if ptr, ok := t.(*types.Pointer); ok {
		t = ptr.Elem()
	}
	name := types.TypeString(t, nil)
	return name == "sync.WaitGroup" || name == "golang.org/x/sync/errgroup.Group"
}

// waits returns X of the statements X.Wait(), err := X.Wait() and if err := X.Wait(); ….
func waits(s ast.Stmt) (group ast.Expr) {
	switch p := s.(type) {
	case *ast.IfStmt:
		if p.Init == nil {
			return nil
		}
		s = p.Init
	case *ast.ReturnStmt:
		return nil
	}
	var e ast.Expr
	switch s := s.(type) {
	case *ast.ExprStmt:
		e = s.X
	case *ast.AssignStmt:
		e = s.Rhs[0]
	}
	if call, ok := e.(*ast.CallExpr); ok && len(call.Args) == 0 {
		if sel, ok := call.Fun.(*ast.SelectorExpr); ok && sel.Sel.Name == "Wait" {
			return sel.X
		}
	}
	return nil
}

// tells reports whether a literal ends with group.Done(), or defers it first.
func tells(fi *fileInfo, lit *ast.FuncLit, group ast.Expr) bool {
	n := len(lit.Body.List)
	if n == 0 || len(lit.Type.Params.List) > 0 {
		return false
	}
	var call *ast.CallExpr
	if s, ok := lit.Body.List[0].(*ast.DeferStmt); ok {
		call = s.Call
	} else if s, ok := lit.Body.List[n-1].(*ast.ExprStmt); ok {
		call, _ = s.X.(*ast.CallExpr)
	}
	if call == nil {
		return false
	}
	sel, ok := call.Fun.(*ast.SelectorExpr)
	return ok && sel.Sel.Name == "Done" && fi.same(sel.X, group)
}

// returnsBetween reports whether a function may return after a statement has started
// goroutines and before another waits for them.
func returnsBetween(body *ast.BlockStmt, start, wait ast.Stmt) (found bool) {
	first := start.Pos()
	for _, s := range body.List {
		if s.Pos() <= start.Pos() && start.End() <= s.End() {
			first = s.Pos() // in a loop: from its beginning
		}
	}
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.ReturnStmt:
			found = found || first <= n.Pos() && n.Pos() < wait.Pos()
		case *ast.BranchStmt:
			found = found || n.Tok.String() == "goto"
		}
		return true
	})
	return found
}

// looksAt reports whether an expression names a variable of the class.
func (c *class) looksAt(fi *fileInfo, e ast.Expr) (found bool) {
	ast.Inspect(e, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok {
			if obj := fi.object(id); obj != nil && c.members[obj.Pos()] != nil {
				found = true
			}
		}
		return !found
	})
	return found
}

func bodyOf(fn ast.Node) *ast.BlockStmt {
	switch fn := fn.(type) {
	case *ast.FuncDecl:
		return fn.Body
	case *ast.FuncLit:
		return fn.Body
	}
	return nil
}

// staysFor are the refusals that handing out a copy may make unnecessary.
var staysFor = []string{"interface-method", "exported-api", "function-value", "any-conversion", "named-type", "multi-value"}

// withCopies grows the class of a refused site once more, with copies handed out. It
// returns nil if that is no better.
func (r *run) withCopies(s *siteWork) *siteWork {
	if s.maps[0].Kind != detect.Local || !slices.ContainsFunc(s.class.refusals, func(p *plans.Refusal) bool { return slices.Contains(staysFor, p.Code) }) {
		return nil
	}
	again := &siteWork{class: newClass(r.ix, s.class.n), maps: s.maps, strat: s.strat}
	again.class.copies, again.class.apiMayChange = true, r.opts.AllowAPIChange
	if !again.class.start(s.maps[0]) || len(again.class.handed) == 0 || !again.class.forGood() {
		return nil
	}
	if r.decide(again); again.refused() {
		return nil
	}
	return again
}
