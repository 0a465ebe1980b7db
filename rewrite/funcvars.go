// This file finds what function variables may hold, so that steps are followed through them.

package rewrite

import (
	"go/ast"
	"go/types"
)

// A heldFunc is a function that a variable may hold: a declared one, or a literal.
//
//	seen := func(k string) bool { _, ok := m[k]; return ok }
//	put := s.put
//	if !seen(k) { put(k) }
type heldFunc struct {
	decl *ast.FuncDecl
	lit  *ast.FuncLit
}

// heldFuncs returns what is assigned to function variables anywhere in the program.
func (ix *index) heldFuncs() map[*types.Var][]heldFunc {
	if ix.funcVars != nil {
		return ix.funcVars
	}
	ix.funcVars = map[*types.Var][]heldFunc{}
	for _, fi := range ix.list {
		note := func(lhs, rhs ast.Expr) {
			v := fi.varOrField(lhs)
			if f := ix.heldFunc(fi, rhs); v != nil && f != (heldFunc{}) {
				ix.funcVars[v] = append(ix.funcVars[v], f)
			}
		}
		ast.Inspect(fi.syntax, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.AssignStmt:
				for i := range n.Lhs {
					if len(n.Lhs) == len(n.Rhs) {
						note(n.Lhs[i], n.Rhs[i])
					}
				}
			case *ast.KeyValueExpr: // of a struct
				note(n.Key, n.Value)
			case *ast.ValueSpec:
				for i := range n.Values {
					if len(n.Names) == len(n.Values) {
						note(n.Names[i], n.Values[i])
					}
				}
			}
			return true
		})
	}
	return ix.funcVars
}

// varOrField returns the variable or field that an expression names, nil for anything else.
func (fi *fileInfo) varOrField(e ast.Expr) (v *types.Var) {
	switch e := ast.Unparen(e).(type) {
	case *ast.Ident:
		v, _ = fi.object(e).(*types.Var)
	case *ast.SelectorExpr:
		v, _ = fi.object(e.Sel).(*types.Var)
	}
	return v
}

// heldFunc returns the function of the program that an expression denotes, if it is one.
func (ix *index) heldFunc(fi *fileInfo, e ast.Expr) (f heldFunc) {
	switch e := ast.Unparen(e).(type) {
	case *ast.FuncLit:
		f.lit = e
	case *ast.Ident:
		fn, _ := fi.object(e).(*types.Func)
		f.decl, _ = ix.funcDecl(fn)
	case *ast.SelectorExpr:
		fn, _ := fi.object(e.Sel).(*types.Func)
		f.decl, _ = ix.funcDecl(fn)
	case *ast.IndexExpr: // an instance
		return ix.heldFunc(fi, e.X)
	case *ast.IndexListExpr:
		return ix.heldFunc(fi, e.X)
	}
	return f
}

// A valueCall is a call in a declared function that calls function values, or passes them on.
type valueCall struct {
	call *ast.CallExpr
	may  []heldFunc // what it may call
}

// valueCalls returns those calls, by the function they are in, and the functions that have
// one which may call a declared function.
func (ix *index) valueCalls() (map[*ast.FuncDecl][]valueCall, map[*ast.FuncDecl][]*ast.FuncDecl) {
	if ix.valueCall != nil {
		return ix.valueCall, ix.valueCallers
	}
	ix.valueCall, ix.valueCallers = map[*ast.FuncDecl][]valueCall{}, map[*ast.FuncDecl][]*ast.FuncDecl{}
	ix.eachCall(func(fi *fileInfo, decl *ast.FuncDecl, call *ast.CallExpr) {
		if fi.isConversion(call) || fi.builtin(call) != "" {
			return
		}
		var may []heldFunc
		for _, e := range append([]ast.Expr{call.Fun}, call.Args...) {
			_, lit := ast.Unparen(e).(*ast.FuncLit) // whose steps are seen where they are
			if !lit && (e != call.Fun || fi.callee(call) == nil) {
				may = append(may, ix.mayBe(fi, e)...)
			}
		}
		if len(may) == 0 {
			return
		}
		ix.valueCall[decl] = append(ix.valueCall[decl], valueCall{call, may})
		for _, f := range may {
			if f.decl != nil {
				ix.valueCallers[f.decl] = append(ix.valueCallers[f.decl], decl)
			}
		}
	})
	return ix.valueCall, ix.valueCallers
}

// mayBe returns the functions that an expression may denote.
func (ix *index) mayBe(fi *fileInfo, e ast.Expr) []heldFunc {
	t := fi.pkg.Info.TypeOf(e)
	if t == nil {
		return nil
	}
	if _, ok := t.Underlying().(*types.Signature); !ok {
		return nil
	}
	if v := fi.varOrField(e); v != nil {
		return ix.heldFuncs()[v]
	}
	if f := ix.heldFunc(fi, e); f != (heldFunc{}) {
		return []heldFunc{f}
	}
	return nil
}

// callValues gives calls what the function values tell and do that are called, or passed
// on: whoever gets one may call it. It reports whether something is new.
//
//	apply(m[k]+1, set)
func (s *stepper) callValues(b *stepBody) (more bool) {
	calls, _ := s.c.ix.valueCalls()
	for _, vc := range calls[b.decl] {
		var f fact
		for _, v := range vc.may {
			switch {
			case v.decl != nil:
				f |= s.facts[v.decl]
			case b.decl.Pos() <= v.lit.Pos() && v.lit.End() <= b.decl.End():
				f |= b.factsOf(v.lit.Type, v.lit.Body)
			}
		}
		more = b.does(vc.call, f) || more
	}
	return more
}
