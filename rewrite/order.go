// This file asks what runs between the moment at which the source reads the map and the
// one at which the call in its place does.

package rewrite

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
)

// checkOrder refuses reads that would come too early. A compiler reads m[k] after all the
// calls of its statement (the language leaves that open), and whoever is given the map
// reads it when all arguments are there; a call reads where it stands.
//
//	total := m["a"] + refresh()        // refresh changes m["a"]
//	fmt.Println(m, refresh(), <-done)
func (c *class) checkOrder() {
	var writes []*rec
	for _, r := range c.recs {
		if r.kind.writes() {
			writes = append(writes, r)
		}
	}
	var reaches func(*fileInfo, *ast.CallExpr) bool
	for _, r := range c.recs {
		if r.skip || r.merged || r.kind != useGet && r.kind != useLen && r.kind != useRow && r.kind != useSnapshot {
			continue
		}
		for _, n := range r.fi.evaluatedAfter(r.node.(ast.Expr)) {
			if reaches == nil {
				reaches = c.reaching(writes)
			}
			if at := c.comesBetween(r, n, reaches); at.IsValid() {
				c.refuse("read-too-early", r.node.Pos(), "", "what is called at %s may change the map before %s is read here", c.ix.pos(at), shortExpr(r.node.(ast.Expr)))
			}
		}
	}
}

// comesBetween returns what in n may change the map that r reads.
func (c *class) comesBetween(r *rec, n ast.Node, reaches func(*fileInfo, *ast.CallExpr) bool) (at token.Pos) {
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit: // making it is not running it
			return false
		case *ast.CallExpr:
			if reaches(r.fi, n) || r.kind == useSnapshot && c.ix.waits(r.fi, n) {
				at = n.Pos()
			}
		case *ast.UnaryExpr: // whoever sends has changed it first
			if n.Op == token.ARROW {
				at = n.Pos()
			}
		}
		return !at.IsValid()
	})
	return at
}

// evaluatedAfter returns what a statement evaluates after e, and before the value of e
// goes anywhere: what stands to its right, up to the call that e is an argument of.
func (fi *fileInfo) evaluatedAfter(e ast.Expr) (later []ast.Node) {
	add := func(list []ast.Expr, from int) {
		for _, x := range list[from:] {
			later = append(later, x)
		}
	}
	after := func(list []ast.Expr, child ast.Node) bool {
		i := slices.IndexFunc(list, func(x ast.Expr) bool { return ast.Node(x) == child })
		if i >= 0 {
			add(list, i+1)
		}
		return i >= 0
	}
	for child, p := ast.Node(e), fi.parent(e); p != nil; child, p = p, fi.parent(p) {
		switch p := p.(type) {
		case *ast.BinaryExpr: // && and || run their right side when the left one is known
			if p.X == child && p.Op != token.LAND && p.Op != token.LOR {
				later = append(later, p.Y)
			}
		case *ast.CallExpr:
			if p.Fun == child {
				add(p.Args, 0)
			}
			after(p.Args, child)
			if fi.builtin(p) == "" && !fi.isConversion(p) {
				return later
			}
		case *ast.IndexExpr:
			if p.X == child {
				later = append(later, p.Index)
			}
		case *ast.SliceExpr:
			for _, x := range []ast.Expr{p.Low, p.High, p.Max} {
				if x != nil && x.Pos() > child.Pos() {
					later = append(later, x)
				}
			}
		case *ast.KeyValueExpr:
			if p.Key == child {
				later = append(later, p.Value)
			}
		case *ast.CompositeLit:
			after(p.Elts, child)
		case *ast.AssignStmt:
			if after(p.Lhs, child) {
				add(p.Rhs, 0)
			}
			after(p.Rhs, child)
		case *ast.ReturnStmt:
			after(p.Results, child)
		case *ast.ValueSpec:
			after(p.Values, child)
		case *ast.SendStmt:
			if p.Chan == child {
				later = append(later, p.Value)
			}
		}
		if _, ok := p.(ast.Stmt); ok {
			return later
		}
	}
	return later
}

// reaching returns a function that tells whether a call may come to one of some uses.
func (c *class) reaching(uses []*rec) func(*fileInfo, *ast.CallExpr) bool {
	var start []*ast.FuncDecl
	for _, r := range uses {
		start = append(start, r.fi.topLevel(r.node))
	}
	users := c.ix.callersOf(start)
	methods := map[string]bool{}
	for decl := range users {
		if decl.Recv != nil {
			methods[decl.Name.Name] = true
		}
	}
	return func(fi *fileInfo, call *ast.CallExpr) bool {
		if fi.isConversion(call) || fi.builtin(call) != "" {
			return false
		}
		fn := fi.callee(call)
		decl, _ := c.ix.funcDecl(fn)
		switch {
		case fn == nil: // a function value
			return true
		case decl != nil:
			return users[decl]
		case fn.Signature().Recv() != nil:
			return types.IsInterface(fn.Signature().Recv().Type()) && methods[fn.Name()]
		}
		return false
	}
}

// mayReach reports whether what a block calls may come to one of some uses.
func (c *class) mayReach(fi *fileInfo, body ast.Node, uses []*rec) (found bool) {
	reaches := c.reaching(uses)
	ast.Inspect(body, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		found = found || ok && reaches(fi, call)
		return !found
	})
	return found
}

// callersOf returns some functions with all that call them, directly or not.
func (ix *index) callersOf(start []*ast.FuncDecl) map[*ast.FuncDecl]bool {
	_, callers := ix.callGraph()
	all := map[*ast.FuncDecl]bool{}
	for len(start) > 0 {
		decl := start[len(start)-1]
		start = start[:len(start)-1]
		if decl == nil || all[decl] {
			continue
		}
		all[decl] = true
		start = append(start, callers[decl]...)
	}
	return all
}

// waits reports whether a call of a function of the program may wait for another goroutine.
func (ix *index) waits(fi *fileInfo, call *ast.CallExpr) bool {
	if ix.waiters == nil {
		var start []*ast.FuncDecl
		for _, fi := range ix.list {
			for _, d := range fi.syntax.Decls {
				if decl, ok := d.(*ast.FuncDecl); ok && fi.waitsItself(decl) {
					start = append(start, decl)
				}
			}
		}
		ix.waiters = ix.callersOf(start)
	}
	decl, _ := ix.funcDecl(fi.callee(call))
	return ix.waiters[decl]
}

// waitsItself reports whether a function receives, or calls a Wait.
func (fi *fileInfo) waitsItself(decl *ast.FuncDecl) (found bool) {
	ast.Inspect(decl, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.UnaryExpr:
			found = found || n.Op == token.ARROW
		case *ast.RangeStmt:
			t := fi.pkg.Info.TypeOf(n.X)
			if t != nil {
				_, ok := t.Underlying().(*types.Chan)
				found = found || ok
			}
		case *ast.CallExpr:
			fn := fi.callee(n)
			found = found || fn != nil && fn.Name() == "Wait"
		}
		return !found
	})
	return found
}
