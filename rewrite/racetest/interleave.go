// This file writes tests of atomicity, which run the migrated program on the twin of
// its runtime (package twin says how).

package racetest

import (
	"fmt"
	"go/constant"
	"go/types"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/mapmigrate/mapmigrate/detect"
)

// Interleaved is the form of a test that runs two calls in every order of their map
// operations. It is for migrated code only, and runs without the race detector.
const Interleaved = "interleave"

// mostPairs bounds the pairs of functions that one test runs.
const mostPairs = 6

// Interleave returns the test that the compound steps of a map are still one step after
// migration: no update is lost, a get-or-create has one winner, a deleted key does not
// come back, a row is one. It calls the functions that take such steps, each against
// itself and against those that change the same map, with equal keys, and compares
// results and state with those of the two calls one after the other.
//
// maps are those of the site, the first one names the test; runtime is the import path
// that the migrated module has its runtime under. The error says why there is no test:
// no function does more than one thing with the map, or it cannot be called.
func (g *Generator) Interleave(maps []*detect.Map, runtime string) (*Test, error) {
	m := maps[0]
	p := g.x.byPath[m.Package]
	if p == nil || m.Generated {
		return nil, fmt.Errorf("%s is not declared in a package that tests can be added to", m.Name)
	}
	pairs, err := g.stepPairs(m)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", m.Name, err)
	}
	t := g.test(m, p)
	t.Level, t.Form = Program, Interleaved
	t.Name = "TestInterleave" + strings.TrimPrefix(t.Name, "TestRace")
	t.File = strings.TrimSuffix(t.File, "_race_test.go") + "_interleave_test.go"
	w := &interleaving{g: g, m: m, p: p, runtime: runtime}
	var why error
	names := map[string]bool{}
	for _, c := range pairs {
		keys := w.keys()
		for same := len(keys); same > 0; same-- { // equal keys, then rows with different ones
			for _, seed := range []bool{false, true} {
				c.seed = seed
				err := w.pair(c, keys[:same], same < len(keys), names)
				if err != nil && why == nil {
					why = err
				}
			}
		}
	}
	if w.body.Len() == 0 {
		return nil, fmt.Errorf("%s: %w", m.Name, why)
	}
	_, short, _ := strings.Cut(m.Name, ".")
	var b strings.Builder
	fmt.Fprintf(&b, "// %s runs calls that use %s in every order of their operations on it.\n", t.Name, short)
	fmt.Fprintf(&b, "func %s(t *testing.T) {\n%s}\n", t.Name, w.body.String())
	t.Source, err = file(w.last, b.String(), false)
	return t, err
}

// stepPairs returns the pairs of entries to interleave: every function that takes a
// compound step against itself, then against those that remove, then against writers.
func (g *Generator) stepPairs(m *detect.Map) ([]scenario, error) {
	if m.Kind == detect.Local {
		return nil, fmt.Errorf("one call makes the map and shares it, so two calls cannot meet on it")
	}
	type user struct {
		e                           *entry
		reads, writes, both, remove bool
	}
	var users []*user
	byName := map[string]*user{}
	for i := range m.Accesses {
		a := &m.Accesses[i]
		if a.Test || a.Owned {
			continue
		}
		es, _ := g.x.entries(m, a)
		if len(es) == 0 || es[0].how == spawns {
			continue
		}
		key := fmt.Sprint(es[0].obj.FullName(), es[0].how, es[0].pattern)
		u := byName[key]
		if u == nil {
			u = &user{e: es[0]}
			byName[key] = u
			users = append(users, u)
		}
		switch a.Op {
		case detect.Read, detect.Len, detect.Range:
			u.reads = true
		case detect.Write:
			u.writes = true
		case detect.Delete, detect.Clear:
			u.writes, u.remove = true, true
		case detect.Update:
			u.both = true
		}
	}
	var steps, removers, writers []*user
	for _, u := range users {
		switch {
		case u.both || u.reads && u.writes || m.Nested && u.writes && !u.remove:
			steps = append(steps, u)
		case u.remove:
			removers = append(removers, u)
		case u.writes:
			writers = append(writers, u)
		}
	}
	if len(steps) == 0 {
		return nil, fmt.Errorf("no function that a test can call does more than one thing with the map")
	}
	var out []scenario
	add := func(a, b *user) {
		if len(out) < mostPairs {
			out = append(out, scenario{a: a.e, b: b.e})
		}
	}
	for _, s := range steps {
		add(s, s)
	}
	for _, s := range steps {
		for _, r := range removers {
			add(s, r)
		}
	}
	for i, s := range steps {
		for _, o := range steps[i+1:] {
			add(s, o)
		}
	}
	for _, s := range steps {
		for _, w := range writers {
			add(s, w)
		}
	}
	return out, nil
}

// An interleaving collects the subtests of one file.
type interleaving struct {
	g       *Generator
	m       *detect.Map
	p       *detect.Package
	runtime string
	last    *synth // of the last pair: imports and stubs of all
	body    strings.Builder
}

// pair writes the subtest of one pair of calls, with equal keys as far as keys has them.
func (w *interleaving) pair(c scenario, keys []types.Type, row bool, names map[string]bool) error {
	g := w.g
	ra, rb := g.x.reach(c.a.fn), g.x.reach(c.b.fn)
	for i, r := range []*reach{ra, rb} {
		name := label([]*entry{c.a, c.b}[i])
		switch {
		case r.unsafe != "":
			return fmt.Errorf("%s", r.unsafe)
		case r.forever || r.lasting || r.blocks:
			return fmt.Errorf("%s waits for something, or starts what outlives it", name)
		case r.triesLocks():
			return fmt.Errorf("%s does something else when a lock is taken (TryLock), which no order of whole calls shows", name)
		}
	}
	s := g.newSynth(w.p)
	s.stubOf = g.reserve(w.p, w.m.Key+"#"+Interleaved)
	if w.last != nil {
		s.imports, s.stubs, s.taken = w.last.imports, slices.Clone(w.last.stubs), w.last.taken
	}
	for _, r := range []*reach{ra, rb} {
		for v := range r.fields {
			s.touched[v] = true
		}
	}
	if w.m.Kind == detect.Field && g.assigns(w.m, ra, rb) {
		s.leaveNil = g.variable(w.m)
	} else if w.m.Kind == detect.Field {
		s.formless = g.variable(w.m)
	}
	s.shareable = g.shareable(w.m, c)
	g.share(s, c)
	sm := s.use(w.runtime)
	state, reset, err := w.state(s, ra, rb)
	if err != nil {
		return err
	}
	before := w.taken(s)
	defer func() { s.taken = before(); w.last = s }()
	sides := []*side{{e: c.a}, {e: c.b}}
	results := map[*fn]string{}
	for i, sd := range sides {
		sd.label = label(sd.e)
		s.second, s.keys = i == 1, keys
		err := g.side(s, sd, results)
		s.second = false
		if err != nil {
			return fmt.Errorf("cannot call %s: %w", sd.label, err)
		}
	}
	if c.seed {
		if _, err := g.seed(s, w.m, c, results); err != nil {
			return err
		}
	}
	for _, v := range s.shared {
		state = append(state, v)
	}
	sort.Strings(state)
	state = slices.Compact(state)
	if len(state) == 0 {
		return fmt.Errorf("the two calls share nothing that a test can look at")
	}
	w.write(s, sm, sides, reset, state, uniqueName(names, pairName(sides, row, c.seed)))
	return nil
}

// taken remembers the names of a file and returns what is left of them after a
// subtest: its own names end with it, imports and stubs do not.
func (w *interleaving) taken(s *synth) func() map[string]bool {
	before := map[string]bool{}
	for n := range s.taken {
		before[n] = true
	}
	return func() map[string]bool {
		for _, n := range s.imports {
			before[n] = true
		}
		for _, d := range s.stubs {
			name, _, _ := strings.Cut(strings.TrimPrefix(d, "type "), " ")
			before[name] = true
		}
		return before
	}
}

// triesLocks reports whether reached code calls TryLock or TryRLock.
func (r *reach) triesLocks() bool {
	for f := range r.prepared {
		if f.Pkg() != nil && f.Pkg().Path() == "sync" && strings.HasPrefix(f.Name(), "Try") {
			return true
		}
	}
	return false
}

func pairName(sides []*side, row, seeded bool) string {
	name := sides[0].label + " with itself"
	if sides[0].label != sides[1].label {
		name = sides[0].label + " with " + sides[1].label
	}
	if row {
		name += ", in one row"
	}
	if seeded {
		name += ", on an entry"
	}
	return name
}

func uniqueName(names map[string]bool, want string) string {
	name := want
	for i := 2; names[name]; i++ {
		name = want + " " + strconv.Itoa(i)
	}
	names[name] = true
	return name
}

// keys are the types of the map's keys, outermost first.
func (w *interleaving) keys() []types.Type {
	var out []types.Type
	v := w.g.variable(w.m)
	if v == nil {
		return nil
	}
	for t := v.Type(); ; {
		mt, ok := t.Underlying().(*types.Map)
		if !ok {
			return out
		}
		out = append(out, mt.Key())
		t = mt.Elem()
	}
}

// state returns what to look at after two calls beside what they share, and statements
// that bring package variables back to where they start: the map itself, counters.
func (w *interleaving) state(s *synth, rs ...*reach) (state, reset []string, err error) {
	var globals []*types.Var
	for _, r := range rs {
		for v := range r.globals {
			if !slices.Contains(globals, v) {
				globals = append(globals, v)
			}
		}
	}
	sort.Slice(globals, func(i, j int) bool { return globals[i].Pos() < globals[j].Pos() })
	for _, v := range globals {
		if !s.visible(v) {
			if isMap(v.Type()) {
				return nil, nil, fmt.Errorf("package %s cannot name %s", s.pkg.Name, v.Name())
			}
			continue
		}
		ref := v.Name()
		if q := s.qualifier(v.Pkg()); q != "" {
			ref = q + "." + ref
		}
		if isMap(v.Type()) {
			state = append(state, "&"+ref)
			reset = append(reset, fmt.Sprintf("%s.Fresh(&%s)", s.use(w.runtime), ref))
			continue
		}
		if again := w.initial(v); again != "" {
			reset = append(reset, ref+again)
		}
	}
	return state, reset, nil
}

func isMap(t types.Type) bool {
	_, ok := t.Underlying().(*types.Map)
	return ok
}

// initial returns what to append to a counter's name to set it to its initial value.
func (w *interleaving) initial(v *types.Var) string {
	in := w.g.x.varInit[v]
	switch t := v.Type().Underlying().(type) {
	case *types.Basic:
		if in.expr == nil {
			switch {
			case t.Info()&types.IsNumeric != 0:
				return " = 0"
			case t.Info()&types.IsString != 0:
				return ` = ""`
			case t.Info()&types.IsBoolean != 0:
				return " = false"
			}
		} else if val := in.pkg.Info.Types[in.expr].Value; val != nil && val.Kind() != constant.Unknown {
			return " = " + val.ExactString()
		}
	case *types.Struct:
		if n := named(v.Type()); n != nil && n.Obj().Pkg() != nil && n.Obj().Pkg().Path() == "sync/atomic" && in.expr == nil {
			switch n.Obj().Name() {
			case "Int32", "Int64", "Uint32", "Uint64":
				return ".Store(0)"
			}
		}
	}
	return ""
}

// write adds the subtest.
func (w *interleaving) write(s *synth, sm string, sides []*side, reset, state []string, name string) {
	line := func(format string, args ...any) { fmt.Fprintf(&w.body, format+"\n", args...) }
	line("t.Run(%q, func(t *testing.T) {", name)
	line("%s.Interleave(t, func() %s.Scenario {", sm, sm)
	for _, st := range append(reset, s.setup...) {
		line("%s", st)
	}
	line("return %s.Scenario{\nCalls: [2]func() []any{", sm)
	for _, sd := range sides {
		line("func() []any {")
		for _, st := range sd.stmts {
			line("%s", st)
		}
		n := 0
		if sd.e.how == direct {
			n = sd.e.obj.Signature().Results().Len()
		}
		var rs []string
		for i := range n {
			rs = append(rs, s.name("r"+strconv.Itoa(i)))
		}
		if n == 0 {
			line("%s\nreturn nil\n},", sd.call)
		} else {
			line("%s := %s\nreturn []any{%s}\n},", strings.Join(rs, ", "), sd.call, strings.Join(rs, ", "))
		}
	}
	line("},\nState: func() []any { return []any{%s} },", strings.Join(state, ", "))
	if len(s.stops) > 0 {
		line("Stop: func() {")
		for _, st := range slices.Backward(s.stops) {
			line("%s", st)
		}
		line("},")
	}
	line("}\n})\n})")
}
