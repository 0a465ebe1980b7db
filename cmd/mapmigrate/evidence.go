// This file brings evidence to maps: race logs and crashes confirm them, profiles weigh them.

package main

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mapmigrate/mapmigrate/advise"
	"github.com/mapmigrate/mapmigrate/detect"
	"github.com/mapmigrate/mapmigrate/evidence"
	"github.com/mapmigrate/mapmigrate/plans"
)

// contended is the part of all lock waiting, in a mutex or block profile, from which on
// a map's guard counts as a bottleneck.
const contended = 0.05

// facts is what the files of --evidence say about the maps of a program.
type facts struct {
	notes     []plans.Evidence    // one per report and profile, in the order of the files
	confirmed map[*detect.Map]int // reports that are about the map
	waits     map[*detect.Map]float64
	hot       map[*detect.Map]float64
	logs      bool // some file was a log, so that it can say which maps to show
}

// readEvidence reads the files and confirms the findings of the maps that they prove.
// A file of "-" is standard input.
func (e *env) readEvidence(prog *detect.Program, found *detect.Result, files []string) (*facts, error) {
	fx := &facts{confirmed: map[*detect.Map]int{}, waits: map[*detect.Map]float64{}, hot: map[*detect.Map]float64{}}
	if len(files) == 0 {
		return fx, nil
	}
	targets := targetsOf(prog, found.Maps)
	for _, file := range files {
		data, err := e.readFile(file)
		if err != nil {
			return nil, fmt.Errorf("cannot read --evidence: %w", err)
		}
		name := filepath.Base(file)
		if evidence.IsProfile(data) {
			err = fx.profile(name, data, found.Maps, targets)
		} else {
			err = fx.log(name, data, found.Maps, targets)
		}
		if err != nil {
			return nil, fmt.Errorf("--evidence %s: %w", file, err)
		}
	}
	return fx, nil
}

func (e *env) readFile(file string) ([]byte, error) {
	if file == "-" {
		return io.ReadAll(e.stdin)
	}
	return os.ReadFile(file)
}

// log reads a file of race reports and crash traces.
func (fx *facts) log(name string, data []byte, maps []*detect.Map, targets []evidence.Target) error {
	reports := evidence.Parse(data)
	if len(reports) == 0 {
		return fmt.Errorf("no race report (%q), no crash (\"fatal error: concurrent map …\") and no profile in it", "WARNING: DATA RACE")
	}
	fx.logs = true
	for _, match := range evidence.Attribute(reports, targets) {
		r := match.Report
		note := plans.Evidence{File: name, Line: r.Line, Kind: string(r.Kind), Message: r.Message, Why: match.Why}
		if r.Kind == evidence.Race {
			note.Message = "data race"
		}
		for _, t := range match.Targets {
			m := maps[t]
			note.Maps = append(note.Maps, m.Name)
			if fx.confirmed[m]++; fx.confirmed[m] == 1 {
				confirmMap(m, fmt.Sprintf("%s:%d", name, r.Line), r, match.How)
			}
		}
		fx.notes = append(fx.notes, note)
	}
	return nil
}

// confirmMap raises a map's findings by what a report proves: the first loud one, or one
// made from the map's accesses, where detection had none.
func confirmMap(m *detect.Map, where string, r *evidence.Report, how evidence.How) {
	says := "a data race"
	if r.Kind == evidence.Crash {
		says = "the crash \"" + r.Message + "\""
	}
	says = fmt.Sprintf("; %s shows %s on it", where, says)
	if how == evidence.ByFunction {
		says += " (matched by function: the lines have moved since)"
	}
	for i := range m.Findings {
		if f := &m.Findings[i]; !f.Category.Quiet() && f.Category != detect.Element {
			f.Confidence, f.Doubt = detect.Confirmed, ""
			f.Message += says
			first := *f
			m.Findings = slices.Insert(slices.Delete(m.Findings, i, i+1), 0, first)
			return
		}
	}
	f := detect.Finding{
		Category: detect.Unguarded, Confidence: detect.Confirmed,
		Message: fmt.Sprintf("%s is used by goroutines without a common lock, in a way that reading the code did not show", m.Name) + says,
	}
	if m.Guard != "" {
		f.Category = detect.Partial
	}
	for i := range m.Accesses {
		if a := m.Accesses[i]; !a.Test && atReport(a.Pos, r) {
			f.Accesses = append(f.Accesses, a)
		}
	}
	m.Shared = true
	m.Findings = append([]detect.Finding{f}, m.Findings...)
}

// atReport reports whether a side of the report stands on a position's line.
func atReport(pos token.Position, r *evidence.Report) bool {
	for i := range r.Accesses {
		if f, ok := r.Accesses[i].User(); ok && f.At(evidence.Place{File: pos.Filename, Line: pos.Line}) {
			return true
		}
	}
	return false
}

// profile reads a CPU, mutex or block profile.
func (fx *facts) profile(name string, data []byte, maps []*detect.Map, targets []evidence.Target) error {
	p, err := evidence.ParseProfile(data)
	if err != nil {
		return err
	}
	note := plans.Evidence{File: name, Kind: string(p.Kind), Why: "it spends nothing on the maps of these packages"}
	for i, m := range maps {
		on, waiting := p.On(&targets[i]), p.Waiting(&targets[i])
		if p.Kind == evidence.CPU {
			fx.hot[m] = max(fx.hot[m], on)
		} else if m.Guard != "" {
			fx.waits[m] = max(fx.waits[m], waiting)
		}
		if on >= 0.01 || waiting >= 0.01 {
			note.Maps, note.Why = append(note.Maps, m.Name), ""
		}
	}
	note.Message = fmt.Sprintf("%s profile of %d samples", p.Kind, len(p.Samples))
	fx.notes = append(fx.notes, note)
	return nil
}

// weigh lets profiles speak about a map's form: a guard that goroutines wait for is
// evidence of contention, which a swap cures (if it takes the lock out of the way).
func (fx *facts) weigh(m *detect.Map, a advise.Advice) advise.Advice {
	if share := fx.hot[m]; share >= 0.01 {
		a.Reason += fmt.Sprintf("; %.0f %% of the profiled CPU time is on its lines", 100*share)
	}
	share := fx.waits[m]
	if share < contended {
		return a
	}
	if a.Otherwise != nil {
		a = *a.Otherwise // more waiting for the same lock is no cure
	}
	a.Reason += fmt.Sprintf("; contended: %.0f %% of the profiled lock waiting is in functions that use it under %s", 100*share, m.Guard)
	a.Refusals = slices.DeleteFunc(slices.Clone(a.Refusals), func(r advise.Refusal) bool {
		return r.Code == "take-lock" || r.Code == "already-guarded"
	})
	return a
}

// selects reports whether a map is to be shown, when logs say what is raced.
func (fx *facts) selects(m *detect.Map) bool {
	return !fx.logs || fx.confirmed[m] > 0 || fx.waits[m] >= contended
}

// shown reports whether profiles alone make a map worth showing: contention is no
// finding, but a reason to swap.
func (fx *facts) shown(m *detect.Map) bool { return fx.confirmed[m] > 0 || fx.waits[m] >= contended }

// printEvidence says in a line each what the files are about, and why some are not.
func printEvidence(w io.Writer, p *plans.Plan) {
	for _, n := range p.Evidence {
		at := n.File
		if n.Line > 0 {
			at = fmt.Sprintf("%s:%d", n.File, n.Line)
		}
		says := n.Why
		if len(n.Maps) > 0 {
			says = strings.Join(n.Maps, ", ")
		}
		fmt.Fprintf(w, "mapmigrate: %s: %s: %s\n", at, printable(n.Message), printable(says))
	}
}

// targetsOf describes the maps of a program for evidence, in their order: by the uses
// that detection followed (aliases and rows included), and by every place that names the
// variable. Detection leaves out what no context of the program reaches, and a log may
// well come from code that only a test or another module runs.
func targetsOf(prog *detect.Program, maps []*detect.Map) []evidence.Target {
	named := namedUses(prog)
	out := make([]evidence.Target, len(maps))
	for i, m := range maps {
		t := &out[i]
		t.Name, t.Indirect = m.Name, true
		if v := named[place(m.Pos)]; v != nil {
			t.Indirect = indirect(v.typ)
			t.Uses = append(t.Uses, v.uses...)
		}
		add := func(a *detect.Access) {
			u := use(prog, a.Pos)
			u.Func, u.Mutates, u.Assigns = a.Func, a.Op.Mutates() || a.Op == detect.Escape, a.Op == detect.Replace
			u.Ranges = a.Op == detect.Range
			t.Uses = append(t.Uses, u)
		}
		for k := range m.Accesses {
			add(&m.Accesses[k])
		}
		for _, f := range m.Findings {
			for k := range f.Accesses {
				add(&f.Accesses[k])
			}
		}
		slices.SortFunc(t.Uses, compareUses)
		t.Uses = slices.Compact(t.Uses)
	}
	return out
}

func compareUses(a, b evidence.Use) int {
	num := func(v bool) int {
		if v {
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Func, b.Func),
		num(a.Mutates)-num(b.Mutates), num(a.Assigns)-num(b.Assigns), num(a.Ranges)-num(b.Ranges))
}

// use starts a use at a position with the package it is in.
func use(prog *detect.Program, pos token.Position) evidence.Use {
	u := evidence.Use{Place: evidence.Place{File: relative(prog.Dir, pos.Filename), Line: pos.Line}}
	for _, p := range prog.Packages {
		if slices.Contains(p.GoFiles, pos.Filename) {
			u.Package, u.Main = strings.TrimSuffix(p.Path, "_test"), p.Name == "main"
			break
		}
	}
	return u
}

// A named variable of map type with the places that name it.
type namedVar struct {
	typ  types.Type
	uses []evidence.Use
}

// namedUses lists, by the position of its declaration, every variable of map type and
// where it is named. Rows and aliases are not followed.
func namedUses(prog *detect.Program) map[token.Position]*namedVar {
	vars := map[token.Position]*namedVar{}
	at := map[types.Object]*namedVar{}
	for _, p := range prog.Packages {
		if p.Info == nil || !p.FirstParty {
			continue
		}
		for id, obj := range p.Info.Defs {
			if v, ok := obj.(*types.Var); ok {
				if _, ok := v.Type().Underlying().(*types.Map); ok {
					pos := place(prog.Fset.Position(id.Pos()))
					if vars[pos] == nil { // a test variant declares it once more
						vars[pos] = &namedVar{typ: v.Type()}
					}
					at[v] = vars[pos]
				}
			}
		}
	}
	for _, p := range prog.Packages {
		if p.Info == nil || !p.FirstParty {
			continue
		}
		for _, f := range p.Files {
			for _, d := range f.Decls {
				if fd, ok := d.(*ast.FuncDecl); ok && fd.Body != nil {
					namedIn(prog, p, fd, at)
				}
			}
		}
	}
	return vars
}

// namedIn adds the uses in one function's body.
func namedIn(prog *detect.Program, p *detect.Package, fd *ast.FuncDecl, at map[types.Object]*namedVar) {
	fn := fd.Name.Name
	if fd.Recv != nil && len(fd.Recv.List) > 0 {
		t := fd.Recv.List[0].Type
		if s, ok := t.(*ast.StarExpr); ok {
			t = s.X
		}
		switch x := t.(type) {
		case *ast.IndexExpr:
			t = x.X
		case *ast.IndexListExpr:
			t = x.X
		}
		fn = types.ExprString(t) + "." + fn
	}
	changed := map[ast.Expr]bool{}  // the operand of an assignment and the like
	assigned := map[ast.Expr]bool{} // the variable itself
	target := func(e ast.Expr) {
		e = ast.Unparen(e)
		if _, ok := e.(*ast.IndexExpr); !ok {
			assigned[e] = true
		}
		for {
			changed[e] = true
			ix, ok := e.(*ast.IndexExpr)
			if !ok {
				return
			}
			e = ast.Unparen(ix.X)
		}
	}
	ast.Inspect(fd.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			for _, l := range n.Lhs {
				target(l)
			}
		case *ast.IncDecStmt:
			target(n.X)
		case *ast.CallExpr: // delete, clear, or a function that may do anything to it
			for _, arg := range n.Args {
				changed[ast.Unparen(arg)] = true
			}
		}
		var id *ast.Ident
		var whole ast.Expr
		switch n := n.(type) {
		case *ast.SelectorExpr:
			id, whole = n.Sel, n
		case *ast.Ident:
			id, whole = n, n
		default:
			return true
		}
		obj := p.Info.Uses[id]
		if v, ok := obj.(*types.Var); ok {
			obj = v.Origin()
		}
		if v := at[obj]; v != nil {
			u := use(prog, prog.Fset.Position(id.Pos()))
			u.Func, u.Mutates, u.Assigns = fn, changed[whole], assigned[whole]
			v.uses = append(v.uses, u)
		}
		return true
	})
}

func relative(dir, file string) string {
	if rel, err := filepath.Rel(dir, file); err == nil && filepath.IsLocal(rel) {
		return filepath.ToSlash(rel)
	}
	return filepath.ToSlash(file)
}

// indirect reports whether a map's elements (its rows' elements, for a nested one) are
// pointers or hold memory of their own: then a line that uses the map can race on that.
func indirect(t types.Type) bool {
	for {
		mt, ok := t.Underlying().(*types.Map)
		if !ok {
			break
		}
		t = mt.Elem()
	}
	switch t.Underlying().(type) {
	case *types.Basic, *types.Struct, *types.Array:
		return false
	}
	return true
}

// place is a position without its offset, which not everybody fills in.
func place(p token.Position) token.Position {
	p.Offset = 0
	return p
}
