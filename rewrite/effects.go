// This file says what evaluating an expression may do: what may run inside a
// callback, under a lock, earlier or later than in the source.

package rewrite

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
)

// mentionsVar reports whether e mentions the variable that id names.
func mentionsVar(fi *fileInfo, e ast.Node, id *ast.Ident) (found bool) {
	obj := fi.object(id)
	ast.Inspect(e, func(n ast.Node) bool {
		if x, ok := n.(*ast.Ident); ok && obj != nil && fi.object(x) == obj {
			found = true
		}
		return !found
	})
	return found
}

// harmless reports whether an operator does not panic with this right operand.
func harmless(fi *fileInfo, op token.Token, y ast.Expr) bool {
	switch op {
	case token.QUO, token.REM, token.SHL, token.SHR:
		return fi.pkg.Info.Types[y].Value != nil
	case token.EQL, token.NEQ:
		return fi.isNil(y) || hashable(fi.pkg.Info.TypeOf(y))
	}
	return true
}

// updateOp returns the operator of an assignment such as +=.
func updateOp(assign token.Token) token.Token { return assign - token.ADD_ASSIGN + token.ADD }

// hashable reports whether values of t are always comparable without a panic.
func hashable(t types.Type) bool {
	if t == nil {
		return false // the code is broken
	}
	switch u := t.Underlying().(type) {
	case *types.Interface: // type parameters, too
		return false
	case *types.Array:
		return hashable(u.Elem())
	case *types.Struct:
		for f := range u.Fields() {
			if !hashable(f.Type()) {
				return false
			}
		}
	}
	return true
}

// emptyMap reports whether e makes a new empty map.
func emptyMap(fi *fileInfo, e ast.Expr) bool {
	switch x := ast.Unparen(e).(type) {
	case *ast.CompositeLit:
		_, ok := x.Type.(*ast.MapType)
		return ok && len(x.Elts) == 0
	case *ast.CallExpr: // a size that is not a constant might have an effect
		return fi.builtin(x) == "make" && (len(x.Args) == 1 || fi.pkg.Info.Types[x.Args[1]].Value != nil)
	}
	return false
}

// reflexive reports whether x == x holds, without panicking, for every value of t.
func reflexive(t types.Type) bool { return selfEqual(t, false) }

// selfEqual reports whether every value of t equals itself: by ==, or deeply.
func selfEqual(t types.Type, deeply bool) bool {
	switch u := t.Underlying().(type) {
	case *types.Slice, *types.Map:
		return deeply
	case *types.Basic:
		return u.Info()&(types.IsFloat|types.IsComplex) == 0
	case *types.Pointer, *types.Chan:
		return true
	case *types.Array:
		return selfEqual(u.Elem(), deeply)
	case *types.Struct:
		for f := range u.Fields() {
			if !selfEqual(f.Type(), deeply) {
				return false
			}
		}
		return true
	}
	return false
}

// assigns reports whether the variable of id, or a part of it, is assigned in n, or its
// address taken: by &, by a slice of an array, or by a method with a pointer for a receiver.
//
//	for id, s := range sessions { s.age++; s.touch(); delete(sessions, id) }   // s is a struct
func assigns(fi *fileInfo, n ast.Node, id *ast.Ident) bool {
	hidden := false
	ast.Inspect(n, func(n ast.Node) bool { // by another variable of its name
		x, ok := n.(*ast.Ident)
		hidden = hidden || ok && x.Name == id.Name && fi.pkg.Info.Defs[x] != nil
		return !hidden
	})
	return hidden || fi.assignsTo(n, func(e ast.Expr) bool {
		x := fi.variableOf(e)
		return x != nil && fi.object(x) == fi.object(id)
	})
}

// assignsTo reports whether what is says is assigned in n, or has its address taken.
func (fi *fileInfo) assignsTo(n ast.Node, is func(ast.Expr) bool) (found bool) {
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			found = found || slices.ContainsFunc(n.Lhs, is)
		case *ast.IncDecStmt:
			found = found || is(n.X)
		case *ast.RangeStmt:
			found = found || n.Tok == token.ASSIGN && (is(n.Key) || is(n.Value))
		case *ast.UnaryExpr:
			found = found || n.Op == token.AND && is(n.X)
		case *ast.SliceExpr:
			_, array := fi.pkg.Info.TypeOf(n.X).Underlying().(*types.Array)
			found = found || array && is(n.X)
		case *ast.SelectorExpr:
			found = found || fi.addressed(n) && is(n.X)
		}
		return !found
	})
	return found
}

// variableOf returns the variable that e is a part of: x of x.f and x[i], as long as no
// pointer, slice or map lies between.
func (fi *fileInfo) variableOf(e ast.Expr) *ast.Ident {
	switch x := ast.Unparen(e).(type) {
	case *ast.Ident:
		return x
	case *ast.SelectorExpr:
		if sel := fi.pkg.Info.Selections[x]; sel != nil && !sel.Indirect() {
			return fi.variableOf(x.X)
		}
	case *ast.IndexExpr:
		if _, array := fi.pkg.Info.TypeOf(x.X).Underlying().(*types.Array); array {
			return fi.variableOf(x.X)
		}
	}
	return nil
}

// reachesOut reports whether e reads what a pointer points to, or an element of a slice.
func (fi *fileInfo) reachesOut(e ast.Expr) (found bool) {
	ast.Inspect(e, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.StarExpr, *ast.IndexExpr:
			found = true
		case *ast.SelectorExpr:
			sel := fi.pkg.Info.Selections[n]
			found = found || sel != nil && sel.Indirect()
		}
		return !found
	})
	return found
}

// addressed reports whether a selector is a method that is given the address of what it is
// selected from.
func (fi *fileInfo) addressed(x *ast.SelectorExpr) bool {
	sel := fi.pkg.Info.Selections[x]
	if sel == nil || sel.Kind() != types.MethodVal || types.IsInterface(sel.Recv()) {
		return false
	}
	_, takes := sel.Obj().(*types.Func).Signature().Recv().Type().Underlying().(*types.Pointer)
	_, has := fi.pkg.Info.TypeOf(x.X).Underlying().(*types.Pointer)
	return takes && !has
}

// cannotPanic reports whether evaluating e has no effect at all, so that it may
// be evaluated although the source would not have.
func cannotPanic(fi *fileInfo, e ast.Expr) bool {
	if tv := fi.pkg.Info.Types[e]; tv.Value != nil || tv.IsNil() {
		return true
	}
	switch x := ast.Unparen(e).(type) {
	case *ast.Ident, *ast.BasicLit:
		return true
	case *ast.CompositeLit:
		if _, ok := fi.pkg.Info.TypeOf(x).Underlying().(*types.Struct); !ok && len(x.Elts) > 0 {
			return false
		}
		for _, elt := range x.Elts {
			if kv, ok := elt.(*ast.KeyValueExpr); ok {
				elt = kv.Value
			}
			if !cannotPanic(fi, elt) {
				return false
			}
		}
		return len(x.Elts) == 0 // anything larger is worth making only when needed
	}
	return false
}

// isMap reports whether e is a map. Another map may be migrated as well, so that
// reading it takes a lock: inside a callback that would be a lock under a lock,
// and two maps updated from each other a deadlock.
//
//	a[k] += b[k]     // in one goroutine
//	b[k] += a[k]     // in another
func (fi *fileInfo) isMap(e ast.Expr) bool {
	t := fi.pkg.Info.TypeOf(e)
	if t == nil {
		return false
	}
	_, ok := t.Underlying().(*types.Map)
	return ok
}

func (fi *fileInfo) lensMap(call *ast.CallExpr) bool {
	return fi.builtin(call) == "len" && fi.isMap(call.Args[0])
}

// simple reports whether e may be evaluated inside a callback, later than the
// source does but before anything else happens: no calls, no receives, no maps
// that other code may change meanwhile.
func (c *class) simple(fi *fileInfo, e ast.Expr) bool {
	if fi.pkg.Info.Types[e].Value != nil {
		return true
	}
	ok := true
	ast.Inspect(e, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			if b := fi.builtin(n); !fi.isConversion(n) && b != "len" && b != "cap" && b != "min" && b != "max" || fi.lensMap(n) {
				ok = false
			}
		case *ast.UnaryExpr:
			ok = ok && n.Op != token.ARROW
		case *ast.FuncLit:
			ok = false
		case *ast.IndexExpr:
			ok = ok && !fi.isMap(n.X)
		case *ast.Ident, *ast.SelectorExpr:
			if m := c.memberOf(fi, n.(ast.Expr)); m != nil {
				ok = false
			}
		}
		return ok
	})
	return ok
}

// quietPackages have no effects, locks or blocking that a callback under a
// shard lock could meet.
var quietPackages = map[string]bool{
	"errors": true, "strings": true, "strconv": true, "math": true, "unicode": true, "bytes": true,
	"unicode/utf8": true, "path": true, "path/filepath": true, "math/bits": true,
}

// quiet reports whether evaluating e inside a callback that holds a shard lock
// is safe: it cannot block, cannot reach a member of the class, and has no
// effect beyond its value. Calls are followed into first-party functions, depth
// levels deep.
func (c *class) quiet(fi *fileInfo, e ast.Node, depth int) bool {
	ok := true
	ast.Inspect(e, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			ok = ok && c.quietCall(fi, n, depth)
		case *ast.UnaryExpr:
			ok = ok && n.Op != token.ARROW
		case *ast.FuncLit: // making a closure is quiet; calling it is a call
			return false
		case *ast.LabeledStmt: // a loop, if anything
			ok = false
		case *ast.GoStmt, *ast.DeferStmt, *ast.SendStmt, *ast.SelectStmt, *ast.ForStmt, *ast.RangeStmt, *ast.IncDecStmt:
			ok = false
		case *ast.IndexExpr:
			ok = ok && !fi.isMap(n.X)
		case *ast.AssignStmt:
			for _, lhs := range n.Lhs {
				if _, local := ast.Unparen(lhs).(*ast.Ident); !local || n.Tok != token.DEFINE {
					ok = false
				}
			}
		case *ast.Ident, *ast.SelectorExpr:
			if m := c.memberOf(fi, n.(ast.Expr)); m != nil && (m.kind == packageVar || m.kind == structField) {
				if kv, key := fi.parent(n).(*ast.KeyValueExpr); !key || kv.Key != n {
					ok = false
				}
			}
		}
		return ok
	})
	return ok
}

func (c *class) quietCall(fi *fileInfo, call *ast.CallExpr, depth int) bool {
	if fi.isConversion(call) {
		return true
	}
	if fi.lensMap(call) {
		return false
	}
	switch fi.builtin(call) {
	case "make", "new", "len", "cap", "append", "min", "max", "complex", "real", "imag":
		return true
	case "":
	default:
		return false
	}
	fn := fi.callee(call)
	if fn == nil {
		return false
	}
	if decl, home := c.ix.funcDecl(fn); decl != nil {
		return depth > 0 && decl.Body != nil && c.quiet(home, decl.Body, depth-1)
	}
	if fn.Pkg() == nil || fn.Signature().Recv() != nil {
		return false
	}
	if fn.FullName() == "time.Now" {
		return true
	}
	return quietPackages[fn.Pkg().Path()] && !takesCode(fn) && !looksAtDisk[fn.FullName()]
}

// looksAtDisk are the functions of quietPackages that are not quiet.
var looksAtDisk = map[string]bool{"path/filepath.Abs": true, "path/filepath.EvalSymlinks": true, "path/filepath.Glob": true}

// takesCode reports whether a function has a parameter through which it may call code
// that is not its own: a function, or a value with methods. That code may come back.
//
//	m[k] = strings.Map(s.translate, m[k])   // translate reads m
func takesCode(fn *types.Func) bool {
	for v := range fn.Signature().Params().Variables() {
		t := v.Type().Underlying()
		if list, ok := t.(*types.Slice); ok {
			t = list.Elem().Underlying()
		}
		switch t.(type) {
		case *types.Signature, *types.Interface:
			return true
		}
	}
	return false
}

// keeps reports whether an expression is the same all through a function: constants, and local variables
// without pointers in them that are never assigned again, nor have their address taken.
func (fi *fileInfo) keeps(e ast.Expr, decl *ast.FuncDecl) bool {
	if decl == nil {
		return false
	}
	stays := true
	ast.Inspect(e, func(n ast.Node) bool {
		switch n := n.(type) {
		case nil, *ast.ParenExpr, *ast.BasicLit, *ast.BinaryExpr, *ast.KeyValueExpr, *ast.CompositeLit:
		case *ast.CallExpr:
			stays = stays && (fi.isConversion(n) || fi.builtin(n) == "len")
		case *ast.SelectorExpr:
			if tv := fi.pkg.Info.Types[n]; tv.Value != nil || tv.IsType() {
				return false
			}
			sel := fi.pkg.Info.Selections[n]
			stays = stays && sel != nil && !sel.Indirect()
		case *ast.Ident:
			v, ok := fi.object(n).(*types.Var)
			if ok && !v.IsField() {
				stays = stays && fi.isLocal(n) && flatType(v.Type()) && !fi.reassigned(v, decl)
			}
		default:
			if x, ok := n.(ast.Expr); !ok || !fi.pkg.Info.Types[x].IsType() {
				stays = false
			}
		}
		return stays
	})
	return stays
}

// reassigned reports whether a variable is assigned in a function, apart from where it is declared, or has its
// address taken.
func (fi *fileInfo) reassigned(v *types.Var, decl *ast.FuncDecl) bool {
	return fi.assignsTo(decl, func(e ast.Expr) bool {
		if e == nil {
			return false
		}
		x := fi.variableOf(e)
		return x != nil && fi.pkg.Info.Defs[x] == nil && fi.object(x) == types.Object(v)
	})
}

// flatType reports whether a value of type t has nothing that could change while the variable that holds it
// does not.
func flatType(t types.Type) bool {
	switch u := t.Underlying().(type) {
	case *types.Basic:
		return u.Kind() != types.UnsafePointer
	case *types.Array:
		return flatType(u.Elem())
	case *types.Struct:
		for f := range u.Fields() {
			if !flatType(f.Type()) {
				return false
			}
		}
		return true
	case *types.Pointer, *types.Chan: // equal to themselves, whatever they lead to
		return true
	case *types.Interface: // of a type parameter, too: a key is compared by what it is
		return true
	}
	return false
}

// flatValue reports whether who gets a value of type t cannot change anything by it.
func flatValue(t types.Type) bool {
	switch u := t.Underlying().(type) {
	case *types.Pointer, *types.Chan, *types.Interface:
		return false
	case *types.Array:
		return flatValue(u.Elem())
	case *types.Struct:
		for f := range u.Fields() {
			if !flatValue(f.Type()) {
				return false
			}
		}
		return true
	}
	return flatType(t)
}

func isError(t types.Type) bool { return types.Identical(t, types.Universe.Lookup("error").Type()) }

// isParameter reports whether an identifier names a parameter of a function around it.
func isParameter(fi *fileInfo, id *ast.Ident) bool {
	v, ok := fi.object(id).(*types.Var)
	if !ok {
		return false
	}
	for _, n := range fi.enclosingPath(v.Pos()) {
		switch n.(type) {
		case *ast.Field:
			return true
		case ast.Stmt:
			return false
		}
	}
	return false
}

// isLocal reports whether an identifier names a variable of a function.
func (fi *fileInfo) isLocal(id *ast.Ident) bool {
	v, ok := fi.object(id).(*types.Var)
	return ok && !v.IsField() && v.Pkg() != nil && v.Parent() != v.Pkg().Scope()
}
