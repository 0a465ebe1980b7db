// This file asks whether files of other build configurations use a variable or function.
// They were not loaded, and would not compile any more.

package rewrite

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mapmigrate/mapmigrate/detect"
)

// An ignoredFile is a file that this build configuration leaves out.
type ignoredFile struct {
	rel    string
	syntax *ast.File
	pkg    *detect.Package // of its folder, the widest variant
	idents map[string]bool // the names in it

	// Lazily, see resolve: what the names mean, together with the files of pkg.
	uses     map[token.Pos]bool // declarations that it mentions
	unknown  map[string]bool    // fields and methods of what could not be resolved
	declares map[string]bool    // names in the package's scope
}

// checkOtherBuilds refuses a variable or function that a file of another build
// configuration uses, or declares in its own way.
func (c *class) checkOtherBuilds(m *member) {
	for _, f := range c.ix.ignoredFiles() {
		if !ast.IsExported(m.name) && f.pkg.Dir != m.fi.pkg.Dir {
			continue
		}
		if c.mentionedIn(f, m) {
			c.refuse("other-build", m.pos, "load that configuration too (--tags, GOOS), or move the use out of the constrained file",
				"%s is mentioned in %s, which this build configuration leaves out", m.name, f.rel)
		}
	}
}

func (c *class) mentionedIn(f *ignoredFile, m *member) bool {
	holder := ""
	if m.kind == structField {
		for _, n := range m.fi.enclosingPath(m.pos) {
			if ts, ok := n.(*ast.TypeSpec); ok {
				holder = ts.Name.Name
			}
		}
	}
	if !f.idents[m.name] && (holder == "" || !f.idents[holder]) {
		return false
	}
	c.ix.resolve(f)
	sameFolder := f.pkg.Dir == m.fi.pkg.Dir
	return f.uses[m.pos] || f.unknown[m.name] || sameFolder && (f.declares[m.name] && m.kind != structField || holder != "" && f.declares[holder])
}

// ignoredFiles parses the files of other build configurations, once.
func (ix *index) ignoredFiles() []*ignoredFile {
	if ix.ignored != nil {
		return *ix.ignored
	}
	out := []*ignoredFile{}
	seen := map[string]bool{}
	for _, p := range ix.prog.Packages {
		if !p.FirstParty {
			continue
		}
		for _, name := range p.IgnoredFiles {
			if seen[name] || !strings.HasSuffix(name, ".go") {
				continue
			}
			seen[name] = true
			f := &ignoredFile{pkg: ix.widest(p), rel: strings.TrimPrefix(filepath.ToSlash(strings.TrimPrefix(name, ix.prog.Dir)), "/"), idents: map[string]bool{}}
			f.syntax, _ = parser.ParseFile(ix.prog.Fset, name, nil, parser.SkipObjectResolution)
			if f.syntax == nil {
				continue
			}
			ast.Inspect(f.syntax, func(n ast.Node) bool {
				if id, ok := n.(*ast.Ident); ok {
					f.idents[id.Name] = true
				}
				return true
			})
			out = append(out, f)
		}
	}
	slices.SortFunc(out, func(a, b *ignoredFile) int { return strings.Compare(a.rel, b.rel) })
	ix.ignored = &out
	return out
}

// declaredElsewhere returns the names that files of other build configurations declare in
// the package of a folder.
func (ix *index) declaredElsewhere(dir string) map[string]bool {
	names := map[string]bool{}
	for _, f := range ix.ignoredFiles() {
		if f.pkg.Dir == dir {
			for _, d := range f.syntax.Decls {
				for _, id := range declaredNames(d) {
					names[id.Name] = true
				}
			}
		}
	}
	return names
}

// widest returns the test variant of a package if there is one.
func (ix *index) widest(p *detect.Package) *detect.Package {
	for _, q := range ix.prog.Packages {
		if q.Path == p.Path && q.ForTest == p.Path && !q.XTest {
			return q
		}
	}
	return p
}

// resolve type-checks an ignored file together with its package, whose declarations
// it may repeat, and notes what it mentions. What it imports may not be at hand: then
// a selection from it is unknown.
func (ix *index) resolve(f *ignoredFile) {
	if f.uses != nil {
		return
	}
	f.uses, f.unknown, f.declares = map[token.Pos]bool{}, map[string]bool{}, map[string]bool{}
	for _, d := range f.syntax.Decls {
		for _, id := range declaredNames(d) {
			f.declares[id.Name] = true
		}
	}
	files := []*ast.File{f.syntax}
	if f.syntax.Name.Name == f.pkg.Name {
		files = nil
		for _, own := range f.pkg.Files {
			files = append(files, declarations(own))
		}
		files = append(files, f.syntax)
	} else if f.syntax.Name.Name != f.pkg.Name+"_test" {
		f.declares = map[string]bool{} // another program in the folder
	}
	info := &types.Info{Uses: map[*ast.Ident]types.Object{}, Types: map[ast.Expr]types.TypeAndValue{}, Selections: map[*ast.SelectorExpr]*types.Selection{}}
	conf := types.Config{Importer: ix.importer(), Error: func(error) {}, FakeImportC: true}
	conf.Check(f.pkg.Path, ix.prog.Fset, files, info)
	ast.Inspect(f.syntax, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Ident:
			if obj := info.Uses[n]; obj != nil {
				f.uses[obj.Pos()] = true
			}
		case *ast.SelectorExpr:
			if info.Uses[n.Sel] == nil {
				f.unknown[n.Sel.Name] = true
			}
		case *ast.CompositeLit:
			f.literal(info, n)
		}
		return true
	})
}

// declarations returns a file without the bodies of its functions, which say nothing
// to other files and are most of the work.
func declarations(f *ast.File) *ast.File {
	out := *f
	out.Decls = slices.Clone(f.Decls)
	for i, d := range out.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok {
			bare := *fn
			bare.Body = nil
			out.Decls[i] = &bare
		}
	}
	return &out
}

// literal notes the fields that a struct literal sets: without keys, all of them. A
// literal of an unknown type may set any.
func (f *ignoredFile) literal(info *types.Info, lit *ast.CompositeLit) {
	t := info.Types[lit].Type
	if t == nil {
		t = types.Typ[types.Invalid]
	}
	if ptr, ok := t.Underlying().(*types.Pointer); ok {
		t = ptr.Elem()
	}
	st, isStruct := t.Underlying().(*types.Struct)
	for _, elt := range lit.Elts {
		kv, keyed := elt.(*ast.KeyValueExpr)
		switch {
		case t == types.Typ[types.Invalid] && keyed:
			if id, ok := kv.Key.(*ast.Ident); ok {
				f.unknown[id.Name] = true
			}
		case isStruct && !keyed:
			for field := range st.Fields() {
				f.uses[field.Pos()] = true
			}
		}
	}
}

// declaredNames returns the names that a declaration puts into the package's scope.
func declaredNames(d ast.Decl) (names []*ast.Ident) {
	switch d := d.(type) {
	case *ast.FuncDecl: // a method, too: the configurations have it in turn
		names = append(names, d.Name)
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch spec := spec.(type) {
			case *ast.ValueSpec:
				names = append(names, spec.Names...)
			case *ast.TypeSpec:
				names = append(names, spec.Name)
			}
		}
	}
	return names
}

// A knownImporter imports the packages that the program has already seen.
type knownImporter map[string]*types.Package

func (k knownImporter) Import(path string) (*types.Package, error) {
	if p := k[path]; p != nil {
		return p, nil
	}
	return nil, fmt.Errorf("%s is not loaded", path)
}

// importer returns an importer of all packages behind the program.
func (ix *index) importer() types.Importer {
	known := knownImporter{"unsafe": types.Unsafe}
	var add func(p *types.Package)
	add = func(p *types.Package) {
		if p == nil || known[p.Path()] != nil {
			return
		}
		known[p.Path()] = p
		for _, imp := range p.Imports() {
			add(imp)
		}
	}
	for _, p := range ix.prog.Packages {
		if p.Types == nil {
			continue
		}
		if !p.XTest {
			for _, imp := range p.Types.Imports() {
				add(imp)
			}
		}
		if p.ForTest == "" {
			add(p.Types)
		}
	}
	return known
}
