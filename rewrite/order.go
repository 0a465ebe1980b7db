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
//	fmt.Println(user, m)               // user.String changes m
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
		later := r.fi.evaluatedAfter(r.node.(ast.Expr))
		taker, _ := r.fi.parent(r.node).(*ast.CallExpr) // it may ask other operands how they are printed
		if r.kind != useSnapshot || taker != nil && (len(taker.Args) == 1 || ofTestify(r.fi.callee(taker))) {
			taker = nil
		}
		if reaches == nil && (len(later) > 0 || taker != nil) {
			reaches = c.reaching(writes)
		}
		at := token.NoPos
		if taker != nil && reaches(r.fi, taker) {
			at = taker.Pos()
		}
		for _, n := range later {
			if !at.IsValid() {
				at = c.comesBetween(r, n, reaches)
			}
		}
		if at.IsValid() {
			c.refuse("read-too-early", r.node.Pos(), "", "what is called at %s may change the map before %s is read here", c.ix.pos(at), shortExpr(r.node.(ast.Expr)))
		}
	}
}

// ofTestify reports whether a function is one of testify, which looks at what it is given by
// reflection, and formats it only to say that the test fails.
func ofTestify(fn *types.Func) bool {
	return fn != nil && fn.Pkg() != nil && (fn.Pkg().Path() == testify+"assert" || fn.Pkg().Path() == testify+"require")
}

const testify = "github.com/stretchr/testify/"

// comesBetween returns what in n may change the map that r reads.
func (c *class) comesBetween(r *rec, n ast.Node, reaches func(*fileInfo, *ast.CallExpr) bool) (at token.Pos) {
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit: // making it is not running it, but for those that are handed over
			call, ok := r.fi.parent(n).(*ast.CallExpr)
			if ok && slices.ContainsFunc(c.recs, func(w *rec) bool {
				return w.fi == r.fi && w.kind.writes() && n.Pos() <= w.node.Pos() && w.node.End() <= n.End()
			}) {
				at = call.Pos()
			}
			return ok
		case *ast.CallExpr:
			if reaches(r.fi, n) || c.ix.waits(r.fi, n) {
				at = n.Pos()
			}
		}
		if n != nil && waitsForOthers(r.fi, n) { // whoever sends has changed it first
			at = n.Pos()
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

// reaching returns a function that tells whether a call may come to one of some uses: by
// functions that are called by their names, or as values, or as methods of interfaces, in
// libraries, too. What is exported may be in any function value that others hand over.
func (c *class) reaching(uses []*rec) func(*fileInfo, *ast.CallExpr) bool {
	ix := c.ix
	_, callers := ix.callGraph()
	unnamed := ix.unnamedCalls()
	methods := map[string]bool{}
	var start []*ast.FuncDecl
	asValue := false // code that comes to a use is a function value somewhere
	for _, r := range uses {
		start = append(start, r.fi.topLevel(r.node))
		asValue = asValue || r.fi.inValue(r.node)
	}
	if asValue {
		start = append(start, unnamed.values...)
	}
	users := closure(start, len(callers), func(next []*ast.FuncDecl, decl *ast.FuncDecl) []*ast.FuncDecl {
		next = append(append(next, callers[decl]...), unnamed.byDecl[decl]...)
		if decl.Recv != nil && !methods[decl.Name.Name] {
			methods[decl.Name.Name] = true
			next = append(next, unnamed.byName[decl.Name.Name]...)
		}
		if !asValue && (ix.calledAsValue()[decl] || ast.IsExported(decl.Name.Name) && ix.fileAt(decl.Pos()).pkg.Name != "main") {
			asValue = true
			next = append(next, unnamed.values...)
		}
		return next
	})
	return func(fi *fileInfo, call *ast.CallExpr) bool {
		if decl, _ := ix.funcDecl(fi.callee(call)); decl != nil {
			return users[decl]
		}
		var u unnamedCall
		u.add(ix, fi, call)
		return u.calls(users, methods, asValue)
	}
}

// inValue reports whether n is in a function literal that is not called where it stands.
func (fi *fileInfo) inValue(n ast.Node) bool {
	for fn := fi.enclosing(n); fn != nil; fn = fi.enclosing(fn) {
		if lit, ok := fn.(*ast.FuncLit); ok {
			if e, p := fi.outer(lit); p != nil {
				if call, ok := p.(*ast.CallExpr); ok && call.Fun == e {
					continue
				}
			}
			return true
		}
	}
	return false
}

// calledAsValue returns the functions whose names stand for values somewhere, or that are
// called in a literal which is one.
func (ix *index) calledAsValue() map[*ast.FuncDecl]bool {
	if ix.valued != nil {
		return ix.valued
	}
	ix.valued = map[*ast.FuncDecl]bool{}
	for _, fi := range ix.list {
		ast.Inspect(fi.syntax, func(n ast.Node) bool {
			id, ok := n.(*ast.Ident)
			if !ok {
				return true
			}
			fn, _ := fi.pkg.Info.Uses[id].(*types.Func)
			decl, _ := ix.funcDecl(fn)
			if decl == nil {
				return true
			}
			e, p := fi.outer(fi.spelled(id))
			if call, ok := p.(*ast.CallExpr); !ok || call.Fun != e || fi.inValue(call) {
				ix.valued[decl] = true
			}
			return true
		})
	}
	return ix.valued
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
	return closure(start, len(callers), func(next []*ast.FuncDecl, decl *ast.FuncDecl) []*ast.FuncDecl {
		return append(next, callers[decl]...)
	})
}

// closure returns some functions with all that is found from them, which may be so many. It asks
// once for each: find appends to a list.
func closure(start []*ast.FuncDecl, many int, find func([]*ast.FuncDecl, *ast.FuncDecl) []*ast.FuncDecl) map[*ast.FuncDecl]bool {
	all := make(map[*ast.FuncDecl]bool, many)
	for queue := slices.Clone(start); len(queue) > 0; {
		decl := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		if decl == nil || all[decl] {
			continue
		}
		all[decl] = true
		queue = find(queue, decl)
	}
	return all
}

// waits reports whether a call of a function of the program may wait for another goroutine.
func (ix *index) waits(fi *fileInfo, call *ast.CallExpr) bool {
	if ix.waiters == nil {
		ix.waiters = ix.leadingTo(func(fi *fileInfo, decl *ast.FuncDecl) bool { return fi.waitsItself(decl) })
	}
	decl, _ := ix.funcDecl(fi.callee(call))
	return ix.waiters[decl]
}

// leadingTo returns the functions of the program that do something themselves, and all that call them, directly
// or not.
func (ix *index) leadingTo(does func(*fileInfo, *ast.FuncDecl) bool) map[*ast.FuncDecl]bool {
	var start []*ast.FuncDecl
	for _, fi := range ix.list {
		for _, d := range fi.syntax.Decls {
			if decl, ok := d.(*ast.FuncDecl); ok && does(fi, decl) {
				start = append(start, decl)
			}
		}
	}
	return ix.callersOf(start)
}

// waitsItself reports whether a function waits for other goroutines in its own body.
func (fi *fileInfo) waitsItself(decl *ast.FuncDecl) (found bool) {
	ast.Inspect(decl, func(n ast.Node) bool {
		found = found || n != nil && waitsForOthers(fi, n)
		return !found
	})
	return found
}
