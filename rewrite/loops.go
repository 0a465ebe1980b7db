// This file says which loops end soon, whatever others do.

package rewrite

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
)

// endless reports whether a loop goes on for as long as others want: over a channel, a function,
// or what may be one of these, or a number of times, to look again and again.
func endless(fi *fileInfo, n *ast.RangeStmt) bool {
	switch core(fi.pkg.Info.TypeOf(n.X)).(type) {
	case *types.Chan, *types.Signature, *types.Interface, nil:
		return true
	case *types.Basic:
		return looksAgain(fi, n, n.Body)
	}
	return false
}

// counts reports whether a loop counts a variable of its own up, or down, to a limit that stays,
// and is not made to look at something again and again.
func counts(fi *fileInfo, n *ast.ForStmt) bool {
	init, ok := n.Init.(*ast.AssignStmt)
	cond, isCond := n.Cond.(*ast.BinaryExpr)
	post, isPost := n.Post.(*ast.IncDecStmt)
	if !ok || !isCond || !isPost || init.Tok != token.DEFINE || len(init.Lhs) == 0 {
		return false
	}
	v, ok := init.Lhs[0].(*ast.Ident)
	x, isID := ast.Unparen(cond.X).(*ast.Ident)
	p, isP := post.X.(*ast.Ident)
	if !ok || !isID || !isP || x.Name != v.Name || p.Name != v.Name || assigns(fi, n.Body, v) {
		return false
	}
	up := post.Tok == token.INC && (cond.Op == token.LSS || cond.Op == token.LEQ)
	down := post.Tok == token.DEC && (cond.Op == token.GTR || cond.Op == token.GEQ)
	return (up || down) && limits(fi, cond.Y, n.Body) && !looksAgain(fi, n, n.Body)
}

// limits reports whether x stays what it is while a loop runs: a constant, or variables, fields
// and their lengths that the loop does not assign.
func limits(fi *fileInfo, x ast.Expr, body ast.Node) bool {
	ok := true
	ast.Inspect(x, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			b := fi.builtin(n)
			ok = ok && (b == "len" || b == "cap" || b == "min" || b == "max" || fi.isConversion(n))
		case *ast.Ident:
			if _, isVar := fi.object(n).(*types.Var); isVar {
				ok = ok && !changesIt(fi, body, fi.object(n))
			}
		case *ast.FuncLit, *ast.IndexExpr, *ast.StarExpr, *ast.UnaryExpr:
			ok = false
		}
		return ok
	})
	return ok
}

// changesIt reports whether code assigns a variable or field, by any way to it, or takes its address.
func changesIt(fi *fileInfo, n ast.Node, v types.Object) bool {
	return fi.assignsTo(n, func(x ast.Expr) bool {
		id := mapVarOf(fi, x)
		return id != nil && fi.object(id) == v
	})
}

// looksAgain reports whether a loop may be left, or not, for what others do meanwhile: a condition
// says so that is about nothing that the loop changes.
//
//	for range 1000000 { if s.m["ready"] > 0 { break } }
func looksAgain(fi *fileInfo, loop ast.Stmt, body *ast.BlockStmt) bool {
	if !breaksOff(body) {
		return false
	}
	own := turns(fi, loop)
	found := false
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.IfStmt:
			found = found || exits([]ast.Stmt{n}) && !mentions(fi, n.Cond, own) && mayTurn(fi, headOf(n), loop)
		case *ast.SwitchStmt:
			cases := headOf(n)
			for _, c := range n.Body.List {
				for _, e := range c.(*ast.CaseClause).List {
					cases = append(cases, e)
				}
			}
			found = found || exits([]ast.Stmt{n}) && mayTurn(fi, cases, loop) && !slices.ContainsFunc(cases, func(n ast.Node) bool { return mentions(fi, n, own) })
		}
		return !found
	})
	return found
}

// breaksOff reports whether there is a way out of a loop's body but to its next turn.
func breaksOff(body ast.Node) (found bool) {
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.ReturnStmt:
			found = true
		case *ast.BranchStmt:
			found = found || n.Tok == token.BREAK || n.Tok == token.GOTO
		}
		return !found
	})
	return found
}

// turns returns the variables and fields that are another each time a loop comes round: its own,
// those that are counted on, and what is computed from them.
func turns(fi *fileInfo, loop ast.Stmt) map[types.Object]bool {
	own := map[types.Object]bool{}
	note := func(x ast.Expr) {
		for x != nil {
			if e, ok := ast.Unparen(x).(*ast.IndexExpr); ok {
				x = e.X
				continue
			}
			if id := mapVarOf(fi, x); id != nil && fi.object(id) != nil {
				own[fi.object(id)] = true
			}
			return
		}
	}
	for before := -1; before < len(own); {
		before = len(own)
		ast.Inspect(loop, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.RangeStmt:
				note(n.Key)
				note(n.Value)
			case *ast.IncDecStmt:
				note(n.X)
			case *ast.AssignStmt:
				for i, lhs := range n.Lhs {
					_, part := ast.Unparen(lhs).(*ast.IndexExpr)
					rhs := n.Rhs[min(i, len(n.Rhs)-1)]
					adds := n.Tok != token.ASSIGN && n.Tok != token.DEFINE && fi.pkg.Info.Types[rhs].Value != nil
					if part || adds || mentions(fi, rhs, own) {
						note(lhs)
					}
				}
			case *ast.CallExpr:
				if b := fi.builtin(n); b == "delete" || b == "clear" {
					note(n.Args[0])
				}
			}
			return true
		})
	}
	return own
}

// mentions reports whether code mentions one of some variables and fields. An element of a map is
// another one only with its key.
func mentions(fi *fileInfo, n ast.Node, vars map[types.Object]bool) (found bool) {
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Ident:
			found = found || vars[fi.object(n)]
		case *ast.IndexExpr:
			if fi.isMap(n.X) {
				found = found || mentions(fi, n.Index, vars)
				return false
			}
		}
		return !found
	})
	return found
}

// mayTurn reports whether a condition may become another one by what others do: it calls something,
// looks at more than local variables, or at those that the loop sets.
func mayTurn(fi *fileInfo, asked []ast.Node, loop ast.Stmt) (found bool) {
	for _, h := range asked {
		ast.Inspect(h, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				found = found || !fi.isConversion(n)
			case *ast.IndexExpr, *ast.SelectorExpr, *ast.StarExpr:
				found = true
			case *ast.Ident:
				v, ok := fi.object(n).(*types.Var)
				found = found || ok && (v.Parent() == fi.pkg.Types.Scope() || changesIt(fi, loop, v))
			}
			return !found
		})
	}
	return found
}
