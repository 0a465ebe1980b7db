// This file finds what calls run that they do not name: function values, methods of
// interfaces, and what libraries call of the values that they are given.

package rewrite

import (
	"go/ast"
	"go/types"
	"maps"
	"slices"
	"strings"
)

// An unnamedCall is what a call calls that has no name there, or what a function's calls do.
type unnamedCall struct {
	values bool                   // function values
	names  map[string]bool        // methods of interfaces
	decls  map[*ast.FuncDecl]bool // methods of values whose types are known, which a library calls
}

// An unnamedIndex has the functions of a program by what they call that has no name there.
type unnamedIndex struct {
	values []*ast.FuncDecl
	byName map[string][]*ast.FuncDecl
	byDecl map[*ast.FuncDecl][]*ast.FuncDecl
}

// calls reports whether one of some functions may be called: those of users are methods, by
// the names in methods, and values where asValue is set.
func (u *unnamedCall) calls(users map[*ast.FuncDecl]bool, methods map[string]bool, asValue bool) bool {
	if u.values && asValue {
		return true
	}
	for name := range u.names {
		if methods[name] {
			return true
		}
	}
	for decl := range u.decls {
		if users[decl] {
			return true
		}
	}
	return false
}

// unnamedCalls returns what the functions of the program call that has no name there.
func (ix *index) unnamedCalls() *unnamedIndex {
	if ix.unnamed != nil {
		return ix.unnamed
	}
	all := &unnamedIndex{byName: map[string][]*ast.FuncDecl{}, byDecl: map[*ast.FuncDecl][]*ast.FuncDecl{}}
	for _, fi := range ix.list {
		for _, d := range fi.syntax.Decls {
			decl, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			var u unnamedCall
			ast.Inspect(decl, func(n ast.Node) bool {
				if call, ok := n.(*ast.CallExpr); ok {
					u.add(ix, fi, call)
				}
				return true
			})
			if u.values {
				all.values = append(all.values, decl)
			}
			for name := range u.names {
				all.byName[name] = append(all.byName[name], decl)
			}
			for callee := range u.decls {
				all.byDecl[callee] = append(all.byDecl[callee], decl)
			}
		}
	}
	ix.unnamed = all
	return all
}

// add notes what a call calls beside the function that it names.
func (u *unnamedCall) add(ix *index, fi *fileInfo, call *ast.CallExpr) {
	if fi.isConversion(call) || fi.builtin(call) != "" {
		return
	}
	fn := fi.callee(call)
	if fn == nil {
		u.values = true
		return
	}
	if recv := fn.Signature().Recv(); recv != nil && types.IsInterface(recv.Type()) {
		u.note(fn.Name())
	}
	if decl, _ := ix.funcDecl(fn); decl != nil {
		return
	}
	if fn.Pkg() != nil && fn.Pkg().Path() == "log/slog" {
		u.values = true // the handler's
	}
	names, known := callsBack(fn)
	sig, ok := fi.typeOf(call.Fun).Underlying().(*types.Signature) // of T.M with the receiver as an argument
	if !ok {
		return
	}
	for i, a := range call.Args { // of a library
		t := fi.pkg.Info.TypeOf(a)
		if t == nil || plain(t) {
			continue
		}
		if _, isFunc := t.Underlying().(*types.Signature); isFunc {
			_, lit := ast.Unparen(a).(*ast.FuncLit) // which is looked into where it stands
			u.values = u.values || !lit
			continue
		}
		iface, ok := passedAs(sig, i, true).Underlying().(*types.Interface)
		if !ok {
			continue
		}
		of := slices.Clone(names)
		for m := range iface.Methods() { // sort.Sort(x), fmt.Fprint(w)
			of = append(of, m.Name())
		}
		if !known || !u.methodsOf(ix, t, of, map[types.Type]bool{}) {
			u.note(of...)
		}
	}
}

func (u *unnamedCall) note(names ...string) {
	if u.names == nil {
		u.names = map[string]bool{}
	}
	for _, name := range names {
		u.names[name] = true
	}
}

// methodsOf notes the methods with one of some names that a value of type t and what it holds
// have, and reports whether they are all: whether it holds no interface, in which could be
// anything, nor a function that such a method of a library's type may call.
//
//	type lazy func() string                  // in a library
//	func (l lazy) String() string { return l() }
func (u *unnamedCall) methodsOf(ix *index, t types.Type, names []string, seen map[types.Type]bool) bool {
	if seen[t] {
		return true
	}
	if seen[t] = true; len(seen) > 1000 {
		return false
	}
	if named, ok := types.Unalias(t).(*types.Named); ok {
		if pkg := named.Obj().Pkg(); pkg != nil && pkg.Path() == "testing" {
			return true
		}
		for m := range types.NewMethodSet(types.NewPointer(named)).Methods() {
			fn, ok := m.Obj().(*types.Func)
			if !ok || !slices.Contains(names, fn.Name()) {
				continue
			}
			decl, _ := ix.funcDecl(fn)
			if decl == nil && holdsFunc(named.Underlying(), map[types.Type]bool{}) {
				return false
			}
			if decl != nil {
				if u.decls == nil {
					u.decls = map[*ast.FuncDecl]bool{}
				}
				u.decls[decl] = true
			}
		}
	}
	switch t := t.Underlying().(type) {
	case *types.Basic, *types.Signature, *types.Chan: // printed as addresses
		return true
	case *types.Map:
		return u.methodsOf(ix, t.Key(), names, seen) && u.methodsOf(ix, t.Elem(), names, seen)
	case *types.Struct:
		for f := range t.Fields() {
			if !u.methodsOf(ix, f.Type(), names, seen) {
				return false
			}
		}
		return true
	case interface{ Elem() types.Type }: // a pointer, slice or array
		return u.methodsOf(ix, t.Elem(), names, seen)
	}
	return false
}

// holdsFunc reports whether a value of type t holds a function, as far as it holds no interface.
func holdsFunc(t types.Type, seen map[types.Type]bool) bool {
	if seen[t] {
		return false
	}
	seen[t] = true
	switch t := t.Underlying().(type) {
	case *types.Signature:
		return true
	case *types.Map:
		return holdsFunc(t.Key(), seen) || holdsFunc(t.Elem(), seen)
	case *types.Struct:
		for f := range t.Fields() {
			if holdsFunc(f.Type(), seen) {
				return true
			}
		}
	case interface{ Elem() types.Type }:
		return holdsFunc(t.Elem(), seen)
	}
	return false
}

// showing are the methods by which values print.
var showing = []string{"String", "Error", "GoString", "Format"}

// callsBack returns which methods of values that it is given a library's function may call,
// beside those of the interfaces that its parameters have. Those that are not known to call
// nothing else may call methods of what they were given earlier.
func callsBack(fn *types.Func) (names []string, known bool) {
	all := slices.Collect(maps.Keys(comesBack))
	if fn.Pkg() == nil {
		return all, false
	}
	switch path := fn.Pkg().Path(); path {
	case "fmt":
		if !strings.Contains(fn.Name(), "can") { // Sscan, Fscanf
			return append([]string{"Write"}, showing...), true // of what a writer that it was given writes to
		}
	case "testing":
		return append([]string{"Write"}, showing...), true
	case "errors":
		return []string{"Is", "As", "Unwrap", "Error"}, true
	case "github.com/google/go-cmp/cmp":
		return append([]string{"Equal"}, showing...), true
	case "strings", "bytes":
		return []string{"Write", "Read"}, true
	case "sort", "container/heap", "reflect", "strconv", "slices", "maps":
		if path != "reflect" || fn.Name() == "DeepEqual" {
			return nil, true
		}
	case testify + "assert", testify + "require":
		return append([]string{"Write", "Is", "As", "Unwrap"}, showing...), true
	}
	return all, false
}
