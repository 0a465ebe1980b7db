// This file says as what type an expression is used: the type of the variable that it
// is assigned to, of the parameter that it is passed as.

package rewrite

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
)

// usedAs returns the type that the context of e gives it, nil if the context takes it
// as it is (a selection, a range, an operand), and whether the context is understood.
func (fi *fileInfo) usedAs(e ast.Expr) (want types.Type, known bool) {
	info := fi.pkg.Info
	e, parent := fi.outer(e)
	if tuple, ok := info.TypeOf(e).(*types.Tuple); ok {
		return nil, fi.tupleKept(e, tuple, parent)
	}
	switch p := parent.(type) {
	case *ast.AssignStmt:
		if i := slices.Index(p.Rhs, e); i >= 0 && len(p.Lhs) == len(p.Rhs) {
			if id, ok := p.Lhs[i].(*ast.Ident); ok && id.Name == "_" {
				return nil, true
			}
			return info.TypeOf(p.Lhs[i]), true
		}
		return nil, true // assigned to, or v, ok = e
	case *ast.ValueSpec:
		if i := slices.Index(p.Values, e); i >= 0 && len(p.Values) == len(p.Names) && p.Type != nil {
			return info.TypeOf(p.Type), true
		}
		return nil, true
	case *ast.CallExpr:
		return fi.argumentAs(p, e)
	case *ast.KeyValueExpr:
		lit, ok := fi.parent(p).(*ast.CompositeLit)
		if !ok {
			return nil, false
		}
		switch t := deref(fi.typeOf(lit)).Underlying().(type) {
		case *types.Struct:
			id, ok := p.Key.(*ast.Ident)
			if !ok || info.Uses[id] == nil {
				return nil, false
			}
			return info.Uses[id].Type(), true
		case *types.Map:
			if p.Key == e {
				return t.Key(), true
			}
			return t.Elem(), true
		case interface{ Elem() types.Type }:
			return t.Elem(), true
		}
	case *ast.CompositeLit:
		i := slices.Index(p.Elts, e)
		switch t := deref(fi.typeOf(p)).Underlying().(type) {
		case *types.Struct:
			if i >= 0 && i < t.NumFields() {
				return t.Field(i).Type(), true
			}
		case interface{ Elem() types.Type }:
			return t.Elem(), true
		}
	case *ast.ReturnStmt:
		results := fi.resultsAt(p)
		if i := slices.Index(p.Results, e); results != nil && i < results.Len() && len(p.Results) == results.Len() {
			return results.At(i).Type(), true
		}
	case *ast.SendStmt:
		if p.Chan == e {
			return nil, true
		}
		if ch, ok := fi.typeOf(p.Chan).Underlying().(*types.Chan); ok {
			return ch.Elem(), true
		}
	case *ast.BinaryExpr: // pointers, channels: with nil, or with their like
		if t, u := fi.typeOf(p.X), fi.typeOf(p.Y); types.IsInterface(t) != types.IsInterface(u) {
			return t, !types.IsInterface(t)
		}
		return nil, true
	case *ast.UnaryExpr:
		return nil, p.Op == token.AND || p.Op == token.ARROW
	case *ast.SelectorExpr, *ast.StarExpr, *ast.IndexExpr, *ast.SliceExpr, *ast.RangeStmt, *ast.ExprStmt, *ast.IncDecStmt:
		return nil, true
	}
	return nil, false
}

// resultsAt returns the results of the function that a return statement is in.
func (fi *fileInfo) resultsAt(p *ast.ReturnStmt) *types.Tuple {
	switch fn := fi.enclosing(p).(type) {
	case *ast.FuncDecl:
		if obj, ok := fi.pkg.Info.Defs[fn.Name].(*types.Func); ok {
			return obj.Signature().Results()
		}
	case *ast.FuncLit:
		if sig, ok := fi.pkg.Info.TypeOf(fn).(*types.Signature); ok {
			return sig.Results()
		}
	}
	return nil
}

// argumentAs is usedAs for an operand of a call.
func (fi *fileInfo) argumentAs(call *ast.CallExpr, e ast.Expr) (types.Type, bool) {
	i := slices.Index(call.Args, e)
	if i < 0 {
		return nil, true // what is called
	}
	if fi.isConversion(call) {
		return fi.pkg.Info.TypeOf(call), true
	}
	switch fi.builtin(call) {
	case "":
	case "append":
		if list, ok := fi.typeOf(call).Underlying().(*types.Slice); ok && i > 0 && !call.Ellipsis.IsValid() {
			return list.Elem(), true
		}
		return nil, true
	case "panic", "print", "println":
		return nil, false
	default:
		return nil, true
	}
	sig, ok := fi.typeOf(call.Fun).Underlying().(*types.Signature)
	if !ok || sig.Params().Len() == 0 {
		return nil, false
	}
	return passedAs(sig, i, !call.Ellipsis.IsValid()), true
}

// passedAs returns the type of the parameter, one at least, that gets the i-th argument; with
// single set, that of one operand of a variadic one, not of the list.
func passedAs(sig *types.Signature, i int, single bool) types.Type {
	last := sig.Params().Len() - 1
	if last < 0 {
		return types.Typ[types.Invalid] // of a package that does not type-check
	}
	t := sig.Params().At(min(i, last)).Type()
	if list, ok := t.(*types.Slice); ok && sig.Variadic() && i >= last && single {
		return list.Elem()
	}
	return t
}

// typeOf is the type of an expression: the invalid one of what means nothing, in a package that
// does not type-check (see checkBroken).
func (fi *fileInfo) typeOf(e ast.Expr) types.Type {
	if t := fi.pkg.Info.TypeOf(e); t != nil {
		return t
	}
	return types.Typ[types.Invalid]
}

// tupleKept reports whether several results are taken as the types that they have.
func (fi *fileInfo) tupleKept(e ast.Expr, tuple *types.Tuple, parent ast.Node) bool {
	info := fi.pkg.Info
	same := func(i int, t types.Type) bool { return t == nil || identicalAll(t, tuple.At(i).Type()) }
	switch p := parent.(type) {
	case *ast.ExprStmt, *ast.GoStmt, *ast.DeferStmt:
		return true
	case *ast.AssignStmt:
		for i, lhs := range p.Lhs {
			if id, ok := lhs.(*ast.Ident); ok && id.Name == "_" {
				continue
			}
			if i >= tuple.Len() || !same(i, info.TypeOf(lhs)) {
				return false
			}
		}
		return true
	case *ast.ValueSpec:
		return p.Type == nil
	case *ast.ReturnStmt:
		results := fi.resultsAt(p)
		if results == nil || results.Len() != tuple.Len() {
			return false
		}
		for i := range tuple.Len() {
			if !same(i, results.At(i).Type()) {
				return false
			}
		}
		return true
	}
	return false // f(g())
}
