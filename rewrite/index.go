// This file defines the index: where every map-typed variable of the module is
// used, and how to get from a node to its parent, file and package.

package rewrite

import (
	"go/ast"
	"go/token"
	"go/types"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"

	"golang.org/x/tools/go/ast/astutil"

	"github.com/mapmigrate/mapmigrate/detect"
	"github.com/mapmigrate/mapmigrate/plans"
)

// An index answers questions about the syntax of a whole program. It is built
// once per run and read by all classes.
//
// Objects are identified by the position of their declaring identifier: variants
// of a package share their syntax, but have objects of their own.
type index struct {
	wholes  map[*types.Var]bool // see overwritten
	logsOut *bool               // see logsElsewhere
	prog    *detect.Program
	files   map[*token.File]*fileInfo
	list    []*fileInfo // sorted by path
	uses    map[token.Pos][]*ast.Ident
	unkeyed map[token.Pos][]ast.Expr // field → its values in unkeyed struct literals
	methods map[string][]string      // the shapes of the interface methods that the program knows, by name
	flows   *flows                   // lazily, see holderFlows
	ignored *[]*ignoredFile          // lazily
	beside  *[]*neighbour            // lazily, see neighbours
	maps    map[token.Pos]*detect.Map
	decls   map[token.Pos]*ast.FuncDecl  // lazily, see funcDecl
	calls   map[*ast.FuncDecl][]callSite // lazily, see callGraph
	callers map[*ast.FuncDecl][]*ast.FuncDecl
	waiters map[*ast.FuncDecl]bool // lazily, see waits
	valued  map[*ast.FuncDecl]bool // lazily, see calledAsValue
	unnamed *unnamedIndex          // lazily, see unnamedCalls

	starters      map[*ast.FuncDecl]bool // lazily, see starts
	selectedNames map[string]bool        // lazily, see selected
	embedded      map[token.Pos]bool     // lazily, see embeds
	movers        []mover                // lazily, see class.movers

	funcVars     map[*types.Var][]heldFunc         // lazily, see heldFuncs
	valueCall    map[*ast.FuncDecl][]valueCall     // lazily, see valueCalls
	valueCallers map[*ast.FuncDecl][]*ast.FuncDecl // with it
	every        map[token.Pos][]*ast.Ident        // lazily, see usesOf

	mentions map[*ast.FuncDecl]map[types.Object][]*ast.Ident // lazily, by function, see identsOf

	exported  map[token.Pos]bool         // lazily, see api
	reached   map[token.Pos]bool         // the types that the API is made of, see api
	named     map[token.Pos][]namedUse   // lazily
	into      *[]intoNamed               // lazily, see intoNamed
	linked    *[]linkname                // lazily, see linknames
	vars      map[token.Pos][]*types.Var // lazily, see namedVars
	reflected map[token.Pos]token.Pos    // lazily, see callsMethods
}

// A fileInfo is one file, seen in the widest variant of its package.
type fileInfo struct {
	ix        *index
	abs, path string // path is module-relative, or "" for a file outside the module
	syntax    *ast.File
	pkg       *detect.Package
	generated bool
	given     map[*ast.FuncDecl]map[string]bool // see localName
	widened   map[*types.Scope]map[string]bool  // see widens
	imports   map[string]string                 // packages that were given a name of their own here, see packageName

	parents map[ast.Node]ast.Node        // lazily
	names   map[ast.Node]map[string]bool // lazily: the identifiers of a declaration, see fresh
}

func newIndex(prog *detect.Program) *index {
	ix := &index{
		prog:    prog,
		files:   map[*token.File]*fileInfo{},
		uses:    map[token.Pos][]*ast.Ident{},
		unkeyed: map[token.Pos][]ast.Expr{},
		methods: map[string][]string{},
	}
	for _, p := range prog.Packages {
		for _, f := range p.Files {
			ix.addFile(p, f)
		}
	}
	for _, fi := range ix.files {
		ix.list = append(ix.list, fi)
	}
	sort.Slice(ix.list, func(i, j int) bool { return ix.list[i].abs < ix.list[j].abs })
	seen := map[*detect.Package]bool{}
	for _, fi := range ix.list {
		if !seen[fi.pkg] {
			seen[fi.pkg] = true
			ix.addUses(fi.pkg)
		}
		ix.addLiterals(fi)
	}
	for _, ids := range ix.uses {
		sort.Slice(ids, func(i, j int) bool { return ids[i].Pos() < ids[j].Pos() })
	}
	ix.addInterfaceMethods()
	return ix
}

// addFile records f under the widest variant: p [p.test] sees everything p sees.
func (ix *index) addFile(p *detect.Package, f *ast.File) {
	tf := ix.prog.Fset.File(f.FileStart)
	if old := ix.files[tf]; old != nil {
		if old.pkg.ForTest == "" && p.ForTest == p.Path {
			old.pkg = p
		}
		return
	}
	abs := tf.Name()
	rel, err := filepath.Rel(ix.prog.Dir, abs)
	if err != nil || !filepath.IsLocal(rel) {
		rel = ""
	}
	ix.files[tf] = &fileInfo{ix: ix, abs: abs, path: filepath.ToSlash(rel), syntax: f, pkg: p,
		generated: ast.IsGenerated(f) && !strings.HasPrefix(filepath.Base(abs), "zz_mapmigrate_")}
}

// mapLike reports whether uses of an object with this type matter to any class:
// maps, and functions that take or return them.
func mapLike(t types.Type) bool {
	switch t := t.Underlying().(type) {
	case *types.Map:
		return true
	case *types.Signature:
		for _, tuple := range []*types.Tuple{t.Params(), t.Results()} {
			for v := range tuple.Variables() {
				if _, ok := v.Type().Underlying().(*types.Map); ok {
					return true
				}
			}
		}
	}
	return false
}

// usesOf returns all that names a variable, field or function, whatever its type.
func (ix *index) usesOf(obj types.Object) []*ast.Ident {
	if ix.every == nil {
		ix.every = map[token.Pos][]*ast.Ident{}
		seen := map[*detect.Package]bool{}
		for _, fi := range ix.list {
			if seen[fi.pkg] {
				continue
			}
			seen[fi.pkg] = true
			for id, obj := range fi.pkg.Info.Uses {
				switch obj.(type) {
				case *types.Var, *types.Func:
					if home := ix.fileAt(id.Pos()); obj.Pos().IsValid() && home != nil && home.pkg == fi.pkg {
						ix.every[obj.Pos()] = append(ix.every[obj.Pos()], id)
					}
				}
			}
		}
	}
	return ix.every[obj.Pos()]
}

func (ix *index) addUses(p *detect.Package) {
	for id, obj := range p.Info.Uses {
		switch obj.(type) {
		case *types.Var, *types.Func:
			if obj.Pos().IsValid() && mapLike(obj.Type()) {
				if fi := ix.fileAt(id.Pos()); fi != nil && fi.pkg == p {
					ix.uses[obj.Pos()] = append(ix.uses[obj.Pos()], id)
				}
			}
		}
	}
}

// addLiterals records the values of unkeyed struct literals under their fields:
// no identifier names the field there.
func (ix *index) addLiterals(fi *fileInfo) {
	ast.Inspect(fi.syntax, func(n ast.Node) bool {
		lit, ok := n.(*ast.CompositeLit)
		if !ok || len(lit.Elts) == 0 {
			return true
		}
		if _, keyed := lit.Elts[0].(*ast.KeyValueExpr); keyed {
			return true
		}
		t := fi.pkg.Info.TypeOf(lit)
		if t == nil {
			return true
		}
		if ptr, ok := t.Underlying().(*types.Pointer); ok { // elided &T in a slice literal
			t = ptr.Elem()
		}
		if st, ok := t.Underlying().(*types.Struct); ok {
			for i, elt := range lit.Elts {
				if i < st.NumFields() && mapLike(st.Field(i).Type()) {
					pos := st.Field(i).Pos()
					ix.unkeyed[pos] = append(ix.unkeyed[pos], elt)
				}
			}
		}
		return true
	})
}

// addInterfaceMethods collects the methods of the interfaces in the module and in
// what it imports: changing the signature of a method that such an interface asks for
// could silently change what a type assertion answers.
func (ix *index) addInterfaceMethods() {
	add := func(t types.Type) {
		it, ok := t.Underlying().(*types.Interface)
		if !ok {
			return
		}
		for m := range it.Methods() {
			if shape := shapeOf(m.Signature()); !slices.Contains(ix.methods[m.Name()], shape) {
				ix.methods[m.Name()] = append(ix.methods[m.Name()], shape)
			}
		}
	}
	seen := map[*types.Package]bool{}
	var addScope func(p *types.Package)
	addScope = func(p *types.Package) {
		if p == nil || seen[p] {
			return
		}
		seen[p] = true
		for _, name := range p.Scope().Names() {
			if tn, ok := p.Scope().Lookup(name).(*types.TypeName); ok {
				add(tn.Type())
			}
		}
		for _, imp := range p.Imports() {
			addScope(imp)
		}
	}
	for _, p := range ix.prog.Packages {
		addScope(p.Types)
	}
	for _, fi := range ix.list {
		ast.Inspect(fi.syntax, func(n ast.Node) bool {
			if it, ok := n.(*ast.InterfaceType); ok {
				if t := fi.pkg.Info.TypeOf(it); t != nil {
					add(t)
				}
			}
			return true
		})
	}
}

// shapeOf is sigKey, and "" for a signature that may stand for any.
func shapeOf(sig *types.Signature) string {
	key, loose := sigKey(sig)
	if loose {
		return ""
	}
	return key
}

// asked reports whether an interface asks for a method of this name and signature.
func (ix *index) asked(fn *types.Func) bool {
	shape := shapeOf(fn.Signature())
	return slices.ContainsFunc(ix.methods[fn.Name()], func(s string) bool { return s == shape || s == "" || shape == "" })
}

// noMethods are the packages that get values as any and call no methods of them but
// those that they have interfaces for.
var noMethods = []string{"fmt", "log", "log/slog", "errors", "testing", "sync", "sync/atomic", "context", "container/list", "container/ring",
	"encoding/json", "encoding/gob", "encoding/xml", "encoding/binary", "database/sql", "sort", "slices", "maps", "runtime", "os", "unsafe",
	"github.com/stretchr/testify/assert", "github.com/stretchr/testify/require", "github.com/google/go-cmp/cmp"}

// callsMethods returns the types, by the position of their names, whose exported
// methods code outside the module may call by name, and where it is given them:
// net/rpc, templates, reflect.
func (ix *index) callsMethods() map[token.Pos]token.Pos {
	if ix.reflected != nil {
		return ix.reflected
	}
	ix.reflected = map[token.Pos]token.Pos{}
	seen := map[types.Type]bool{}
	var walk func(t types.Type, at token.Pos)
	walk = func(t types.Type, at token.Pos) {
		if t == nil || seen[t] {
			return
		}
		seen[t] = true
		switch t := types.Unalias(t).(type) {
		case *types.Named:
			if ix.fileAt(t.Obj().Pos()) == nil {
				return
			}
			ix.reflected[t.Obj().Pos()] = at
			for m := range t.Methods() { // a template goes on with the result
				for v := range m.Signature().Results().Variables() {
					walk(v.Type(), at)
				}
			}
			walk(t.Underlying(), at)
		case *types.Struct:
			for f := range t.Fields() {
				walk(f.Type(), at)
			}
		case *types.Map:
			walk(t.Elem(), at)
		case interface{ Elem() types.Type }:
			walk(t.Elem(), at)
		}
	}
	for _, fi := range ix.list {
		ast.Inspect(fi.syntax, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			fn := fi.callee(call)
			if fn == nil || fn.Pkg() == nil || ix.fileAt(fn.Pos()) != nil || slices.Contains(noMethods, fn.Pkg().Path()) {
				return true
			}
			params := fn.Signature().Params()
			for i, e := range call.Args {
				if i >= params.Len() && !fn.Signature().Variadic() {
					break // in a package that does not type-check
				}
				p := params.At(min(i, params.Len()-1)).Type()
				if list, ok := p.(*types.Slice); ok && i >= params.Len()-1 && fn.Signature().Variadic() {
					p = list.Elem()
				}
				if it, ok := types.Unalias(p).Underlying().(*types.Interface); ok && it.NumMethods() == 0 && !mentionsTypeParam(p, 0) {
					walk(fi.pkg.Info.TypeOf(e), call.Pos())
				}
			}
			return true
		})
	}
	return ix.reflected
}

func (ix *index) fileAt(pos token.Pos) *fileInfo {
	return ix.files[ix.prog.Fset.File(pos)]
}

// pos converts a position to the plan's form: where the text is, whatever //line directives
// say, except in what cgo makes of a file, which nobody knows.
func (ix *index) pos(p token.Pos) plans.Pos {
	pp := ix.prog.Fset.PositionFor(p, false)
	rel, err := filepath.Rel(ix.prog.Dir, pp.Filename)
	if err != nil || !filepath.IsLocal(rel) {
		pp = ix.prog.Fset.Position(p)
		rel, err = filepath.Rel(ix.prog.Dir, pp.Filename)
	}
	file := pp.Filename
	if err == nil {
		file = filepath.ToSlash(rel)
	}
	return plans.Pos{File: file, Line: pp.Line, Column: pp.Column}
}

// at finds the token.Pos of a token.Position as detect reports it.
func (ix *index) at(p token.Position) token.Pos {
	for tf, fi := range ix.files {
		if fi.abs == p.Filename {
			if p.Line < 1 || p.Line > tf.LineCount() {
				return token.NoPos
			}
			return tf.LineStart(p.Line) + token.Pos(p.Column-1)
		}
	}
	return token.NoPos
}

// parent returns the parent of a node in its file.
func (fi *fileInfo) parent(n ast.Node) ast.Node {
	if fi.parents == nil {
		fi.parents = map[ast.Node]ast.Node{}
		var stack []ast.Node
		ast.Inspect(fi.syntax, func(n ast.Node) bool {
			if n == nil {
				stack = stack[:len(stack)-1]
				return true
			}
			if len(stack) > 0 {
				fi.parents[n] = stack[len(stack)-1]
			}
			stack = append(stack, n)
			return true
		})
	}
	return fi.parents[n]
}

// outer returns the outermost parenthesised form of e and its parent.
func (fi *fileInfo) outer(e ast.Expr) (ast.Expr, ast.Node) {
	for {
		p := fi.parent(e)
		paren, ok := p.(*ast.ParenExpr)
		if !ok {
			return e, p
		}
		e = paren
	}
}

// spelled returns the expression that an identifier names its object in: the selector that it is
// the end of, or itself.
func (fi *fileInfo) spelled(id *ast.Ident) ast.Expr {
	if sel, ok := fi.parent(id).(*ast.SelectorExpr); ok && sel.Sel == id {
		return sel
	}
	return id
}

// enclosing returns the innermost function (declaration or literal) around n.
func (fi *fileInfo) enclosing(n ast.Node) ast.Node {
	for n = fi.parent(n); n != nil; n = fi.parent(n) {
		switch n.(type) {
		case *ast.FuncDecl, *ast.FuncLit:
			return n
		}
	}
	return nil
}

// path returns the nodes that enclose pos, innermost first.
func (fi *fileInfo) enclosingPath(pos token.Pos) []ast.Node {
	path, _ := astutil.PathEnclosingInterval(fi.syntax, pos, pos+1)
	return path
}

// fresh returns a name like want that no identifier of the declaration around at,
// nor of the package's scope, has; later calls there avoid it, too.
func (fi *fileInfo) fresh(at ast.Node, want string) string {
	for p := fi.parent(at); p != nil; p = fi.parent(p) {
		if _, top := p.(*ast.File); top {
			break
		}
		at = p
	}
	if fi.names[at] == nil {
		if fi.names == nil {
			fi.names = map[ast.Node]map[string]bool{}
		}
		names := map[string]bool{}
		ast.Inspect(at, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok {
				names[id.Name] = true
			}
			return true
		})
		fi.names[at] = names
	}
	name := want
	for i := 2; fi.names[at][name] || fi.pkg.Types.Scope().Lookup(name) != nil; i++ {
		name = want + strconv.Itoa(i)
	}
	return name
}

// reserve makes fresh avoid a name that was put into the declaration around at.
func (fi *fileInfo) reserve(at ast.Node, name string) {
	fi.fresh(at, name) // makes the set
	for p := at; p != nil; p = fi.parent(p) {
		if set := fi.names[p]; set != nil {
			set[name] = true
		}
	}
}

// object returns what an identifier defines or uses.
func (fi *fileInfo) object(id *ast.Ident) types.Object {
	if obj := fi.pkg.Info.Defs[id]; obj != nil {
		return obj
	}
	return fi.pkg.Info.Uses[id]
}

// callee returns the function that a call names statically, or nil.
func (fi *fileInfo) callee(call *ast.CallExpr) *types.Func {
	var id *ast.Ident
	switch fun := ast.Unparen(call.Fun).(type) {
	case *ast.Ident:
		id = fun
	case *ast.SelectorExpr:
		id = fun.Sel
	case *ast.IndexExpr: // explicit instantiation
		switch x := fun.X.(type) {
		case *ast.Ident:
			id = x
		case *ast.SelectorExpr:
			id = x.Sel
		}
	}
	if id == nil {
		return nil
	}
	fn, _ := fi.pkg.Info.Uses[id].(*types.Func)
	return fn
}

// builtin returns the name of the builtin that a call calls, or "".
func (fi *fileInfo) builtin(call *ast.CallExpr) string {
	if id, ok := ast.Unparen(call.Fun).(*ast.Ident); ok {
		if b, ok := fi.pkg.Info.Uses[id].(*types.Builtin); ok {
			return b.Name()
		}
	}
	return ""
}

// isNil reports whether e is the predeclared nil.
func (fi *fileInfo) isNil(e ast.Expr) bool {
	id, ok := ast.Unparen(e).(*ast.Ident)
	if !ok {
		return false
	}
	_, ok = fi.pkg.Info.Uses[id].(*types.Nil)
	return ok
}

// funcDecl returns the declaration of a first-party function and its file.
func (ix *index) funcDecl(fn *types.Func) (*ast.FuncDecl, *fileInfo) {
	if fn == nil || !fn.Pos().IsValid() {
		return nil, nil
	}
	if ix.decls == nil {
		ix.decls = map[token.Pos]*ast.FuncDecl{}
		for _, fi := range ix.list {
			for _, d := range fi.syntax.Decls {
				if decl, ok := d.(*ast.FuncDecl); ok {
					ix.decls[decl.Name.Pos()] = decl
				}
			}
		}
	}
	if decl := ix.decls[fn.Pos()]; decl != nil {
		return decl, ix.fileAt(fn.Pos())
	}
	return nil, nil
}

// same reports whether two expressions of one file denote the same value when
// nothing happens between them: same structure, same objects, no calls.
func (fi *fileInfo) same(a, b ast.Expr) bool {
	a, b = ast.Unparen(a), ast.Unparen(b)
	switch a := a.(type) {
	case *ast.Ident:
		b, ok := b.(*ast.Ident)
		return ok && a.Name == b.Name && fi.object(a) == fi.object(b)
	case *ast.BasicLit:
		b, ok := b.(*ast.BasicLit)
		return ok && a.Kind == b.Kind && a.Value == b.Value
	case *ast.SelectorExpr:
		b, ok := b.(*ast.SelectorExpr)
		return ok && fi.object(a.Sel) == fi.object(b.Sel) && (fi.isPackage(a.X) || fi.same(a.X, b.X))
	case *ast.IndexExpr:
		b, ok := b.(*ast.IndexExpr)
		return ok && fi.same(a.X, b.X) && fi.same(a.Index, b.Index)
	case *ast.StarExpr:
		b, ok := b.(*ast.StarExpr)
		return ok && fi.same(a.X, b.X)
	case *ast.UnaryExpr:
		b, ok := b.(*ast.UnaryExpr)
		return ok && a.Op == b.Op && a.Op != token.ARROW && fi.same(a.X, b.X)
	case *ast.BinaryExpr:
		b, ok := b.(*ast.BinaryExpr)
		return ok && a.Op == b.Op && fi.same(a.X, b.X) && fi.same(a.Y, b.Y)
	case *ast.CallExpr: // conversions only
		b, ok := b.(*ast.CallExpr)
		return ok && fi.isConversion(a) && fi.isConversion(b) && len(a.Args) == 1 && len(b.Args) == 1 &&
			types.Identical(fi.pkg.Info.TypeOf(a), fi.pkg.Info.TypeOf(b)) && fi.same(a.Args[0], b.Args[0])
	case *ast.CompositeLit:
		b, ok := b.(*ast.CompositeLit)
		return ok && types.Identical(fi.pkg.Info.TypeOf(a), fi.pkg.Info.TypeOf(b)) &&
			slices.EqualFunc(a.Elts, b.Elts, func(x, y ast.Expr) bool {
				if kx, ok := x.(*ast.KeyValueExpr); ok {
					ky, ok := y.(*ast.KeyValueExpr)
					return ok && fi.same(kx.Key, ky.Key) && fi.same(kx.Value, ky.Value)
				}
				return fi.same(x, y)
			})
	}
	return false
}

func (fi *fileInfo) isPackage(e ast.Expr) bool {
	id, ok := e.(*ast.Ident)
	if !ok {
		return false
	}
	_, ok = fi.pkg.Info.Uses[id].(*types.PkgName)
	return ok
}

func (fi *fileInfo) isConversion(call *ast.CallExpr) bool {
	return fi.pkg.Info.Types[call.Fun].IsType()
}

// freshImport returns want, or a variant of it, as a package name that nothing
// in the file or its package's scope uses.
func (fi *fileInfo) freshImport(want string) string {
	elsewhere := fi.ix.declaredElsewhere(fi.pkg.Dir)
	name := want
	for i := 2; ; i++ {
		taken := slices.ContainsFunc(fi.syntax.Imports, func(spec *ast.ImportSpec) bool {
			pn, ok := fi.pkg.Info.Implicits[spec].(*types.PkgName)
			return ok && pn.Name() == name
		})
		if !taken && !elsewhere[name] && fi.fresh(fi.syntax, name) == name {
			return name
		}
		name = want + strconv.Itoa(i)
	}
}
