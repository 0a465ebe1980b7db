package racetest

import (
	"context"
	"fmt"
	"go/ast"
	"go/types"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/mapmigrate/mapmigrate/detect"
)

// twoSteps are what a careless migration would write for each compound operation: a read,
// and then a write that takes no notice of what happened in between.
const twoSteps = `

type mutMap[K comparable, V any] interface {
	Load(K) (V, bool)
	Store(K, V)
	Delete(K)
}

func mutUpdate[K comparable, V any](m mutMap[K, V], k K, f func(V) V) V {
	v, _ := m.Load(k)
	v = f(v)
	m.Store(k, v)
	return v
}

func mutLoadOrStore[K comparable, V any](m mutMap[K, V], k K, v V) (V, bool) {
	if old, ok := m.Load(k); ok {
		return old, true
	}
	m.Store(k, v)
	return v, false
}

func mutLoadOrCompute[K comparable, V any](m mutMap[K, V], k K, f func() V) (V, bool) {
	if old, ok := m.Load(k); ok {
		return old, true
	}
	v := f()
	m.Store(k, v)
	return v, false
}

func mutLoadAndDelete[K comparable, V any](m mutMap[K, V], k K) (V, bool) {
	v, ok := m.Load(k)
	m.Delete(k)
	return v, ok
}

type mutNested[A, B comparable, V any] interface {
	Load(A, B) (V, bool)
	Store(A, B, V)
	Delete(A, B)
	RowLen(A) int
	DeleteRow(A)
	StoreRow(A, map[B]V)
	RowSnapshot(A) map[B]V
}

func mutUpdate2[A, B comparable, V any](m mutNested[A, B, V], a A, b B, f func(V) V) V {
	v, _ := m.Load(a, b)
	v = f(v)
	m.Store(a, b, v)
	return v
}

func mutEnsureRow1[A, B comparable, V any](m mutNested[A, B, V], a A) bool {
	if m.RowSnapshot(a) != nil {
		return false
	}
	m.StoreRow(a, map[B]V{})
	return true
}

func mutDeleteRowIfEmpty1[A, B comparable, V any](m mutNested[A, B, V], a A) bool {
	if m.RowLen(a) > 0 {
		return false
	}
	m.DeleteRow(a)
	return true
}
`

// mutations maps a method of the runtime's and its number of arguments to a helper.
var mutations = map[string]string{
	"Update/2": "mutUpdate", "LoadOrStore/2": "mutLoadOrStore", "LoadOrCompute/2": "mutLoadOrCompute", "LoadAndDelete/1": "mutLoadAndDelete",
	"Update/3": "mutUpdate2", "UpdateExisting/3": "mutUpdate2", "EnsureRow/1": "mutEnsureRow1", "DeleteRowIfEmpty/1": "mutDeleteRowIfEmpty1",
}

// mutate replaces the compound operations of migrated code by two-step versions, and
// returns the files with the functions ("steps.Hits.Hit") in which it did so.
func (c *corpus) mutate(t *testing.T, pkgPath string) (map[string][]byte, map[string]bool) {
	t.Helper()
	migrated, err := c.prog.Overlay(c.after)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{}
	for name, data := range c.after {
		out[name] = data
	}
	mutated := map[string]bool{}
	type edit struct {
		at, end int
		text    string
	}
	for _, p := range migrated.Packages {
		if p.Path != pkgPath || p.ForTest != "" || strings.HasSuffix(p.ID, ".test") {
			continue
		}
		for _, f := range p.Files {
			name := migrated.Fset.Position(f.Package).Filename
			src := string(c.after[name])
			if src == "" || strings.HasSuffix(name, "_test.go") {
				continue
			}
			var edits []edit
			offset := func(n ast.Node, end bool) int {
				if end {
					return migrated.Fset.Position(n.End()).Offset
				}
				return migrated.Fset.Position(n.Pos()).Offset
			}
			for _, d := range f.Decls {
				fd, ok := d.(*ast.FuncDecl)
				if !ok {
					continue
				}
				ast.Inspect(fd, func(n ast.Node) bool {
					call, ok := n.(*ast.CallExpr)
					if !ok {
						return true
					}
					sel, ok := call.Fun.(*ast.SelectorExpr)
					if !ok {
						return true
					}
					helper := mutations[fmt.Sprintf("%s/%d", sel.Sel.Name, len(call.Args))]
					xt := p.Info.TypeOf(sel.X)
					if helper == "" || xt == nil || !strings.Contains(types.TypeString(xt, nil), "safemap.") {
						return true
					}
					addr := "&"
					if _, ok := xt.(*types.Pointer); ok {
						addr = ""
					}
					x := src[offset(sel.X, false):offset(sel.X, true)]
					edits = append(edits, edit{offset(call, false), offset(call.Args[0], false), helper + "(" + addr + x + ", "})
					mutated[filepath.Base(name)+" "+fd.Name.Name] = true
					return true
				})
			}
			sort.Slice(edits, func(i, j int) bool { return edits[i].at > edits[j].at })
			for _, e := range edits {
				src = src[:e.at] + e.text + src[e.end:]
			}
			out[name] = []byte(src)
			out[filepath.Join(filepath.Dir(name), "zz_mutants.go")] = []byte("package " + p.Name + twoSteps)
		}
	}
	return out, mutated
}

// TestMutants: tests of atomicity pass on migrated code, and fail when its compound
// operations are replaced by two steps, in at least 19 of 20 sites (as a share of the
// 25 there are) and in every run.
func TestMutants(t *testing.T) {
	if testing.Short() {
		t.Skip("builds test binaries")
	}
	runs := 2
	if *every {
		runs = 10
	}
	c := readCorpus(t, "racy/steps")
	var maps []*detect.Map
	for _, m := range c.maps {
		if loud(m) {
			maps = append(maps, m)
		}
	}
	c.migrate(t, maps)
	var tests []*Test
	for _, m := range maps {
		if rt := c.steps[m]; rt != nil {
			tests = append(tests, rt)
		} else {
			t.Errorf("%s has no test of atomicity", m.Name)
		}
	}
	if len(tests) < 20 {
		t.Fatalf("only %d sites", len(tests))
	}
	run := func(overlay map[string][]byte, count int) []Outcome {
		twin, err := Twin(Overlay(c.prog.Dir, overlay, tests), c.runtim)
		if err != nil {
			t.Fatal(err)
		}
		outs, err := Run(context.Background(), c.prog.Dir, twin, tests, RunOptions{Plain: true, Count: count})
		if err != nil {
			t.Fatal(err)
		}
		return outs
	}
	for _, o := range run(c.after, runs) {
		if o.Result != Passed {
			t.Errorf("%s on migrated code: %s: %s\n%s\n%s", o.Test.Name, o.Result, o.Detail, o.Test.Source, o.Output)
		}
	}
	mutants, where := c.mutate(t, "example.com/corpus/racy/steps")
	if len(where) < 20 {
		t.Fatalf("only %d functions mutated: %v", len(where), where)
	}
	killed := 0
	for _, o := range run(mutants, runs) {
		if o.Result == Failed && o.Failed == o.Runs {
			killed++
			t.Logf("%-32s %d/%d %.150s", o.Test.Name, o.Failed, o.Runs, o.Detail)
		} else {
			t.Logf("%s survives: %s %d/%d %s\n%s\n%s", o.Test.Name, o.Result, o.Failed, o.Runs, o.Detail, o.Test.Source, o.Output)
		}
	}
	t.Logf("%d of %d mutants fail in every one of %d runs", killed, len(tests), runs)
	if killed*20 < 19*len(tests) {
		t.Error("fewer than 19 of 20")
	}
}
