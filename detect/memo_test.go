package detect

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

var (
	memoRounds = flag.Int("memorounds", 60, "random edits for TestMemo")
	memoSeed   = flag.Uint64("memoseed", 1, "where TestMemo's random edits begin")
	memoDir    = flag.String("memodir", filepath.Join("testdata", "src"), "module for TestMemo")
)

// TestMemo edits the summaries of all cases at random, as edits of the code would and as none
// could, and compares what the memo of the link before makes of them with a link from nothing.
func TestMemo(t *testing.T) {
	t.Run("usual", testMemo)
	t.Run("short walks", func(t *testing.T) {
		walk, depth := maxWalk, maxDepth
		maxWalk, maxDepth = 6, 2 // then what walks that give up read counts, too
		defer func() { maxWalk, maxDepth = walk, depth }()
		testMemo(t)
	})
}

func testMemo(t *testing.T) {
	dir, err := filepath.Abs(*memoDir)
	if err != nil {
		t.Fatal(err)
	}
	prog, err := Load(Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	sums := Summarise(prog, Options{})
	var packed [][]byte
	for _, s := range sums {
		data, err := s.Encode()
		if err != nil {
			t.Fatal(err)
		}
		packed = append(packed, data)
	}
	unpack := func() (out []*Summary) {
		for _, data := range packed {
			s, err := DecodeSummary(data)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, s)
		}
		return out
	}
	// Options that fill all of a Map.
	opts := Options{AllOdd: true}
	r := rand.New(rand.NewPCG(*memoSeed, 0))
	start, m, n := relink(unpack(), opts, nil)
	compare(t, "from nothing", start, Link(unpack(), opts))
	if want := len(m.Maps); n != want {
		t.Fatalf("from nothing %d of %d maps were judged", n, want)
	}
	if res, _, n := relink(unpack(), opts, m); n > 3*len(m.Maps)/4 {
		t.Errorf("unchanged, %d of %d maps were judged", n, len(m.Maps))
	} else {
		compare(t, "unchanged", res, start)
	}
	var judged, all int
	for i := range *memoRounds {
		edited := unpack()
		var what []string
		for range 1 + r.IntN(3) {
			what = append(what, edit(r, &edited))
		}
		res, next, n := relink(edited, opts, reopened(t, m))
		judged, all = judged+n, all+len(next.Maps)
		name := fmt.Sprintf("seed %d, edit %d: %s", *memoSeed, i, strings.Join(what, "; "))
		compare(t, name, res, Link(edited, opts))
		// And back again: now the memo is of the edited state.
		res, back, _ := relink(unpack(), opts, reopened(t, next))
		compare(t, name+", undone", res, start)
		if r.IntN(4) == 0 {
			m = back
		}
		if t.Failed() {
			return
		}
	}
	t.Logf("%d of %d verdicts were made again", judged, all)
	if judged == 0 || judged > all/2 {
		t.Errorf("of %d verdicts %d were made again", all, judged)
	}
}

// TestMemoFar: what runs a function matters however far away it is, also to a walk that gives
// up before it gets there.
func TestMemoFar(t *testing.T) {
	walk, depth := maxWalk, maxDepth
	maxDepth = 2
	defer func() { maxWalk, maxDepth = walk, depth }()
	chain := func(entry string) []*Summary {
		s := &Summary{Package: "p", Name: "p", Files: []string{"p.go"}, Maps: []MapDecl{
			{Key: "p.m", Name: "p.m", Kind: PackageVar, Type: "map[string]int", Pos: Pos{Offset: 1, Line: 1}},
		}}
		for i := range int32(7) {
			at := func(n int32) Pos { return Pos{Offset: 100*i + n, Line: 10*i + n, Column: 1} }
			f := &FuncInfo{Key: fmt.Sprintf("p.f%d", i), Name: fmt.Sprintf("f%d", i), Pos: at(2), States: []LockState{{}}}
			if i == 0 {
				f.Accesses = []AccessInfo{{Op: Write, Path: "g:p.m", Load: -1, Pos: at(3)}}
			} else {
				f.Calls = []CallInfo{{Kind: "call", ID: -1, From: -1, Callee: fmt.Sprintf("p.f%d", i-1), Pos: at(3)}}
			}
			if i == 6 {
				f.Entry = entry
			}
			s.Funcs = append(s.Funcs, f)
		}
		return []*Summary{s}
	}
	alone, m, _ := relink(chain("main"), Options{}, nil)
	shared := Link(chain("http handler"), Options{})
	if reflect.DeepEqual(alone.Maps[0].Findings, shared.Maps[0].Findings) {
		t.Fatal("the case shows nothing")
	}
	res, _, _ := relink(chain("http handler"), Options{}, reopened(t, m))
	compare(t, "another root", res, shared)
}

// TestMemoRelated: how sure a conflict is may depend on where the function that starts a
// goroutine was itself started from, however many calls lie between (see related).
func TestMemoRelated(t *testing.T) {
	program := func(whole bool) []*Summary {
		s := &Summary{Package: "p", Name: "p", Files: []string{"p.go"}, Maps: []MapDecl{
			{Key: "p.T.m", Name: "p.T.m", Kind: Field, Holder: "p.T", Type: "map[string]int", Pos: Pos{Offset: 1, Line: 1}},
		}}
		add := func(name string, params int, calls ...CallInfo) *FuncInfo {
			n := int32(10 * (len(s.Funcs) + 1))
			f := &FuncInfo{Key: "p." + name, Name: name, Params: params, Pos: Pos{Offset: n, Line: n}, States: []LockState{{}}}
			for i := range calls {
				calls[i].ID, calls[i].From, calls[i].Pos = -1, -1, Pos{Offset: n + 2 + int32(i), Line: n + 1}
			}
			f.Calls = calls
			s.Funcs = append(s.Funcs, f)
			return f
		}
		writes := func(f *FuncInfo) {
			f.Accesses = []AccessInfo{{Op: Write, Path: "p0|p.T.m", Load: -1, Published: true, Pos: Pos{Offset: f.Pos.Offset + 5, Line: f.Pos.Line + 2}}}
		}
		call := func(kind, callee, path string, pub bool) CallInfo {
			return CallInfo{Kind: kind, Callee: "p." + callee, Args: []ArgInfo{{Path: path, PubGo: pub, From: -1}}}
		}
		add("main", 0, call("go", "run", "a0", false), call("call", "use", "a0", true)).Entry = "main"
		writes(add("use", 1))
		run := add("run", 1, call("call", "middle", "p0", false))
		add("middle", 1, call("call", "start", "p0", false))
		add("start", 1, call("go", "work", "p0", false))
		writes(add("work", 1))
		if !whole {
			run.Calls = nil
		}
		return []*Summary{s}
	}
	with, m, _ := relink(program(true), Options{}, nil)
	without := Link(program(false), Options{})
	if reflect.DeepEqual(with.Maps[0].Findings, without.Maps[0].Findings) {
		t.Fatal("the case shows nothing")
	}
	res, _, _ := relink(program(false), Options{}, reopened(t, m))
	compare(t, "a call less", res, without)
}

// reopened returns a memo as the next process would find it.
func reopened(t *testing.T, m *memo) *memo {
	t.Helper()
	data, err := m.encode()
	if err != nil {
		t.Fatal(err)
	}
	out := decodeMemo(data)
	if out == nil {
		t.Fatal("a memo cannot be read back")
	}
	return out
}

func compare(t *testing.T, name string, got, want *Result) {
	t.Helper()
	bytesOf := func(r *Result) []byte {
		b, err := encode(reflect.ValueOf(r).Elem())
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	if bytes.Equal(bytesOf(got), bytesOf(want)) {
		return
	}
	t.Errorf("%s: the memo makes it another result", name)
	if len(got.Maps) != len(want.Maps) {
		t.Errorf("%d maps, want %d", len(got.Maps), len(want.Maps))
		return
	}
	for i, m := range want.Maps {
		g := got.Maps[i]
		if a, b := fmt.Sprintf("%+v", *g), fmt.Sprintf("%+v", *m); a != b {
			for j := 0; j < len(a) && j < len(b); j++ {
				if a[j] != b[j] {
					from := max(0, j-200)
					a, b = a[from:min(len(a), j+200)], b[from:min(len(b), j+200)]
					break
				}
			}
			t.Errorf("%s: have\n…%s…\nwant\n…%s…", m.Key, a, b)
			return
		}
	}
	if a, b := fmt.Sprint(got.Problems), fmt.Sprint(want.Problems); a != b {
		t.Errorf("problems: have %s, want %s", a, b)
	}
}

// edit changes something, and says what.
func edit(r *rand.Rand, sums *[]*Summary) string {
	s := (*sums)[r.IntN(len(*sums))]
	if len(s.Funcs) == 0 {
		return "nothing"
	}
	at := r.IntN(len(s.Funcs))
	f := s.Funcs[at]
	drop := func(what string) string { return what + " of " + f.Key }
	switch r.IntN(26) {
	case 0: // a comment above all
		for _, f := range s.Funcs {
			shiftAll(reflect.ValueOf(f).Elem())
		}
		shiftAll(reflect.ValueOf(&s.Maps).Elem())
		return "lines of " + s.Package
	case 1:
		shiftAll(reflect.ValueOf(f).Elem())
		return drop("lines")
	case 2:
		s.Funcs = slices.Delete(slices.Clone(s.Funcs), at, at+1)
		return "no " + f.Key
	case 3:
		if i := len(f.Calls); i > 0 {
			c := f.Calls[r.IntN(i)]
			f.Calls = slices.DeleteFunc(f.Calls, func(d CallInfo) bool { return d.Pos == c.Pos })
		}
		return drop("a call")
	case 4:
		if i := len(f.Accesses); i > 0 {
			f.Accesses = slices.Delete(f.Accesses, 0, 1)
		}
		return drop("an access")
	case 5:
		for i := range f.States {
			f.States[i].Must = nil
		}
		return drop("locks")
	case 6:
		for i := range f.Calls {
			if f.Calls[i].Kind == "call" {
				f.Calls[i].Kind = "go"
			} else {
				f.Calls[i].Kind = "call"
			}
		}
		return drop("go statements")
	case 7:
		if i := len(s.Types); i > 0 {
			s.Types = slices.Delete(s.Types, 0, 1)
		}
		return "a type of " + s.Package
	case 8:
		if i := len(s.Flows); i > 0 {
			j := r.IntN(i)
			s.Flows = slices.Delete(s.Flows, j, j+1)
		}
		return "a flow of " + s.Package
	case 9:
		if i := len(s.Maps); i > 0 {
			j := r.IntN(i)
			s.Maps = slices.Delete(s.Maps, j, j+1)
		}
		return "a map of " + s.Package
	case 10:
		i := r.IntN(len(*sums))
		*sums = append(slices.Delete(slices.Clone(*sums), i, i+1), (*sums)[i])
		return "order of packages"
	case 11:
		slices.Reverse(s.Funcs)
		return "order of functions in " + s.Package
	case 12:
		f.ForTests = !f.ForTests
		return drop("helper")
	case 13:
		f.Exported = !f.Exported
		return drop("exported")
	case 14:
		f.Entry = []string{"", "init", "main", "http handler"}[r.IntN(4)]
		return drop("entry")
	case 15:
		for i := range f.Calls {
			for j := range f.Calls[i].Args {
				a := &f.Calls[i].Args[j]
				a.Owned, a.PubGo, a.Fresh = !a.Owned, !a.PubGo, !a.Fresh
			}
		}
		return drop("arguments")
	case 16:
		f.Results = nil
		return drop("results")
	case 17:
		f.Locals = nil
		return drop("locals")
	case 18:
		s.Directives = nil
		return "directives of " + s.Package
	case 19:
		if i := len(s.Maps); i > 0 {
			m := s.Maps[r.IntN(i)]
			s.Directives = append(s.Directives, DirectiveInfo{Verb: []string{verbIgnore, verbGuarded, verbHint}[r.IntN(3)], Text: "some", Pos: m.Pos, Maps: []string{m.Key}, Locks: []string{m.Holder + ".mu"}})
		}
		return "a directive in " + s.Package
	case 20:
		if i := len(f.Accesses); i > 0 && f.Accesses[0].Pos.Line > 0 {
			p := f.Accesses[0].Pos
			s.Directives = append(s.Directives, DirectiveInfo{Verb: verbIgnore, Text: "some", Pos: p, Spans: []Span{{p.Offset, p.Offset + 1}}})
		}
		return drop("an ignored access")
	case 21:
		s.Files = append([]string{"new.go"}, s.Files...)
		renumber(reflect.ValueOf(s).Elem())
		return "a file before those of " + s.Package
	case 22:
		f.Aliases, f.Ends = nil, nil
		return drop("aliases")
	case 23:
		if i := len(s.Maps); i > 0 {
			m := &s.Maps[r.IntN(i)]
			m.Nested, m.HolderLock = !m.Nested, !m.HolderLock
		}
		return "what a map of " + s.Package + " is"
	case 24: // a new caller of something anywhere
		o := (*sums)[r.IntN(len(*sums))]
		if len(o.Funcs) > 0 {
			callee := o.Funcs[r.IntN(len(o.Funcs))]
			args := make([]ArgInfo, callee.Params)
			for i := range args {
				args[i] = ArgInfo{Path: fmt.Sprintf("p%d", i)}
			}
			f.Calls = append(f.Calls, CallInfo{Kind: []string{"call", "go"}[r.IntN(2)], ID: -1, Pos: f.Pos, Callee: callee.Key, From: -1, Args: args, Loop: int32(r.IntN(2))})
			if len(f.States) == 0 {
				f.States = []LockState{{}}
			}
			return f.Key + " calls " + callee.Key
		}
		return "nothing"
	default:
		for i := range f.Accesses {
			a := &f.Accesses[i]
			a.PubGo, a.Published, a.Fresh = !a.PubGo, !a.Published, a.Fresh && r.IntN(2) == 0
		}
		return drop("sharing")
	}
}

// shiftAll moves every position one line down.
func shiftAll(v reflect.Value) {
	eachPos(v, func(p *Pos) {
		if p.Line > 0 {
			p.Line, p.Offset = p.Line+1, p.Offset+10
		}
	})
}

func renumber(v reflect.Value) { eachPos(v, func(p *Pos) { p.File++ }) }

func eachPos(v reflect.Value, f func(*Pos)) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			eachPos(v.Elem(), f)
		}
	case reflect.Slice:
		for i := range v.Len() {
			eachPos(v.Index(i), f)
		}
	case reflect.Struct:
		if p, ok := v.Addr().Interface().(*Pos); ok {
			f(p)
			return
		}
		for i := range v.NumField() {
			eachPos(v.Field(i), f)
		}
	}
}
