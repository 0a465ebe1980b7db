// This file gives map variables, fields and functions their stable names.

package detect

import (
	"go/ast"
	"go/token"
	"go/types"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/tools/go/ssa"
)

// fieldNames maps struct fields to keys, "pkg.Type.field", through anonymous structs:
// "pkg.Type.outer.inner". It indexes a package when it is first asked about it.
type fieldNames struct {
	keys    map[*types.Var]string
	indexed map[*types.Package]bool
	deep    func(path string) bool // packages worth an index
}

func newFieldNames(deep func(string) bool) *fieldNames {
	return &fieldNames{map[*types.Var]string{}, map[*types.Package]bool{}, deep}
}

// of returns the key of field i of the struct that t is or points to.
func (n *fieldNames) of(t types.Type, i int) string {
	t = deref(t)
	st, ok := coreStruct(t)
	if !ok {
		return "?.?"
	}
	f := st.Field(i).Origin()
	if pkg := f.Pkg(); pkg != nil && n.deep(pkg.Path()) {
		if !n.indexed[pkg] {
			n.index(pkg)
		}
		if k, ok := n.keys[f]; ok {
			return k
		}
	}
	if named, ok := types.Unalias(t).(*types.Named); ok {
		return typeKey(named) + "." + f.Name()
	}
	if f.Pkg() == nil {
		return "?." + f.Name()
	}
	return f.Pkg().Path() + ".?." + f.Name()
}

func (n *fieldNames) index(pkg *types.Package) {
	n.indexed[pkg] = true
	for _, name := range pkg.Scope().Names() {
		obj := pkg.Scope().Lookup(name)
		if tn, ok := obj.(*types.TypeName); ok && tn.IsAlias() {
			continue
		}
		n.walk(pkg.Path()+"."+name, obj.Type(), true)
	}
}

// walk names the fields of the struct at t and of the anonymous structs inside.
func (n *fieldNames) walk(prefix string, t types.Type, top bool) {
	switch u := t.(type) {
	case *types.Named:
		if top && u.Obj().Parent() != nil && strings.HasSuffix(prefix, u.Obj().Name()) {
			n.walk(prefix, u.Underlying(), false)
		}
	case *types.Struct:
		for i := range u.NumFields() {
			f := u.Field(i)
			if _, ok := n.keys[f]; ok {
				continue
			}
			n.keys[f] = prefix + "." + f.Name()
			n.walk(prefix+"."+f.Name(), f.Type(), false)
		}
	case *types.Pointer:
		n.walk(prefix, u.Elem(), false)
	case *types.Slice:
		n.walk(prefix, u.Elem(), false)
	case *types.Array:
		n.walk(prefix, u.Elem(), false)
	case *types.Map:
		n.walk(prefix, u.Elem(), false)
	case *types.Chan:
		n.walk(prefix, u.Elem(), false)
	}
}

// typeKey is "pkg.Type"; a type declared in a function gets the bare name too, which may
// merge two of them.
func typeKey(t *types.Named) string {
	obj := t.Origin().Obj()
	if obj.Pkg() == nil {
		return obj.Name()
	}
	return obj.Pkg().Path() + "." + obj.Name()
}

func deref(t types.Type) types.Type {
	if p, ok := t.Underlying().(*types.Pointer); ok {
		return p.Elem()
	}
	return t
}

func coreStruct(t types.Type) (*types.Struct, bool) {
	st, ok := t.Underlying().(*types.Struct)
	if !ok {
		if tp, isParam := types.Unalias(t).(*types.TypeParam); isParam {
			if c, ok := tp.Constraint().Underlying().(*types.Interface); ok && c.NumEmbeddeds() == 1 {
				st, ok = c.EmbeddedType(0).Underlying().(*types.Struct)
				return st, ok
			}
		}
	}
	return st, ok
}

func isMap(t types.Type) bool {
	_, ok := t.Underlying().(*types.Map)
	return ok
}

func isFunc(t types.Type) bool {
	_, ok := t.Underlying().(*types.Signature)
	return ok
}

// funcKey is stable across packages and builds: "pkg.F", "(*pkg.T).M", "pkg.F$1".
func funcKey(fn *ssa.Function) string {
	if o := fn.Origin(); o != nil {
		fn = o
	}
	return fn.RelString(nil)
}

// funcName is how a function is shown: "F", "(*T).M", "F.func1".
func funcName(fn *ssa.Function, pkg *types.Package) string {
	name := fn.RelString(pkg)
	if i := strings.IndexByte(name, '$'); i >= 0 {
		name = name[:i] + ".func" + strings.ReplaceAll(name[i+1:], "$", ".")
	}
	return name
}

// short turns a key into what people read: "path/to/pkg.Type.field" into "Type.field",
// a package variable's into "pkg.Var".
func short(key string) string {
	if i := strings.LastIndexByte(key, '/'); i >= 0 {
		key = key[i+1:]
	}
	if strings.Count(key, ".") > 1 {
		key = key[strings.IndexByte(key, '.')+1:]
	}
	if k, ok := strings.CutSuffix(key, copiedLock); ok {
		return "a copy of " + k
	}
	return strings.TrimSuffix(key, "[]")
}

// Path helpers. A path is root('|'selector)*.

func root(path string) string {
	if i := strings.IndexByte(path, '|'); i >= 0 {
		return path[:i]
	}
	return path
}

// rest is the path without its root, with the leading '|'.
func rest(path string) string {
	if i := strings.IndexByte(path, '|'); i >= 0 {
		return path[i:]
	}
	return ""
}

func hasPrefix(path, prefix string) bool {
	return strings.HasPrefix(path, prefix) && (len(path) == len(prefix) || path[len(prefix)] == '|')
}

// parent drops the last selector; "" for a bare root.
func parent(path string) string {
	if i := strings.LastIndexByte(path, '|'); i >= 0 {
		return path[:i]
	}
	return ""
}

func lastSelector(path string) string {
	if i := strings.LastIndexByte(path, '|'); i >= 0 {
		return path[i+1:]
	}
	return ""
}

const maxSelectors = 7

func join(path, sel string) string {
	if strings.Count(path, "|") >= maxSelectors {
		return "u|" + sel
	}
	return path + "|" + sel
}

// rootIndex parses roots such as "p3"; -1 when the kind differs.
func rootIndex(r string, kind byte) int {
	if len(r) < 2 || r[0] != kind {
		return -1
	}
	n, err := strconv.Atoi(r[1:])
	if err != nil {
		return -1
	}
	return n
}

// mapKey returns the map variable that a path denotes and whether the path is one of its
// rows; "" when the path does not say (a parameter, an unknown value).
func mapKey(path, fn string) (key string, inner bool) {
	r := root(path)
	for lastSelector(path) == "[]" {
		path, inner = parent(path), true
	}
	switch sel := lastSelector(path); {
	case sel != "":
		return sel, inner
	case strings.HasPrefix(r, "g:"):
		return r[2:], inner
	case r != "" && r[0] == 'a':
		return "local:" + fn + ":" + r, inner
	case strings.HasPrefix(r, "@"):
		if i := strings.LastIndexByte(r, ':'); i >= 0 && i+1 < len(r) && r[i+1] == 'a' {
			return "local:" + r[1:], inner
		}
	}
	return "", inner
}

// helpsTests reports whether a file that is built into the program helps tests: it imports
// testing, and the file or the package is named after that (rule C8).
//
//	package test; func RunServer(t *testing.T) *Server { go s.Start() }
func helpsTests(file *ast.File, name string) bool {
	imports := slices.ContainsFunc(file.Imports, func(i *ast.ImportSpec) bool { return i.Path.Value == `"testing"` })
	return imports && (strings.Contains(filepath.Base(name), "test") || strings.Contains(file.Name.Name, "test"))
}

// inventory lists the map variables that files declare, locals excepted.
func (b *builder) inventory(files []*ast.File) {
	for _, file := range files {
		name := b.fset.PositionFor(file.FileStart, false).Filename
		generated := ast.IsGenerated(file)
		b.generated[name] = generated
		test := strings.HasSuffix(name, "_test.go")
		helper := !test && helpsTests(file, name)
		b.tests[name], b.helpers[name] = test, helper
		var visit func(n ast.Node, prefix string)
		field := func(st *ast.StructType, prefix string) {
			for _, f := range st.Fields.List {
				names := f.Names
				if len(names) == 0 {
					if id := embeddedName(f.Type); id != nil {
						names = []*ast.Ident{id}
					}
				}
				for _, id := range names {
					obj, _ := b.info.Defs[id].(*types.Var)
					if obj == nil { // embedded: Defs has no entry, look it up
						if t, ok := b.info.TypeOf(st).(*types.Struct); ok {
							for i := range t.NumFields() {
								if t.Field(i).Name() == id.Name {
									obj = t.Field(i)
								}
							}
						}
					}
					if obj == nil || id.Name == "_" {
						continue
					}
					key := prefix + "." + id.Name
					if k, ok := b.names.keys[obj]; ok {
						key = k
					} else {
						b.names.keys[obj] = key
					}
					box, rows := boxes(obj.Type())
					if box || isMap(obj.Type()) && !isTypeParam(obj.Type()) {
						b.sum.Maps = append(b.sum.Maps, MapDecl{
							Key: key, Name: b.display(key), Kind: Field, Type: b.typeString(obj.Type()),
							Pos: b.pos(id.Pos()), Nested: rows || nested(obj.Type()), Holder: key[:strings.LastIndexByte(key, '.')],
							Generated: generated, Test: test, Boxed: box,
						})
					}
				}
				sub := prefix
				if len(names) > 0 {
					sub = prefix + "." + names[0].Name
				}
				visit(f.Type, sub)
			}
		}
		visit = func(n ast.Node, prefix string) {
			ast.Inspect(n, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.StructType:
					field(n, prefix)
					return false
				case *ast.TypeSpec:
					visit(n.Type, prefix+"."+n.Name.Name)
					return false
				case *ast.FuncDecl:
					if n.Body != nil {
						visit(n.Body, prefix+"."+n.Name.Name)
					}
					return false
				case *ast.ValueSpec:
					for _, id := range n.Names {
						obj, _ := b.info.Defs[id].(*types.Var)
						if obj == nil || id.Name == "_" || obj.Parent() != b.pkg.Scope() {
							continue
						}
						if box, rows := boxes(obj.Type()); box || isMap(obj.Type()) {
							key := b.pkg.Path() + "." + id.Name
							b.sum.Maps = append(b.sum.Maps, MapDecl{
								Key: key, Name: b.pkg.Name() + "." + id.Name, Kind: PackageVar, Type: b.typeString(obj.Type()),
								Pos: b.pos(id.Pos()), Nested: rows || nested(obj.Type()), Generated: generated, Test: test, Boxed: box,
							})
						}
					}
					sub := prefix
					if len(n.Names) > 0 {
						sub = prefix + "." + n.Names[0].Name
					}
					if n.Type != nil {
						visit(n.Type, sub)
					}
					for _, v := range n.Values {
						visit(v, sub)
					}
					return false
				}
				return true
			})
		}
		visit(file, b.pkg.Path())
	}
}

func embeddedName(e ast.Expr) *ast.Ident {
	switch e := e.(type) {
	case *ast.Ident:
		return e
	case *ast.StarExpr:
		return embeddedName(e.X)
	case *ast.SelectorExpr:
		return e.Sel
	case *ast.IndexExpr:
		return embeddedName(e.X)
	case *ast.IndexListExpr:
		return embeddedName(e.X)
	}
	return nil
}

func isTypeParam(t types.Type) bool {
	_, ok := types.Unalias(t).(*types.TypeParam)
	return ok
}

func nested(t types.Type) bool {
	m, ok := t.Underlying().(*types.Map)
	return ok && isMap(m.Elem())
}

// boxes reports whether a variable of another type than a map may hold one that code gets at
// by an assertion or a load (rule I5), and whether it holds one per key.
func boxes(t types.Type) (box, rows bool) {
	if it, ok := t.Underlying().(*types.Interface); ok {
		return it.NumMethods() == 0 && !isTypeParam(t) && it.IsMethodSet(), false
	}
	if p, ok := t.(*types.Pointer); ok {
		return isMap(p.Elem()), false
	}
	n, ok := types.Unalias(t).(*types.Named)
	if !ok || n.Obj().Pkg() == nil {
		return false, false
	}
	switch n.Obj().Pkg().Path() + "." + n.Obj().Name() {
	case "sync/atomic.Value":
		return true, false
	case "sync/atomic.Pointer":
		return n.TypeArgs().Len() == 1 && isMap(n.TypeArgs().At(0)), false
	case "sync.Map":
		return true, true
	}
	return false, false
}

func (b *builder) typeString(t types.Type) string {
	return types.TypeString(t, types.RelativeTo(b.pkg))
}

// display replaces the import path at the start of a key by the package name.
func (b *builder) display(key string) string {
	return b.pkg.Name() + strings.TrimPrefix(key, b.pkg.Path())
}

func (b *builder) pos(p token.Pos) Pos {
	if !p.IsValid() {
		return Pos{}
	}
	at := b.fset.PositionFor(p, false)
	i, ok := b.files[at.Filename]
	if !ok {
		i = int32(len(b.sum.Files))
		b.files[at.Filename] = i
		b.sum.Files = append(b.sum.Files, at.Filename)
	}
	return Pos{i, int32(at.Offset), int32(at.Line), int32(at.Column)}
}
