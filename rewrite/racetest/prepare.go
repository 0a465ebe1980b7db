// This file fills what both sides use, with the methods that the program has for it.

package racetest

import (
	"cmp"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"

	"github.com/mapmigrate/mapmigrate/detect"
)

// preparing are the beginnings of names of methods that make their receiver ready, in the order in
// which they are called: what sets it up, what puts something into it, what starts it.
var preparing = [][]string{
	{"init", "configure", "setup"},
	{"add", "append", "attach", "insert", "mount", "push", "put", "register", "set", "subscribe", "use"},
	{"start", "open", "connect"},
}

// stage returns where the name of a method stands in preparing, -1 if it does not.
func stage(name string) int {
	name = strings.ToLower(name)
	return slices.IndexFunc(preparing, func(verbs []string) bool {
		return slices.ContainsFunc(verbs, func(verb string) bool { return strings.HasPrefix(name, verb) })
	})
}

// prepare calls methods of what both sides share that fill fields which the sides look at, at most
// six of each type, and reports whether there are any:
//
//	balancer.AddServer("a", http.NotFoundHandler(), Server{})
func (g *Generator) prepare(s *synth, rs ...*reach) bool {
	looked := map[*types.Var]bool{}
	for _, r := range rs {
		for v := range r.fields {
			looked[v] = true
		}
	}
	added := false
	for _, n := range g.x.named {
		if s.shared[n] == "" {
			continue
		}
		left := 6
		for _, f := range g.x.adders(n, looked) {
			if left == 0 {
				break
			}
			mark := s.mark()
			call, err := g.call(s, &entry{fn: f, within: f.decl}, false)
			if err != nil {
				s.reset(mark)
				continue
			}
			if !added {
				call += " // so that there is something to work on"
			}
			s.setup, s.involved = append(s.setup, call), append(s.involved, f)
			added = true
			left--
		}
	}
	return added
}

// adders lists the methods of n that a test may call before its sides and that give a looked-at
// field something: an element, or what it points to.
func (x *index) adders(n *types.Named, looked map[*types.Var]bool) []*fn {
	var out []*fn
	for i := range n.NumMethods() {
		f := x.funcs[n.Method(i).Origin()]
		if f == nil || stage(f.obj.Name()) < 0 {
			continue
		}
		r := x.reach(f)
		if h := x.hazard(f); r.unsafe != "" || h.lasting || h.forever || h.drains || h.blocks { // not what it hands on as a callback
			continue
		}
		for g := range r.funcs {
			if g.pkg == f.pkg && slices.ContainsFunc(x.fills(g), func(v *types.Var) bool { return looked[v] }) {
				out = append(out, f)
				break
			}
		}
	}
	slices.SortFunc(out, func(a, b *fn) int {
		return cmp.Or(cmp.Compare(stage(a.obj.Name()), stage(b.obj.Name())), cmp.Compare(a.decl.Pos(), b.decl.Pos()))
	})
	return out
}

// fills lists the fields that hold other things and that a function assigns, or an element of which
// it does.
func (x *index) fills(f *fn) []*types.Var {
	var out []*types.Var
	ast.Inspect(f.decl.Body, func(n ast.Node) bool {
		a, ok := n.(*ast.AssignStmt)
		if !ok || a.Tok == token.DEFINE {
			return true
		}
		for _, l := range a.Lhs {
			if v := assignedField(f.pkg, l); v != nil {
				out = append(out, v)
			}
		}
		return true
	})
	return out
}

// assignedField returns the field that assigning to e changes or adds to, if it is of a type that
// holds other things: b.handlers of b.handlers[name] = h.
func assignedField(p *detect.Package, e ast.Expr) *types.Var {
	for {
		switch l := ast.Unparen(e).(type) {
		case *ast.IndexExpr:
			e = l.X
			continue
		case *ast.SelectorExpr:
			v, ok := p.Info.Uses[l.Sel].(*types.Var)
			if !ok || !v.IsField() {
				return nil
			}
			switch v.Type().Underlying().(type) {
			case *types.Slice, *types.Map, *types.Pointer, *types.Interface, *types.Signature:
				return v.Origin()
			}
		}
		return nil
	}
}
