// This file writes types as Go source.

package rewrite

import (
	"go/ast"
	"go/token"
	"go/types"
	"maps"
	"slices"
	"strings"
)

// A fileImport is an import that a file gets, and the name it is used by.
type fileImport struct{ Path, Name string }

// spell writes a type as Go source for a place in a file, or refuses. A package that
// the file does not import, or whose name means something else at the place, gets an
// import of its own:
//
//	func add(k string, url *url.URL) { links[k] = append(links[k], url) }
//	// → links.Update(k, func(old []*url2.URL) []*url2.URL { return append(old, url) })
func (c *class) spell(fi *fileInfo, t types.Type, at token.Pos) string {
	if name := c.hidden(fi, t, at); name != "" {
		c.refuse("cannot-spell-type", at, "rename the variable "+name+" here", "the element type %s cannot be named here: %s is something else in this scope", types.TypeString(t, types.RelativeTo(fi.pkg.Types)), name)
	}
	s := types.TypeString(t, func(p *types.Package) string {
		if p.Path() == fi.pkg.Types.Path() {
			return ""
		}
		return c.packageName(fi, p, at)
	})
	if strings.Contains(s, "/") || strings.Contains(s, "invalid type") {
		c.refuse("cannot-spell-type", at, "", "the element type %s cannot be written out", s)
	}
	return s
}

// packageName returns the name of a package at a place, after importing it if need be.
func (c *class) packageName(fi *fileInfo, p *types.Package, at token.Pos) string {
	scope := fi.pkg.Types.Scope().Innermost(at)
	for _, spec := range fi.syntax.Imports {
		pn := fi.packageOf(spec)
		if pn == nil || pn.Imported().Path() != p.Path() || pn.Name() == "_" {
			continue
		}
		if pn.Name() == "." {
			return "" // see hidden
		}
		if scope == nil {
			return pn.Name()
		}
		if _, found := scope.LookupParent(pn.Name(), at); found == types.Object(pn) {
			return pn.Name()
		}
	}
	if !importable(p.Path(), fi.pkg.Types.Path()) {
		c.refuse("cannot-spell-type", at, "", "the element type is of %s, which this package cannot import", p.Path())
		return p.Name()
	}
	if fi.imports == nil {
		fi.imports = map[string]string{}
	}
	if fi.imports[p.Path()] == "" {
		want := p.Name()
		if slices.Contains([]string{"safemap", "sync", "old", "value", "key", "target", "index"}, want) {
			want += "pkg" // names that operations bring
		}
		for slices.Contains(slices.Collect(maps.Values(fi.imports)), fi.freshImport(want)) {
			want += "2"
		}
		fi.imports[p.Path()] = fi.freshImport(want)
	}
	imp := fileImport{p.Path(), fi.imports[p.Path()]}
	if !slices.Contains(c.imports[fi], imp) {
		c.imports[fi] = append(c.imports[fi], imp)
	}
	return imp.Name
}

// packageOf returns the package name that an import declares.
func (fi *fileInfo) packageOf(spec *ast.ImportSpec) *types.PkgName {
	if spec.Name != nil {
		pn, _ := fi.pkg.Info.Defs[spec.Name].(*types.PkgName)
		return pn
	}
	pn, _ := fi.pkg.Info.Implicits[spec].(*types.PkgName)
	return pn
}

// importable reports whether the go command lets a package import another one.
func importable(path, by string) bool {
	elems := strings.Split(path, "/")
	for i := len(elems) - 1; i >= 0; i-- {
		if elems[i] == "vendor" {
			return false
		}
		if elems[i] == "internal" {
			parent := strings.Join(elems[:i], "/")
			return parent != "" && (by == parent || strings.HasPrefix(by, parent+"/"))
		}
	}
	return true
}

// hidden returns the name of a type in t that cannot be named at a place: a nearer
// declaration hides it, or its package does not export it.
func (c *class) hidden(fi *fileInfo, t types.Type, at token.Pos) (name string) {
	scope := fi.pkg.Types.Scope().Innermost(at)
	if scope == nil {
		return ""
	}
	check := func(obj *types.TypeName) {
		if obj.Pkg() != nil && obj.Pkg().Path() != fi.pkg.Types.Path() {
			if !obj.Exported() {
				name = obj.Name()
			}
			if !fi.dotImports(obj.Pkg()) {
				return
			}
		}
		if _, found := scope.LookupParent(obj.Name(), at); found == nil || found.Pos() != obj.Pos() {
			name = obj.Name()
		}
	}
	seen := map[types.Type]bool{}
	var walk func(t types.Type)
	walk = func(t types.Type) {
		if seen[t] {
			return
		}
		seen[t] = true
		switch t := t.(type) {
		case *types.Basic:
			if obj, ok := types.Universe.Lookup(t.Name()).(*types.TypeName); ok {
				check(obj)
			}
		case interface{ Obj() *types.TypeName }: // named types, aliases, type parameters
			check(t.Obj())
		}
		for part := range parts(t) {
			walk(part)
		}
	}
	walk(t)
	return name
}

// dotImports reports whether a file imports the names of a package themselves.
func (fi *fileInfo) dotImports(p *types.Package) bool {
	return slices.ContainsFunc(fi.syntax.Imports, func(spec *ast.ImportSpec) bool {
		pn := fi.packageOf(spec)
		return pn != nil && pn.Name() == "." && pn.Imported().Path() == p.Path()
	})
}
