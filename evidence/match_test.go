package evidence

import (
	"strings"
	"testing"
)

func TestDeclared(t *testing.T) {
	for symbol, want := range map[string]string{
		"main.add":                             "add",
		"example.com/a.b/p.(*Hub).Join":        "Hub.Join",
		"example.com/p.Hub.Join":               "Hub.Join",
		"example.com/p.(*Hub[...]).Join.func1": "Hub.Join",
		"example.com/p.(*Hub[go.shape.struct { example.com/q.A int }]).Join.func1.2": "Hub.Join",
		"example.com/p.(*Hub).Join-fm": "Hub.Join",
		"example.com/p.run.gowrap1":    "run",
		"example.com/p.run.deferwrap2": "run",
		"example.com/p.run-range1":     "run",
		"example.com/p.run[...].func3": "run",
		"gopkg.in/yaml%2ev3.Marshal":   "Marshal",
		"example.com/p.functional":     "functional",
	} {
		if got := declared(symbol); got != want {
			t.Errorf("declared(%s) = %s, want %s", symbol, got, want)
		}
	}
	if pkg, _ := splitFunc("gopkg.in/yaml%2ev3.Marshal"); pkg != "gopkg.in/yaml.v3" {
		t.Errorf("package %s", pkg)
	}
}

// report makes a race of two sides, each "func file:line" frames, innermost first.
func report(sides ...string) Report {
	r := Report{Kind: Race, Line: 1}
	for i, s := range sides {
		a := Access{Op: []string{"read", "write"}[min(i, 1)], Goroutine: i + 1}
		for f := range strings.FieldsSeq(s) {
			fn, at, _ := strings.Cut(f, "@")
			file, line, _ := strings.Cut(at, ":")
			n := 0
			for _, c := range line {
				n = 10*n + int(c-'0')
			}
			a.Frames = append(a.Frames, Frame{fn, file, n})
		}
		r.Accesses = append(r.Accesses, a)
	}
	return r
}

// TestAttribute: rules that the real logs of the command's tests do not single out.
func TestAttribute(t *testing.T) {
	const read, write = "runtime.mapaccess1@/go/map.go:1", "runtime.mapassign@/go/map.go:2"
	use := func(line int, fn string, mutates bool) Use {
		return Use{Place: Place{"p/p.go", line}, Package: "example.com/p", Func: fn, Mutates: mutates}
	}
	targets := []Target{
		{Name: "a", Uses: []Use{use(10, "get", false), use(20, "put", true)}},
		{Name: "b", Indirect: true, Uses: []Use{use(20, "put", false), use(30, "T.bump", true), use(31, "T.bump", true)}},
	}
	tests := []struct {
		name    string
		reports []Report
		want    string // names, or the beginning of why
		how     How
	}{
		{"lines", []Report{report(read+" example.com/p.get@/x/p/p.go:10", write+" example.com/p.put@/x/p/p.go:20")}, "a", ByLine},
		{"a lost stack", []Report{report(read+" example.com/p.get@/x/p/p.go:10", "")}, "a", ByLine},
		{"both lost", []Report{report("", "")}, "no stack of it could be restored", ""},
		{"another package's p.go", []Report{report(read+" example.com/q.get@/x/p/p.go:10", write+" example.com/q.put@/x/p/p.go:20")}, "the code is not of these packages", ""},
		{"through an alias", []Report{report(read+" example.com/p.other@/x/p/p.go:99", write+" example.com/p.put@/x/p/p.go:20")}, "a", ByLine},
		{"slot of b, nothing else", []Report{report("example.com/p.(*T).bump@/x/p/p.go:30", "example.com/p.(*T).bump@/x/p/p.go:31")}, "the memory is not the map's own", ""},
		{"moved", []Report{report(read+" example.com/p.get@/x/p/p.go:11", write+" example.com/p.put@/x/p/p.go:21")}, "a", ByFunction},
		{"moved, not a map", []Report{report("example.com/p.get@/x/p/p.go:11", "example.com/p.put@/x/p/p.go:21")}, "the memory is not a map's", ""},
		{"windows", []Report{report(read+` example.com/p.get@C\x\p\p.go:10`, write+` example.com/p.put@C\x\p\p.go:20`)}, "a", ByLine},
	}
	for _, tt := range tests {
		m := Attribute(tt.reports, targets)[len(tt.reports)-1]
		got := m.Why
		if len(m.Targets) > 0 {
			got = names(targets, m.Targets)
		}
		if !strings.HasPrefix(got, tt.want) || got == "" || m.How != tt.how {
			t.Errorf("%s: %q by %q, want %q by %q", tt.name, got, m.How, tt.want, tt.how)
		}
	}
	// A slot report counts once another report has shown the map itself.
	both := []Report{report(read+" example.com/p.(*T).bump@/x/p/p.go:30", write+" example.com/p.(*T).bump@/x/p/p.go:31"), tests[5].reports[0]}
	if m := Attribute(both, targets)[1]; len(m.Targets) != 1 || m.Targets[0] != 1 {
		t.Errorf("after the map's own report: %v %s", m.Targets, m.Why)
	}
}
