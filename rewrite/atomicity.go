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
	for _, r := range c.recs {
		if r.skip || r.merged {
			continue
		}
		fn := r.fi.enclosing(r.node)
		if fn == nil {
			continue
		}
		s := spans[fn]
		if s == nil {
			s = &span{}
			spans[fn] = s
			order = append(order, fn)
		}
		if r.kind.reads() || r.kind == useNil && r.row {
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
				inside := !w.apart && w.node.Pos() <= r.node.Pos() && r.node.End() <= w.node.End()
				if c.guarding().together(r, w) || leavesNoTrace(r) {
					continue
				}
				if statements && !inside {
					continue
				}
				if r.node != w.node && (r.node.Pos() < w.node.Pos() || inside || commonLoop(r, w)) {
					c.refuse("two-steps", w.node.Pos(),
						"take one lock around both steps, or write them as one operation (get-or-create, LoadAndDelete, a counter)",
						"the write here and the read at %s are two steps: another goroutine can change the map between them", c.ix.pos(r.node.Pos()))
					break
				}
			}
		}
	}
}

// leavesNoTrace reports whether nothing later in its function can depend on a read: it
// is printed, or returned.
func leavesNoTrace(r *rec) bool {
	for n := r.fi.parent(r.node); n != nil; n = r.fi.parent(n) {
		switch n := n.(type) {
		case *ast.ReturnStmt:
			return !hasDefer(r.fi.enclosing(r.node))
		case *ast.ExprStmt:
			call, ok := n.X.(*ast.CallExpr)
			if !ok {
				return false
			}
			return r.fi.prints(call)
		case ast.Stmt, *ast.FuncLit:
			return false
		}
	}
	return false
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
	if a.fi != b.fi {
		return false
	}
	for n := a.fi.parent(a.node); n != nil; n = a.fi.parent(n) {
		switch n.(type) {
		case *ast.ForStmt, *ast.RangeStmt:
			if n.Pos() <= b.node.Pos() && b.node.End() <= n.End() {
				return true
			}
		case *ast.FuncDecl, *ast.FuncLit:
			return false
		}
	}
	return false
}
