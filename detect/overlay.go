// This file answers "what would the module be with these files?" without touching the disk.

package detect

import (
	"errors"
	"fmt"
	"go/ast"
	"go/types"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// Overlay returns the program in which the named files (absolute name →
// content; new ones allowed) replace those on disk. Only packages that hold such
// a file, or import one that does, are parsed and type-checked again; the others
// are shared with prog, which is unchanged. Type errors are left in
// Package.Errors (see Errors): they are an answer here, not a failure.
//
// A new _test.go file joins the test variant of its folder's package, which is
// made if the package had no tests. A new folder becomes a package of its own.
func (prog *Program) Overlay(files map[string][]byte) (*Program, error) {
	next := *prog
	next.sources = maps.Clone(prog.sources)
	if next.sources == nil {
		next.sources = map[string][]byte{}
	}
	next.parsed = maps.Clone(prog.parsed)
	for name, src := range files {
		next.sources[name] = src
		delete(next.parsed, name)
	}
	pkgs, dirty, err := next.place(files)
	if err != nil {
		return nil, err
	}
	// Every importer of a changed package changes with it, by new pointers.
	replaced := map[*Package]*Package{}
	var again []*Package
	next.Packages = nil
	for _, p := range sortPackages(pkgs) {
		changed := dirty[p]
		for _, imp := range p.Imports {
			changed = changed || replaced[imp] != nil
		}
		if changed {
			q := *p
			q.Errors, q.checker = nil, nil
			q.Imports = maps.Clone(p.Imports)
			for name, imp := range q.Imports {
				if r := replaced[imp]; r != nil {
					q.Imports[name] = r
				}
			}
			replaced[p] = &q
			again = append(again, &q)
			p = &q
		}
		next.Packages = append(next.Packages, p)
	}
	for _, p := range again {
		names := make([]string, 0, len(p.Files))
		for _, f := range p.Files {
			names = append(names, next.fileName(f))
		}
		p.Files = nil
		if err := next.parse(p, names); err != nil {
			return nil, err
		}
	}
	next.check(again)
	return &next, nil
}

// AddTests is Overlay for new _test.go files, at the cost of these files alone: each is
// checked as a further file of a package that is checked already. From then on these
// packages know the names that the tests declare, in prog too, so that a test of the same
// names cannot be added again. Files that do not type-check are left out; their errors are
// returned, the first of each.
func (prog *Program) AddTests(files map[string][]byte) (*Program, []types.Error, error) {
	next := *prog
	next.sources, next.parsed = maps.Clone(prog.sources), maps.Clone(prog.parsed)
	if next.sources == nil {
		next.sources = map[string][]byte{}
	}
	for name, src := range files {
		if !strings.HasSuffix(name, "_test.go") {
			return nil, nil, fmt.Errorf("%s is not the name of a test", name)
		}
		if next.parsed[name] != nil { // an earlier run's: its names are taken
			return prog.replaceTests(files)
		}
		next.sources[name] = src
	}
	pkgs, dirty, err := next.place(files)
	if err != nil {
		return nil, nil, err
	}
	var failed []types.Error
	var bad []string
	for _, p := range pkgs {
		if !dirty[p] || p.Types == nil {
			continue
		}
		for _, f := range p.Files {
			name := next.fileName(f)
			if _, ok := files[name]; !ok {
				continue
			}
			if errs := next.checkMore(p, f); len(errs) > 0 {
				failed = append(failed, errs[0])
				bad = append(bad, name)
			}
		}
	}
	next.Packages = sortPackages(pkgs)
	return next.WithoutFiles(bad), failed, nil
}

// replaceTests is AddTests where some of the files exist.
func (prog *Program) replaceTests(files map[string][]byte) (*Program, []types.Error, error) {
	next, err := prog.Overlay(files)
	if err != nil {
		return nil, nil, err
	}
	var failed []types.Error
	var bad []string
	for _, te := range next.Errors(prog) {
		if name := next.Fset.Position(te.Pos).Filename; files[name] != nil && !slices.Contains(bad, name) {
			failed = append(failed, te)
			bad = append(bad, name)
		}
	}
	return next.WithoutFiles(bad), failed, nil
}

// WithoutFiles returns the program without some files that nothing else needs, such as
// tests that AddTests has added. Nothing is checked.
func (prog *Program) WithoutFiles(names []string) *Program {
	next := *prog
	next.parsed = maps.Clone(prog.parsed)
	for _, name := range names {
		delete(next.parsed, name)
	}
	pkgs, dirty := slices.Clone(prog.Packages), map[*Package]bool{}
	for i, p := range pkgs {
		gone := func(f *ast.File) bool { return slices.Contains(names, prog.fileName(f)) }
		if !slices.ContainsFunc(p.Files, gone) {
			continue
		}
		q := *p
		q.Imports = maps.Clone(p.Imports)
		q.Files = slices.DeleteFunc(slices.Clone(p.Files), gone)
		q.Errors = slices.DeleteFunc(slices.Clone(p.Errors), func(e types.Error) bool {
			return slices.Contains(names, prog.Fset.Position(e.Pos).Filename)
		})
		q.GoFiles = slices.DeleteFunc(slices.Clone(p.GoFiles), func(name string) bool { return slices.Contains(names, name) })
		pkgs[i], dirty[&q] = &q, true
	}
	next.Packages = sortPackages(prog.relink(pkgs, dirty))
	return &next
}

// checkMore checks a further file of a checked package.
func (prog *Program) checkMore(p *Package, file *ast.File) []types.Error {
	info := newInfo([]*ast.File{file})
	var errs []types.Error
	conf := prog.typesConfig(func() *Package { return p }, func(err error) {
		var te types.Error
		if errors.As(err, &te) {
			errs = append(errs, te)
		}
	})
	_ = types.NewChecker(conf, prog.Fset, p.Types, info).Files([]*ast.File{file})
	if len(errs) > 0 {
		return errs
	}
	maps.Copy(p.Info.Types, info.Types)
	maps.Copy(p.Info.Defs, info.Defs)
	maps.Copy(p.Info.Uses, info.Uses)
	maps.Copy(p.Info.Implicits, info.Implicits)
	maps.Copy(p.Info.Instances, info.Instances)
	maps.Copy(p.Info.Scopes, info.Scopes)
	maps.Copy(p.Info.Selections, info.Selections)
	maps.Copy(p.Info.FileVersions, info.FileVersions)
	return nil
}

// Errors returns the type errors of first-party packages that were sound before
// the overlay was laid on base.
func (prog *Program) Errors(base *Program) []types.Error {
	was := map[string]bool{}
	for _, p := range base.Broken() {
		was[p.ID] = true
	}
	var errs []types.Error
	for _, p := range prog.Broken() {
		if !was[p.ID] {
			errs = append(errs, p.Errors...)
		}
	}
	return errs
}

func (prog *Program) fileName(f *ast.File) string {
	return prog.Fset.File(f.FileStart).Name()
}

// place finds the packages that files belong to, adding files, test variants and
// packages where there are none yet, and completes their imports.
func (prog *Program) place(files map[string][]byte) (pkgs []*Package, dirty map[*Package]bool, err error) {
	dirty = map[*Package]bool{}
	pkgs = slices.Clone(prog.Packages)
	holders := map[string][]*Package{} // by file name
	for _, p := range pkgs {
		for _, f := range p.Files {
			name := prog.fileName(f)
			holders[name] = append(holders[name], p)
		}
	}
	// grown replaces a package by a copy that may be changed.
	grown := map[*Package]*Package{}
	grow := func(p *Package) *Package {
		if q := grown[p]; q != nil {
			return q
		}
		q := *p
		q.Files = slices.Clone(p.Files)
		q.Imports = maps.Clone(p.Imports)
		grown[p], grown[&q] = &q, &q
		pkgs[slices.Index(pkgs, p)] = &q
		dirty[&q] = true
		return &q
	}
	names := slices.Sorted(maps.Keys(files))
	for _, name := range names {
		f, perr := prog.parseFile(name)
		if f == nil {
			return nil, nil, perr
		}
		owners := holders[name]
		if owners == nil {
			owners = prog.adopt(name, f, &pkgs)
		}
		for _, p := range owners {
			q := grow(p)
			if i := slices.IndexFunc(q.Files, func(g *ast.File) bool { return prog.fileName(g) == name }); i >= 0 {
				q.Files[i] = f
			} else {
				q.Files = append(q.Files, f)
				q.GoFiles = append(slices.Clone(q.GoFiles), name)
			}
		}
	}
	// Resolve what the new contents import; relink then redirects everybody.
	byPath := map[string]*Package{}
	for _, p := range pkgs {
		if p.ForTest == "" {
			byPath[p.Path] = p
		}
	}
	for _, p := range pkgs {
		if !dirty[p] {
			continue
		}
		for _, f := range p.Files {
			for _, spec := range f.Imports {
				name, _ := strconv.Unquote(spec.Path.Value)
				if q := byPath[name]; q != nil && p.Imports[name] == nil && q != p {
					p.Imports[name] = q
				}
			}
		}
	}
	return prog.relink(pkgs, dirty), dirty, nil
}

// relink makes importers of replaced packages (by ID) point at what stands in
// pkgs now. place may have copied an importer after somebody pointed at it.
func (prog *Program) relink(pkgs []*Package, dirty map[*Package]bool) []*Package {
	byID := map[string]*Package{}
	for _, p := range pkgs {
		byID[p.ID] = p
	}
	for again := true; again; {
		again = false
		for i, p := range pkgs {
			for name, imp := range p.Imports {
				now := byID[imp.ID]
				if now == nil || now == imp {
					continue
				}
				if !dirty[p] {
					q := *p
					q.Imports = maps.Clone(p.Imports)
					pkgs[i], p = &q, &q
					dirty[p] = true
					byID[p.ID] = p
					again = true
				}
				p.Imports[name] = now
			}
		}
	}
	return pkgs
}

// adopt finds or makes the packages that a new file belongs to.
func (prog *Program) adopt(name string, f *ast.File, pkgs *[]*Package) []*Package {
	dir := filepath.Dir(name)
	var base, variant, xtest *Package
	for _, p := range *pkgs {
		if p.Dir != dir {
			continue
		}
		switch {
		case p.ForTest == "":
			base = p
		case p.XTest:
			xtest = p
		case p.ForTest == p.Path:
			variant = p
		}
	}
	isTest := strings.HasSuffix(name, "_test.go")
	switch {
	case base == nil:
		rel, err := filepath.Rel(prog.Dir, dir)
		if err != nil {
			rel = filepath.Base(dir)
		}
		p := &Package{ID: path.Join(prog.Module, filepath.ToSlash(rel)), Name: f.Name.Name, Dir: dir, FirstParty: true, Imports: map[string]*Package{}}
		p.Path = p.ID
		*pkgs = append(*pkgs, p)
		return []*Package{p}
	case !isTest:
		if variant != nil {
			return []*Package{base, variant}
		}
		return []*Package{base}
	case strings.HasSuffix(f.Name.Name, "_test") && f.Name.Name != base.Name:
		if xtest == nil {
			xtest = &Package{ID: base.Path + "_test [" + base.Path + ".test]", Path: base.Path + "_test", Name: f.Name.Name, Dir: dir,
				FirstParty: base.FirstParty, Matched: base.Matched, ForTest: base.Path, XTest: true, Imports: map[string]*Package{}}
			if variant != nil {
				xtest.Imports[base.Path] = variant
			}
			*pkgs = append(*pkgs, xtest)
		}
		return []*Package{xtest}
	default:
		if variant == nil {
			v := *base
			v.ID = base.Path + " [" + base.Path + ".test]"
			v.ForTest = base.Path
			v.Files = slices.Clone(base.Files)
			v.Imports = maps.Clone(base.Imports)
			variant = &v
			*pkgs = append(*pkgs, variant)
			// An x_test package beside it must see the same types.
			if xtest != nil {
				x := *xtest
				x.Imports = maps.Clone(xtest.Imports)
				x.Imports[base.Path] = variant
				(*pkgs)[slices.Index(*pkgs, xtest)] = &x
			}
		}
		return []*Package{variant}
	}
}

// sortPackages orders packages so that imports precede importers, by ID otherwise.
func sortPackages(pkgs []*Package) []*Package {
	in := map[*Package]bool{}
	for _, p := range pkgs {
		in[p] = true
	}
	sorted := slices.Clone(pkgs)
	sort.SliceStable(sorted, func(i, j int) bool { return sorted[i].ID < sorted[j].ID })
	seen := map[*Package]bool{}
	var out []*Package
	var visit func(p *Package)
	visit = func(p *Package) {
		if seen[p] || !in[p] {
			return
		}
		seen[p] = true
		for _, name := range slices.Sorted(maps.Keys(p.Imports)) {
			visit(p.Imports[name])
		}
		out = append(out, p)
	}
	for _, p := range sorted {
		visit(p)
	}
	return out
}

// Overlaid reports whether a file's content comes from an overlay rather than the disk.
func (prog *Program) Overlaid(file string) bool {
	_, ok := prog.sources[file]
	return ok
}
