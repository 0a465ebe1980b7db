// This file finds counts that are read again where they were made: two goroutines may
// read the same.

package rewrite

import (
	"go/ast"
	"go/types"
	"slices"
	"strings"
)

// A counted is a step that changes an element by what it was, or one that reads it: a use,
// or a call of a function that does no more than hand its key on.
type counted struct {
	fi     *fileInfo
	node   ast.Node
	rec    *rec
	callee *ast.FuncDecl // nil for a use of the function itself
}

// checkCounts refuses to count and then read the count.
//
//	ids[kind]++
//	return ids[kind]       // another goroutine may have counted in between, and read the same
//
// So is making an element and reading it again, where elements are deleted.
//
//	if m[k] == nil { m[k] = new(conn) }
//	return m[k]            // nil, if it has been deleted since
func (c *class) checkCounts() {
	counts, reads := c.countSteps()
	for _, w := range counts {
		for _, r := range reads {
			if w.leadsTo(r) && !c.guarding().together(r.rec, w.rec) {
				c.refuse("two-steps", w.node.Pos(),
					"return the result of the one operation, or take one lock around both steps",
					"counting here and reading the count at %s are two steps: another goroutine can change the map between them", c.ix.pos(r.node.Pos()))
				break
			}
		}
	}
}

// loses reports whether elements that are in the map may be gone later.
func (c *class) loses() bool {
	return slices.ContainsFunc(c.recs, func(r *rec) bool {
		return r.kind == useDelete || r.kind == useClear || r.kind == useDrain || r.kind == useReplace
	})
}

// countSteps returns the uses that count and those that read, and calls of functions with one.
func (c *class) countSteps() (counts, reads []*counted) {
	removed := c.loses()
	tests := c.guarding().exemptTests()
	for _, r := range c.recs {
		if r.apart || tests && strings.HasSuffix(r.fi.abs, "_test.go") {
			continue // refused already, as callback-calls
		}
		step := &counted{fi: r.fi, node: r.node, rec: r}
		switch {
		case r.kind == useUpdate, removed && r.merged && r.kind == useStore:
			counts = append(counts, step)
			if r.kind == useUpdate && !r.merged {
				counts = append(counts, c.callsOf(step)...)
			}
		case r.skip || r.merged || r.fetches || len(r.keys) == 0 || !r.kind.reads() || printed(r):
		default:
			reads = append(reads, step)
			if decl, ok := r.fi.enclosing(r.node).(*ast.FuncDecl); ok && decl.Type.Results.NumFields() > 0 {
				reads = append(reads, c.callsOf(step)...)
			}
		}
	}
	return counts, reads
}

// callsOf returns the calls of the declared function that a step is in.
func (c *class) callsOf(step *counted) (calls []*counted) {
	decl, ok := step.fi.enclosing(step.node).(*ast.FuncDecl)
	if !ok {
		return nil
	}
	tests := c.guarding().exemptTests()
	sites, callers := c.ix.callGraph()
	for _, caller := range callers[decl] {
		for _, site := range sites[caller] {
			if site.callee == decl && !(tests && strings.HasSuffix(site.fi.abs, "_test.go")) {
				calls = append(calls, &counted{fi: site.fi, node: site.call, rec: step.rec, callee: decl})
			}
		}
	}
	return calls
}

// leadsTo reports whether a step that reads comes after one that counts, in one function,
// and of the same element.
func (w *counted) leadsTo(r *counted) bool {
	if w.fi != r.fi || r.node.Pos() < w.node.End() || w.callee != nil && w.callee == r.callee {
		return false
	}
	fn := runner(w.fi, w.node)
	if fn == nil || fn != runner(r.fi, r.node) || !w.sameElement(r) {
		return false
	}
	a, b := w.fi.stmtAround(w.node), r.fi.stmtAround(r.node)
	return a != nil && b != nil && (a == b || !exclusive(w.fi, a, b) && !w.fi.leftBefore(a, b))
}

// sameElement reports whether the steps are of one element: the keys are spelled alike, be it
// as arguments of calls, and so is what holds the map.
func (w *counted) sameElement(r *counted) bool {
	if w.callee == nil && r.callee == nil {
		return sameElement(r.rec, w.rec)
	}
	a, b := w.args(), r.args()
	if x, y := w.holder(), r.holder(); x != nil && y != nil && !w.fi.same(x, y) {
		return false
	}
	if len(a) == 0 || len(b) == 0 {
		return len(a) == len(b)
	}
	return slices.ContainsFunc(a, func(x ast.Expr) bool {
		return slices.ContainsFunc(b, func(y ast.Expr) bool { return w.fi.same(x, y) })
	})
}

// args returns what may be the key: of a call, all arguments of its type.
func (w *counted) args() (list []ast.Expr) {
	if w.callee == nil {
		return w.rec.keys
	}
	for _, key := range w.rec.keys {
		id, ok := ast.Unparen(key).(*ast.Ident)
		if !ok {
			continue
		}
		obj, _ := w.rec.fi.object(id).(*types.Var)
		i := 0
		for _, field := range w.callee.Type.Params.List {
			for _, name := range field.Names {
				if call := w.node.(*ast.CallExpr); obj != nil && w.rec.fi.object(name) == obj && i < len(call.Args) {
					list = append(list, call.Args[i])
				}
				i++
			}
		}
	}
	return list
}

// holder returns what the map is a field of: the receiver, where the step is in a method.
func (w *counted) holder() ast.Expr {
	x := w.rec.base
	if w.callee != nil {
		x = ast.Unparen(w.node.(*ast.CallExpr).Fun)
	}
	if sel, ok := x.(*ast.SelectorExpr); ok {
		return sel.X
	}
	return nil
}

// stmtAround returns n, if it is a statement, or the one that it is a part of.
func (fi *fileInfo) stmtAround(n ast.Node) ast.Stmt {
	if s, ok := n.(ast.Stmt); ok {
		return s
	}
	return fi.statementOf(n)
}

// leftBefore reports whether the block of a is left, by a return or the like, before b.
func (fi *fileInfo) leftBefore(a, b ast.Stmt) bool {
	for s := ast.Node(a); s != nil && s.Pos() <= a.Pos() && !(s.Pos() <= b.Pos() && b.End() <= s.End()); s = fi.parent(s) {
		list := stmtsOf(fi.parent(s))
		if len(list) > 0 && list[len(list)-1].End() <= b.Pos() && terminates(list[len(list)-1]) {
			return true
		}
	}
	return false
}
