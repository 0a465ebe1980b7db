// This file loads a module: syntax and types of its own packages, export data for the rest.

package detect

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"sort"
	"strings"
	"sync"

	"golang.org/x/tools/go/gcexportdata"
	"golang.org/x/tools/go/packages"
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

// A Program is a type-checked module. Every package of the main module is loaded
// from source, and so is any other package that depends on one of them (its
// export data would hold second copies of the module's types). All others are
// export data: no syntax of a dependency is ever parsed.
//
// Variants of a package (p and p [p.test]) share their ASTs, so that a
// token.Pos identifies a declaration across all of them.
type Program struct {
	Dir       string // module root, absolute
	Module    string // module path
	GoVersion string // the go directive, such as "1.24"
	Fset      *token.FileSet
	Packages  []*Package // topological: imports before importers

	cfg     Config
	deps    *exportImporter
	sources map[string][]byte    // file contents that differ from disk (overlay)
	parsed  map[string]*ast.File // by absolute file name
	sizes   types.Sizes
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
}

// A LoadError is bad input: no go.mod, packages that do not type-check. Its text
// names the file and what to do.
type LoadError struct {
	Message string
	Errs    []types.Error
}

func (e *LoadError) Error() string { return e.Message }

// Load loads the main module that contains cfg.Dir.
func Load(cfg Config) (*Program, error) {
	dir, err := filepath.Abs(cfg.Dir)
	if err != nil {
		return nil, err
	}
	prog := &Program{cfg: cfg, Fset: token.NewFileSet(), parsed: map[string]*ast.File{}}
	if err := prog.findModule(dir); err != nil {
		return nil, err
	}
	matched, err := prog.match(dir, cfg.Patterns)
	if err != nil {
		return nil, err
	}
	metas, err := prog.list(matched)
	if err != nil {
		return nil, err
	}
	if err := prog.loadExports(metas); err != nil {
		return nil, err
	}
	for _, m := range metas {
		if m.source {
			prog.Packages = append(prog.Packages, &Package{
				ID: m.ID, Path: m.PkgPath, Name: m.Name, Dir: m.Dir,
				GoFiles: m.GoFiles, IgnoredFiles: m.IgnoredFiles,
				FirstParty: m.Module != nil && m.Module.Main,
				Matched:    matched[strings.TrimSuffix(m.PkgPath, "_test")] || matched[m.PkgPath],
				ForTest:    m.ForTest,
				XTest:      strings.HasSuffix(m.Name, "_test") && m.ForTest != "",
				Imports:    map[string]*Package{},
			})
		}
	}
	byID := map[string]*Package{}
	for _, p := range prog.Packages {
		byID[p.ID] = p
	}
	i := 0
	for _, m := range metas {
		if !m.source {
			continue
		}
		p := prog.Packages[i]
		i++
		for path, imp := range m.Imports {
			if q := byID[imp.ID]; q != nil {
				p.Imports[path] = q
			}
		}
		p.Cgo = !slices.Equal(m.GoFiles, m.CompiledGoFiles) && len(m.CompiledGoFiles) > len(m.GoFiles)
		if err := prog.parse(p, m.CompiledGoFiles); err != nil {
			return nil, err
		}
	}
	prog.check(prog.Packages)
	return prog, prog.firstError()
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

// goCmd runs the go command in the module and returns its standard output.
func (prog *Program) goCmd(dir string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(context.Background(), "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), prog.cfg.Env...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		if errors.Is(err, exec.ErrNotFound) {
			return nil, &LoadError{Message: "the go command is not on PATH: mapmigrate needs it to load packages"}
		}
		return nil, &LoadError{Message: fmt.Sprintf("go %s: %s", strings.Join(args, " "), strings.TrimSpace(stderr.String()))}
	}
	return out, nil
}

func (prog *Program) findModule(dir string) error {
	if fi, err := os.Stat(dir); err != nil || !fi.IsDir() {
		return &LoadError{Message: fmt.Sprintf("%s is not a directory", dir)}
	}
	gomod, err := prog.goCmd(dir, "env", "GOMOD")
	if err != nil {
		return err
	}
	file := strings.TrimSpace(string(gomod))
	if file == "" || file == os.DevNull {
		return &LoadError{Message: fmt.Sprintf("no go.mod in %s or above: run mapmigrate inside a Go module, or use -C DIR", dir)}
	}
	prog.Dir = filepath.Dir(file)
	out, err := prog.goCmd(prog.Dir, "list", "-m", "-f", "{{.Dir}}\t{{.Path}}\t{{.GoVersion}}")
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(out)) { // one line per go.work module
		f := strings.Split(strings.TrimSpace(line), "\t")
		if len(f) == 3 && f[0] == prog.Dir {
			prog.Module, prog.GoVersion = f[1], f[2]
			return nil
		}
	}
	return &LoadError{Message: fmt.Sprintf("%s is not a module of the go.work in use: add it there or set GOWORK=off", file)}
}

// A meta is go/packages' metadata of a package and where it is to come from.
type meta struct {
	*packages.Package
	source bool // parse it; otherwise export data
}

func (prog *Program) config(mode packages.LoadMode) *packages.Config {
	cfg := &packages.Config{Mode: mode, Dir: prog.Dir, Tests: prog.cfg.Tests, Env: append(os.Environ(), prog.cfg.Env...)}
	if prog.cfg.Tags != "" {
		cfg.BuildFlags = []string{"-tags=" + prog.cfg.Tags}
	}
	return cfg
}

// list returns the module's packages and all they depend on, imports first.
func (prog *Program) list(matched map[string]bool) ([]*meta, error) {
	const mode = packages.NeedName | packages.NeedFiles | packages.NeedCompiledGoFiles |
		packages.NeedImports | packages.NeedDeps | packages.NeedModule | packages.NeedForTest | packages.NeedTypesSizes
	roots, err := packages.Load(prog.config(mode), "./...")
	if err != nil {
		return nil, &LoadError{Message: fmt.Sprintf("cannot list packages of %s: %v", prog.Module, err)}
	}
	var metas []*meta
	source := map[string]bool{}
	var listErr error
	packages.Visit(roots, nil, func(p *packages.Package) {
		if strings.HasSuffix(p.ID, ".test") && p.Name == "main" {
			return // the generated test main
		}
		main := p.Module != nil && p.Module.Main && p.Module.Path == prog.Module
		src := main
		for _, imp := range p.Imports {
			src = src || source[imp.ID]
		}
		source[p.ID] = src
		if main && listErr == nil && matched[p.PkgPath] {
			for _, e := range p.Errors {
				listErr = &LoadError{Message: fmt.Sprintf("package %s cannot be loaded: %s: %s", p.PkgPath, e.Pos, e.Msg)}
				break
			}
		}
		if prog.sizes == nil {
			prog.sizes = p.TypesSizes
		}
		metas = append(metas, &meta{Package: p, source: src})
	})
	if listErr != nil {
		return nil, listErr
	}
	if prog.sizes == nil {
		prog.sizes = types.SizesFor("gc", runtime.GOARCH)
	}
	if len(metas) == 0 {
		return nil, &LoadError{Message: fmt.Sprintf("module %s has no Go packages", prog.Module)}
	}
	// Visit's post-order depends on map iteration over Imports: settle it.
	return topological(metas), nil
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
		for _, imp := range m.Imports {
			ids = append(ids, imp.ID)
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

// match returns the import paths that the user's patterns name.
func (prog *Program) match(dir string, patterns []string) (map[string]bool, error) {
	if len(patterns) == 0 {
		patterns = []string{"./..."}
	}
	args := []string{"list"}
	if prog.cfg.Tags != "" {
		args = append(args, "-tags="+prog.cfg.Tags)
	}
	out, err := prog.goCmd(dir, append(append(args, "--"), patterns...)...)
	if err != nil {
		return nil, err
	}
	paths := map[string]bool{}
	for _, path := range strings.Fields(string(out)) {
		paths[path] = true
	}
	if len(paths) == 0 {
		return nil, &LoadError{Message: fmt.Sprintf("%s matches no packages", strings.Join(patterns, " "))}
	}
	return paths, nil
}

// loadExports finds the export data of everything that source packages import.
func (prog *Program) loadExports(metas []*meta) error {
	need := map[string]bool{}
	for _, path := range prog.cfg.Extra {
		need[path] = true
	}
	for _, m := range metas {
		if !m.source {
			continue
		}
		for path, imp := range m.Imports {
			if imp.ID == "unsafe" || path == "C" {
				continue
			}
			need[imp.PkgPath] = true
		}
	}
	for _, m := range metas {
		if m.source {
			delete(need, m.PkgPath)
		}
	}
	prog.deps = &exportImporter{fset: prog.Fset, files: map[string]string{}, broken: map[string]string{}, pkgs: map[string]*types.Package{"unsafe": types.Unsafe}}
	if len(need) == 0 {
		return nil
	}
	paths := make([]string, 0, len(need))
	for path := range need {
		paths = append(paths, path)
	}
	sort.Strings(paths)
	cfg := prog.config(packages.NeedName | packages.NeedExportFile)
	cfg.Tests = false
	pkgs, err := packages.Load(cfg, paths...)
	if err != nil {
		return &LoadError{Message: fmt.Sprintf("cannot load dependencies of %s: %v", prog.Module, err)}
	}
	for _, p := range pkgs {
		// A dependency that does not build has no export data: its importers will
		// not type-check, which matters only if the user asked for them.
		if len(p.Errors) > 0 {
			prog.deps.broken[p.PkgPath] = p.Errors[0].Msg
		}
		prog.deps.files[p.PkgPath] = p.ExportFile
	}
	return nil
}

// An exportImporter imports packages from export data, each one once.
type exportImporter struct {
	mu     sync.Mutex
	fset   *token.FileSet
	files  map[string]string // export data by import path
	broken map[string]string // what the go command said about those without
	pkgs   map[string]*types.Package
}

func (im *exportImporter) Import(path string) (*types.Package, error) {
	im.mu.Lock()
	defer im.mu.Unlock()
	if p := im.pkgs[path]; p != nil && p.Complete() {
		return p, nil
	}
	file := im.files[path]
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
	var src any
	if b, ok := prog.sources[name]; ok {
		src = b
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

// check type-checks pkgs (in topological order), independent ones in parallel.
func (prog *Program) check(pkgs []*Package) {
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
			prog.checkOne(p)
		})
	}
	wg.Wait()
}

func (prog *Program) checkOne(p *Package) {
	p.Info = &types.Info{
		Types:        map[ast.Expr]types.TypeAndValue{},
		Defs:         map[*ast.Ident]types.Object{},
		Uses:         map[*ast.Ident]types.Object{},
		Implicits:    map[ast.Node]types.Object{},
		Instances:    map[*ast.Ident]types.Instance{},
		Scopes:       map[ast.Node]*types.Scope{},
		Selections:   map[*ast.SelectorExpr]*types.Selection{},
		FileVersions: map[*ast.File]string{},
	}
	conf := types.Config{
		Importer: importerFunc(func(path string) (*types.Package, error) {
			if imp := p.Imports[path]; imp != nil {
				if imp.Types == nil {
					return nil, fmt.Errorf("import cycle or unloaded package %q", path)
				}
				return imp.Types, nil
			}
			return prog.deps.Import(prog.vendored(path))
		}),
		Sizes: prog.sizes,
		Error: func(err error) {
			var te types.Error
			if errors.As(err, &te) { // soft ones too: an unused import does not compile either
				p.Errors = append(p.Errors, te)
			}
		},
	}
	if p.FirstParty && prog.GoVersion != "" {
		conf.GoVersion = "go" + prog.GoVersion
	}
	p.Types, _ = conf.Check(p.Path, prog.Fset, p.Files, p.Info)
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
