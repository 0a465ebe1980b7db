// This file chooses what to test and how: pair, entries, level, form.

package racetest

import (
	"fmt"
	"go/ast"
	"go/types"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/mapmigrate/mapmigrate/detect"
	"github.com/mapmigrate/mapmigrate/evidence"
)

// Levels.
const (
	Program = "program" // calls the program's own functions: can prove something about the program
	MapOnly = "map"     // drives the map alone: any raced map fails it, so it checks only the target
)

// Forms.
const (
	Synctest  = "synctest"  // both orders of the pair forced by the fake clock of a bubble
	Stress    = "stress"    // many goroutines, many rounds, seeded jitter
	Behaviour = "behaviour" // one goroutine: passes before and after
)

// Frameworks.
const (
	Testing = "testing" // functions of package testing, as everywhere
	Gocheck = "gocheck" // a gopkg.in/check.v1 suite, where a program-level test can be one
)

// CheckPath is what a module has to require for suites of Gocheck.
const CheckPath = "gopkg.in/check.v1"

// A Test is one generated test file.
type Test struct {
	File    string // module-relative, slash-separated
	Name    string // of the test function
	Level   string // Program or MapOnly
	Form    string // Synctest, Stress or Behaviour
	Seed    int64  // of the stress form
	Package string // import path
	Source  []byte
	Reason  string // why not program level, or why this form

	// Map is the map variable's key, and Places the lines of its accesses: what
	// makes a race report one about this map.
	Map    string
	Places []evidence.Place

	unordered bool // nothing orders the accesses: one call starts both sides
	alone     bool // the original was built without the package's own tests, see alone
}

// Options are choices for generation. The zero value is right.
type Options struct {
	Seed int64  // of the stress form; 0 means 1
	Form string // Stress forces the stress form
	// Framework is Testing ("") or Gocheck.
	Framework string
	// MinConfidence is what a finding needs for a test that wants to show a race; a map
	// with weaker ones gets a behaviour test, as one without does. "" means any.
	MinConfidence detect.Confidence
	// Toolchain is the Go release that runs the tests ("1.26"); "" means the one
	// that built this program. The synctest form needs 1.25.
	Toolchain string
}

// A Generator writes tests for the maps of one program.
type Generator struct {
	x    *index
	opts Options
	// stubs says which map's test declares a name in a package: all tests of a package
	// are compiled together.
	stubs map[string]string
	shut  map[[2]*fn]map[*types.Var]bool // see shutting
}

// New prepares to generate tests for prog.
func New(prog *detect.Program, opts Options) *Generator {
	if opts.Seed == 0 {
		opts.Seed = 1
	}
	if opts.Toolchain == "" {
		opts.Toolchain = strings.TrimPrefix(runtime.Version(), "go")
	}
	return &Generator{x: newIndex(prog), opts: opts, stubs: map[string]string{}}
}

// Generate returns the test of a map: the first of [Generator.Alternatives].
func Generate(prog *detect.Program, m *detect.Map, opts Options) (*Test, error) {
	return New(prog, opts).Generate(m)
}

// Generate returns the test that should prove the findings of m, at program
// level where that is possible and safe. A map with only quiet findings gets a
// behaviour test. The error says why there can be no test at all.
func (g *Generator) Generate(m *detect.Map) (*Test, error) {
	tests, err := g.Alternatives(m, 1)
	if err != nil {
		return nil, err
	}
	return tests[0], nil
}

// Behaviour returns a test of one goroutine, which passes before and after migration.
func (g *Generator) Behaviour(m *detect.Map) (*Test, error) {
	p, err := g.packageOf(m)
	if err != nil {
		return nil, err
	}
	t, err := g.mapLevel(m, p, true)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", m.Name, err)
	}
	return t, nil
}

// packageOf returns the package that declares m, if tests can be written for it.
func (g *Generator) packageOf(m *detect.Map) (*detect.Package, error) {
	p := g.x.byPath[m.Package]
	if p == nil {
		return nil, fmt.Errorf("%s: package %s is not part of the module's own code", m.Name, m.Package)
	}
	if m.Generated {
		return nil, fmt.Errorf("%s is declared in a generated file", m.Name)
	}
	return p, nil
}

// Quiet reports whether no finding of m calls for a test that shows a race.
func (g *Generator) Quiet(m *detect.Map) bool {
	return !slices.ContainsFunc(m.Findings, func(f detect.Finding) bool {
		return !f.Category.Quiet() && f.Confidence.Rank() >= g.opts.MinConfidence.Rank()
	})
}

// Alternatives returns at most n tests of a map, the best first: other ways in,
// with and without an earlier call that fills the map, the stress form. When
// running the first does not reproduce the race, the next one may.
func (g *Generator) Alternatives(m *detect.Map, n int) ([]*Test, error) {
	if g.Quiet(m) {
		t, err := g.Behaviour(m)
		if err != nil {
			return nil, err
		}
		return []*Test{t}, nil
	}
	p, err := g.packageOf(m)
	if err != nil {
		return nil, err
	}
	var tests []*Test
	var why error
	seen := map[string]bool{}
	for _, c := range g.scenarios(m) {
		if len(tests) == n {
			break
		}
		t, err := g.program(m, c)
		if err != nil {
			if why == nil {
				why = err
			}
			continue
		}
		if !seen[string(t.Source)] {
			seen[string(t.Source)] = true
			tests = append(tests, t)
		}
	}
	if len(tests) > 0 {
		return tests, nil
	}
	if why == nil {
		why = fmt.Errorf("no two of its accesses are known to overlap")
	}
	t, err := g.mapLevel(m, p, false)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; %w", m.Name, why, err)
	}
	t.Reason = why.Error()
	return append(tests, t), nil
}

// A scenario is one way to make two accesses meet.
type scenario struct {
	a, b *entry
	once bool // one call runs both
	seed bool // call a writer first
	// plain says that nothing is made by a constructor that can fail: its test ends there
	// when it does not like its arguments.
	plain bool
	// filled says that in literals maps and slices have an element, and strings and numbers
	// are not zero: code that finds nothing to work on may leave before it gets to the access.
	filled bool
	// crowded says that maps and slices have four elements, two of a kind each: one call that
	// starts goroutines for what it is given may start them for kinds, or look for equals.
	crowded bool
	// prepared says that methods which add to what both sides use are called first: a balancer
	// without servers answers before it looks for one. They are given stubs, which like whatever
	// they get, rather than types of the program that nobody has set up.
	prepared bool
	// apart says that what a struct among the arguments holds differs from what was made before: code
	// that takes over a new version does nothing for one that it has.
	apart bool
	// way says which of the other ways to make an argument is taken, see otherWay; 0: the usual one.
	way int
	// lenient says that a call may panic, when it is through with the map and does not like
	// the rest of what was made up for it.
	lenient bool
	form    string
}

// scenarios lists what to try, the best first, and variants of that before others.
func (g *Generator) scenarios(m *detect.Map) []scenario {
	var out, later, last []scenario
	local := g.declaring(m)
	for _, pair := range conflicting(m) {
		as, errA := g.x.entries(m, pair[0])
		bs, errB := g.x.entries(m, pair[1])
		for _, err := range []error{errA, errB} {
			if err != nil {
				last = append(last, scenario{form: err.Error()}) // carries the reason
			}
		}
		for i, a := range as {
			for j, b := range bs {
				if i+j > 3 {
					continue
				}
				if m.Kind == detect.Local && (local == nil || a.fn != local || b.fn != local) {
					continue
				}
				if a.how == result != (b.how == result) && a.fn == b.fn || a.how == route && b.how != route && a.fn == b.fn {
					continue
				}
				c := scenario{a: a, b: b}
				if a.fn == b.fn && a.how != result && a.how != route {
					c.once = m.Kind == detect.Local || a.how == spawns || b.how == spawns
				}
				c.seed = !c.once && (a.fn != b.fn && needsRow(pair) || takesOnly(pair) || g.needsEntry(m, pair[0]) || g.needsEntry(m, pair[1]))
				c.form = g.opts.Form
				out = append(out, c)
				flip := c
				flip.seed = !c.seed
				if !c.once {
					later = append(later, flip)
				}
				if c.form == "" {
					c.form = Stress
					last = append(last, c)
				}
			}
		}
	}
	if len(out) > 0 {
		c := out[0]
		c.plain = true
		full := out[0]
		if out[0].once {
			out[0].crowded, out[0].filled = true, true
		}
		full.filled = true
		ready := full
		ready.prepared = true
		variants := []scenario{c, full, ready}
		for _, c := range []scenario{out[0], full} {
			if !c.once {
				c.lenient = true
				variants = append(variants, c)
			}
		}
		for _, c := range []scenario{out[0], full} {
			if c.form == "" { // locks on both sides of an access hide it, unless the other side comes between
				c.form = Stress
				variants = append(variants, c)
			}
		}
		differs := full
		differs.apart = true
		variants = append(variants, differs)
		for way := range 3 {
			c := out[0]
			c.way = way + 1
			variants = append(variants, c)
		}
		out = slices.Insert(out, 1, variants...)
	}
	return slices.Concat(out, later, last)
}

// needsRow reports whether a pair meets only when the map holds something
// already: on a row (or an escaped map) that neither side makes, or that one makes
// under a lock, so that the reader who comes second is ordered after it and the
// one who comes first finds nothing.
func needsRow(pair [2]*detect.Access) bool {
	deep, locked, fills := false, false, false
	for _, a := range pair {
		deep = deep || a.Inner || a.Op == detect.Escape
		locked = locked || len(a.Locks) > 0
		fills = fills || a.Op == detect.Write || a.Op == detect.Update
	}
	return deep && (locked || !fills)
}

// takesOnly reports whether a pair only takes entries away and looks for them: then
// nothing may happen in an empty map.
func takesOnly(pair [2]*detect.Access) bool {
	for _, a := range pair {
		if a.Op != detect.Delete && a.Op != detect.Read || a.Inner {
			return false
		}
	}
	return true
}

// needsEntry reports whether an access is made for entries of the map only: in a loop over it.
func (g *Generator) needsEntry(m *detect.Map, a *detect.Access) bool {
	if a.Op == detect.Range {
		return false
	}
	v := g.variable(m)
	nodes, p := g.x.at(a.Pos)
	for i, n := range nodes {
		r, ok := n.(*ast.RangeStmt)
		if !ok || i == 0 || nodes[i-1] != r.Body {
			continue
		}
		var id *ast.Ident
		switch e := ast.Unparen(r.X).(type) {
		case *ast.Ident:
			id = e
		case *ast.SelectorExpr:
			id = e.Sel
		}
		if o, ok := p.Info.Uses[id].(*types.Var); id != nil && ok && v != nil && o.Origin() == v {
			return true
		}
	}
	return false
}

// declaring returns the function that declares a local map.
func (g *Generator) declaring(m *detect.Map) *fn {
	if m.Kind != detect.Local {
		return nil
	}
	nodes, p := g.x.at(m.Pos)
	for _, n := range nodes {
		if d, ok := n.(*ast.FuncDecl); ok {
			obj, _ := p.Info.Defs[d.Name].(*types.Func)
			return g.x.funcs[obj]
		}
	}
	return nil
}

// variable returns the object that a map's position declares.
func (g *Generator) variable(m *detect.Map) *types.Var {
	nodes, p := g.x.at(m.Pos)
	if len(nodes) > 0 {
		if id, ok := nodes[0].(*ast.Ident); ok {
			v, _ := p.Info.Defs[id].(*types.Var)
			return v
		}
	}
	return nil
}

// synctestOK reports whether the program may use testing/synctest, and whether
// only under a build constraint, because its go directive is older.
func (g *Generator) synctestOK() (ok, constrained bool) {
	directive := g.x.prog.GoVersion
	if !atLeast(g.opts.Toolchain, 1, 25) || directive == "" || !atLeast(directive, 1, 23) {
		return false, false // before 1.23 timers are synchronous, which bubbles do not support
	}
	return true, !atLeast(directive, 1, 25)
}

func atLeast(version string, major, minor int) bool {
	parts := strings.SplitN(version, ".", 3)
	if len(parts) < 2 {
		return false
	}
	maj, err := strconv.Atoi(parts[0])
	digits := strings.IndexFunc(parts[1], func(r rune) bool { return !unicode.IsDigit(r) })
	if digits >= 0 {
		parts[1] = parts[1][:digits]
	}
	mnr, err2 := strconv.Atoi(parts[1])
	return err == nil && err2 == nil && (maj > major || maj == major && mnr >= minor)
}

// A side is one of the two goroutines of a test.
type side struct {
	e       *entry
	label   string   // for people: "Hub.Join"
	stmts   []string // before the call
	call    string
	forever bool // the call returns only when something stops it
	lasting bool // the call leaves a goroutine behind
	blocks  bool // the call waits for something, which may not come when it is repeated
}

// statement is the call as a statement. vet wants to see the result used where there is no
// other reason for a call: of Error and String.
func (sd *side) statement() string {
	if sd.e.how != direct {
		return sd.call
	}
	sig, name := sd.e.obj.Signature(), sd.e.obj.Name()
	if (name == "Error" || name == "String") && sig.Recv() != nil && sig.Params().Len() == 0 && sig.Results().Len() == 1 {
		return "_ = " + sd.call
	}
	return sd.call
}

// program writes the program-level test of a scenario.
func (g *Generator) program(m *detect.Map, c scenario) (*Test, error) {
	if c.a == nil {
		return nil, fmt.Errorf("%s", c.form)
	}
	ra, rb := g.x.reach(c.a.fn), g.x.reach(c.b.fn)
	var shut map[*types.Var]bool
	for _, r := range []*reach{ra, rb} {
		if r.unsafe == "" {
			continue
		}
		if shut = g.shutting(c); len(shut) == 0 {
			return nil, fmt.Errorf("%s", r.unsafe)
		}
		ra, rb = g.x.reachShut(shut, c.a.fn), g.x.reachShut(shut, c.b.fn)
		break
	}
	var why error
	for _, p := range g.homes(m, c) {
		t, err := g.programIn(p, m, c, ra, rb)
		if err == nil {
			t.unordered = c.once
			return t, nil
		}
		if why == nil {
			why = err
		}
	}
	return nil, why
}

// shutting is index.shutting for the two sides of a scenario, remembered: there are many scenarios of
// the same functions.
func (g *Generator) shutting(c scenario) map[*types.Var]bool {
	key := [2]*fn{c.a.fn, c.b.fn}
	shut, ok := g.shut[key]
	if !ok {
		shut = g.x.shutting(c.a.fn, c.b.fn)
		if g.shut == nil {
			g.shut = map[[2]*fn]map[*types.Var]bool{}
		}
		g.shut[key] = shut
	}
	return shut
}

// homes lists the packages in which the test could live.
func (g *Generator) homes(m *detect.Map, c scenario) []*detect.Package {
	var out []*detect.Package
	for _, p := range []*detect.Package{g.x.byPath[m.Package], c.a.pkg, c.b.pkg} {
		if p != nil && !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out
}

func (g *Generator) newSynth(p *detect.Package) *synth {
	s := &synth{
		x: g.x, pkg: p, imports: map[string]string{"testing": "testing"}, taken: map[string]bool{"testing": true}, insts: map[*types.Named][]types.Type{},
		shared: map[*types.Named]string{}, touched: map[*types.Var]bool{}, used: map[*fn]bool{}, making: map[*types.Named]bool{},
	}
	for _, n := range []string{"t", "wg", "order", "orders", "err", "rng", "seed", "n", "g", "call"} {
		s.taken[n] = true
	}
	if g.opts.Framework == Gocheck {
		for _, n := range []string{"streams", "bursts", "calls", "ops", "record", "stream", "clock", "got", "seen", "want", "rec", "at", "op", "fails", "pause", "tick", "do", "result", "i"} {
			s.taken[n] = true
		}
	}
	return s
}

// reserve returns a function that reserves names of stubs for the tests of one map.
func (g *Generator) reserve(p *detect.Package, owner string) func(name string) bool {
	return func(name string) bool {
		key := p.Path + "." + name
		if g.stubs == nil || g.stubs[key] != "" && g.stubs[key] != owner {
			return g.stubs == nil
		}
		g.stubs[key] = owner
		return true
	}
}

func (g *Generator) programIn(p *detect.Package, m *detect.Map, c scenario, ra, rb *reach) (*Test, error) {
	s := g.newSynth(p)
	s.stubOf, s.plain, s.filled, s.crowded, s.stubsFirst = g.reserve(p, m.Key), c.plain, c.filled, c.crowded, c.prepared
	s.way, s.apart = c.way, c.apart
	s.called, s.shut = map[string]bool{}, ra.shut
	for _, r := range []*reach{ra, rb} {
		for v := range r.fields {
			s.touched[v] = true
		}
		for _, f := range r.pending {
			s.called[f.Name()] = true
		}
		s.wait = s.wait || r.lasting || r.forever
	}
	if c.prepared { // what is called first looks at fields, too
		for _, e := range []*entry{c.a, c.b} {
			if n := receiver(e.obj); n != nil {
				for _, f := range g.x.adders(n, s.touched) {
					for v := range g.x.reach(f).fields {
						s.touched[v] = true
					}
				}
			}
		}
	}
	if m.Kind == detect.Field && g.assigns(m, ra, rb) {
		s.leaveNil = g.variable(m)
	}
	s.shareable = g.shareable(m, c)
	if !c.once {
		g.share(s, c)
	}

	sides := []*side{{e: c.a, forever: ra.forever, lasting: ra.lasting, blocks: ra.blocks}}
	if !c.once {
		sides = append(sides, &side{e: c.b, forever: rb.forever, lasting: rb.lasting, blocks: rb.blocks})
	}
	results := map[*fn]string{}
	if m.Kind == detect.PackageVar {
		if err := g.makeVariable(s, m, ra, rb); err != nil {
			return nil, err
		}
	}
	var ticks *fn // has been called, and runs one side in the background when its time comes
	for _, sd := range startedLast(sides) {
		sd.label = label(sd.e)
		if sd.e.how == spawns && g.running(s, sd.e) == sd.e.fn {
			if !g.feed(s, sd) {
				ticks = sd.e.fn
			}
			continue
		}
		if err := g.side(s, sd, results); err != nil {
			return nil, fmt.Errorf("cannot call %s: %w", sd.label, err)
		}
		if sd.forever || sd.lasting {
			g.feed(s, sd)
		}
	}
	seeded := ""
	if c.seed {
		var err error
		if seeded, err = g.seed(s, m, c, results); err != nil {
			return nil, err
		}
	}
	if s.way > 0 {
		return nil, fmt.Errorf("there is no other way to make an argument")
	}
	if c.prepared && !g.prepare(s, ra, rb) {
		return nil, fmt.Errorf("no method adds to what it uses")
	}
	for f := range s.used {
		if r := g.x.reach(f); r.lasting {
			s.wait = true
		}
	}
	if s.shut != nil {
		if err := g.staysShut(s, c); err != nil {
			return nil, err
		}
	}

	form, reason := g.form(s, c, sides, ra, rb)
	suite := g.opts.Framework == Gocheck && !slices.ContainsFunc(sides, func(sd *side) bool { return sd.forever || sd.lasting || sd.blocks }) && ticks == nil
	if suite {
		form, reason = Stress, ""
	} else if g.opts.Framework == Gocheck {
		reason = strings.TrimPrefix(reason+"; no suite, because a call waits for something or starts what outlives it", "; ")
	}
	if c.lenient && !suite {
		for _, sd := range sides {
			sd.stmts = slices.Insert(sd.stmts, 0, "defer func() { recover() }() // "+sd.label+" may not like all of what it is given")
		}
	}
	t := g.test(m, p)
	t.Level, t.Form, t.Reason = Program, form, reason
	if form == Stress {
		t.Seed = g.opts.Seed
	}
	r := &render{g: g, s: s, m: m, c: c, t: t, sides: sides, seeded: seeded, late: late(sides, ra, rb), suite: suite, ticks: ticks}
	if ticks != nil {
		r.sides = slices.DeleteFunc(sides, func(sd *side) bool { return sd.e.fn == ticks })
	}
	src, err := r.source()
	if err != nil {
		return nil, err
	}
	t.Source = src
	return t, nil
}

// staysShut reports what opens a door that has to stay shut: all that the test calls, together.
func (g *Generator) staysShut(s *synth, c scenario) error {
	roots := append([]*fn{c.a.fn, c.b.fn}, s.involved...)
	for f := range s.used {
		roots = append(roots, f)
	}
	r := g.x.reachShut(s.shut, roots...)
	if r.unsafe != "" {
		return fmt.Errorf("%s", r.unsafe)
	}
	for v := range s.shut {
		if r.isSet[v] || r.blind {
			return fmt.Errorf("what it calls can set fields that would have it reach more than a test may")
		}
	}
	return nil
}

// form decides between the bubble and stress, and says why when it is stress.
func (g *Generator) form(s *synth, c scenario, sides []*side, ra, rb *reach) (string, string) {
	ok, _ := g.synctestOK()
	if c.form == Stress {
		return Stress, ""
	}
	if !ok {
		return Stress, "testing/synctest needs Go 1.25 and a go directive of at least 1.23"
	}
	for f := range s.used {
		r := g.x.reach(f)
		if r.lasting && len(s.stops) == 0 {
			return Stress, f.obj.Name() + " starts a goroutine that nothing ends, which a synctest bubble does not allow"
		}
	}
	for i, r := range []*reach{ra, rb} {
		name := label([]*entry{c.a, c.b}[i])
		if r.holds {
			return Stress, name + " can block while it holds a lock, which would stop the fake clock of a synctest bubble"
		}
		if (r.lasting || r.forever) && len(s.stops) == 0 {
			return Stress, name + " starts a goroutine that nothing ends, which a synctest bubble does not allow"
		}
		for v := range r.globals {
			if crossesBubble(v.Type(), 0) {
				return Stress, name + " uses " + v.Name() + ", which belongs to no synctest bubble"
			}
		}
	}
	return Synctest, ""
}

// crossesBubble reports whether a package variable of this type holds what must
// not be shared between a bubble and the outside: channels, WaitGroups, timers.
func crossesBubble(t types.Type, depth int) bool {
	if depth > 3 {
		return false
	}
	switch types.TypeString(t, nil) {
	case "sync.WaitGroup", "*time.Timer", "*time.Ticker", "time.Timer", "time.Ticker", "sync.Cond", "*sync.Cond":
		return true
	}
	if n := named(t); n != nil && n.Obj().Pkg() != nil && !strings.Contains(n.Obj().Pkg().Path(), ".") {
		return false // the standard library's own
	}
	switch u := t.Underlying().(type) {
	case *types.Chan:
		return true
	case *types.Pointer:
		return crossesBubble(u.Elem(), depth+1)
	case *types.Struct:
		for i := range u.NumFields() {
			if crossesBubble(u.Field(i).Type(), depth+1) {
				return true
			}
		}
	}
	return false
}

// late is when the second side runs: after the first one's timers have fired.
func late(sides []*side, rs ...*reach) time.Duration {
	var longest time.Duration
	for i, sd := range sides {
		if !sd.lasting && !sd.forever && sd.e.how != spawns {
			continue
		}
		if sd.lasting || sd.forever {
			longest = max(longest, time.Second)
		}
		for _, d := range rs[i].waits {
			longest = max(longest, d)
		}
	}
	return (2*time.Second + 2*longest).Truncate(time.Second)
}

// assigns reports whether the sides assign the map variable themselves while it is shared.
func (g *Generator) assigns(m *detect.Map, rs ...*reach) bool {
	for i := range m.Accesses {
		a := &m.Accesses[i]
		if a.Op != detect.Replace || a.Owned || a.Test {
			continue
		}
		if e, err := g.x.entryAt(a.Pos); err == nil {
			for _, r := range rs {
				if r.funcs[e.fn] {
					return true
				}
			}
		}
	}
	return false
}

// makeVariable makes a package variable that nothing has made yet when the test runs.
func (g *Generator) makeVariable(s *synth, m *detect.Map, rs ...*reach) error {
	v := g.variable(m)
	if v == nil || g.x.varInit[v].expr != nil || g.assigns(m, rs...) {
		return nil
	}
	for i := range m.Accesses {
		a := &m.Accesses[i]
		if a.Op != detect.Replace || a.Test {
			continue
		}
		e, err := g.x.entryAt(a.Pos)
		if err != nil {
			continue
		}
		if e.decl.Recv == nil && e.decl.Name.Name == "init" {
			return nil
		}
		r := g.x.reach(e.fn)
		if e.decl.Recv != nil || e.decl.Name.Name == "main" || r.unsafe != "" || r.lasting || r.forever || !s.visible(e.obj) {
			continue
		}
		if args, err := s.args(e.obj.Signature(), 1); err == nil && e.obj.Signature().TypeParams().Len() == 0 {
			s.involved = append(s.involved, e.fn)
			s.setup = append(s.setup, s.funcRef(e.obj)+"("+strings.Join(args, ", ")+") // makes "+v.Name())
			return nil
		}
	}
	if !s.visible(v) || !s.expressible(v.Type()) {
		return fmt.Errorf("nothing that a test can call makes %s", v.Name())
	}
	ref := v.Name()
	if q := s.qualifier(v.Pkg()); q != "" {
		ref = q + "." + ref
	}
	if _, ok := v.Type().Underlying().(*types.Map); ok {
		s.setup = append(s.setup, ref+" = make("+s.typ(v.Type())+")")
	}
	return nil
}

// shareable returns which struct types both sides must share an instance of:
// the holder, the sides' receivers, and what leads from one to the other.
func (g *Generator) shareable(m *detect.Map, c scenario) func(*types.Named) bool {
	want := map[*types.Named]bool{}
	for _, e := range []*entry{c.a, c.b} {
		if n := receiver(e.obj); n != nil {
			want[n] = true
		}
	}
	for _, n := range g.x.named {
		if n.Obj().Pkg().Path()+"."+n.Obj().Name() == m.Holder {
			want[n] = true
		}
	}
	return func(n *types.Named) bool {
		if want[n.Origin()] {
			return true
		}
		for w := range want {
			if leads(n.Origin(), w, 0) != nil {
				return true
			}
		}
		return false
	}
}

func receiver(f *types.Func) *types.Named {
	recv := f.Signature().Recv()
	if recv == nil {
		return nil
	}
	t := recv.Type()
	if p, ok := t.(*types.Pointer); ok {
		t = p.Elem()
	}
	if n := named(t); n != nil {
		return n.Origin()
	}
	return nil
}

// leads returns the fields that lead from one struct type to another.
func leads(from, to *types.Named, depth int) []*types.Var {
	st, ok := from.Underlying().(*types.Struct)
	if !ok || depth > 2 || from == to {
		return nil
	}
	for i := range st.NumFields() {
		t := st.Field(i).Type()
		if p, ok := t.Underlying().(*types.Pointer); ok {
			t = p.Elem()
		}
		n := named(t)
		if n == nil {
			continue
		}
		if n.Origin() == to {
			return []*types.Var{st.Field(i)}
		}
		if n.Origin() != from && n.Obj().Pkg() == from.Obj().Pkg() {
			if rest := leads(n.Origin(), to, depth+1); rest != nil {
				return append([]*types.Var{st.Field(i)}, rest...)
			}
		}
	}
	return nil
}

// share prepares two receivers of different types: when one's constructor makes
// the other, the other is that one's field.
func (g *Generator) share(s *synth, c scenario) {
	ta, tb := receiver(c.a.obj), receiver(c.b.obj)
	if ta == nil || tb == nil || ta == tb {
		return
	}
	for _, pair := range [][2]*types.Named{{ta, tb}, {tb, ta}} {
		fields := leads(pair[0], pair[1], 0)
		if fields == nil {
			continue
		}
		makes := false
		for _, f := range s.constructors(pair[0]) {
			r := g.x.reach(f)
			makes = makes || r.unsafe == "" && r.live[pair[1]]
			break
		}
		if _, ptr := fields[len(fields)-1].Type().Underlying().(*types.Pointer); ptr && !makes {
			return // the other way round: the field gets the shared one
		}
		expr, err := s.structure(pair[0], true, "", 0)
		if err != nil {
			return
		}
		for _, f := range fields {
			if !s.visible(f) && f.Pkg() != s.pkg.Types {
				return
			}
			expr += "." + f.Name()
		}
		if _, ptr := fields[len(fields)-1].Type().Underlying().(*types.Pointer); !ptr {
			expr = "&" + expr
		}
		s.shared[pair[1]] = expr
		return
	}
}

// side writes the call of one side.
func (g *Generator) side(s *synth, sd *side, results map[*fn]string) error {
	e := sd.e
	if e.how == result || e.how == route {
		v, ok := results[e.fn]
		if !ok {
			s.side = nil
			call, err := g.call(s, e, false)
			if err != nil {
				return err
			}
			v = s.name("handler")
			res := e.obj.Signature().Results()
			if _, isFunc := res.At(0).Type().Underlying().(*types.Signature); isFunc && !isHandlerFunc(res.At(0).Type()) {
				delete(s.taken, v)
				v = s.name("run")
			}
			lhs := []string{v}
			for i := 1; i < res.Len(); i++ {
				lhs = append(lhs, "_")
			}
			s.setup = append(s.setup, strings.Join(lhs, ", ")+" := "+call)
			results[e.fn] = v
		}
		defer s.begin(&sd.stmts)()
		rt := e.obj.Signature().Results().At(0).Type()
		if sig, ok := rt.Underlying().(*types.Signature); ok {
			if isHandlerSig(sig) {
				req, err := s.request(e)
				if err != nil {
					return err
				}
				sd.call = fmt.Sprintf("%s(%s.NewRecorder(), %s)", v, s.use("net/http/httptest"), req)
				return nil
			}
			args, err := s.args(sig, 1)
			if err != nil {
				return err
			}
			sd.call = v + "(" + strings.Join(args, ", ") + ")"
			return nil
		}
		if servesHTTP(rt) {
			req, err := s.request(e)
			if err != nil {
				return err
			}
			sd.call = fmt.Sprintf("%s.ServeHTTP(%s.NewRecorder(), %s)", v, s.use("net/http/httptest"), req)
			return nil
		}
		return fmt.Errorf("its result, a %s, is not a function or handler", s.short(rt))
	}
	defer s.begin(&sd.stmts)()
	call, err := g.call(s, e, true)
	sd.call = call
	return err
}

func isHandlerFunc(t types.Type) bool {
	sig, ok := t.Underlying().(*types.Signature)
	return ok && isHandlerSig(sig)
}

// call writes a call of e's function.
func (g *Generator) call(s *synth, e *entry, handler bool) (string, error) {
	obj := e.obj
	if !s.visible(obj) {
		return "", fmt.Errorf("package %s cannot name it", s.pkg.Name)
	}
	sig := obj.Signature()
	fun := ""
	if n := receiver(obj); n != nil {
		if types.IsInterface(n) {
			return "", fmt.Errorf("its receiver is an interface")
		}
		var recv string
		var err error
		if _, ok := n.Underlying().(*types.Struct); ok {
			recv, err = s.structure(n, true, "", 0)
		} else {
			recv, err = s.plainReceiver(n)
		}
		if err != nil {
			return "", err
		}
		if rest, ok := strings.CutPrefix(recv, "&"); ok && !strings.HasSuffix(rest, "}") {
			recv = rest // a variable: methods take its address themselves
		} else if ok {
			recv = "(" + recv + ")"
		}
		fun = recv + "." + obj.Name()
		if n.TypeParams().Len() > 0 {
			t, err := types.Instantiate(nil, n, s.targs(n), true)
			if err != nil {
				return "", err
			}
			inst, _, _ := types.LookupFieldOrMethod(types.NewPointer(t), true, obj.Pkg(), obj.Name())
			if f, ok := inst.(*types.Func); ok {
				sig = f.Signature()
			}
		}
	} else {
		fun = s.funcRef(obj)
		if sig.TypeParams().Len() > 0 {
			targs := s.choose(sig.TypeParams())
			t, err := types.Instantiate(nil, sig, targs, true)
			if err != nil {
				return "", err
			}
			sig = t.(*types.Signature)
			fun += s.typeArgs(targs)
		}
	}
	if handler && isHandlerSig(sig) {
		req, err := s.request(e)
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("%s(%s.NewRecorder(), %s)", fun, s.use("net/http/httptest"), req), nil
	}
	var args []string
	n := sig.Params().Len()
	if sig.Variadic() {
		n--
	}
	for i := range n {
		p := sig.Params().At(i)
		if types.TypeString(p.Type(), nil) == "*net/http.Request" {
			req, err := s.request(e)
			if err != nil {
				return "", err
			}
			args = append(args, req)
			continue
		}
		_, structured := derefType(p.Type()).Underlying().(*types.Struct)
		s.vary = !s.takesKey(p.Type()) || s.apart && structured
		v, err := s.value(p.Type(), p.Name(), 1)
		s.vary = false
		if err != nil {
			return "", err
		}
		args = append(args, v)
	}
	if sig.Variadic() { // an element at least, so that a loop over them runs
		p := sig.Params().At(n)
		if more := several(p.Type().(*types.Slice).Elem()); more != nil {
			args = append(args, more...)
		} else if _, isFunc := p.Type().(*types.Slice).Elem().Underlying().(*types.Signature); !isFunc {
			if v, err := s.value(p.Type().(*types.Slice).Elem(), p.Name(), 1); err == nil {
				args = append(args, v)
			}
		}
	}
	return fun + "(" + strings.Join(args, ", ") + ")", nil
}

// plainReceiver makes a receiver whose type is not a struct, such as a named map.
func (s *synth) plainReceiver(n *types.Named) (string, error) {
	if v, ok := s.shared[n]; ok {
		return v, nil
	}
	var t types.Type = n
	if n.TypeParams().Len() > 0 {
		inst, err := types.Instantiate(nil, n, s.targs(n), true)
		if err != nil {
			return "", err
		}
		t = inst
	}
	side := s.side
	s.side = nil
	defer func() { s.side = side }()
	v := s.name(varName(n))
	if cs := s.constructors(n); len(cs) > 0 {
		if call, isPtr, _, err := s.callConstructor(cs[0], n, 1); err == nil {
			s.setup = append(s.setup, v+" := "+deref(call, isPtr))
			s.shared[n] = v
			return v, nil
		}
	}
	e, err := s.value(t, v, 1)
	if err != nil {
		return "", err
	}
	if _, ok := n.Underlying().(*types.Map); ok {
		e = s.typ(t) + "{}"
	} else if b, ok := n.Underlying().(*types.Basic); ok && b != nil {
		e = s.typ(t) + "(" + e + ")"
	}
	s.setup = append(s.setup, v+" := "+e)
	s.shared[n] = v
	return v, nil
}

// seed calls a writer before the two sides, so that they find something.
func (g *Generator) seed(s *synth, m *detect.Map, c scenario, results map[*fn]string) (string, error) {
	var writers []*entry
	for _, e := range []*entry{c.a, c.b} {
		if op := e.access.Op; (op == detect.Write || op == detect.Update) && !g.needsEntry(m, e.access) {
			writers = append(writers, e)
		}
	}
	for i := range m.Accesses {
		a := &m.Accesses[i]
		if (a.Op == detect.Write || a.Op == detect.Update) && !a.Test && !a.Owned && !g.needsEntry(m, a) {
			if es, _ := g.x.entries(m, a); len(es) > 0 {
				writers = append(writers, es[0])
			}
		}
	}
	for _, e := range writers {
		r := g.x.reach(e.fn)
		if r.unsafe != "" || r.lasting || r.forever || e.how > direct {
			continue
		}
		mark := s.mark()
		call, err := g.call(s, e, true)
		if err != nil {
			s.reset(mark)
			continue
		}
		s.setup = append(s.setup, call+" // so that both sides find an entry")
		s.involved = append(s.involved, e.fn)
		return label(e), nil
	}
	return "", fmt.Errorf("nothing that a test can call fills the map first")
}

// label names an entry for people.
func label(e *entry) string {
	name := e.decl.Name.Name
	if n := receiver(e.obj); n != nil {
		name = n.Obj().Name() + "." + name
	}
	return name
}

// test starts a Test with what does not depend on its level.
func (g *Generator) test(m *detect.Map, p *detect.Package) *Test {
	_, site, ok := strings.Cut(m.Name, ".")
	if !ok {
		site = m.Name
	}
	camel, snake := "", ""
	for _, part := range strings.FieldsFunc(site, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		r := []rune(part)
		r[0] = unicode.ToUpper(r[0])
		camel += string(r)
		snake += "_" + strings.ToLower(part)
	}
	name := "TestRace" + camel
	taken := g.testNames(p)
	for i := 2; taken[name]; i++ {
		name = "TestRace" + camel + strconv.Itoa(i)
	}
	t := &Test{
		File: path.Join(filepath.ToSlash(relDir(g.x.prog.Dir, p.Dir)), "zz_mapmigrate"+snake+"_race_test.go"),
		Name: name, Package: p.Path, Map: m.Key,
	}
	note := func(a *detect.Access) {
		p := evidence.Place{File: relFile(g.x.prog.Dir, a.Pos.Filename), Line: a.Pos.Line}
		if !slices.Contains(t.Places, p) {
			t.Places = append(t.Places, p)
		}
	}
	for i := range m.Accesses {
		note(&m.Accesses[i])
	}
	for i := range m.Findings {
		for k := range m.Findings[i].Accesses {
			note(&m.Findings[i].Accesses[k])
		}
	}
	return t
}

func relDir(root, dir string) string {
	rel, err := filepath.Rel(root, dir)
	if err != nil {
		return "."
	}
	return rel
}

// testNames are the names that the package's files and tests declare, apart from
// what an earlier run of ours wrote.
func (g *Generator) testNames(p *detect.Package) map[string]bool {
	names := map[string]bool{}
	for _, q := range g.x.prog.Packages {
		if q.Path != p.Path || q.XTest {
			continue
		}
		for _, f := range q.Files {
			base := filepath.Base(g.x.prog.Fset.Position(f.Package).Filename)
			if strings.HasPrefix(base, "zz_mapmigrate_") {
				continue
			}
			for _, d := range f.Decls {
				if fd, ok := d.(*ast.FuncDecl); ok && fd.Recv == nil {
					names[fd.Name.Name] = true
				}
			}
		}
	}
	return names
}
