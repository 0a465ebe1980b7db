// This file runs detection over a loaded program.

package detect

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"sort"
	"sync"

	"golang.org/x/tools/go/ssa"
)

// Options says what to analyse.
type Options struct {
	Tests     bool                  // test variants and test files too
	Progress  func(done, total int) // called after each package, from any goroutine but one at a time
	Knowledge *Knowledge            // extends the built-in table; may be nil
	Workers   int                   // packages at once; 0 means 2
	AllOdd    bool                  // fill Map.Odd
	Cache     *Cache                // of summaries; may be nil
}

// Analyze summarises the first-party packages of a program and links the summaries. It
// loads what of the program it needs and has not got. Equal programs give equal results,
// whatever the number of workers, and whatever the cache holds.
func Analyze(prog *Program, opts Options) (*Result, error) {
	sums, err := loadSummaries(prog, opts)
	if err != nil {
		return nil, err
	}
	res := linkFrom(prog, sums, opts)
	for _, p := range prog.Broken() {
		if p.ForTest == "" || opts.Tests {
			res.Skipped = append(res.Skipped, p.Path)
		}
	}
	sort.Strings(res.Skipped)
	res.Skipped = slices.Compact(res.Skipped)
	return res, nil
}

// linkFrom links with what the cache keeps of the last link of the same packages, and keeps
// this one.
func linkFrom(prog *Program, sums []*Summary, opts Options) *Result {
	if opts.Cache == nil {
		return Link(sums, opts)
	}
	h := opts.Cache.NewHasher("link")
	h.Add(prog.Dir, common(opts), fmt.Sprint(opts.Tests, opts.AllOdd))
	for _, s := range sums {
		h.Add(s.Package)
	}
	key := h.Key()
	var old *memo
	if data, ok := opts.Cache.Get(key); ok {
		old = decodeMemo(data)
	}
	res, next, judged := relink(sums, opts, old)
	if old == nil || judged > 0 {
		if data, err := next.encode(); err == nil {
			opts.Cache.Put(key, data)
		}
	}
	return res
}

// Summarise computes the summaries of a loaded program's first-party packages, imports
// first. It keeps no SSA: each package's is built, used and dropped. Packages with type
// errors are left out: their SSA cannot be built.
func Summarise(prog *Program, opts Options) []*Summary {
	sums, err := loadSummaries(prog, opts)
	if err != nil {
		return nil // said by Load before
	}
	return sums
}

// loadSummaries takes summaries from the cache where it has them and computes the others,
// for which it loads their packages and the outside of what those import. An error means
// bad input: a package that the user asked for does not type-check.
func loadSummaries(prog *Program, opts Options) ([]*Summary, error) {
	var all []*Package
	for _, p := range prog.Packages {
		if p.FirstParty && (p.ForTest == "" || opts.Tests) {
			all = append(all, p)
		}
	}
	if opts.Tests {
		all = preferVariants(all)
	}
	r := &summaries{prog: prog, opts: opts, of: map[*Package]*Summary{}, funcs: map[string]*FuncInfo{}}
	if opts.Cache != nil {
		r.keys = prog.keys(opts.Cache, opts)
	}
	var missing []*Package
	for _, p := range all {
		if s := r.cached(p); s != nil {
			r.add(p, s)
		} else {
			missing = append(missing, p)
		}
	}
	if err := prog.needFor(missing); err != nil {
		return nil, err
	}
	if err := prog.firstError(); err != nil {
		return nil, err
	}
	missing = slices.DeleteFunc(missing, func(p *Package) bool {
		return p.Types == nil || len(p.Files) == 0 || len(p.Errors) > 0
	})
	own := map[string]bool{}
	for _, p := range all {
		if r.of[p] != nil || slices.Contains(missing, p) {
			own[p.Path] = true
		}
	}
	r.run(missing, func(path string) bool { return own[path] })
	opts.Cache.Trim()
	var out []*Summary
	for _, p := range all {
		if s := r.of[p]; s != nil {
			out = append(out, s)
		}
	}
	return out, nil
}

// needFor loads packages to summarise, and the outside of what they import.
func (prog *Program) needFor(pkgs []*Package) error {
	want := map[*Package]bool{}
	for _, p := range pkgs {
		want[p] = true
	}
	if !slices.ContainsFunc(pkgs, func(p *Package) bool { return p.state != checked }) {
		return nil
	}
	if slices.ContainsFunc(prog.Packages, func(p *Package) bool { return p.state != listedOnly }) {
		return prog.Complete() // what is there is of one world with what is to come
	}
	var outside []*Package
	seen := map[*Package]bool{}
	var visit func(p *Package)
	visit = func(p *Package) {
		if seen[p] {
			return
		}
		seen[p] = true
		if !want[p] {
			outside = append(outside, p)
		}
		for _, imp := range p.Imports {
			visit(imp)
		}
	}
	for _, p := range pkgs {
		visit(p)
	}
	return prog.need(pkgs, outside)
}

// A summaries is one run of loadSummaries.
type summaries struct {
	prog *Program
	opts Options
	keys map[*Package]Key

	mu    sync.Mutex
	of    map[*Package]*Summary
	funcs map[string]*FuncInfo // of all summaries
	done  int
}

func (r *summaries) cached(p *Package) *Summary {
	k, ok := r.keys[p]
	if !ok {
		return nil
	}
	data, ok := r.opts.Cache.Get(k)
	if !ok {
		return nil
	}
	s, err := DecodeSummary(data)
	if err != nil {
		return nil
	}
	return s
}

func (r *summaries) add(p *Package, s *Summary) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.of[p] = s
	for _, f := range s.Funcs {
		r.funcs[f.Key] = f
	}
}

func (r *summaries) lookup(key string) *FuncInfo {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.funcs[key]
}

// run summarises packages, given in topological order, some at a time.
func (r *summaries) run(todo []*Package, own func(path string) bool) {
	ready := make([]chan struct{}, len(todo))
	byID, byPath := map[string]int{}, map[string]int{}
	for i, p := range todo {
		ready[i] = make(chan struct{})
		byID[p.ID], byPath[p.Path] = i, i
	}
	workers := r.opts.Workers
	if workers <= 0 {
		workers = 2
	}
	slots := make(chan struct{}, workers)
	var wg sync.WaitGroup
	for i, p := range todo {
		wg.Go(func() {
			defer close(ready[i])
			for _, imp := range p.Imports {
				j, ok := byID[imp.ID]
				if !ok {
					j, ok = byPath[imp.Path]
				}
				if ok && j < i {
					<-ready[j]
				}
			}
			slots <- struct{}{}
			defer func() { <-slots }()
			srcFuncs := buildSSA(r.prog.Fset, p.Types, p.Files, p.Info)
			s := summarise(r.prog.Fset, p.Types, p.Info, p.Files, srcFuncs, r.opts.Knowledge, own, r.lookup)
			r.keep(p, s)
			r.add(p, s)
			if r.opts.Progress != nil {
				r.mu.Lock()
				defer r.mu.Unlock()
				r.done++
				r.opts.Progress(r.done, len(todo))
			}
		})
	}
	wg.Wait()
}

// keep puts a summary into the cache.
func (r *summaries) keep(p *Package, s *Summary) {
	if k, ok := r.keys[p]; ok && !r.prog.moved {
		if data, err := s.Encode(); err == nil {
			r.opts.Cache.Put(k, data)
		}
	}
}

// preferVariants drops p where p [p.test] is there: the variant has all its files and more.
func preferVariants(pkgs []*Package) []*Package {
	variant := map[string]bool{}
	for _, p := range pkgs {
		if p.ForTest == p.Path && !p.XTest {
			variant[p.Path] = true
		}
	}
	var out []*Package
	for _, p := range pkgs {
		if p.ForTest == "" && variant[p.Path] || p.ForTest != "" && p.ForTest != p.Path && !p.XTest {
			continue
		}
		out = append(out, p)
	}
	return out
}

// buildSSA builds one package as buildssa does, with its imports known by type only.
func buildSSA(fset *token.FileSet, pkg *types.Package, files []*ast.File, info *types.Info) []*ssa.Function {
	prog := ssa.NewProgram(fset, ssa.BuilderMode(0))
	prog.SetNoReturn(noReturn)
	for _, imp := range pkg.Imports() {
		prog.CreatePackage(imp, nil, nil, true)
	}
	sp := prog.CreatePackage(pkg, files, initsOf(fset, files, info), false)
	sp.Build()
	return sourceFuncs(sp, files, info)
}

// initsOf leaves of info what initialises variables of the given files: a package may have
// been checked with its tests.
func initsOf(fset *token.FileSet, files []*ast.File, info *types.Info) *types.Info {
	in := map[*token.File]bool{}
	for _, f := range files {
		in[fset.File(f.FileStart)] = true
	}
	of := *info
	of.InitOrder = slices.DeleteFunc(slices.Clone(info.InitOrder), func(i *types.Initializer) bool {
		return !in[fset.File(i.Rhs.Pos())]
	})
	return &of
}

func noReturn(f *types.Func) bool {
	switch f.FullName() {
	case "os.Exit", "log.Fatal", "log.Fatalf", "log.Fatalln", "runtime.Goexit", "(*testing.common).Fatal", "(*testing.common).Fatalf", "(*testing.common).FailNow":
		return true
	}
	return false
}

// sourceFuncs lists the functions declared in files, their literals, and the package's
// initializer, in source order.
func sourceFuncs(sp *ssa.Package, files []*ast.File, info *types.Info) []*ssa.Function {
	var out []*ssa.Function
	var add func(f *ssa.Function)
	add = func(f *ssa.Function) {
		out = append(out, f)
		for _, a := range f.AnonFuncs {
			add(a)
		}
	}
	for _, file := range files {
		for _, d := range file.Decls {
			fd, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			if obj, ok := info.Defs[fd.Name].(*types.Func); ok && obj.Name() != "_" {
				if f := sp.Prog.FuncValue(obj); f != nil {
					add(f)
				}
			}
		}
	}
	if f := sp.Func("init"); f != nil {
		add(f)
	}
	return out
}
