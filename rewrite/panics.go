// This file says what may panic while a lock is held that no defer lets go of. Where somebody
// recovers, as net/http does, the lock would be held for ever.

package rewrite

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
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
					risk = risk || arithmetic(fi, n.Tok, n.Rhs[0])
				}
			case *ast.IncDecStmt:
				risk = t.writesNil(fi, n.X, list, fetched)
			case *ast.CompositeLit:
				m, ok := fi.pkg.Info.TypeOf(n).Underlying().(*types.Map)
				risk = ok && dynamic(m.Key())
			case *ast.BinaryExpr:
				risk = arithmetic(fi, n.Op, n.Y) || (n.Op == token.EQL || n.Op == token.NEQ) && comparing(fi, n.X, n.Y)
			case *ast.SwitchStmt:
				for _, clause := range n.Body.List {
					for _, e := range clause.(*ast.CaseClause).List {
						risk = risk || n.Tag != nil && comparing(fi, n.Tag, e)
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

// arithmetic reports whether an operator may panic with its right operand: zero for a divisor,
// a negative count of a shift.
func arithmetic(fi *fileInfo, op token.Token, y ast.Expr) bool {
	if fi.pkg.Info.Types[y].Value != nil {
		return false
	}
	switch op {
	case token.QUO, token.REM, token.QUO_ASSIGN, token.REM_ASSIGN:
		return true
	case token.SHL, token.SHR, token.SHL_ASSIGN, token.SHR_ASSIGN:
		basic, ok := fi.pkg.Info.TypeOf(y).Underlying().(*types.Basic)
		return !ok || basic.Info()&types.IsUnsigned == 0
	}
	return false
}

// comparing reports whether x == y may find two values of a type that has no ==.
func comparing(fi *fileInfo, x, y ast.Expr) bool {
	return !fi.isNil(x) && !fi.isNil(y) && dynamic(fi.pkg.Info.TypeOf(x)) && dynamic(fi.pkg.Info.TypeOf(y))
}

// dynamic reports whether == of type t compares, or hashes, a value of a type that is known at
// run time only.
func dynamic(t types.Type) bool {
	if t == nil {
		return true
	}
	switch u := t.Underlying().(type) {
	case *types.Interface:
		return true
	case *types.Array:
		return dynamic(u.Elem())
	case *types.Struct:
		for f := range u.Fields() {
			if dynamic(f.Type()) {
				return true
			}
		}
	}
	return false
}

// hashing reports whether an operation of the map that x names may get a key that has no hash.
func hashing(fi *fileInfo, x ast.Expr) bool {
	m, ok := fi.pkg.Info.TypeOf(x).Underlying().(*types.Map)
	return !ok || dynamic(m.Key())
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
		if s, ok := fi.pkg.Info.TypeOf(call.Args[0]).Underlying().(*types.Slice); ok && dynamic(s.Elem()) {
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
	typ := s.Recv() // n.f, where f is promoted
	for _, i := range s.Index()[:len(s.Index())-1] {
		st, ok := deref(typ).Underlying().(*types.Struct)
		if !ok {
			return true
		}
		f := st.Field(i)
		if typ = f.Type(); isPointer(typ) && !t.onWay(f) && keyOf(typ) != holder {
			return true
		}
	}
	return false
}
