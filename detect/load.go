// This file loads a module: syntax and types of its own packages, export data for the rest.

package detect

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sort"
	"strings"
	"sync"

	"golang.org/x/tools/go/gcexportdata"
)

// A Config says what to load.
type Config struct {
	Dir      string   // where to start looking for go.mod; "" is the current directory
	Patterns []string // the user's packages; none means ./... (the whole module is loaded in any case)
	Tags     string   // build tags, comma-separated
	Env      []string // extra environment, such as GOOS=windows
	Tests    bool     // also load test variants (p [p.test], p_test)
	// Extra lists import paths whose export data must be at hand although no package
	// of the module imports them yet: what an overlay is going to import.
	Extra []string
}

// A Program is a module: listed by Open, loaded as far as needed by Analyze, and
// wholly type-checked by Load or Complete. Every package of the main module is loaded
// from source, and so is any other package that depends on one of them (its
// export data would hold second copies of the module's types). All others are
// export data: no syntax of a dependency is ever parsed.
//
// Variants of a package (p and p [p.test]) share their ASTs, so that a
// token.Pos identifies a declaration across all of them. Mostly they share their types,
// too, see addTestsTo.
type Program struct {
	Dir       string // module root, absolute
	Module    string // module path
	GoVersion string // the go directive, such as "1.24"
	Fset      *token.FileSet
	Packages  []*Package // topological: imports before importers

	cfg     Config
	env     map[string]string // of the go command
	metas   []*meta           // imports before importers
	exports map[string]string // files with export data, by import path
	unbuilt map[string]string // what the go command said about those without
	deps    *exportImporter
	sources map[string][]byte            // file contents that differ from disk (overlay)
	parsed  map[string]*ast.File         // by absolute file name
	sums    map[string][sha256.Size]byte // what files held when keys were computed
	moved   bool                         // they hold something else by now: nothing may be kept
	sizes   types.Sizes
}

// WorkFile returns the go.work file in use, "" for none.
func (p *Program) WorkFile() string {
	if p.env["GOWORK"] == "off" {
		return ""
	}
	return p.env["GOWORK"]
}

// A Package is one type-checked package or test variant.
type Package struct {
	ID, Path, Name, Dir string
	GoFiles             []string // absolute names; for cgo packages the originals
	Files               []*ast.File
	IgnoredFiles        []string            // files of other build configurations, absolute
	Imports             map[string]*Package // source-loaded imports only, by import path as written
	Types               *types.Package
	Info                *types.Info
	FirstParty          bool
	Matched             bool   // matches Config.Patterns
	ForTest             string // the package under test, for test variants
	XTest               bool   // package p_test
	Cgo                 bool   // some files are processed copies
	Errors              []types.Error

	meta    *meta
	state   state
	checker *checking // while its tests may be added
}

// A state says how much of a package is loaded.
type state uint8

const (
	listedOnly state = iota
	declared         // what importers can see: types, no function bodies
	checked          // everything
)

// A LoadError is bad input: no go.mod, packages that do not type-check. Its text
// names the file and what to do.
type LoadError struct {
	Message string
	Errs    []types.Error
}

func (e *LoadError) Error() string { return e.Message }

// Open lists the main module that contains cfg.Dir: its packages, their files and what they
// import. Nothing is parsed yet: Analyze loads what it has to, Complete the rest.
func Open(ctx context.Context, cfg Config) (*Program, error) {
	dir, err := filepath.Abs(cfg.Dir)
	if err != nil {
		return nil, err
	}
	prog := &Program{cfg: cfg}
	if err := prog.findModule(ctx, dir); err != nil {
		return nil, err
	}
	// The two questions are independent, and each takes the go command its time.
	var matched map[string]bool
	var matchErr error
	asked := make(chan struct{})
	go func() {
		defer close(asked)
		matched, matchErr = prog.match(ctx, dir, cfg.Patterns)
	}()
	err = prog.list(ctx)
	<-asked
	if matchErr != nil {
		return nil, matchErr
	}
	if err != nil {
		return nil, err
	}
	for _, m := range prog.metas {
		if m.Main && matched[m.PkgPath] && len(m.Errors) > 0 {
			e := m.Errors[0]
			return nil, &LoadError{Message: fmt.Sprintf("package %s cannot be loaded: %s: %s", m.PkgPath, e.Pos, e.Err)}
		}
	}
	if err := prog.findExports(ctx); err != nil {
		return nil, err
	}
	byID := map[string]*Package{}
	for _, m := range prog.metas {
		if !m.source {
			continue
		}
		p := &Package{
			ID: m.ID, Path: m.PkgPath, Name: m.Name, Dir: m.Dir,
			GoFiles: m.GoFiles, IgnoredFiles: m.IgnoredFiles,
			FirstParty: m.Main,
			Matched:    matched[strings.TrimSuffix(m.PkgPath, "_test")] || matched[m.PkgPath],
			ForTest:    m.ForTest,
			XTest:      strings.HasSuffix(m.Name, "_test") && m.ForTest != "",
			Imports:    map[string]*Package{},
			Cgo:        !slices.Equal(m.GoFiles, m.CompiledGoFiles) && len(m.CompiledGoFiles) > len(m.GoFiles),
			meta:       m,
		}
		for path, id := range m.Imports { // Have: imports precede importers
			if q := byID[id]; q != nil {
				p.Imports[path] = q
			}
		}
		byID[p.ID] = p
		prog.Packages = append(prog.Packages, p)
	}
	prog.reset()
	return prog, nil
}

// Load loads the main module that contains cfg.Dir, all of it.
func Load(cfg Config) (*Program, error) {
	prog, err := Open(context.Background(), cfg)
	if err != nil {
		return nil, err
	}
	return prog, prog.Complete()
}

// Complete parses and type-checks what is not loaded yet, tests included if the
// configuration asks for them. It fails if a package that the user asked for does not
// type-check. Afterwards every package has syntax and types, and all share one world of
// types. Positions are the same whatever was loaded before.
func (prog *Program) Complete() error {
	base, tests := prog.split()
	if slices.ContainsFunc(base, func(p *Package) bool { return p.state != checked }) {
		// Some were taken from the cache, or seen from outside only. What was checked
		// against those is of another world; begin again.
		prog.reset()
		if err := prog.need(base, nil); err != nil {
			return err
		}
	}
	if err := prog.need(tests, nil); err != nil {
		return err
	}
	return prog.firstError()
}

// split tells packages as they are built from their test variants.
func (prog *Program) split() (base, tests []*Package) {
	for _, p := range prog.Packages {
		if p.ForTest == "" {
			base = append(base, p)
		} else {
			tests = append(tests, p)
		}
	}
	return base, tests
}

// reset forgets all syntax and types.
func (prog *Program) reset() {
	prog.Fset = token.NewFileSet()
	prog.parsed = map[string]*ast.File{}
	prog.deps = &exportImporter{fset: prog.Fset, files: prog.exports, broken: prog.unbuilt, pkgs: map[string]*types.Package{"unsafe": types.Unsafe}, find: prog.findExport}
	for _, p := range prog.Packages {
		p.state, p.Files, p.Types, p.Info, p.Errors, p.checker = listedOnly, nil, nil, nil, nil, nil
	}
}

// need parses and type-checks pkgs, and of those in outside only what others can see.
// Files are parsed in a fixed order, so that positions do not depend on luck.
func (prog *Program) need(pkgs, outside []*Package) error {
	level := map[*Package]state{}
	for _, p := range outside {
		level[p] = declared
	}
	for _, p := range pkgs {
		level[p] = checked
	}
	var todo []*Package
	for _, p := range prog.Packages {
		if l, ok := level[p]; ok && p.state < l {
			if p.state != listedOnly {
				panic("detect: package " + p.ID + " is already known from outside")
			}
			p.state = l
			if err := prog.parse(p, p.meta.CompiledGoFiles); err != nil {
				return err
			}
			todo = append(todo, p)
		}
	}
	prog.check(todo)
	return nil
}

// Broken returns the packages of the module that do not type-check. A package
// that the user's patterns name is never among them: Load fails instead.
func (prog *Program) Broken() []*Package {
	var broken []*Package
	for _, p := range prog.Packages {
		if p.FirstParty && len(p.Errors) > 0 {
			broken = append(broken, p)
		}
	}
	return broken
}

// firstError turns type errors of the matched packages into one sentence.
func (prog *Program) firstError() error {
	var errs []types.Error
	for _, p := range prog.Packages {
		if p.Matched && p.ForTest == "" {
			errs = append(errs, p.Errors...)
		}
	}
	if len(errs) == 0 {
		return nil
	}
	first := errs[0]
	pos := prog.Fset.Position(first.Pos)
	file := pos.String()
	if rel, err := filepath.Rel(prog.Dir, pos.Filename); err == nil && filepath.IsLocal(rel) {
		file = fmt.Sprintf("%s:%d:%d", filepath.ToSlash(rel), pos.Line, pos.Column)
	}
	return &LoadError{
		Message: fmt.Sprintf("%s does not type-check: %s: %s (%d errors in all). Make `go vet ./...` pass first; mapmigrate rewrites only code it fully understands.", prog.Module, file, first.Msg, len(errs)),
		Errs:    errs,
	}
}

// list fills prog.metas: the module's packages and all they depend on, imports first.
func (prog *Program) list(ctx context.Context) error {
	args := []string{"-compiled", "-deps"}
	if prog.cfg.Tests {
		args = append(args, "-test")
	}
	metas, err := prog.goList(ctx, append(args, "--", "./...")...)
	if err != nil {
		return err
	}
	metas = slices.DeleteFunc(metas, func(m *meta) bool {
		return strings.HasSuffix(m.ID, ".test") && m.Name == "main" // the generated test main
	})
	metas = topological(metas)
	source := map[string]bool{}
	for _, m := range metas {
		m.source = m.Main
		for _, id := range m.Imports {
			m.source = m.source || source[id]
		}
		source[m.ID] = m.source
	}
	if len(metas) == 0 || !slices.ContainsFunc(metas, func(m *meta) bool { return m.Main }) {
		return &LoadError{Message: fmt.Sprintf("module %s has no Go packages", prog.Module)}
	}
	prog.metas = metas
	if prog.sizes = types.SizesFor("gc", prog.env["GOARCH"]); prog.sizes == nil {
		prog.sizes = types.SizesFor("gc", runtime.GOARCH)
	}
	return nil
}

// topological orders metas so that imports precede importers, and by ID otherwise.
func topological(metas []*meta) []*meta {
	byID := map[string]*meta{}
	for _, m := range metas {
		byID[m.ID] = m
	}
	sort.Slice(metas, func(i, j int) bool { return metas[i].ID < metas[j].ID })
	seen := map[string]bool{}
	var out []*meta
	var visit func(m *meta)
	visit = func(m *meta) {
		if seen[m.ID] {
			return
		}
		seen[m.ID] = true
		ids := make([]string, 0, len(m.Imports))
		for _, id := range m.Imports {
			ids = append(ids, id)
		}
		sort.Strings(ids)
		for _, id := range ids {
			if d := byID[id]; d != nil {
				visit(d)
			}
		}
		out = append(out, m)
	}
	for _, m := range metas {
		visit(m)
	}
	return out
}

// findExports finds the export data of everything that source packages import.
func (prog *Program) findExports(ctx context.Context) error {
	path := map[string]string{} // by ID
	for _, m := range prog.metas {
		path[m.ID] = m.PkgPath
	}
	need := map[string]bool{}
	for _, path := range prog.cfg.Extra {
		need[path] = true
	}
	for _, m := range prog.metas {
		if !m.source {
			continue
		}
		for _, id := range m.Imports {
			if id != "unsafe" && path[id] != "" {
				need[path[id]] = true
			}
		}
	}
	for _, m := range prog.metas {
		if m.source {
			delete(need, m.PkgPath)
		}
	}
	prog.exports, prog.unbuilt = map[string]string{}, map[string]string{}
	if len(need) == 0 {
		return nil
	}
	metas, err := prog.goList(ctx, append([]string{"-export", "--"}, slices.Sorted(maps.Keys(need))...)...)
	if err != nil {
		return err
	}
	for _, m := range metas {
		// A dependency that does not build has no export data: its importers will
		// not type-check, which matters only if the user asked for them.
		if len(m.Errors) > 0 {
			prog.unbuilt[m.PkgPath] = m.Errors[0].Err
		}
		prog.exports[m.PkgPath] = m.Export
	}
	return nil
}

// findExport finds the export data of one package of the standard library that no package of
// the program imports itself: a generated test may have to write out a type of it.
//
//	type FuncMap = template.FuncMap // in html/template; the type is text/template's
func (prog *Program) findExport(path string) string {
	if first, _, _ := strings.Cut(path, "/"); strings.Contains(first, ".") || prog.unbuilt[path] != "" {
		return ""
	}
	metas, err := prog.goList(context.Background(), "-export", "--", path)
	if err != nil || len(metas) != 1 || len(metas[0].Errors) > 0 {
		return ""
	}
	prog.exports[path] = metas[0].Export
	return metas[0].Export
}

// An exportImporter imports packages from export data, each one once.
type exportImporter struct {
	mu     sync.Mutex
	fset   *token.FileSet
	files  map[string]string        // export data by import path
	broken map[string]string        // what the go command said about those without
	find   func(path string) string // asks the go command for what nobody listed; may be nil
	pkgs   map[string]*types.Package
}

func (im *exportImporter) Import(path string) (*types.Package, error) {
	im.mu.Lock()
	defer im.mu.Unlock()
	if p := im.pkgs[path]; p != nil && p.Complete() {
		return p, nil
	}
	file := im.files[path]
	if file == "" && im.find != nil {
		file = im.find(path)
	}
	if msg := im.broken[path]; file == "" && msg != "" {
		return nil, fmt.Errorf("%s does not build: %s", path, msg)
	}
	if file == "" {
		return nil, fmt.Errorf("no export data for %q", path)
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r, err := gcexportdata.NewReader(f)
	if err != nil {
		return nil, fmt.Errorf("export data of %q: %w", path, err)
	}
	return gcexportdata.Read(r.(io.Reader), im.fset, im.pkgs, path)
}

// parse fills p.Files, sharing syntax with other variants of the package.
func (prog *Program) parse(p *Package, files []string) error {
	p.Files = p.Files[:0]
	for _, name := range files {
		f, err := prog.parseFile(name)
		if f == nil {
			return &LoadError{Message: fmt.Sprintf("cannot parse %s: %v", name, err)}
		}
		if err != nil {
			p.Errors = append(p.Errors, types.Error{Fset: prog.Fset, Pos: f.Package, Msg: err.Error()})
		}
		p.Files = append(p.Files, f)
	}
	return nil
}

func (prog *Program) parseFile(name string) (*ast.File, error) {
	if f := prog.parsed[name]; f != nil {
		return f, nil
	}
	src, ok := prog.sources[name]
	if !ok {
		var err error
		if src, err = os.ReadFile(name); err != nil {
			return nil, err
		}
		if sum, hashed := prog.sums[name]; hashed && sum != sha256.Sum256(src) {
			prog.moved = true
		}
	}
	f, err := parser.ParseFile(prog.Fset, name, src, parser.ParseComments|parser.SkipObjectResolution)
	prog.parsed[name] = f
	return f, err
}

// Source returns the content of a file as this program was loaded with.
func (prog *Program) Source(file string) ([]byte, error) {
	if b, ok := prog.sources[file]; ok {
		return b, nil
	}
	return os.ReadFile(file)
}

// check type-checks pkgs (in topological order), independent ones in parallel. Test variants
// come last: they add to packages that others then only read.
func (prog *Program) check(pkgs []*Package) {
	var code, rest []*Package
	base := map[string]*Package{}
	for _, p := range prog.Packages {
		if p.ForTest == "" {
			base[p.Path] = p
		}
	}
	for _, p := range pkgs {
		if p.ForTest == "" {
			code = append(code, p)
		}
	}
	prog.each(code, prog.checkOne)
	for _, p := range pkgs {
		if p.ForTest != "" && !prog.addTestsTo(base[p.Path], p) {
			rest = append(rest, p)
		}
	}
	prog.each(rest, func(p *Package) {
		if !p.shares(base[p.Path]) {
			prog.checkOne(p)
		}
	})
	for _, p := range rest {
		p.checker = nil
	}
	if len(rest) > 0 || !prog.cfg.Tests {
		for _, p := range prog.Packages {
			p.checker = nil
		}
	}
}

// each calls do for packages in topological order, for independent ones in parallel.
func (prog *Program) each(pkgs []*Package, do func(*Package)) {
	done := map[*Package]chan struct{}{}
	for _, p := range pkgs {
		done[p] = make(chan struct{})
	}
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	var wg sync.WaitGroup
	for _, p := range pkgs {
		wg.Go(func() {
			defer close(done[p])
			for _, imp := range p.Imports {
				if c := done[imp]; c != nil {
					<-c
				}
			}
			slots <- struct{}{}
			defer func() { <-slots }()
			do(p)
		})
	}
	wg.Wait()
}

// A checking is a package's type checker, which can be given more files later.
type checking struct {
	*types.Checker
	p *Package // what imports and errors are of
}

func (prog *Program) checkOne(p *Package) {
	c := &checking{p: p}
	conf := prog.typesConfig(func() *Package { return c.p }, func(err error) {
		var te types.Error
		if errors.As(err, &te) { // soft ones too: an unused import does not compile either
			c.p.Errors = append(c.p.Errors, te)
		}
	})
	if p.state == declared {
		conf.IgnoreFuncBodies = true
		p.Types, _ = conf.Check(p.Path, prog.Fset, p.Files, nil)
		return
	}
	p.Info = newInfo(p.Files)
	p.Types = types.NewPackage(p.Path, "")
	c.Checker = types.NewChecker(conf, prog.Fset, p.Types, p.Info)
	_ = c.Files(p.Files)
	p.checker = c
}

// addTestsTo makes the test variant p of base by checking the tests as further files of
// base, and reports whether that was possible: most tests come with much more code to check
// again than they are themselves. The two variants then have one types.Package, which knows
// what the tests declare, and one Info. Files of base cannot see the difference, because
// they are checked; what is new in them after an overlay is checked without the tests.
func (prog *Program) addTestsTo(base, p *Package) bool {
	if base == nil || base.checker == nil || p.XTest || p.ForTest != p.Path || len(base.Errors) > 0 || len(p.Errors) > 0 {
		return false
	}
	for _, imp := range p.Imports {
		if imp.ForTest != "" {
			return false
		}
	}
	tests := slices.DeleteFunc(slices.Clone(p.Files), func(f *ast.File) bool { return slices.Contains(base.Files, f) })
	if len(tests)+len(base.Files) != len(p.Files) || slices.ContainsFunc(tests, addsGenericMethod) {
		return false
	}
	p.Types, p.Info = base.Types, base.Info
	base.checker.p = p
	_ = base.checker.Files(tests)
	base.checker = nil
	return true
}

// addsGenericMethod reports whether a file declares a method of a generic type. What other packages
// have instantiated of it would be without, and go/types does not expect that.
func addsGenericMethod(f *ast.File) bool {
	return slices.ContainsFunc(f.Decls, func(d ast.Decl) bool {
		fd, ok := d.(*ast.FuncDecl)
		if !ok || fd.Recv == nil || len(fd.Recv.List) == 0 {
			return false
		}
		t := ast.Unparen(fd.Recv.List[0].Type)
		if star, ok := t.(*ast.StarExpr); ok {
			t = ast.Unparen(star.X)
		}
		switch t.(type) {
		case *ast.IndexExpr, *ast.IndexListExpr:
			return true
		}
		return false
	})
}

// shares makes p the same as base if it would be: the variant of a package for the tests
// of another one, whose own variant is the same as the package as it is built.
func (p *Package) shares(base *Package) bool {
	if base == nil || base.Info == nil || p.XTest || p.ForTest == p.Path || len(base.Errors) > 0 || !slices.Equal(p.Files, base.Files) {
		return false
	}
	for path, imp := range p.Imports {
		if was := base.Imports[path]; was == nil || was.Types != imp.Types {
			return false
		}
	}
	p.Types, p.Info = base.Types, base.Info
	return true
}

func (prog *Program) typesConfig(of func() *Package, failed func(error)) *types.Config {
	conf := &types.Config{
		Importer: importerFunc(func(path string) (*types.Package, error) {
			if imp := of().Imports[path]; imp != nil {
				if imp.Types == nil {
					return nil, fmt.Errorf("import cycle or unloaded package %q", path)
				}
				return imp.Types, nil
			}
			return prog.deps.Import(prog.vendored(path))
		}),
		Sizes: prog.sizes,
		Error: failed,
	}
	if of().FirstParty && prog.GoVersion != "" {
		conf.GoVersion = "go" + prog.GoVersion
	}
	return conf
}

// newInfo returns maps with room for what files hold: one expression in about 17 bytes of
// source, one use in 25. Growing them by and by was a tenth of the time of type-checking.
func newInfo(files []*ast.File) *types.Info {
	size := 0
	for _, f := range files {
		size += int(f.FileEnd - f.FileStart)
	}
	return &types.Info{
		Types:        make(map[ast.Expr]types.TypeAndValue, size/17),
		Defs:         make(map[*ast.Ident]types.Object, size/120),
		Uses:         make(map[*ast.Ident]types.Object, size/25),
		Implicits:    map[ast.Node]types.Object{},
		Instances:    map[*ast.Ident]types.Instance{},
		Scopes:       make(map[ast.Node]*types.Scope, size/120),
		Selections:   make(map[*ast.SelectorExpr]*types.Selection, size/115),
		FileVersions: make(map[*ast.File]string, len(files)),
	}
}

// vendored maps an import path to the path its export data is known under.
func (prog *Program) vendored(path string) string {
	if _, ok := prog.deps.files[path]; !ok {
		if _, ok := prog.deps.files["vendor/"+path]; ok {
			return "vendor/" + path
		}
	}
	return path
}

type importerFunc func(path string) (*types.Package, error)

func (f importerFunc) Import(path string) (*types.Package, error) { return f(path) }
