// This file writes test files.

package racetest

import (
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"go/types"
	"path"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"time"
	"unicode"

	"github.com/mapmigrate/mapmigrate/detect"
	"golang.org/x/tools/go/types/typeutil"
)

// A render writes one program-level test.
type render struct {
	g      *Generator
	s      *synth
	m      *detect.Map
	c      scenario
	t      *Test
	sides  []*side
	seeded string
	late   time.Duration
	suite  bool // of gocheck
	ticks  *fn  // a constructor that runs the other side in the background
	b      strings.Builder
}

func (r *render) source() ([]byte, error) {
	switch {
	case r.suite:
		r.checkSuite()
	case r.t.Form == Synctest && r.ticks != nil:
		r.ticksBubble()
	case r.t.Form == Synctest && r.c.once:
		r.onceBubble()
	case r.t.Form == Synctest && len(r.sides) == 2 && r.same():
		r.selfBubble()
	case r.t.Form == Synctest:
		r.ordersBubble()
	case r.c.once:
		r.onceStress()
	default:
		r.stress()
	}
	_, constrained := r.g.synctestOK()
	return file(r.s, r.b.String(), r.t.Form == Synctest && constrained)
}

// same reports whether both sides are the same call.
func (r *render) same() bool {
	a, b := r.sides[0], r.sides[1]
	return a.call == b.call && slices.Equal(a.stmts, b.stmts)
}

// file puts package clause, imports and stubs around a test and formats it.
func file(s *synth, body string, constrained bool) ([]byte, error) {
	var b strings.Builder
	if constrained {
		b.WriteString("//go:build go1.25\n\n") // for testing/synctest; the module's go directive is older
	}
	fmt.Fprintf(&b, "package %s\n\n", s.pkg.Name)
	for _, d := range s.stubs {
		body += "\n" + d + "\n"
	}
	used := qualifiers(body)
	var paths []string
	for p, name := range s.imports {
		if used[name] { // what made its way into a value may have been elided
			paths = append(paths, p)
		}
	}
	sort.Slice(paths, func(i, j int) bool {
		if a, b := isStd(paths[i]), isStd(paths[j]); a != b {
			return a
		}
		return paths[i] < paths[j]
	})
	if len(paths) == 1 {
		b.WriteString("import \"testing\"\n\n" + body)
		return formatted(b.String())
	}
	b.WriteString("import (\n")
	for i, p := range paths {
		if i > 0 && isStd(paths[i-1]) && !isStd(p) {
			b.WriteString("\n")
		}
		if name := s.imports[p]; name != path.Base(p) && !(p == "math/rand/v2" && name == "rand") {
			fmt.Fprintf(&b, "\t%s %q\n", name, p)
		} else {
			fmt.Fprintf(&b, "\t%q\n", p)
		}
	}
	b.WriteString(")\n\n")
	b.WriteString(body)
	return formatted(b.String())
}

// qualifiers returns the names before a dot in a file's declarations.
func qualifiers(body string) map[string]bool {
	names := map[string]bool{}
	f, _ := parser.ParseFile(token.NewFileSet(), "", "package p\n"+body, parser.SkipObjectResolution)
	if f == nil {
		return names
	}
	ast.Inspect(f, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if id, ok := sel.X.(*ast.Ident); ok {
				names[id.Name] = true
			}
		}
		return true
	})
	return names
}

func formatted(src string) ([]byte, error) {
	out, err := format.Source([]byte(src))
	if err != nil {
		return nil, fmt.Errorf("generated test does not parse: %w\n%s", err, src)
	}
	return out, nil
}

func isStd(p string) bool {
	first, _, _ := strings.Cut(p, "/")
	return !strings.Contains(first, ".")
}

func (r *render) line(format string, args ...any) { fmt.Fprintf(&r.b, format+"\n", args...) }

func (r *render) lines(stmts []string) {
	for _, s := range stmts {
		r.line("%s", s)
	}
}

// header writes the doc comment: what races, how both come to run, what the test does about it.
func (r *render) header(how string) {
	short := r.m.Name
	if _, rest, ok := strings.Cut(short, "."); ok && r.m.Package == r.s.pkg.Path {
		short = rest
	}
	r.line("// %s lets two accesses of %s meet that nothing keeps apart:\n//", r.t.Name, short)
	a, b := r.c.a.access, r.c.b.access
	list := []*detect.Access{a}
	if a != b && a.Pos != b.Pos {
		list = append(list, b)
	}
	for _, a := range list {
		r.line("//	%s", r.access(a))
		last := a.Pos.Line
		for _, st := range a.Path {
			if st.Pos.Line == last && st.Pos.Filename == a.Pos.Filename {
				continue
			}
			note := strings.TrimSpace(st.Note)
			if note == "" {
				continue
			}
			r.line("//	    %s: %s", r.g.base(st.Pos.Filename, st.Pos.Line), note)
		}
	}
	r.line("//")
	for _, l := range wrap(r.overlap(a, b)+" "+how, 76) {
		r.line("// %s", l)
	}
}

func (g *Generator) base(file string, line int) string {
	return fmt.Sprintf("%s:%d", filepath.Base(file), line)
}

func (r *render) access(a *detect.Access) string {
	inner := ""
	if a.Inner {
		inner = " of a row"
	}
	locks := "no lock held"
	if len(a.Locks) > 0 {
		var names []string
		for _, l := range a.Locks {
			n := l.Name
			if l.Read {
				n += " (read)"
			}
			names = append(names, n)
		}
		locks = "holding " + strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s%s at %s in %s, %s", a.Op, inner, r.g.base(a.Pos.Filename, a.Pos.Line), a.Func, locks)
}

// overlap says why the two accesses can run at the same time.
func (r *render) overlap(a, b *detect.Access) string {
	ca, cb := contextOf(a), contextOf(b)
	const api = "exported API"
	switch {
	case ca == api && cb == api && a.Pos == b.Pos:
		return "It is reached by an exported function, which callers may use from several goroutines."
	case ca == api && cb == api:
		return "Both are reached by exported functions, which callers may use from several goroutines."
	case ca == cb && ca == "":
		return "Nothing keeps two goroutines from being there at once."
	case ca == cb && a.Pos == b.Pos:
		return "It runs " + ca + ", more than once at a time."
	case ca == cb:
		return "Both run " + ca + ", more than once at a time."
	case ca == "" || cb == "":
		return "One runs " + strings.TrimPrefix(ca+cb, "through ") + " while the other goes on."
	}
	if ca == api {
		ca, cb = cb, ca
	}
	if cb == api {
		return "One runs " + ca + ", the other whenever a caller likes."
	}
	return "One runs " + ca + ", the other " + cb + "."
}

// contextOf renders the context that is most clearly concurrent.
func contextOf(a *detect.Access) string {
	if len(a.Contexts) == 0 {
		return ""
	}
	c := a.Contexts[0]
	for _, x := range a.Contexts {
		if strings.HasPrefix(x, "go ") || strings.Contains(strings.ToLower(x), "handler") {
			c = x
			break
		}
	}
	switch {
	case strings.HasPrefix(c, "go "):
		return "in the goroutine started at " + strings.TrimPrefix(c, "go ")
	case strings.HasPrefix(strings.ToLower(c), "http handler"):
		return strings.TrimSpace("in the HTTP handler " + strings.TrimSpace(c[len("http handler"):]))
	case strings.HasPrefix(c, "exported"):
		return "exported API"
	}
	return "in " + c
}

func wrap(text string, width int) []string {
	var out []string
	line := ""
	for _, w := range strings.Fields(text) {
		if line != "" && len(line)+1+len(w) > width {
			out = append(out, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += w
	}
	return append(out, line)
}

const forced = "The fake clock runs them one after the other, in both orders: a lock that " +
	"happens to lie between them can hide the race from the detector in one order, not in both."

// ordersBubble is the usual form: two sides, both orders.
func (r *render) ordersBubble() {
	s := r.s
	tm, sync, st := s.use("time"), s.use("sync"), s.use("testing/synctest")
	a, b := r.sides[0], r.sides[1]
	fa, fb := fieldName(a.label), fieldName(b.label)
	if fa == fb {
		fa, fb = fieldName(strings.ReplaceAll(a.label, ".", "_")), fieldName(strings.ReplaceAll(b.label, ".", "_"))
	}
	na, nb := shortLabel(a.label), shortLabel(b.label)
	if na == nb {
		na, nb = a.label, b.label
	}
	if fa == fb || na == nb {
		fa, fb, na, nb = "first", "second", na+" (1)", nb+" (2)"
	}
	early, late := seconds(tm, time.Second), seconds(tm, r.late)
	r.header(forced)
	r.line("func %s(t *testing.T) {", r.t.Name)
	r.line("orders := []struct {\nname string\n%s, %s %s.Duration // fake time before each call\n}{", fa, fb, tm)
	r.line("{%q, %s, %s},", na+", then "+nb, early, late)
	r.line("{%q, %s, %s},", nb+", then "+na, late, early)
	r.line("}")
	r.line("for _, order := range orders {")
	r.line("t.Run(order.name, func(t *testing.T) {")
	r.line("%s.Test(t, func(t *testing.T) {", st)
	r.lines(s.setup)
	r.line("var wg %s.WaitGroup", sync)
	for i, sd := range r.sides {
		r.line("wg.Go(func() {\n%s.Sleep(order.%s)", tm, []string{fa, fb}[i])
		r.lines(sd.stmts)
		r.line("%s\n})", sd.statement())
	}
	r.finish(tm)
	r.line("})\n})\n}\n}")
}

// selfBubble is for a call that races with itself: both orders are the same one.
func (r *render) selfBubble() {
	s := r.s
	tm, sync, st := s.use("time"), s.use("sync"), s.use("testing/synctest")
	r.header("The fake clock runs two calls one after the other, and nothing but a lock could make that an order for the race detector.")
	r.line("func %s(t *testing.T) {", r.t.Name)
	r.line("%s.Test(t, func(t *testing.T) {", st)
	r.lines(s.setup)
	r.line("var wg %s.WaitGroup", sync)
	r.line("for call := range 2 {")
	r.line("wg.Go(func() {\n%s.Sleep(%s.Duration(call+1) * %s.Second)", tm, tm, tm)
	r.lines(r.sides[0].stmts)
	r.line("%s\n})\n}", r.sides[0].statement())
	r.finish(tm)
	r.line("})\n}")
}

// onceBubble is for a call that starts both sides itself.
func (r *render) onceBubble() {
	s := r.s
	st := s.use("testing/synctest")
	r.header("One call starts both, and the bubble waits for the goroutines it leaves behind. The scheduler orders them; several rounds let it choose differently.")
	r.line("func %s(t *testing.T) {", r.t.Name)
	r.line("for range 10 {")
	r.line("%s.Test(t, func(t *testing.T) {", st)
	r.lines(s.setup)
	r.lines(r.sides[0].stmts)
	if r.sides[0].forever {
		r.line("var wg %s.WaitGroup", s.use("sync"))
		r.line("wg.Go(func() { %s })", r.sides[0].statement())
	} else {
		r.line("%s", r.sides[0].statement())
	}
	if len(s.stops) > 0 {
		r.line("%s.Sleep(%s)", s.use("time"), seconds(s.use("time"), r.late))
	}
	r.stop()
	if r.sides[0].forever {
		r.line("wg.Wait()")
	}
	r.line("})\n}\n}")
}

// ticksBubble is for one side and a goroutine that the constructor has started: its timers
// come between two calls.
func (r *render) ticksBubble() {
	s := r.s
	tm, st := s.use("time"), s.use("testing/synctest")
	name := r.ticks.obj.Name()
	r.header("The goroutine that " + name + " starts runs between two calls, when the fake clock gets there, and nothing but a lock could make that an order for the race detector.")
	r.line("func %s(t *testing.T) {", r.t.Name)
	r.line("%s.Test(t, func(t *testing.T) {", st)
	r.lines(s.setup)
	sd := r.sides[0]
	r.lines(sd.stmts)
	r.line("%s", sd.statement())
	r.line("%s.Sleep(%s) // the goroutine that %s has started gets its turn", tm, seconds(tm, r.late), name)
	r.line("%s", sd.statement())
	r.stop()
	r.line("})\n}")
}

// finish waits for both sides, stopping first what does not end by itself.
func (r *render) finish(tm string) {
	forever := slices.ContainsFunc(r.sides, func(sd *side) bool { return sd.forever })
	if forever {
		r.line("%s.Sleep(%s) // longer than either delay", tm, seconds(tm, 2*r.late))
		r.stop()
		r.line("wg.Wait()")
		return
	}
	r.line("wg.Wait()")
	r.stop()
}

func (r *render) stop() {
	for _, s := range slices.Backward(r.s.stops) {
		r.line("%s", s)
	}
}

// stress is two groups of goroutines that repeat their call, with seeded jitter.
func (r *render) stress() {
	s := r.s
	why := ""
	if r.t.Reason != "" {
		why = " (A stress test, because " + r.t.Reason + ".)"
	}
	r.header("Several goroutines repeat each call, with a jitter that the seed fixes." + why)
	jitter := slices.ContainsFunc(r.sides, r.repeats)
	r.line("func %s(t *testing.T) {", r.t.Name)
	if jitter {
		r.line("const seed = %d\nt.Logf(\"seed %%d\", seed)", r.t.Seed)
	}
	r.lines(s.setup)
	sides := r.sides
	if len(sides) == 2 && r.same() {
		sides = sides[:1]
	}
	for _, sd := range sides { // what runs on or only once goes first
		if r.repeats(sd) {
			continue
		}
		if len(sd.stmts) == 0 && sd.lasting && !sd.forever {
			r.line("%s", sd.statement())
			continue
		}
		if len(sd.stmts) == 0 {
			r.line("go %s", sd.call)
			continue
		}
		r.line("go func() {")
		r.lines(sd.stmts)
		r.line("%s\n}()", sd.statement())
	}
	var repeat []*side
	for _, sd := range sides {
		if r.repeats(sd) {
			repeat = append(repeat, sd)
		}
	}
	if len(repeat) == 0 {
		r.line("%s.Sleep(100 * %s.Millisecond)", s.use("time"), s.use("time"))
		r.stop()
		r.line("}")
		return
	}
	r.line("var wg %s.WaitGroup", s.use("sync"))
	rnd, rt := s.use("math/rand"), s.use("runtime")
	i := s.name("i") // what the test made may have the name
	r.line("for g := int64(0); g < 4; g++ {\nwg.Add(%d)", len(repeat))
	for _, sd := range repeat {
		times := 200
		if sd.lasting {
			times = 5 // each leaves a goroutine behind
		}
		r.line("go func(rng *%s.Rand) {\ndefer wg.Done()\nfor %s := 0; %s < %d; %s++ {", rnd, i, i, times, i)
		r.line("for n := rng.Intn(4); n > 0; n-- {\n%s.Gosched()\n}", rt)
		r.lines(sd.stmts)
		r.line("%s\n}", sd.statement())
		r.line("}(%s.New(%s.NewSource(seed + g)))", rnd, rnd)
	}
	r.line("}")

	if slices.ContainsFunc(repeat, func(sd *side) bool { return sd.blocks }) {
		tm := s.use("time")
		done := s.name("done")
		r.line("%s := make(chan struct{})\ngo func() {\nwg.Wait()\nclose(%s)\n}()", done, done)
		r.line("select {\ncase <-%s:\ncase <-%s.After(%s.Second): // a repeated call may wait for what does not come\n}", done, tm, tm)
	} else {
		r.line("wg.Wait()")
	}
	r.stop()
	r.line("}")
}

// repeats reports whether a side's call is repeated beside the other one. A call that never
// returns is not, nor is one that leaves running what makes the access: that goes on by itself.
func (r *render) repeats(sd *side) bool {
	if sd.forever {
		return false
	}
	return !sd.lasting || sd.e.how != spawns || joins(sd.e.fn)
}

// joins reports whether a function waits for goroutines.
func joins(f *fn) bool {
	found := false
	ast.Inspect(f.decl.Body, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return !found
		}
		if g, ok := typeutil.Callee(f.pkg.Info, call).(*types.Func); ok {
			switch g.FullName() {
			case "(*sync.WaitGroup).Wait", "(*golang.org/x/sync/errgroup.Group).Wait":
				found = true
			}
		}
		return !found
	})
	return found
}

// onceStress repeats a call that starts both sides itself.
func (r *render) onceStress() {
	s := r.s
	why := ""
	if r.t.Reason != "" {
		why = " (No synctest bubble, because " + r.t.Reason + ".)"
	}
	r.header("One call starts both; several rounds let the scheduler choose differently." + why)
	r.line("func %s(t *testing.T) {", r.t.Name)
	sd := r.sides[0]
	if sd.forever || sd.lasting {
		r.lines(s.setup)
		r.line("go func() {")
		r.lines(sd.stmts)
		r.line("%s\n}()", sd.statement())
		r.line("%s.Sleep(100 * %s.Millisecond)", s.use("time"), s.use("time"))
		r.stop()
	} else {
		r.line("for i := 0; i < 20; i++ {")
		r.lines(s.setup)
		r.lines(sd.stmts)
		r.line("%s\n}", sd.statement())
		r.line("%s.Sleep(10 * %s.Millisecond) // for goroutines that outlive the call", s.use("time"), s.use("time"))
	}
	r.line("}")
}

func seconds(tm string, d time.Duration) string {
	return fmt.Sprintf("%d * %s.Second", int(d/time.Second), tm)
}

// fieldName turns "Hub.handleJoin" into "handleJoin".
func fieldName(label string) string {
	if i := strings.LastIndexByte(label, '.'); i >= 0 {
		label = label[i+1:]
	}
	label = strings.ReplaceAll(label, "_", "")
	r := []rune(label)
	for i := 0; i < len(r) && unicode.IsUpper(r[i]) && (i == 0 || i+1 == len(r) || unicode.IsUpper(r[i+1])); i++ {
		r[i] = unicode.ToLower(r[i])
	}
	switch name := string(r); name {
	case "name":
		return "nameCall"
	case "type", "range", "func", "go", "select", "map", "chan", "var", "if", "for", "switch", "case", "default", "return", "import", "package", "break", "continue", "goto", "const", "struct", "interface", "defer", "else", "fallthrough":
		return name + "Call"
	default:
		return name
	}
}

func shortLabel(label string) string {
	if i := strings.LastIndexByte(label, '.'); i >= 0 {
		return label[i+1:]
	}
	return label
}
