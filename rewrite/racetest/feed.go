// This file reaches accesses of goroutines that a constructor starts and that wait for something.

package racetest

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"

	"github.com/mapmigrate/mapmigrate/detect"
	"golang.org/x/tools/go/types/typeutil"
)

// waitsFor returns the channel field that the code around an access receives from before
// it gets there, nil if it waits for nothing of the kind:
//
//	for e := range b.events { … b.handlers[e.Name] … }
//	case j := <-r.in: r.jobs[j.Tenant] = …
func (x *index) waitsFor(e *entry) *types.Var {
	received := func(n ast.Node) *types.Var {
		var ch ast.Expr
		switch n := n.(type) {
		case *ast.RangeStmt:
			ch = n.X
		case *ast.UnaryExpr:
			ch = n.X
		}
		sel, ok := ast.Unparen(ch).(*ast.SelectorExpr)
		if !ok {
			return nil
		}
		v, ok := e.pkg.Info.Uses[sel.Sel].(*types.Var)
		if !ok || !v.IsField() || x.byTypes[v.Pkg()] == nil {
			return nil
		}
		if _, ok := v.Type().Underlying().(*types.Chan); !ok {
			return nil
		}
		return v.Origin()
	}
	for i, n := range e.nodes {
		switch n := n.(type) {
		case *ast.FuncDecl:
			return nil
		case *ast.CommClause:
			if u := receive(n.Comm); u != nil {
				return received(u)
			}
		case *ast.RangeStmt:
			if v := received(n); v != nil && i > 0 && e.nodes[i-1] == n.Body {
				return v
			}
		case *ast.ForStmt:
			for _, s := range n.Body.List {
				if s.Pos() >= e.nodes[0].Pos() {
					break
				}
				if u := receive(s); u != nil {
					return received(u)
				}
			}
		}
	}
	return nil
}

// receive returns the receive operation that a statement consists of.
func receive(s ast.Stmt) *ast.UnaryExpr {
	var e ast.Expr
	switch s := s.(type) {
	case *ast.ExprStmt:
		e = s.X
	case *ast.AssignStmt:
		if len(s.Rhs) == 1 {
			e = s.Rhs[0]
		}
	}
	if u, ok := ast.Unparen(e).(*ast.UnaryExpr); ok && u.Op == token.ARROW {
		return u
	}
	return nil
}

// feeders lists the functions that send to a channel field and that a test may call,
// exported ones first.
func (x *index) feeders(ch *types.Var) []*fn {
	p := x.byTypes[ch.Pkg()]
	if p == nil {
		return nil
	}
	var out, more []*fn
	for _, file := range p.Files {
		for _, d := range file.Decls {
			fd, ok := d.(*ast.FuncDecl)
			if !ok || fd.Body == nil {
				continue
			}
			obj, _ := p.Info.Defs[fd.Name].(*types.Func)
			f := x.funcs[obj]
			if f == nil || !sendsTo(p, fd.Body, ch) {
				continue
			}
			if r := x.reach(f); r.unsafe != "" || r.forever || r.lasting {
				continue
			}
			if obj.Exported() {
				out = append(out, f)
			} else {
				more = append(more, f)
			}
		}
	}
	return slices.Concat(out, more)
}

func sendsTo(p *detect.Package, body ast.Node, ch *types.Var) bool {
	found := false
	ast.Inspect(body, func(n ast.Node) bool {
		if s, ok := n.(*ast.SendStmt); ok {
			if sel, ok := ast.Unparen(s.Chan).(*ast.SelectorExpr); ok {
				v, ok := p.Info.Uses[sel.Sel].(*types.Var)
				found = found || ok && v.Origin() == ch
			}
		}
		return !found
	})
	return found
}

// starts reports whether a function runs e's code in a goroutine of its own: the literal
// that holds it, or e's function itself.
func (x *index) starts(f *fn, e *entry) bool {
	if f == e.fn {
		return e.how == spawns
	}
	found := false
	ast.Inspect(f.decl.Body, func(n ast.Node) bool {
		if g, ok := n.(*ast.GoStmt); ok {
			found = found || x.fn(typeutil.Callee(f.pkg.Info, g.Call)) == e.fn
		}
		return !found
	})
	return found
}

// running returns the constructor that has been called already and that runs a side's
// code in the background.
func (g *Generator) running(s *synth, e *entry) *fn {
	var out *fn
	for f := range s.used { // at most one constructor makes a shared type
		if g.x.starts(f, e) && (out == nil || f.decl.Pos() < out.decl.Pos()) {
			out = f
		}
	}
	return out
}

// feed gives a side that waits for a channel something to receive, and reports whether
// it could. Where a constructor runs that code already, the sending is all that is left to
// do; else it happens beside the call.
func (g *Generator) feed(s *synth, sd *side) bool {
	ch := g.x.waitsFor(sd.e)
	if ch == nil {
		return false
	}
	made := g.running(s, sd.e)
	for _, f := range g.x.feeders(ch) {
		if n := receiver(f.obj); f == sd.e.fn || n == nil || s.shared[n] == "" {
			continue
		}
		mark, stmts := s.mark(), []string(nil)
		end := s.begin(&stmts)
		call, err := g.call(s, &entry{fn: f, access: sd.e.access, within: f.decl}, true)
		end()
		if err != nil {
			s.reset(mark)
			continue
		}
		s.involved = append(s.involved, f)
		if made != nil {
			sd.stmts, sd.call = stmts, call+" // for the goroutine that "+made.obj.Name()+" has started"
			sd.label = label(&entry{fn: f})
			sd.forever, sd.lasting, sd.blocks = false, false, true
		} else {
			sd.stmts = append(sd.stmts, stmts...)
			sd.stmts = append(sd.stmts, "go "+call)
		}
		return true
	}
	return false
}

// startedLast orders sides so that those which a constructor may have started come after
// those that call it.
func startedLast(sides []*side) []*side {
	out := slices.Clone(sides)
	slices.SortStableFunc(out, func(a, b *side) int {
		return int(min(a.e.how, spawns)) - int(min(b.e.how, spawns))
	})
	return out
}
