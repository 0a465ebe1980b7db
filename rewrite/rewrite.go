// This file is the door of the package: requests in, sites out.

package rewrite

import (
	"bytes"
	"context"
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"go/version"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/mod/modfile"

	"github.com/mapmigrate/mapmigrate/detect"
	"github.com/mapmigrate/mapmigrate/plans"
	"github.com/mapmigrate/mapmigrate/safemap"
)

// A Request asks for one map variable to be migrated.
type Request struct {
	Map      *detect.Map
	Strategy string // "sharded", "syncmap", "locked" or "provider"; or Guard or Mutex, which change no type
	// Otherwise is what to do where Strategy, which changes the type, is refused: Mutex puts a lock
	// around every use, the guard of the map where it has one; "" does nothing.
	Otherwise string
}

// Options are the choices that hold for a whole run.
type Options struct {
	FastRuntime    bool // --runtime=fast: emit the fast core of Sharded
	StdRuntime     bool // --runtime=std: emit sync.Map itself where every use has a direct method
	AllowAPIChange bool // --allow-api-change: exported API of non-internal packages may change
	PruneEmptyRows bool // --prune-empty-rows: a delete that empties a row of a nested map removes it
	DropLocks      bool // --drop-locks: locks that guarded nothing but such maps go
	StrictLines    bool // --strict-lines: not even white-space re-alignment outside sites
	Tags           string
	// Maps is the whole inventory: what detection knows about the variables that
	// turn out to be aliases of a requested one.
	Maps []*detect.Map
	// SkipCompile leaves out the compiler's own check of the result; type-checking stays.
	SkipCompile bool
	// Progress is called with the number of steps done and in all; may be nil.
	Progress func(done, total int)
}

// A Site is the outcome for one alias class: all requested map variables that
// must change type together, with the edits that migrate them, or refusals.
type Site struct {
	Maps     []*detect.Map  // the requested ones, sorted by position; Maps[0] names the site
	Members  []plans.Member // the other variables that change type with them
	Strategy string
	Refusals []*plans.Refusal // non-empty: no edits
	Notes    []string
	Edits    []plans.Edit // hashes are left to plans.Seal
	Coupled  []int        // indexes of sites that must be applied together with this one
	// Instead is why the form asked for is not the site's: its first refusal, where
	// Request.Otherwise has taken its place.
	Instead *plans.Refusal
}

// An Output is the result of rewriting: sites in the order of their first
// map's position, the edits they share, and the runtime they need.
type Output struct {
	Sites   []*Site
	Shared  []plans.SharedEdit // Sites holds indexes in decimal; cmd replaces them by ids
	Runtime plans.Runtime
	// Files holds the new contents (by module-relative path) when every
	// migratable site is applied, runtime files included. Overlaid files of the
	// program (generated race tests) are among them, but have no edits.
	Files map[string][]byte
}

// Rewrite migrates the requested maps in memory. Nothing is written. Every file
// of the output has passed all gates: it parses, keeps every comment, changes no
// token outside a site, type-checks with the whole module, and compiles.
//
// prog must have been loaded with tests and with Extra = RuntimeImports().
func Rewrite(ctx context.Context, prog *detect.Program, reqs []Request, opts Options) (*Output, error) {
	run := &run{ctx: ctx, prog: prog, opts: opts, ix: newIndex(prog), home: findRuntime(prog, opts.core()), dropped: map[*fileInfo][]string{}}
	run.ix.maps = map[token.Pos]*detect.Map{}
	for _, m := range opts.Maps {
		run.ix.maps[run.ix.at(m.Pos)] = m
	}
	for _, req := range reqs {
		run.ix.maps[run.ix.at(req.Map.Pos)] = req.Map
	}
	run.classify(reqs)
	if opts.DropLocks {
		run.dropLocks()
	}
	if err := run.edit(); err != nil {
		return nil, err
	}
	return run.output()
}

// A run is one call of Rewrite.
type run struct {
	ctx  context.Context
	prog *detect.Program
	opts Options
	ix   *index
	home runtimeHome

	sites    []*siteWork
	dropped  map[*fileInfo][]string // imports that the rewrite leaves unused
	sections []section              // of code under locks, see taking.section
	joined   [][2]int               // sites that share a critical section, see joinSites
	locking  map[*ast.FuncDecl]bool // functions that are made to take locks, see noteLocking

	newFields map[string]string   // names of locks that structs get, and those of the fields
	lockOrder map[string][]string // locks that are taken where a lock is held, see ledTo

	results map[*fileInfo]*fileResult
	files   map[string][]byte // absolute name → content of the last, verified round
}

// A siteWork is a class on its way to a Site.
type siteWork struct {
	class  *class
	maps   []*detect.Map
	strat  string
	form   form
	ops    map[*fileInfo][]op
	merges []*merge

	runtime []string // the runtime types it needs

	instead *plans.Refusal // see Site.Instead

	unobserved bool // nobody has looked for observers of the holders yet
}

// A fileResult is the editor's answer and how much it was asked: sites only ever
// leave, so equal counts mean equal operations.
type fileResult struct {
	*fileOutput
	ops, drops, imports int
}

// without returns the output with the hunks of refused sites taken back, or nil
// when a hunk mixes them with others and the editor has to run again. It is what
// makes a round after a refusal cheap.
func (o *fileOutput) without(src []byte, refused func(site int) bool, imports bool) *fileOutput {
	out := &fileOutput{Realigned: o.Realigned}
	last := 0
	for _, h := range o.Hunks {
		gone := 0
		for _, s := range h.Sites {
			if refused(s) {
				gone++
			}
		}
		switch {
		case h.Import && len(h.Sites) == 0:
			if !imports {
				continue
			}
		case gone == len(h.Sites) && gone > 0:
			continue
		case gone > 0 || len(h.Sites) == 0:
			return nil
		}
		out.Hunks = append(out.Hunks, h)
		out.Src = append(append(out.Src, src[last:h.Start]...), h.New...)
		last = h.End
	}
	out.Src = append(out.Src, src[last:]...)
	return out
}

func (r *run) refusedIn(site int) bool { return r.sites[site].refused() }

func (s *siteWork) refused() bool { return len(s.class.refusals) > 0 }

// classify grows a class for each request that is not an alias of an earlier
// one, and decides what its uses become.
func (r *run) classify(reqs []Request) {
	sorted := slices.Clone(reqs)
	sort.SliceStable(sorted, func(i, j int) bool { return r.ix.at(sorted[i].Map.Pos) < r.ix.at(sorted[j].Map.Pos) })
	sort.SliceStable(sorted, func(i, j int) bool { return sorted[i].Map.Pos.Filename < sorted[j].Map.Pos.Filename })
	r.noteLocking(reqs)
	owner := map[token.Pos]*siteWork{}
	for i, req := range sorted {
		if s := owner[r.ix.at(req.Map.Pos)]; s != nil {
			s.maps = append(s.maps, req.Map)
			continue
		}
		s := &siteWork{class: newClass(r.ix, len(r.sites)), maps: []*detect.Map{req.Map}, strat: req.Strategy}
		r.sites = append(r.sites, s)
		if req.Strategy == Guard || req.Strategy == Mutex {
			r.takeLocks(s, req.Map)
			if !s.refused() {
				if write := r.stepsAcross(req.Map, s.strat, s.class.n); write.IsValid() && req.Otherwise != "" {
					s.class.refuse("lock-steps", write, "", "what is written here depends on a look at the map in another function: each would take the lock for itself, and others could come in between")
					r.letGo(s.class.n)
				} else if write.IsValid() {
					s.class.first("what is written at %s depends on a look at the map in another function: each takes the lock for itself, so that others can come in between", r.ix.pos(write))
				}
			}
		} else if s.class.start(req.Map) {
			r.decide(s)
			if again := r.withCopies(s); again != nil {
				s.class, s.form, s.ops, s.merges, s.runtime = again.class, again.form, again.ops, again.merges, again.runtime
			}
			for pos := range s.class.members {
				owner[pos] = s
			}
		}
		if (s.refused() || s.class.memoised != nil) && s.strat != Guard && req.Otherwise == Mutex && !r.prog.Overlaid(req.Map.Pos.Filename) {
			if why := r.lockInstead(s, req.Map); why == "" {
				maps.DeleteFunc(owner, func(_ token.Pos, o *siteWork) bool { return o == s })
			} else if s.refused() {
				first := *s.class.refusals[0]
				first.Remedy += " (" + why + ")"
				s.class.refusals[0] = &first
			}
		}
		if r.opts.Progress != nil {
			r.opts.Progress(i+1, len(sorted))
		}
	}
	r.joinSites()
	r.noteInitOrder()
	if r.ix.flows == nil {
		return // what is refused without them need not be told of its observers, too
	}
	for _, s := range r.sites {
		if s.unobserved {
			s.class.holderFlows()
		}
	}
}

// lockInstead gives a site that is refused, or would make elements twice, the form guard, or mutex where
// the map has no guard, or says why that is no way out.
func (r *run) lockInstead(s *siteWork, m *detect.Map) (why string) {
	alt := &siteWork{class: newClass(r.ix, s.class.n), strat: Guard}
	if m.GuardKey == "" {
		alt.strat = Mutex
	}
	if r.takeLocks(alt, m); alt.refused() {
		way := "a lock of its own"
		if alt.strat == Guard {
			way = m.Guard
		}
		why = fmt.Sprintf("%s around every use is no way out: %s, %s", way, alt.class.refusals[0].Message, alt.class.refusals[0].Code)
	}
	if across := r.stepsAcross(m, alt.strat, s.class.n); across.IsValid() {
		why = fmt.Sprintf("--strategy=%s takes the lock in each function, and leaves apart what is looked at and what is written at %s", alt.strat, r.ix.pos(across))
	}
	if why != "" {
		r.letGo(s.class.n)
		return why
	}
	if s.instead = s.class.memoised; s.refused() {
		s.instead = s.class.refusals[0]
	}
	s.class, s.ops, s.strat, s.form, s.runtime = alt.class, alt.ops, alt.strat, form{}, nil
	s.unobserved = false
	return ""
}

// letGo forgets what a site was to put under its lock: nobody has to get along with what is not written.
func (r *run) letGo(site int) {
	r.sections = slices.DeleteFunc(r.sections, func(s section) bool { return s.site == site })
}

// goLine returns the line of the go directive in the go.mod of a folder: the first one, where
// there is none.
func goLine(dir string) int {
	src, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		return 1
	}
	f, err := modfile.ParseLax("go.mod", src, nil)
	if err != nil || f.Go == nil {
		return 1
	}
	return f.Go.Syntax.Start.Line
}

// decide runs the checks of a complete class and emits its operations.
func (r *run) decide(s *siteWork) {
	c := s.class
	if v := r.prog.GoVersion; v != "" && version.Compare("go"+v, "go1.24") < 0 {
		c.refusals = append(c.refusals, &plans.Refusal{Code: "go-directive", Class: plans.Unsafe,
			Message: fmt.Sprintf("go.mod says `go %s`; the runtime needs 1.24", v),
			Remedy:  "change that line of go.mod to `go 1.24.0` or later", Pos: plans.Pos{File: "go.mod", Line: goLine(r.prog.Dir), Column: 1}})
		return
	}
	strict := c.strict()
	usual := strict && c.unraced()
	merges := c.compound()
	c.settle(strict && !usual)
	if strict && c.intoLiterals.IsValid() {
		c.refuse("function-value", c.intoLiterals, "use a declared function", "what is done with the map in a function literal that has it as a parameter is not put together with the steps around its calls")
	}
	c.checkOrder()
	c.checkSameMap()
	c.checkClearedRanges()
	c.checkFirstElements()
	c.checkValue()
	c.checkMembers(r.opts)
	c.checkVariable()
	switch {
	case usual:
		c.checkStatements()
		c.note("not every use is seen to hold one lock, and no two are seen to run at once: steps that other goroutines could interrupt before can be interrupted still")
	case strict:
		c.checkLeaves()
		c.checkAtomicity()
		c.checkCounts()
		c.checkSteps()
	}
	// Finding observers takes a search of the whole program. It is made for the first class
	// that may become something, or not at all; see classify.
	if s.unobserved = s.refused(); !s.unobserved {
		c.holderFlows()
	}
	if r.opts.PruneEmptyRows {
		c.checkPruning()
	}
	f, ok := c.chooseForm(s.strat, r.opts)
	if !ok {
		if len(c.refusals) == 0 {
			c.refuse("unknown-use", c.order[0].pos, "", "there is no strategy named %s", s.strat)
		}
		return
	}
	if c.isValue() {
		f = c.asValue(f)
	} else {
		c.checkDrains()
	}
	s.form, s.merges = f, merges
	em := c.emit(f, merges)
	s.ops, s.runtime = em.ops, f.runtimeTypes()
	if em.extra != "" {
		s.runtime = append(s.runtime, em.extra)
	}
	if !f.std {
		if ref := r.home.check(); ref != nil {
			c.refusals = append(c.refusals, ref)
		}
	}
	c.weakerIteration()
}

// edit rewrites files until every gate passes for all sites that are left. A
// gate that fails names sites by the lines they changed; those are refused as
// internal-check (our bug, never a bad diff) and the rest is tried again.
func (r *run) edit() error {
	for round := 0; ; round++ {
		if err := r.ctx.Err(); err != nil {
			return err
		}
		r.loneRows()
		r.refuseJoined()
		if !r.rewriteFiles() {
			continue
		}
		again, err := r.verify()
		if err != nil {
			return err
		}
		if !again {
			return nil
		}
		if round > 3*len(r.sites)+10 {
			return fmt.Errorf("internal error: verification does not settle after %d rounds", round)
		}
	}
}

// rewriteFiles runs the editor on every file with operations; it reports false
// when a file was refused and its sites with it.
func (r *run) rewriteFiles() bool {
	type job struct {
		fi  *fileInfo
		in  *fileInput
		out *fileOutput
		ref *plans.Refusal
	}
	var jobs []*job
	old := r.results
	r.results = map[*fileInfo]*fileResult{}
	for _, fi := range r.ix.list {
		in := &fileInput{Path: fi.path, Fset: r.prog.Fset, Syntax: fi.syntax, StrictLines: r.opts.StrictLines, DropImports: r.dropped[fi]}
		for _, s := range r.sites {
			if s.refused() {
				continue
			}
			ops := s.ops[fi]
			in.Ops = append(in.Ops, ops...)
			in.Imports = append(in.Imports, s.class.imports[fi]...)
			if needsImport(ops) {
				in.ImportPath, in.ImportName = r.importFor(s, fi)
			}
		}
		if len(in.Ops) == 0 {
			continue
		}
		src, err := r.prog.Source(fi.abs)
		if err != nil {
			r.refuseAll(fi, nil, "internal-check", "the file cannot be read again: "+err.Error())
			return false
		}
		in.Src = src
		slices.SortFunc(in.Imports, func(a, b fileImport) int { return strings.Compare(a.Path, b.Path) })
		in.Imports = slices.Compact(in.Imports)
		if o := old[fi]; o != nil && o.drops == len(in.DropImports) && o.imports == len(in.Imports) {
			if o.ops == len(in.Ops) {
				r.results[fi] = o // same operations as in the last round
				continue
			}
			if out := o.without(src, r.refusedIn, in.ImportPath != ""); out != nil {
				r.results[fi] = &fileResult{out, len(in.Ops), o.drops, o.imports}
				continue
			}
		}
		jobs = append(jobs, &job{fi: fi, in: in})
	}
	var wg sync.WaitGroup
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	for _, j := range jobs {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			if r.ctx.Err() == nil {
				j.out, j.ref = rewriteFile(j.in)
			}
		})
	}
	wg.Wait()
	if r.ctx.Err() != nil {
		return false // edit says so
	}
	ok := true
	for _, j := range jobs {
		if j.ref != nil {
			r.refuseAt(j.fi, j.ref)
			ok = false
			continue
		}
		r.results[j.fi] = &fileResult{j.out, len(j.in.Ops), len(j.in.DropImports), len(j.in.Imports)}
	}
	return ok
}

// importFor returns the path and local name of the package that a site's
// operations name in a file.
func (r *run) importFor(s *siteWork, fi *fileInfo) (importPath, name string) {
	importPath, name = path.Join(r.prog.Module, r.home.dir), "safemap"
	if s.form.std {
		return "sync", "sync"
	}
	for _, spec := range fi.syntax.Imports {
		if p, _ := strconv.Unquote(spec.Path.Value); p == importPath {
			if spec.Name != nil {
				return importPath, spec.Name.Name
			}
			return importPath, name
		}
	}
	return importPath, fi.freshImport(name)
}

// needsImport reports whether operations name the runtime package.
func needsImport(ops []op) bool {
	return slices.ContainsFunc(ops, func(o op) bool {
		switch o := o.(type) {
		case *typeOp:
			return true
		case *callOp:
			return o.Recv == nil
		case *textOp:
			return strings.Contains(o.Text, "sync.")
		}
		return false
	})
}

// refuseAt refuses the sites that a refusal of the editor concerns: those with
// an operation on its line, or all sites in the file.
func (r *run) refuseAt(fi *fileInfo, ref *plans.Refusal) {
	tf := r.prog.Fset.File(fi.syntax.FileStart)
	hit := false
	for _, s := range r.sites {
		if s.refused() {
			continue
		}
		for _, o := range s.ops[fi] {
			from, to := tf.Line(o.target().Pos()), tf.Line(o.target().End())
			if ref.Pos.File == fi.path && from <= ref.Pos.Line && ref.Pos.Line <= to {
				s.class.refusals = append(s.class.refusals, ref)
				hit = true
				break
			}
		}
	}
	if hit {
		return
	}
	for _, s := range r.sites {
		if !s.refused() && len(s.ops[fi]) > 0 {
			s.class.refusals = append(s.class.refusals, ref)
		}
	}
}

var unusedImport = regexp.MustCompile(`^"(.+)" imported (?:as \S+ )?and not used$`)

// verify type-checks and compiles the module with all results in place. It
// reports whether something has changed and another round is needed.
func (r *run) verify() (again bool, err error) {
	r.files = map[string][]byte{}
	for fi, out := range r.results {
		r.files[fi.abs] = out.Src
	}
	if len(r.files) == 0 {
		return false, nil
	}
	for name, src := range r.runtimeFiles() {
		r.files[filepath.Join(r.prog.Dir, filepath.FromSlash(r.home.dir), name)] = src
	}
	next, err := r.prog.Overlay(r.files)
	if err != nil {
		return false, fmt.Errorf("internal error: a rewritten file does not parse: %w", err)
	}
	errs := next.Errors(r.prog)
	for _, e := range errs {
		pos := next.Fset.PositionFor(e.Pos, false)
		fi := r.fileNamed(pos.Filename)
		if m := unusedImport.FindStringSubmatch(e.Msg); m != nil && fi != nil {
			if !slices.Contains(r.dropped[fi], m[1]) {
				r.dropped[fi] = append(r.dropped[fi], m[1])
				again = true
			}
		}
	}
	if again {
		return true, nil
	}
	if len(errs) > 0 {
		for _, e := range errs {
			pos := next.Fset.PositionFor(e.Pos, false)
			r.blame(pos.Filename, pos.Line, "the result does not type-check: "+e.Msg)
		}
		return true, r.stuck(errs)
	}
	look := r.changedPackages(next)
	if slices.ContainsFunc(r.sites, func(s *siteWork) bool { return !s.refused() && s.class.isValue() }) {
		look = slices.DeleteFunc(slices.Clone(next.Packages), func(p *detect.Package) bool { return !p.FirstParty }) // importers, too
	}
	copied, err := copiedLocks(next, look)
	if err != nil {
		return false, err
	}
	for _, d := range copied {
		r.blameHolder(d)
		again = true
	}
	if again || r.opts.SkipCompile {
		return again, nil
	}
	var pkgs []string
	for _, p := range r.changedPackages(next) {
		if p.ForTest == "" {
			pkgs = append(pkgs, p.Path)
		}
	}
	if err := compileGate(r.ctx, r.prog.Dir, r.files, pkgs, nil, r.opts.Tags); err != nil {
		ce, ok := err.(*CompileError)
		if !ok {
			return false, err
		}
		if len(ce.Diags) == 0 {
			return false, ce
		}
		for _, e := range ce.Diags {
			r.blame(e.File, e.Line, "the result does not compile: "+e.Msg)
		}
		return true, nil
	}
	return false, nil
}

// copiedLocks returns the copies of runtime types in packages; what the program
// copied before is none of our business.
func copiedLocks(prog *detect.Program, pkgs []*detect.Package) ([]CompileDiag, error) {
	var out []CompileDiag
	seen := map[*ast.File]*types.Info{} // a package and its test variant share files, and mostly what is known of them
	for _, p := range pkgs {
		files := slices.DeleteFunc(filesHolding(p), func(f *ast.File) bool {
			was := seen[f]
			seen[f] = p.Info
			return was == p.Info
		})
		if len(files) == 0 {
			continue
		}
		diags, err := copylocksGate(prog.Fset, files, p.Types, p.Info)
		if err != nil {
			return nil, err
		}
		for _, d := range diags {
			if strings.Contains(d.Message, "safemap.") {
				pos := prog.Fset.PositionFor(d.Pos, false)
				out = append(out, CompileDiag{File: pos.Filename, Line: pos.Line, Col: pos.Column, Msg: d.Message})
			}
		}
		out = append(out, sentLocks(prog, p, files)...)
	}
	return out, nil
}

// filesHolding returns the files of a package that have to do with a value which contains a
// runtime type itself: only they can copy one.
func filesHolding(p *detect.Package) []*ast.File {
	if p.Info == nil {
		return nil
	}
	known := map[types.Type]bool{}
	holds := func(t types.Type) bool {
		is, ok := known[t]
		if !ok {
			is = yieldsRuntime(t, 0)
			known[t] = is
		}
		return is
	}
	var out []*ast.File
	for _, f := range p.Files {
		found := false
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.Field: // of a function, maybe: a parameter without a name, too
				found = found || holds(p.Info.TypeOf(n.Type))
			case ast.Expr:
				found = found || !p.Info.Types[n].IsType() && holds(p.Info.TypeOf(n))
			}
			return !found
		})
		if found {
			out = append(out, f)
		}
	}
	return out
}

// yieldsRuntime reports whether a value of type t contains a runtime type itself, or a loop
// over it or a call of it gives a value that does. Functions of functions of functions
// are taken for ones that do.
func yieldsRuntime(t types.Type, depth int) bool {
	if t == nil || depth > 3 {
		return t != nil
	}
	if p, ok := t.Underlying().(*types.Pointer); ok {
		if a, ok := p.Elem().Underlying().(*types.Array); ok {
			t = a
		}
	}
	any := func(tup *types.Tuple) bool {
		for v := range tup.Variables() {
			if yieldsRuntime(v.Type(), depth+1) {
				return true
			}
		}
		return false
	}
	switch u := t.Underlying().(type) {
	case *types.Slice:
		return holdsRuntime(u.Elem())
	case *types.Map:
		return holdsRuntime(u.Key()) || holdsRuntime(u.Elem())
	case *types.Chan:
		return holdsRuntime(u.Elem())
	case *types.Tuple:
		return any(u)
	case *types.Signature:
		return any(u.Params()) || any(u.Results())
	}
	return holdsRuntime(t)
}

// sentLocks returns the sends that copy a runtime type, which copylocks does not
// look at.
func sentLocks(prog *detect.Program, p *detect.Package, files []*ast.File) (out []CompileDiag) {
	for _, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			if s, ok := n.(*ast.SendStmt); ok && holdsRuntime(p.Info.TypeOf(s.Value)) {
				pos := prog.Fset.PositionFor(s.Pos(), false)
				out = append(out, CompileDiag{File: pos.Filename, Line: pos.Line, Col: pos.Column, Msg: "a send copies " + strings.Join(holding(p.Info.TypeOf(s.Value)), ", with ")})
			}
			return true
		})
	}
	return out
}

// isRuntime reports whether t is a type of the runtime that holds a map.
func isRuntime(t types.Type) bool {
	n, ok := types.Unalias(t).(*types.Named)
	if !ok || n.Obj().Pkg() == nil || !strings.HasSuffix(n.Obj().Pkg().Path(), "/safemap") {
		return false
	}
	_, ok = n.Underlying().(*types.Struct)
	return ok
}

// holdsRuntime reports whether a value of type t contains a runtime type itself,
// not a pointer to one.
func holdsRuntime(t types.Type) bool {
	if t == nil || isRuntime(t) {
		return t != nil
	}
	switch u := t.Underlying().(type) {
	case *types.Struct:
		for f := range u.Fields() {
			if holdsRuntime(f.Type()) {
				return true
			}
		}
	case *types.Array:
		return holdsRuntime(u.Elem())
	}
	return false
}

// holding names the types in t, itself included, that contain a runtime type.
func holding(t types.Type) (names []string) {
	if isRuntime(t) || !holdsRuntime(t) {
		return nil
	}
	if n, ok := types.Unalias(t).(*types.Named); ok {
		names = append(names, n.Obj().Name())
	}
	switch u := t.Underlying().(type) {
	case *types.Struct:
		for f := range u.Fields() {
			names = append(names, holding(f.Type())...)
		}
	case *types.Array:
		names = append(names, holding(u.Elem())...)
	}
	return names
}

// stuck reports an internal error when no site is left to blame.
func (r *run) stuck(errs []types.Error) error {
	for _, s := range r.sites {
		if !s.refused() {
			return nil
		}
	}
	if len(r.results) > 0 {
		return nil // the next round has no files
	}
	return fmt.Errorf("internal error: %v", errs[0])
}

func (r *run) changedPackages(next *detect.Program) []*detect.Package {
	var out []*detect.Package
	for _, p := range next.Packages {
		for _, f := range p.Files {
			if _, ok := r.files[next.Fset.File(f.FileStart).Name()]; ok && p.FirstParty {
				out = append(out, p)
				break
			}
		}
	}
	return out
}

func (r *run) fileNamed(abs string) *fileInfo {
	for _, fi := range r.ix.list {
		if fi.abs == abs {
			return fi
		}
	}
	return nil
}

// blame refuses the sites behind a line of a result.
func (r *run) blame(file string, line int, msg string) {
	r.blameFor("internal-check", file, line, msg)
}

func (r *run) blameFor(code, file string, line int, msg string) {
	fi := r.fileNamed(file)
	if fi != nil && r.results[fi] != nil && len(r.results[fi].sitesAt(line)) > 0 {
		r.refuseAll(fi, r.results[fi].sitesAt(line), code, msg)
		return
	}
	if sites := r.namedIn(msg); len(sites) > 0 { // a type has changed, and a use of it has not
		r.refuseAll(fi, sites, code, msg)
		return
	}
	r.refuseAll(fi, nil, code, msg)
}

// namedIn returns the sites that are named map types whose names a message mentions.
func (r *run) namedIn(msg string) (sites []int) {
	for i, s := range r.sites {
		if n := s.class.named; n != nil && !s.refused() && mentionsName(msg, n.obj.Name()) {
			sites = append(sites, i)
		}
	}
	return sites
}

func mentionsName(msg, name string) bool {
	return regexp.MustCompile(`\b` + regexp.QuoteMeta(name) + `\b`).MatchString(msg)
}

// blameHolder refuses the sites whose struct is copied.
func (r *run) blameHolder(d CompileDiag) {
	msg := "the struct that would hold the map by value is copied: " + d.Msg
	var sites []int
	for i, s := range r.sites {
		_, name, _ := strings.Cut(path.Base(s.maps[0].Holder), ".")
		if name != "" && !s.refused() && s.class.isValue() && mentionsName(d.Msg, name) {
			sites = append(sites, i)
		}
	}
	if len(sites) > 0 {
		r.refuseAll(r.fileNamed(d.File), sites, "holder-copied", msg)
		return
	}
	r.blameFor("holder-copied", d.File, d.Line, msg)
}

// refuseAll adds a refusal to the given sites, or to all that
// change the file, or (fi == nil or unchanged) to all.
func (r *run) refuseAll(fi *fileInfo, sites []int, code, msg string) {
	for i, s := range r.sites {
		if s.refused() {
			continue
		}
		if sites != nil && !slices.Contains(sites, i) {
			continue
		}
		if sites == nil && fi != nil && r.results[fi] != nil && len(s.ops[fi]) == 0 {
			continue
		}
		s.class.refusals = append(s.class.refusals, &plans.Refusal{
			Code: code, Class: plans.Unsafe, Message: msg, Remedy: remedyFor(code), Pos: r.ix.pos(s.class.order[0].pos),
		})
	}
}

// sitesAt returns the sites whose hunks hold a line of the result.
func (o *fileOutput) sitesAt(line int) []int {
	shift := 0 // bytes added before the hunk
	for _, h := range o.Hunks {
		start := h.Start + shift
		end := start + len(h.New)
		shift += len(h.New) - (h.End - h.Start)
		from := 1 + bytes.Count(o.Src[:min(start, len(o.Src))], []byte("\n"))
		to := 1 + bytes.Count(o.Src[:min(end, len(o.Src))], []byte("\n"))
		if from <= line && line < max(to, from+1) {
			return h.Sites
		}
	}
	return nil
}

// runtimeFiles returns the runtime files that the sites left need.
func (r *run) runtimeFiles() map[string][]byte {
	files, _ := r.home.files(r.opts.core(), r.runtimeTypes()...)
	return files
}

// runtimeTypes names the runtime types that the sites left need.
func (r *run) runtimeTypes() (types []string) {
	for _, s := range r.sites {
		if !s.refused() {
			types = append(types, s.runtime...)
		}
	}
	return types
}

// output turns the last round into sites and edits.
func (r *run) output() (*Output, error) {
	out := &Output{Files: map[string][]byte{}}
	for _, s := range r.sites {
		site := &Site{Maps: s.maps, Strategy: s.strat, Refusals: s.class.refusals, Notes: s.class.notes, Instead: s.instead}
		for _, m := range s.class.order {
			requested := slices.ContainsFunc(s.maps, func(d *detect.Map) bool { return r.ix.at(d.Pos) == m.pos })
			if !requested {
				site.Members = append(site.Members, plans.Member{Name: m.name, Pos: r.ix.pos(m.pos)})
			}
		}
		sort.SliceStable(site.Members, func(i, j int) bool {
			a, b := site.Members[i].Pos, site.Members[j].Pos
			if a.File != b.File {
				return a.File < b.File
			}
			return a.Line < b.Line || a.Line == b.Line && a.Column < b.Column
		})
		sortRefusals(site.Refusals)
		site.Refusals = capRefusals(site.Refusals)
		if len(site.Refusals) > 0 {
			site.Notes = nil
		}
		out.Sites = append(out.Sites, site)
	}
	for _, pair := range r.joined {
		if !r.sites[pair[0]].refused() {
			couple(out, pair[:])
		}
	}
	r.addEdits(out)
	r.addRuntime(out)
	return out, nil
}

// capRefusals keeps the first few refusals of each code: a map that is used in a
// thousand places is not understood better by a thousand lines.
func capRefusals(list []*plans.Refusal) []*plans.Refusal {
	const most = 10
	count, last := map[string]int{}, map[string]*plans.Refusal{}
	var kept []*plans.Refusal
	for _, r := range list {
		if count[r.Code]++; count[r.Code] <= most {
			kept = append(kept, r)
			last[r.Code] = r
		}
	}
	for code, n := range count {
		if n > most {
			r := *last[code]
			r.Message += fmt.Sprintf(" (and %d more places like this one)", n-most)
			kept[slices.Index(kept, last[code])] = &r
		}
	}
	return kept
}

func sortRefusals(list []*plans.Refusal) {
	sort.SliceStable(list, func(i, j int) bool {
		a, b := list[i].Pos, list[j].Pos
		if a.File != b.File {
			return a.File < b.File
		}
		if a.Line != b.Line {
			return a.Line < b.Line
		}
		return list[i].Code < list[j].Code
	})
}

// addEdits distributes the hunks of every file among the sites.
func (r *run) addEdits(out *Output) {
	for _, fi := range r.ix.list {
		res := r.results[fi]
		if res == nil {
			continue
		}
		out.Files[fi.path] = res.Src
		if r.prog.Overlaid(fi.abs) {
			continue
		}
		inFile := map[int]bool{}
		var importing []string
		for i, s := range r.sites {
			if !s.refused() && len(s.ops[fi]) > 0 {
				inFile[i] = true
				if needsImport(s.ops[fi]) {
					importing = append(importing, strconv.Itoa(i))
				}
			}
		}
		for _, h := range res.Hunks {
			e := plans.Edit{File: fi.path, Start: h.Start, End: h.End, New: h.New}
			switch {
			case h.Import && len(h.Sites) == 0 && res.imports == 0 && (len(r.dropped[fi]) == 0 || h.Start == h.End):
				out.Shared = append(out.Shared, plans.SharedEdit{Edit: e, Sites: importing})
			case h.Import && len(h.Sites) == 0 && h.New == "" && len(r.droppers(fi)) > 0:
				// An import goes with all that used it.
				all := r.droppers(fi)
				couple(out, all)
				for _, i := range all {
					out.Sites[i].Edits = append(out.Sites[i].Edits, e)
				}
			case h.Import || len(h.Sites) == 0:
				// The hunk is right only with all changes of the file in place.
				all := keys(inFile)
				couple(out, all)
				for _, i := range all {
					out.Sites[i].Edits = append(out.Sites[i].Edits, e)
				}
			default:
				couple(out, h.Sites)
				for _, i := range h.Sites {
					out.Sites[i].Edits = append(out.Sites[i].Edits, e)
				}
			}
		}
	}
}

// droppers returns the sites that have an operation where a file uses an import that
// the rewrite leaves unused.
func (r *run) droppers(fi *fileInfo) []int {
	users := map[int]bool{}
	for i, s := range r.sites {
		if s.refused() {
			continue
		}
		for _, o := range s.ops[fi] {
			ast.Inspect(o.target(), func(n ast.Node) bool {
				if id, ok := n.(*ast.Ident); ok {
					name, ok := fi.object(id).(*types.PkgName)
					users[i] = users[i] || ok && slices.Contains(r.dropped[fi], name.Imported().Path())
				}
				return !users[i]
			})
		}
	}
	maps.DeleteFunc(users, func(_ int, uses bool) bool { return !uses })
	return keys(users)
}

func keys(m map[int]bool) []int {
	var out []int
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// couple makes sites one approval unit: every one of them names all others.
func couple(out *Output, sites []int) {
	unit := map[int]bool{}
	for _, i := range sites {
		unit[i] = true
		for _, j := range out.Sites[i].Coupled {
			unit[j] = true
		}
	}
	for i := range unit {
		var others []int
		for _, j := range keys(unit) {
			if j != i {
				others = append(others, j)
			}
		}
		out.Sites[i].Coupled = others
	}
}

func (r *run) addRuntime(out *Output) {
	users := map[string][]string{} // file → sites
	all, replaced := r.home.files(r.opts.core(), r.runtimeTypes()...)
	for i, s := range r.sites {
		if s.refused() || len(s.runtime) == 0 {
			continue
		}
		files := all
		if len(all) > 1 {
			if !slices.ContainsFunc(s.runtime, func(typ string) bool { return typ != r.home.one }) {
				continue // what it needs is there
			}
			files, _ = r.home.files(r.opts.core(), s.runtime...)
			if len(files) == 1 { // alone it would be one file, but it may not be applied alone
				files, _ = safemap.Files(r.opts.core(), s.runtime...)
			}
		}
		for name := range files {
			users[name] = append(users[name], strconv.Itoa(i))
		}
	}
	if len(users) == 0 {
		return
	}
	out.Runtime = plans.Runtime{Dir: r.home.dir, Version: safemap.Version}
	for _, name := range slices.Sorted(maps.Keys(users)) {
		file := path.Join(r.home.dir, name)
		out.Runtime.Files = append(out.Runtime.Files, name)
		out.Files[file] = all[name]
		e := plans.SharedEdit{Edit: plans.Edit{File: file, New: string(all[name])}, Create: true, Sites: users[name]}
		if name == replaced {
			e.End, e.Create = len(r.home.onDisk[name]), false
		}
		out.Shared = append(out.Shared, e)
	}
}

// Check runs all gates on exactly this set of new file contents (module-relative
// path → content): the module type-checks and the changed packages compile.
func Check(ctx context.Context, prog *detect.Program, files map[string][]byte, opts Options) error {
	abs := map[string][]byte{}
	for name, src := range files {
		abs[filepath.Join(prog.Dir, filepath.FromSlash(name))] = src
	}
	next, err := prog.Overlay(abs)
	if err != nil {
		return err
	}
	if errs := next.Errors(prog); len(errs) > 0 {
		return fmt.Errorf("the result does not type-check: %s: %s", next.Fset.Position(errs[0].Pos), errs[0].Msg)
	}
	r := &run{files: abs}
	changed := r.changedPackages(next)
	if copied, err := copiedLocks(next, changed); err != nil {
		return err
	} else if len(copied) > 0 {
		return fmt.Errorf("the result copies a lock: %s:%d: %s", copied[0].File, copied[0].Line, copied[0].Msg)
	}
	var pkgs []string
	for _, p := range changed {
		if p.ForTest == "" {
			pkgs = append(pkgs, p.Path)
		}
	}
	if len(pkgs) == 0 {
		return nil
	}
	return compileGate(ctx, prog.Dir, abs, pkgs, nil, opts.Tags)
}
