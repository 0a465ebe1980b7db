// This file says what may panic while a lock is held that no defer lets go of. Where somebody
// recovers, as net/http does, the lock would be held for ever.

package rewrite

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"slices"
)

// panics returns what may panic in statements that let go of the lock without a defer, but for
// nil pointers, and nil maps of fields, that variables hold: a program that has those is one
// that does not work without the lock either.
func (t *taking) panics(fi *fileInfo, list []ast.Stmt, depth int) (bad ast.Node) {
	fetched := map[types.Object]bool{} // pointers that the map gave
	for _, s := range list {
		ast.Inspect(s, func(n ast.Node) bool {
			if bad != nil {
				return false
			}
			risk := false
			switch n := n.(type) {
			case *ast.FuncLit:
				return false
			case *ast.AssignStmt:
				for _, lhs := range n.Lhs {
					risk = risk || t.writesNil(fi, lhs, list, fetched)
				}
				if len(n.Rhs) == 1 {
					if e, ok := ast.Unparen(n.Rhs[0]).(*ast.IndexExpr); ok && fi.isMap(e.X) {
						if id, ok := n.Lhs[0].(*ast.Ident); ok && fi.object(id) != nil {
							fetched[fi.object(id)] = true
						}
					}
					risk = risk || n.Tok != token.ASSIGN && n.Tok != token.DEFINE && failing(fi, updateOp(n.Tok), n.Lhs[0], n.Rhs[0])
				}
			case *ast.IncDecStmt:
				risk = t.writesNil(fi, n.X, list, fetched)
			case *ast.CompositeLit:
				m, ok := fi.pkg.Info.TypeOf(n).Underlying().(*types.Map)
				risk = ok && !hashable(m.Key())
			case *ast.BinaryExpr:
				risk = failing(fi, n.Op, n.X, n.Y)
			case *ast.SwitchStmt:
				for _, clause := range n.Body.List {
					for _, e := range clause.(*ast.CaseClause).List {
						risk = risk || n.Tag != nil && failing(fi, token.EQL, n.Tag, e)
					}
				}
			case *ast.CallExpr:
				risk = t.callPanics(fi, n, depth)
			case *ast.IndexExpr:
				risk = indexPanics(fi, n)
			case *ast.SliceExpr:
				risk = n.Low != nil || n.High != nil
			case *ast.TypeAssertExpr:
				a, ok := fi.parent(n).(*ast.AssignStmt)
				risk = n.Type != nil && (!ok || len(a.Lhs) != 2)
			case *ast.SelectorExpr:
				risk = t.selectPanics(fi, n, fetched)
			case *ast.StarExpr:
				risk = fi.pkg.Info.Types[n].IsValue()
			}
			if risk {
				bad = n
			}
			return bad == nil
		})
	}
	return bad
}

// writesNil reports whether an assignment to x may write to a map that is nil: a row, or a map
// of its own lock that nothing sets early enough. What the statements themselves make is there.
func (t *taking) writesNil(fi *fileInfo, x ast.Expr, list []ast.Stmt, fetched map[types.Object]bool) bool {
	e, ok := ast.Unparen(x).(*ast.IndexExpr)
	if !ok || !fi.isMap(e.X) {
		return false
	}
	switch m := ast.Unparen(e.X).(type) {
	case *ast.IndexExpr:
	case *ast.Ident:
		if !fetched[fi.object(m)] && (t.own == nil || !t.own.mayBe || fi.object(m) == nil || fi.object(m).Pos() != t.ix.at(t.m.Pos)) {
			return false
		}
	default:
		return false
	}
	made := false
	for _, s := range list {
		ast.Inspect(s, func(n ast.Node) bool {
			if a, ok := n.(*ast.AssignStmt); ok && a.Pos() < x.Pos() && len(a.Lhs) == len(a.Rhs) {
				for i, lhs := range a.Lhs {
					made = made || types.ExprString(lhs) == types.ExprString(e.X) && makesMap(fi, a.Rhs[i])
				}
			}
			return !made
		})
	}
	return !made
}

// makesMap reports whether x is a map that is not nil.
func makesMap(fi *fileInfo, x ast.Expr) bool {
	switch x := ast.Unparen(x).(type) {
	case *ast.CompositeLit:
		return true
	case *ast.CallExpr:
		return fi.builtin(x) == "make"
	}
	return false
}

// failing reports whether x op y may panic: a division by zero, a negative count of a shift, two
// values that have no ==.
func failing(fi *fileInfo, op token.Token, x, y ast.Expr) bool {
	switch op {
	case token.SHL, token.SHR:
		if basic, ok := fi.pkg.Info.TypeOf(y).Underlying().(*types.Basic); ok && basic.Info()&types.IsUnsigned != 0 {
			return false
		}
	case token.EQL, token.NEQ:
		if fi.isNil(x) || hashable(fi.pkg.Info.TypeOf(x)) {
			return false
		}
	}
	return !harmless(fi, op, y)
}

// hashing reports whether an operation of the map that x names may get a key that has no hash.
func hashing(fi *fileInfo, x ast.Expr) bool {
	m, ok := fi.pkg.Info.TypeOf(x).Underlying().(*types.Map)
	return !ok || !hashable(m.Key())
}

// indexPanics reports whether x[i] may be out of range, or i a key without a hash.
func indexPanics(fi *fileInfo, n *ast.IndexExpr) bool {
	if fi.pkg.Info.Types[n.Index].IsType() || !fi.pkg.Info.Types[n.X].IsValue() {
		return false
	}
	if fi.isMap(n.X) {
		return hashing(fi, n.X)
	}
	_, array := deref(fi.pkg.Info.TypeOf(n.X)).Underlying().(*types.Array)
	return !array || fi.pkg.Info.Types[n.Index].Value == nil
}

// callPanics reports whether a call may panic, but for what its arguments do.
func (t *taking) callPanics(fi *fileInfo, call *ast.CallExpr, depth int) bool {
	switch fi.builtin(call) {
	case "":
	case "make":
		for _, a := range call.Args[1:] {
			size, ok := ast.Unparen(a).(*ast.CallExpr)
			if fi.pkg.Info.Types[a].Value == nil && (!ok || fi.builtin(size) != "len") {
				return true
			}
		}
		return false
	case "delete":
		return hashing(fi, call.Args[0])
	case "close":
		return true
	default:
		return false
	}
	if fi.isConversion(call) { // of a slice to an array that is longer
		_, slice := fi.pkg.Info.TypeOf(call.Args[0]).Underlying().(*types.Slice)
		_, array := deref(fi.pkg.Info.TypeOf(call)).Underlying().(*types.Array)
		return slice && array
	}
	fn := fi.callee(call)
	if fn == nil {
		return true
	}
	if decl, home := t.ix.funcDecl(fn); decl != nil {
		return depth == 0 || decl.Body == nil || t.panics(home, decl.Body.List, depth-1) != nil
	}
	if baseArg[fn.FullName()] && len(call.Args) > 1 {
		base := fi.pkg.Info.Types[call.Args[len(call.Args)-1]].Value
		n, ok := constant.Int64Val(constantInt(base))
		return !ok || n < 2 || n > 36
	}
	if fn.Pkg() != nil && fn.Pkg().Path() == "slices" && len(call.Args) > 0 { // Contains, Index, Equal, …
		if s, ok := fi.pkg.Info.TypeOf(call.Args[0]).Underlying().(*types.Slice); ok && !hashable(s.Elem()) {
			return true
		}
	}
	return panicking[fn.FullName()]
}

// constantInt returns a constant as an integer, or as what is none.
func constantInt(v constant.Value) constant.Value {
	if v == nil {
		return constant.MakeUnknown()
	}
	return constant.ToInt(v)
}

// baseArg are the functions whose last argument is a base from 2 to 36.
var baseArg = map[string]bool{"strconv.FormatInt": true, "strconv.FormatUint": true, "strconv.AppendInt": true, "strconv.AppendUint": true}

// panicking are the functions of the packages that may run under a lock that panic with some
// arguments, as their documentation says.
var panicking = map[string]bool{
	"strings.Repeat": true, "bytes.Repeat": true, "strings.NewReplacer": true, "strconv.FormatFloat": true, "strconv.AppendFloat": true,
	"slices.Insert": true, "slices.Delete": true, "slices.Replace": true, "slices.Max": true, "slices.Min": true, "slices.MaxFunc": true,
	"slices.MinFunc": true, "slices.Grow": true, "slices.Repeat": true, "slices.Chunk": true,
	"(*strings.Builder).Grow": true, "(*bytes.Buffer).Grow": true, "(*bytes.Buffer).Truncate": true,
	"(*sync/atomic.Value).Store": true, "(*sync/atomic.Value).Swap": true, "(*sync/atomic.Value).CompareAndSwap": true,
	"math/bits.Div": true, "math/bits.Div32": true, "math/bits.Div64": true, "math/bits.Rem": true, "math/bits.Rem32": true, "math/bits.Rem64": true,
	"time.Date": true,
}

// selectPanics reports whether x.f may go through a pointer that is nil: one that the map gave,
// or that a field holds; or is a method of an interface that is not called yet.
func (t *taking) selectPanics(fi *fileInfo, n *ast.SelectorExpr, fetched map[types.Object]bool) bool {
	switch x := ast.Unparen(n.X).(type) {
	case *ast.IndexExpr: // m[k].field
		if fi.isMap(x.X) && isPointer(fi.pkg.Info.TypeOf(x)) {
			return true
		}
	case *ast.Ident:
		if fetched[fi.object(x)] && isPointer(fi.pkg.Info.TypeOf(x)) {
			return true
		}
	case *ast.SelectorExpr: // s.next.n
		if v, ok := fi.object(x.Sel).(*types.Var); ok && isPointer(fi.pkg.Info.TypeOf(x)) && t.ix.fileAt(v.Pos()) != nil && !t.onWay(v) {
			return true
		}
	}
	s := fi.pkg.Info.Selections[n]
	if s == nil {
		return false
	}
	if outer, parent := fi.outer(n); s.Kind() == types.MethodVal {
		if call, ok := parent.(*ast.CallExpr); !ok || call.Fun != outer {
			return true
		}
	}
	holder, _ := cutLast(t.m.GuardKey)
	return slices.ContainsFunc(embeddedOn(s), func(f *types.Var) bool { // n.f, where f is promoted
		return isPointer(f.Type()) && !t.onWay(f) && keyOf(f.Type()) != holder
	})
}
