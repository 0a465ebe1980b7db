// This file says what may run under a lock that others hold at the same time, for reading.

package rewrite

import (
	"go/ast"
	"go/types"
	"slices"
	"strings"
)

// onlyReads reports whether statements change nothing but their function's own variables, so that
// they may run beside each other: they assign through nothing, and call only what computes.
func onlyReads(fi *fileInfo, list []ast.Stmt) bool {
	ok := true
	for _, s := range list {
		plain := func(x ast.Expr) bool { return ownVariable(fi, x) }
		ast.Inspect(s, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncLit:
				return false
			case *ast.AssignStmt:
				ok = ok && !slices.ContainsFunc(n.Lhs, func(x ast.Expr) bool { return !plain(x) })
			case *ast.IncDecStmt:
				ok = ok && plain(n.X)
			case *ast.RangeStmt:
				for _, x := range []ast.Expr{n.Key, n.Value} {
					ok = ok && (x == nil || plain(x))
				}
			case *ast.CallExpr:
				b := fi.builtin(n)
				fn := fi.callee(n)
				if b == "append" && !ownSlice(fi, n.Args[0]) || fn != nil && strings.HasPrefix(fn.Name(), "Append") {
					ok = false // what is behind the elements may be shared
				}
				computes := fn != nil && fn.Pkg() != nil && fn.Signature().Recv() == nil && (quietPackages[fn.Pkg().Path()] || fn.Pkg().Path() == "fmt")
				ok = ok && (fi.isConversion(n) || computes || b != "" && b != "delete" && b != "clear" && b != "copy" && b != "close")
			}
			return ok
		})
	}
	return ok
}

// ownVariable reports whether x is a variable of the function that assigns to it, or the blank
// one. A package's variable, or one of a function around it, may be what the lock is for:
//
//	for _, v := range items { total += v }
func ownVariable(fi *fileInfo, x ast.Expr) bool {
	id, ok := ast.Unparen(x).(*ast.Ident)
	if !ok {
		return false
	}
	v := fi.object(id)
	if id.Name == "_" || v == nil { // the latter of what is not in the source yet
		return true
	}
	fn := fi.enclosing(id)
	return fn != nil && fn.Pos() <= v.Pos() && v.Pos() < fn.End()
}

// ownSlice reports whether x is a slice that the function itself began, or got as a parameter: not
// one of the map, which others that read it may append to at the same time.
func ownSlice(fi *fileInfo, x ast.Expr) bool {
	id, ok := ast.Unparen(x).(*ast.Ident)
	if !ok || fi.isNil(x) {
		return beginsSlice(fi, x)
	}
	v, ok := fi.object(id).(*types.Var)
	if !ok || v.Parent() == fi.pkg.Types.Scope() || v.Pos() < fi.enclosing(id).Pos() {
		return false
	}
	is := func(x ast.Expr) bool {
		other, same := x.(*ast.Ident)
		return same && fi.object(other) == v
	}
	ast.Inspect(bodyOf(fi.enclosing(id)), func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			if i := slices.IndexFunc(n.Lhs, is); i >= 0 {
				call, grows := n.Rhs[min(i, len(n.Rhs)-1)].(*ast.CallExpr)
				grows = grows && fi.builtin(call) == "append" && is(call.Args[0])
				ok = ok && len(n.Lhs) == len(n.Rhs) && (grows || beginsSlice(fi, n.Rhs[i]))
			}
		case *ast.ValueSpec:
			if i := slices.IndexFunc(n.Names, func(id *ast.Ident) bool { return is(id) }); i >= 0 && len(n.Values) > 0 {
				ok = ok && len(n.Values) == len(n.Names) && beginsSlice(fi, n.Values[i])
			}
		case *ast.RangeStmt:
			ok = ok && !is(n.Value)
		}
		return ok
	})
	return ok
}

// beginsSlice reports whether x is a slice that nobody else has.
func beginsSlice(fi *fileInfo, x ast.Expr) bool {
	switch x := ast.Unparen(x).(type) {
	case *ast.CompositeLit:
		return true
	case *ast.CallExpr:
		return fi.builtin(x) == "make" || fi.isConversion(x) && fi.isNil(x.Args[0])
	}
	return fi.isNil(x)
}
