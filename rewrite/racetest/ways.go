// This file makes arguments in other ways than the usual one.

package racetest

import (
	"go/ast"
	"go/types"
	"slices"
	"strings"
)

// A way makes a value by a function of its package, with an option:
//
//	clientv3.OpDelete("a", clientv3.WithPrefix())
type way struct {
	f, option *fn
	call      string
}

// otherWay returns way number want, from 1, of those to make an n with an option that sets a field which
// the code under test looks at, by the names of the function and the option; nil if there are fewer.
func (s *synth) otherWay(n *types.Named, depth, want int) *way {
	pkg := n.Obj().Pkg()
	if pkg == nil || s.x.byTypes[pkg] == nil || n.TypeParams().Len() > 0 {
		return nil
	}
	scope := pkg.Scope()
	for _, name := range scope.Names() {
		f := s.harmless(scope.Lookup(name))
		if f == nil || !f.obj.Signature().Variadic() || !strings.Contains(strings.ToLower(name), strings.ToLower(n.Obj().Name())) {
			continue
		}
		res := f.obj.Signature().Results()
		if res.Len() != 1 || named(derefType(res.At(0).Type())) != n {
			continue
		}
		params := f.obj.Signature().Params()
		option := named(params.At(params.Len() - 1).Type().(*types.Slice).Elem())
		if option == nil {
			continue
		}
		for _, with := range scope.Names() {
			g := s.harmless(scope.Lookup(with))
			if g == nil || g.obj.Signature().Variadic() || !slices.ContainsFunc(s.x.fieldsSet(g), func(v *types.Var) bool { return s.touched[v] }) {
				continue
			}
			if res := g.obj.Signature().Results(); res.Len() != 1 || named(res.At(0).Type()) != option {
				continue
			}
			mark := s.mark()
			args, err := s.args(f.obj.Signature(), depth+1)
			opt, err2 := s.args(g.obj.Signature(), depth+1)
			if err == nil && err2 == nil {
				want--
			}
			if err != nil || err2 != nil || want > 0 {
				s.reset(mark) // what the arguments of ways not taken have declared would not be used
				continue
			}
			args = append(args[:params.Len()-1], s.funcRef(g.obj)+"("+strings.Join(opt, ", ")+")")
			return &way{f, g, s.funcRef(f.obj) + "(" + strings.Join(args, ", ") + ")"}
		}
	}
	return nil
}

// harmless returns the function that an object of a package is, if a test may call it.
func (s *synth) harmless(obj types.Object) *fn {
	f, ok := obj.(*types.Func)
	if !ok || !s.visible(f) || f.Signature().TypeParams().Len() > 0 {
		return nil
	}
	g := s.x.funcs[f]
	if g == nil {
		return nil
	}
	if r := s.x.reach(g); r.unsafe != "" || r.forever || r.lasting {
		return nil
	}
	return g
}

// fieldsSet lists the fields that a function, or a literal in it, assigns.
func (x *index) fieldsSet(f *fn) []*types.Var {
	var out []*types.Var
	ast.Inspect(f.decl.Body, func(n ast.Node) bool {
		if a, ok := n.(*ast.AssignStmt); ok {
			for _, l := range a.Lhs {
				if sel, ok := ast.Unparen(l).(*ast.SelectorExpr); ok {
					if v, ok := f.pkg.Info.Uses[sel.Sel].(*types.Var); ok && v.IsField() {
						out = append(out, v.Origin())
					}
				}
			}
		}
		return true
	})
	return out
}
