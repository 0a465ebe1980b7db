package rewrite

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mapmigrate/mapmigrate/detect"
)

// TestFlowsMeasure prints the rate of refused map fields of a checkout:
//
//	FLOWS_MEASURE=dir go test -run TestFlowsMeasure -v ./rewrite
func TestFlowsMeasure(t *testing.T) {
	dir := os.Getenv("FLOWS_MEASURE")
	if dir == "" {
		t.Skip("FLOWS_MEASURE names no checkout")
	}
	start := time.Now()
	prog, err := detect.Load(detect.Config{Dir: dir, Tests: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("loaded in %v", time.Since(start))
	start = time.Now()
	f := newFlows(prog)
	f.of(nil)
	t.Logf("%d nodes, %d sinks, built in %v", len(f.nodes), len(f.sinks), time.Since(start))
	var ms runtime.MemStats
	runtime.ReadMemStats(&ms)
	var lines []string
	bySink := map[string]int{}
	total, refused, only := 0, 0, map[string]int{}
	unexported, unexportedRefused := 0, 0
	for _, v := range mapFields(prog) {
		total++
		at := f.at(v.Pos())
		refusals, notes := f.of([]token.Pos{v.Pos()})
		if !v.Exported() {
			unexported++
		}
		sinks := map[string]bool{}
		for _, s := range f.seen[v.Pos()] {
			if !s.sink.view.note && !s.distant {
				sinks[s.sink.name] = true
			}
		}
		if len(refusals) == 0 {
			lines = append(lines, fmt.Sprintf("ok      %s %s.%s (%d notes)", at, f.fields[v.Pos()].holder, v.Name(), len(notes)))
			continue
		}
		refused++
		if !v.Exported() {
			unexportedRefused++
		}
		if len(sinks) < len(refusals) {
			sinks["tag or conversion"] = true
		}
		for s := range sinks {
			bySink[s]++
			if len(sinks) == 1 {
				only[s]++
			}
		}
		lines = append(lines, fmt.Sprintf("refused %s %s.%s", at, f.fields[v.Pos()].holder, v.Name()))
		for _, r := range refusals {
			route := ""
			for _, step := range r.Related {
				route += " " + step.Pos.String()
			}
			lines = append(lines, "          "+r.Message+" via"+route)
		}
	}
	t.Logf("%s: %d of %d map fields refused; unexported: %d of %d; heap %d MB", prog.Module, refused, total, unexportedRefused, unexported, ms.HeapAlloc>>20)
	for _, s := range sortedKeys(bySink) {
		t.Logf("%4d (only reason %3d) %s", bySink[s], only[s], s)
	}
	for _, l := range lines {
		t.Log(l)
	}
}

// mapFields returns the struct fields of map type declared outside test files.
func mapFields(prog *detect.Program) []*types.Var {
	seen := map[token.Pos]*types.Var{}
	generated := map[*token.File]bool{}
	for _, p := range prog.Packages {
		for _, f := range p.Files {
			generated[prog.Fset.File(f.Pos())] = ast.IsGenerated(f)
		}
		if !p.FirstParty || p.Info == nil {
			continue
		}
		for _, o := range p.Info.Defs {
			v, ok := o.(*types.Var)
			if !ok || !v.IsField() || generated[prog.Fset.File(v.Pos())] || strings.HasSuffix(prog.Fset.Position(v.Pos()).Filename, "_test.go") {
				continue
			}
			if _, ok := v.Type().Underlying().(*types.Map); ok {
				seen[v.Pos()] = v
			}
		}
	}
	var out []*types.Var
	for _, v := range seen {
		out = append(out, v)
	}
	slices.SortFunc(out, func(a, b *types.Var) int { return int(a.Pos() - b.Pos()) })
	return out
}
