// This file runs detection over a loaded program.

package detect

import (
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
}

// Analyze summarises the first-party packages of a program and links the summaries.
// Equal programs give equal results, whatever the number of workers.
func Analyze(prog *Program, opts Options) (*Result, error) {
	sums := Summarise(prog, opts)
	res := Link(sums, opts)
	for _, p := range prog.Packages {
		if p.FirstParty && len(p.Errors) > 0 {
			res.Skipped = append(res.Skipped, p.Path)
		}
	}
	sort.Strings(res.Skipped)
	res.Skipped = slices.Compact(res.Skipped)
	return res, nil
}

// Summarise computes the summaries of a program's first-party packages, imports first. It
// keeps no SSA: each package's is built, used and dropped. Packages with type errors are left
// out: their SSA cannot be built.
func Summarise(prog *Program, opts Options) []*Summary {
	var todo []*Package
	for _, p := range prog.Packages {
		if p.FirstParty && (p.ForTest == "" || opts.Tests) && p.Types != nil && len(p.Files) > 0 && len(p.Errors) == 0 {
			todo = append(todo, p)
		}
	}
	if opts.Tests {
		todo = preferVariants(todo)
	}
	own := map[string]bool{}
	for _, p := range todo {
		own[p.Path] = true
	}
	var (
		mu    sync.Mutex
		funcs = map[string]*FuncInfo{}
		out   = make([]*Summary, len(todo))
		ready = make([]chan struct{}, len(todo))
		byID  = map[string]int{}
		byPth = map[string]int{}
		done  int
	)
	for i, p := range todo {
		ready[i] = make(chan struct{})
		byID[p.ID] = i
		byPth[p.Path] = i
	}
	workers := opts.Workers
	if workers <= 0 {
		workers = 2
	}
	slots := make(chan struct{}, workers)
	var wg sync.WaitGroup
	for i, p := range todo {
		wg.Add(1)
		go func() {
			defer wg.Done()
			defer close(ready[i])
			for _, imp := range p.Imports {
				j, ok := byID[imp.ID]
				if !ok {
					j, ok = byPth[imp.Path]
				}
				if ok && j < i {
					<-ready[j]
				}
			}
			slots <- struct{}{}
			defer func() { <-slots }()
			srcFuncs := buildSSA(prog.Fset, p.Types, p.Files, p.Info)
			deps := func(key string) *FuncInfo {
				mu.Lock()
				defer mu.Unlock()
				return funcs[key]
			}
			s := summarise(prog.Fset, p.Types, p.Info, p.Files, srcFuncs, opts.Knowledge, func(path string) bool { return own[path] }, deps)
			mu.Lock()
			defer mu.Unlock()
			for _, f := range s.Funcs {
				funcs[f.Key] = f
			}
			out[i] = s
			done++
			if opts.Progress != nil {
				opts.Progress(done, len(todo))
			}
		}()
	}
	wg.Wait()
	return out
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
	sp := prog.CreatePackage(pkg, files, info, false)
	sp.Build()
	return sourceFuncs(sp, files, info)
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
