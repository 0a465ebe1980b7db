package advise_test

import (
	"go/token"
	"slices"
	"strings"
	"testing"

	"github.com/mapmigrate/mapmigrate/advise"
	"github.com/mapmigrate/mapmigrate/detect"
)

// uses returns accesses from a short notation: an operation, then any of * (in a
// loop), ! (owned), t (in a test), with the lock held after @ (@mu, or @r:mu).
func uses(list ...string) []detect.Access {
	var out []detect.Access
	for i, u := range list {
		u, lock, held := strings.Cut(u, "@")
		a := detect.Access{
			Op: detect.Op(strings.TrimRight(u, "*!t")), Func: "(*T).f" + string(rune('A'+i)),
			Pos:      token.Position{Filename: "/m/t.go", Line: 10 + i, Column: 2},
			Contexts: []string{"http handler"},
		}
		mods := u[len(a.Op):]
		a.LoopDepth = strings.Count(mods, "*")
		a.Owned = strings.Contains(mods, "!")
		a.Test = strings.Contains(mods, "t")
		if held {
			name, read := strings.CutPrefix(lock, "r:")
			a.Locks = []detect.Lock{{Name: "T." + name, Read: read}}
		}
		out = append(out, a)
	}
	return out
}

func field(typ, holder string, accesses []detect.Access) *detect.Map {
	return &detect.Map{
		Key: "m." + holder + ".f", Name: "m." + holder + ".f", Kind: detect.Field, Type: typ, Package: "m", Holder: "m." + holder,
		Pos: token.Position{Filename: "/m/t.go", Line: 3, Column: 2}, Shared: true, Accesses: accesses,
		Findings: []detect.Finding{{Category: detect.Unguarded, Confidence: detect.High, Accesses: accesses[:min(2, len(accesses))]}},
	}
}

func TestForms(t *testing.T) {
	nested := field("map[string]map[string]int", "Hub", uses("read", "write", "len"))
	nested.Nested = true
	local := field("map[string]int", "", uses("read", "write"))
	local.Kind, local.Name = detect.Local, "m.Collect.seen"
	inMain := field("map[string]int", "", uses("write", "update"))
	inMain.Kind, inMain.Name = detect.Local, "main.main.seen"
	single := field("map[string]int", "Table", uses("read", "read", "update", "delete"))
	for i := range single.Accesses {
		if single.Accesses[i].Op.Mutates() {
			single.Accesses[i].Contexts = []string{"main"}
		}
	}
	for _, test := range []struct {
		name     string
		m        *detect.Map
		strategy string
		reason   string // a part of it
		not      string // a form and a part of why not
	}{
		{"mixed", field("map[string]int", "Cache", uses("read", "read*", "write", "delete", "len")), "sharded",
			"shared with mixed use; 2 reads, 1 write, 1 delete, 1 len (1 in loops)", "syncmap: has no Len (1 use), keys come and go (1 delete)"},
		{"append-only cache", field("map[string]int", "Cache", uses("read", "read", "write")), "syncmap",
			"no key is removed, counted or updated in place: what sync.Map is for; 2 reads, 1 write", "locked: one lock for all keys"},
		{"constructor and tests do not count", field("map[string]int", "Cache", uses("replace!", "read*", "write", "lent", "deletet")), "syncmap",
			"1 read, 1 write (1 in loops)", "provider: nothing asks"},
		{"more writes than reads", field("map[string]int", "Cache", uses("read", "write*")), "sharded",
			"1 read, 1 write (1 in loops)", "syncmap: not mostly read (reads weigh 1, writes 8)"},
		{"range", field("map[string]int", "Cache", uses("read", "write", "range")), "sharded",
			"1 range", "syncmap: has no consistent iteration (1 range)"},
		{"update", field("map[string]int", "Stats", uses("read", "update", "update")), "sharded",
			"2 updates", "syncmap: updates retry and allocate (2 updates)"},
		{"mostly whole-map work", field("map[string]int", "Stats", uses("range*", "len", "write")), "locked",
			"mostly whole-map work (weight 9 of 10)", "sharded: whole-map operations visit every shard"},
		{"per connection", field("map[string]int", "serverConn", uses("read", "write", "delete")), "locked",
			"its holder serverConn is one per conn", "sharded: an empty one takes 0.7 to 2.5 KB in every instance"},
		{"holder made in a loop", field("map[string]int", "Node", uses("replace*!", "read", "delete")), "locked",
			"its holder Node is made in a loop in (*T).fA", "sharded: an empty one"},
		{"few keys", field("map[bool]int", "Stats", uses("read", "update")), "locked",
			"keys of type bool: too few", "sharded: too few keys"},
		{"single writer", single, "locked", "a single writer (main)", "sharded: a single writer"},
		{"nested", nested, "sharded", "nested: every operation on a row is one step", "syncmap: cannot change a row and its place"},
		{"local", local, "locked", "made anew in every call", "sharded: an empty one"},
		{"local of main", inMain, "sharded", "shared with mixed use", "syncmap: updates retry"},
		{"nothing after sharing", field("map[string]int", "Cache", uses("write!")), "syncmap", "no use once it is shared", "provider: nothing asks"},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := advise.Choose(test.m, advise.Options{Dir: "/m"})
			if a.Strategy != test.strategy || !strings.Contains(a.Reason, test.reason) {
				t.Errorf("got %s: %s\nwant %s: …%s…", a.Strategy, a.Reason, test.strategy, test.reason)
			}
			if len(a.Refusals) > 0 {
				t.Errorf("refused: %v", a.Refusals)
			}
			var got []string
			for _, r := range a.Rejected {
				got = append(got, r.Name+": "+r.Reason)
			}
			if !slices.ContainsFunc(got, func(s string) bool { return strings.Contains(s, test.not) }) {
				t.Errorf("rejected %q, want one with %q", got, test.not)
			}
			check(t, a)
		})
	}
}

// check holds what is true of every advice.
func check(t *testing.T, a advise.Advice) {
	t.Helper()
	forms := []string{a.Strategy}
	for _, r := range a.Rejected {
		forms = append(forms, r.Name)
		if r.Reason == "" || strings.Contains(r.Reason, "\n") {
			t.Errorf("rejected %s for %q: want one line", r.Name, r.Reason)
		}
	}
	slices.Sort(forms)
	if a.Strategy == advise.Guard {
		forms = slices.DeleteFunc(forms, func(f string) bool { return f == advise.Guard })
	}
	if want := []string{"locked", "provider", "sharded", "syncmap"}; !slices.Equal(forms, want) {
		t.Errorf("chosen and rejected are %v, want each of %v once", forms, want)
	}
	if a.Reason == "" || strings.Contains(a.Reason, "\n") {
		t.Errorf("reason %q: want one line", a.Reason)
	}
}

func TestOverride(t *testing.T) {
	m := field("map[string]int", "Cache", uses("read", "write", "delete"))
	a := advise.Choose(m, advise.Options{Strategy: advise.SyncMap})
	if a.Strategy != "syncmap" || a.Reason != "asked for; auto would not: keys come and go (1 delete)" {
		t.Errorf("got %s: %s", a.Strategy, a.Reason)
	}
	check(t, a)
	a = advise.Choose(m, advise.Options{Strategy: advise.Sharded})
	if !strings.HasPrefix(a.Reason, "asked for; auto agrees: shared with mixed use") {
		t.Errorf("got %s: %s", a.Strategy, a.Reason)
	}
	check(t, a)
}

func TestRefusals(t *testing.T) {
	guarded := func(category detect.Category, list ...string) *detect.Map {
		m := field("map[string]int", "T", uses(list...))
		m.Guard, m.GuardHeld, m.GuardTotal = "T.mu", 6, 7
		m.Findings = nil
		if category != "" {
			m.Findings = []detect.Finding{{Category: category, Confidence: detect.High, Accesses: m.Accesses}}
		}
		return m
	}
	nested := guarded(detect.InnerCat, "read", "write@mu")
	nested.Nested = true
	elementToo := field("map[string]*S", "T", uses("read", "write"))
	elementToo.Findings = append(elementToo.Findings, detect.Finding{Category: detect.Element, Confidence: detect.High, Accesses: elementToo.Accesses})
	elementOnly := field("map[string]*S", "T", uses("read", "write"))
	elementOnly.Findings = []detect.Finding{{Category: detect.Element, Confidence: detect.High, Accesses: elementOnly.Accesses}}
	quiet := field("map[string]int", "T", uses("read", "write!"))
	quiet.Findings = []detect.Finding{{Category: detect.Confined}}
	alone := *quiet
	alone.Shared = false
	sibling := &detect.Map{Key: "m.T.g", Name: "m.T.g", Package: "m", Holder: "m.T", Guard: "T.mu", Accesses: uses("write@mu")}
	constant := &detect.Map{Key: "m.T.h", Name: "m.T.h", Package: "m", Holder: "m.T", Guard: "T.mu", Accesses: uses("read@mu")}

	for _, test := range []struct {
		name    string
		m       *detect.Map
		opts    advise.Options
		code    string // "" for none
		message string // parts
		remedy  string
	}{
		{"partial", guarded(detect.Partial, "update", "write@mu"), advise.Options{}, "take-lock",
			"m.T.f has a lock: 6 of 7 accesses hold T.mu, but the update in (*T).fA at t.go:10 holds no lock",
			"in (*T).fA, call T.mu.Lock() before the update at t.go:10"},
		{"a read of a read-write lock", guarded(detect.Partial, "read", "read@r:mu"), advise.Options{}, "take-lock",
			"the read in (*T).fA at t.go:10 holds no lock", "call T.mu.RLock() before the read at t.go:10 and RUnlock() after it"},
		{"write under RLock", guarded(detect.ReadLockWrite, "write@r:mu", "read@r:mu"), advise.Options{}, "take-lock",
			"holds only T.mu for reading only", "call T.mu.Lock() before the write"},
		{"wrong lock", guarded(detect.WrongLock, "write@other", "read@mu"), advise.Options{}, "take-lock",
			"holds only T.other", "call T.mu.Lock()"},
		{"the same lock of another object", guarded(detect.WrongLock, "write@mu", "read@mu"), advise.Options{}, "take-lock",
			"the write in (*T).fA at t.go:10", "call T.mu.Lock()"},
		{"range outside the lock", guarded(detect.Iteration, "range", "write@mu"), advise.Options{}, "take-lock",
			"the range in (*T).fA", "before the range at t.go:10"},
		{"let go between two steps", guarded(detect.CheckThenAct, "read@mu", "write@mu"), advise.Options{}, "take-lock",
			"let go between the read at t.go:10 and the write at t.go:11", "hold T.mu from t.go:10 to t.go:11"},
		{"the lock guards another map too", guarded(detect.Partial, "update", "write@mu"), advise.Options{Maps: []*detect.Map{sibling, constant}}, "take-lock",
			"(T.mu also guards m.T.g)", "T.mu.Lock()"},
		{"escape", guarded(detect.EscapeCat, "escape@mu", "write@mu"), advise.Options{}, "boundary-copy",
			"(*T).fA hands the map itself out at t.go:10", "hand out maps.Clone of the map at t.go:10 while T.mu is held"},
		{"nested, guarded, alone", nested, advise.Options{}, "", "", ""},
		{"nested, in step with another map", nested, advise.Options{Maps: []*detect.Map{sibling}}, "lock-spans-fields",
			"T.mu guards m.T.f together with m.T.g", "hold T.mu around the read at t.go:10"},
		{"element", elementOnly, advise.Options{}, "element-race", "not on the map", "lock of their own"},
		{"element and map", elementToo, advise.Options{}, "", "", ""},
		{"guarded", guarded(""), advise.Options{}, "already-guarded", "every access of m.T.f that can race holds T.mu", "nothing to do"},
		{"ordered", quiet, advise.Options{}, "nothing-shared", "no two accesses of it can overlap", "nothing to do"},
		{"alone", &alone, advise.Options{}, "nothing-shared", "nothing shows that two goroutines", "nothing to do"},
		{"a named strategy overrides", guarded(detect.Partial, "update", "write@mu"), advise.Options{Strategy: "sharded"}, "", "", ""},
		{"scope all overrides", guarded(detect.Partial, "update", "write@mu"), advise.Options{Force: true}, "", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.opts.Dir = "/m"
			a := advise.Choose(test.m, test.opts)
			check(t, a)
			if test.code == "" {
				if len(a.Refusals) > 0 {
					t.Fatalf("refused: %+v", a.Refusals)
				}
				return
			}
			// A lock that is missed somewhere is taken there; the refusal is for where it cannot be.
			if lacks := test.name != "let go between two steps" && slices.Contains([]string{"take-lock", "lock-spans-fields", "boundary-copy"}, test.code); lacks != (a.Strategy == advise.Guard) || lacks != (a.Otherwise != nil) {
				t.Fatalf("chosen %s, otherwise %v", a.Strategy, a.Otherwise)
			} else if lacks {
				if len(a.Refusals) > 0 {
					t.Errorf("refused: %+v", a.Refusals)
				}
				a = *a.Otherwise
				check(t, a)
			}
			if len(a.Refusals) != 1 {
				t.Fatalf("%d refusals, want 1: %+v", len(a.Refusals), a.Refusals)
			}
			r := a.Refusals[0]
			if r.Code != test.code || !strings.Contains(r.Message, test.message) || !strings.Contains(r.Remedy, test.remedy) {
				t.Errorf("got %s\n%s\n%s\nwant %s\n…%s…\n…%s…", r.Code, r.Message, r.Remedy, test.code, test.message, test.remedy)
			}
			if !slices.ContainsFunc(advise.Docs(), func(d advise.Doc) bool { return d.Code == r.Code }) {
				t.Errorf("%s is not documented", r.Code)
			}
		})
	}
}

// TestMeant: a lock that few accesses hold is the map's where one of them changes it.
func TestMeant(t *testing.T) {
	for held, want := range map[string]string{"delete@mu": advise.Guard, "read@mu": advise.SyncMap} {
		m := field("map[string]int", "T", uses("read", "write", held))
		m.Guard, m.GuardHeld, m.GuardTotal = "T.mu", 1, 3
		m.Findings = []detect.Finding{{Category: detect.Partial, Confidence: detect.High, Accesses: m.Accesses}}
		if a := advise.Choose(m, advise.Options{}); a.Strategy != want {
			t.Errorf("one of three, %s: got %s, want %s", held, a.Strategy, want)
		}
	}
}

func TestDocs(t *testing.T) {
	docs := advise.Docs()
	if !slices.IsSortedFunc(docs, func(a, b advise.Doc) int { return strings.Compare(a.Code, b.Code) }) {
		t.Error("docs are not sorted")
	}
	for _, d := range docs {
		if d.Class != "unhelpful" || d.Title == "" || d.Text == "" {
			t.Errorf("%s: incomplete: %+v", d.Code, d)
		}
	}
}
