// This file refuses what would be several steps of a shared map, within one
// function; steps.go does so across functions.

package rewrite

import (
	"go/ast"
	"go/types"
	"slices"
	"strings"
)

// checkAtomicity refuses what would be several steps of a map that goroutines
// share without one lock: a read whose answer a later write of the same
// function may depend on.
//
//	if len(m) < limit { m[k] = v }     // two steps: another goroutine may store between them
//
// Under an existing lock the steps stay one, because the lock stays; a map that
// is not shared has nobody to interleave with.
func (c *class) checkAtomicity() { c.checkPairs(false) }

// checkStatements refuses what would be several steps of one statement.
//
//	m[len(m)] = v
func (c *class) checkStatements() { c.checkPairs(true) }

// checkPairs looks at reads and writes of one function, or only of one statement.
func (c *class) checkPairs(statements bool) {
	type span struct{ reads, writes []*rec }
	spans := map[ast.Node]*span{}
	var order []ast.Node
	for _, r := range append(slices.Clone(c.recs), c.replacing()...) {
		if r.skip || r.merged {
			continue
		}
		fn := c.runsIn(r.fi, r.node)
		if fn == nil {
			continue
		}
		s := spans[fn]
		if s == nil {
			s = &span{}
			spans[fn] = s
			order = append(order, fn)
		}
		if r.kind.reads() || r.kind == useNil && (r.row || r.leaf) {
			s.reads = append(s.reads, r)
		}
		if r.kind.writes() && r.kind != useReplace {
			s.writes = append(s.writes, r)
		}
	}
	slices.SortFunc(order, func(a, b ast.Node) int { return int(a.Pos() - b.Pos()) })
	for _, fn := range order {
		for _, w := range spans[fn].writes {
			for _, r := range spans[fn].reads {
				if why := c.apartSteps(r, w, statements); why != "" {
					c.refuse("two-steps", w.node.Pos(),
						"take one lock around both steps, or write them as one operation (get-or-create, LoadAndDelete, a counter)",
						"%s at %s are two steps: another goroutine can change the map between them", why, c.ix.pos(r.node.Pos()))
					break
				}
			}
		}
	}
}

// apartSteps says which two steps of one function a read and a write are, "" if it does
// not matter.
func (c *class) apartSteps(r, w *rec, statements bool) string {
	inside := !w.apart && w.node.Pos() <= r.node.Pos() && r.node.End() <= w.node.End() || feeds(r, w)
	if r.node == w.node || statements && !inside || c.guarding().together(r, w) || r.fetches && w.leaf {
		return ""
	}
	deferred := c.deferred(r.fi, w.node)
	if !c.leavesNoTrace(r, w) && (r.node.Pos() < w.node.Pos() || inside || commonLoop(r, w) || deferred && !c.deferred(r.fi, r.node)) {
		return "the write here and the read"
	}
	return ""
}

// feeds reports whether a literal that is called where it stands writes, and gets what is read.
//
//	func(n int) { m[k] = n + 1 }(m[k])
func feeds(r, w *rec) bool {
	if r.fi != w.fi {
		return false
	}
	for n := r.fi.parent(r.node); n != nil; n = r.fi.parent(n) {
		if call, ok := n.(*ast.CallExpr); ok && call.Fun.Pos() <= w.node.Pos() && w.node.End() <= call.Fun.End() {
			return true
		}
	}
	return false
}

// replacing returns the assignments that the value form makes calls, as the writes that
// they are then.
func (c *class) replacing() (writes []*rec) {
	for _, m := range c.replaced {
		if m.stmt != nil {
			writes = append(writes, &rec{fi: m.fi, kind: useClear, node: m.stmt, base: m.call.base})
		}
	}
	return writes
}

// runsIn returns the function that n runs as a part of: not a literal that is called where
// it stands, deferred, or handed to a function that only calls it before it returns.
func (c *class) runsIn(fi *fileInfo, n ast.Node) ast.Node {
	fn := fi.enclosing(n)
	for {
		lit, ok := fn.(*ast.FuncLit)
		if !ok {
			return fn
		}
		e, p := fi.outer(lit)
		call, ok := p.(*ast.CallExpr)
		if !ok || call.Fun != e && !c.runsNow(fi, lit, map[types.Object]bool{}) {
			return fn
		}
		if _, ok := fi.parent(call).(*ast.GoStmt); ok {
			return fn
		}
		fn = fi.enclosing(call)
	}
}

// deferred reports whether n is run by a defer statement of the function that it runs in.
func (c *class) deferred(fi *fileInfo, n ast.Node) bool {
	fn := c.runsIn(fi, n)
	for ; n != nil && n != fn; n = fi.parent(n) {
		if _, ok := n.(*ast.DeferStmt); ok {
			return true
		}
	}
	return false
}

// leavesNoTrace reports whether no later write of its function can depend on a read: it
// is printed, or returned by a statement that does not write.
func (c *class) leavesNoTrace(r, w *rec) bool {
	if s, ok := r.fi.statementOf(r.node).(*ast.ReturnStmt); ok {
		fn := r.fi.enclosing(r.node)
		return !hasDefer(fn) && fn == c.runsIn(r.fi, r.node) && !(w.fi == r.fi && s.Pos() <= w.node.Pos() && w.node.End() <= s.End())
	}
	return printed(r)
}

// printed reports whether what is read is printed, and nothing else.
func printed(r *rec) bool {
	s, ok := r.fi.statementOf(r.node).(*ast.ExprStmt)
	if !ok {
		return false
	}
	call, ok := s.X.(*ast.CallExpr)
	return ok && r.fi.prints(call)
}

// statementOf returns the statement that an expression is a part of, nil for none in its
// function.
func (fi *fileInfo) statementOf(n ast.Node) ast.Stmt {
	for n = fi.parent(n); n != nil; n = fi.parent(n) {
		switch n := n.(type) {
		case ast.Stmt:
			return n
		case *ast.FuncLit:
			return nil
		}
	}
	return nil
}

// prints reports whether a call only prints: to where the program does not read it again.
func (fi *fileInfo) prints(call *ast.CallExpr) bool {
	fn := fi.callee(call)
	if fn == nil || fn.Pkg() == nil {
		return false
	}
	switch fn.Pkg().Path() {
	case "log", "log/slog":
		return true
	case "fmt":
		if !strings.HasPrefix(fn.Name(), "Fprint") {
			return strings.HasPrefix(fn.Name(), "Print")
		}
		to := types.TypeString(fi.pkg.Info.TypeOf(call.Args[0]), nil)
		return to == "net/http.ResponseWriter" || to == "*os.File"
	}
	return false
}

func hasDefer(fn ast.Node) (found bool) {
	ast.Inspect(fn, func(n ast.Node) bool {
		_, ok := n.(*ast.DeferStmt)
		found = found || ok
		return !found
	})
	return found
}

func commonLoop(a, b *rec) bool {
	return a.fi == b.fi && sharedLoop(a.fi, a.node, b.node)
}

// sharedLoop reports whether two nodes lie in one loop of the function around the first.
func sharedLoop(fi *fileInfo, a, b ast.Node) bool {
	for n := fi.parent(a); n != nil; n = fi.parent(n) {
		switch n.(type) {
		case *ast.ForStmt, *ast.RangeStmt:
			if n.Pos() <= b.Pos() && b.End() <= n.End() {
				return true
			}
		case *ast.FuncDecl, *ast.FuncLit:
			return false
		}
	}
	return false
}
