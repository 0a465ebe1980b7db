// This file asks whether importing the runtime changes the order in which packages are
// initialised.

package rewrite

import (
	"container/heap"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/mapmigrate/mapmigrate/detect"
	"github.com/mapmigrate/mapmigrate/safemap"
)

// noteInitOrder tells the sites whose packages are initialised later than before, because of
// the import of the runtime, after another one, where the initialisation of both comes to one
// function of a third: a registry, say.
//
//	package alpha                                // → import "…/internal/safemap"
//	func init() { drivers.Register("alpha") }    // was called before that of package beta
//
// Packages are initialised in the order of their import paths, each when all that it
// imports are (the Go specification, "Program initialization").
func (r *run) noteInitOrder() {
	gain := map[string][]*siteWork{} // by the path of a package that is to import the runtime
	for _, s := range r.sites {
		if s.refused() || s.strat == Guard || s.strat == Mutex {
			continue
		}
		for _, m := range s.class.order {
			if p := m.fi.pkg; p != nil && p.Types != nil && !slices.Contains(gain[p.Types.Path()], s) {
				gain[p.Types.Path()] = append(gain[p.Types.Path()], s)
			}
		}
	}
	if len(gain) == 0 {
		return
	}
	doers := r.initialisers()
	if len(doers) < 2 {
		return
	}
	graph := importGraph(r.prog)
	before := positions(graph)
	runtime := path.Join(r.prog.Module, r.home.dir)
	graph[runtime] = append(graph[runtime], runtimeImports()...)
	for p := range gain {
		graph[p] = append(slices.Clone(graph[p]), runtime)
	}
	after := positions(graph)
	names := slices.Sorted(maps.Keys(doers))
	for _, a := range names {
		for _, b := range names {
			if before[a] >= before[b] || after[a] <= after[b] || !meet(doers[a], doers[b]) {
				continue
			}
			for _, p := range slices.Sorted(maps.Keys(gain)) {
				if p != a && !reachable(graph, a, p) {
					continue
				}
				for _, s := range gain[p] {
					s.class.note("package %s imports the runtime, so that %s is initialised after %s, no longer before it; both call what is declared in a third package then", p, a, b)
				}
			}
		}
	}
}

// initialisers returns the functions of other packages of the program that the
// initialisation of each package comes to, by its path.
func (r *run) initialisers() map[string]map[*ast.FuncDecl]bool {
	calls, _ := r.ix.callGraph()
	doers := map[string]map[*ast.FuncDecl]bool{}
	for _, fi := range r.ix.list {
		if fi.pkg.Types == nil {
			continue
		}
		own := fi.pkg.Types.Path()
		var visit func(decl *ast.FuncDecl)
		seen := map[*ast.FuncDecl]bool{}
		visit = func(decl *ast.FuncDecl) {
			if decl == nil || seen[decl] {
				return
			}
			seen[decl] = true
			if home := r.ix.fileAt(decl.Pos()); home != nil && home.pkg.Types != nil && home.pkg.Types.Path() != own {
				if doers[own] == nil {
					doers[own] = map[*ast.FuncDecl]bool{}
				}
				doers[own][decl] = true
			}
			for _, site := range calls[decl] {
				visit(site.callee)
			}
		}
		for _, d := range fi.syntax.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Recv == nil && d.Name.Name == "init" {
					visit(d)
				}
			case *ast.GenDecl:
				ast.Inspect(d, func(n ast.Node) bool {
					if call, ok := n.(*ast.CallExpr); ok && d.Tok == token.VAR {
						decl, _ := r.ix.funcDecl(fi.callee(call))
						visit(decl)
					}
					_, lit := n.(*ast.FuncLit)
					return !lit
				})
			}
		}
	}
	return doers
}

func meet(a, b map[*ast.FuncDecl]bool) bool {
	for decl := range a {
		if b[decl] {
			return true
		}
	}
	return false
}

// importGraph returns what the packages of a program import, by path, those of others
// included. What only tests import does not count.
func importGraph(prog *detect.Program) map[string][]string {
	graph := map[string][]string{}
	for _, p := range prog.Packages {
		if p.Types == nil {
			continue
		}
		own := p.Types.Path()
		for _, f := range p.Files {
			if strings.HasSuffix(prog.Fset.PositionFor(f.Pos(), false).Filename, "_test.go") {
				continue
			}
			for _, imp := range f.Imports {
				if in, err := strconv.Unquote(imp.Path.Value); err == nil {
					graph[own] = append(graph[own], in)
				}
			}
		}
	}
	var visit func(p *types.Package)
	visit = func(p *types.Package) {
		if _, ok := graph[p.Path()]; ok {
			return
		}
		graph[p.Path()] = nil
		for _, in := range p.Imports() {
			graph[p.Path()] = append(graph[p.Path()], in.Path())
			visit(in)
		}
	}
	for _, p := range prog.Packages {
		if p.Types != nil {
			for _, in := range p.Types.Imports() {
				visit(in)
			}
		}
	}
	return graph
}

// runtimeImports returns what the files of the runtime import.
func runtimeImports() (list []string) {
	files, _ := safemap.Files(safemap.Plain, safemap.Types()...)
	for _, src := range files {
		f, err := parser.ParseFile(token.NewFileSet(), "", src, parser.ImportsOnly)
		if err != nil {
			continue
		}
		for _, imp := range f.Imports {
			if p, err := strconv.Unquote(imp.Path.Value); err == nil {
				list = append(list, p)
			}
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// positions returns the place of each package in the order of initialisation.
func positions(graph map[string][]string) map[string]int {
	waits := map[string]int{}
	importers := map[string][]string{}
	for p, imports := range graph {
		waits[p] += 0
		for _, in := range slices.Compact(slices.Sorted(slices.Values(imports))) {
			waits[p]++
			waits[in] += 0
			importers[in] = append(importers[in], p)
		}
	}
	var ready paths
	for p, n := range waits {
		if n == 0 {
			ready = append(ready, p)
		}
	}
	heap.Init(&ready)
	at := map[string]int{}
	for len(ready) > 0 {
		p := heap.Pop(&ready).(string)
		at[p] = len(at)
		for _, q := range importers[p] {
			if waits[q]--; waits[q] == 0 {
				heap.Push(&ready, q)
			}
		}
	}
	return at
}

// paths is a heap of import paths.
type paths []string

func (p paths) Len() int           { return len(p) }
func (p paths) Less(i, j int) bool { return p[i] < p[j] }
func (p paths) Swap(i, j int)      { p[i], p[j] = p[j], p[i] }
func (p *paths) Push(x any)        { *p = append(*p, x.(string)) }
func (p *paths) Pop() any {
	last := (*p)[len(*p)-1]
	*p = (*p)[:len(*p)-1]
	return last
}

// reachable reports whether a package imports another one, directly or not.
func reachable(graph map[string][]string, from, to string) bool {
	seen := map[string]bool{}
	var visit func(p string) bool
	visit = func(p string) bool {
		if seen[p] {
			return false
		}
		seen[p] = true
		return p == to || slices.ContainsFunc(graph[p], visit)
	}
	return visit(from)
}
