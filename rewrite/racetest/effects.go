// This file decides what a test may call: the static reach of a function, and what it touches.

package racetest

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mapmigrate/mapmigrate/detect"
	"golang.org/x/tools/go/types/typeutil"
)

// An index answers questions about the first-party code of a program. Test
// variants are left out: their objects are second copies of the same declarations.
type index struct {
	prog      *detect.Program
	pkgs      []*detect.Package
	byPath    map[string]*detect.Package
	byTypes   map[*types.Package]*detect.Package
	files     map[string]*detect.Package // absolute file name
	syntax    map[string]*ast.File
	funcs     map[*types.Func]*fn
	varInit   map[*types.Var]initializer
	named     []*types.Named // declared at package level, in order
	hazards   map[*fn]*hazard
	callerOf  map[*types.Func][]*fn // who mentions a function; filled on first use
	reached   map[*fn]*reach        // of one function; they share much, and cost a walk each
	locks     map[*fn][]string      // see lockNames
	early     map[*types.Var]bool   // see setEarly
	mentioned map[ast.Node][]mention
	methods   map[*types.Named]map[string]*fn

	libs *libraries // lazily

	depsOnce sync.Once
	deps     map[string][]string // imports of every dependency; filled on first use
}

// A fn is a first-party function with a body.
type fn struct {
	obj  *types.Func
	decl *ast.FuncDecl
	pkg  *detect.Package
}

type initializer struct {
	expr ast.Expr
	pkg  *detect.Package
}

func newIndex(prog *detect.Program) *index {
	x := &index{
		prog: prog, byPath: map[string]*detect.Package{}, byTypes: map[*types.Package]*detect.Package{},
		files: map[string]*detect.Package{}, syntax: map[string]*ast.File{},
		funcs: map[*types.Func]*fn{}, varInit: map[*types.Var]initializer{}, hazards: map[*fn]*hazard{},
		reached: map[*fn]*reach{}, methods: map[*types.Named]map[string]*fn{},
	}
	for _, p := range prog.Packages {
		if !p.FirstParty || p.ForTest != "" || p.XTest || strings.HasSuffix(p.ID, ".test") || len(p.Errors) > 0 || p.Types == nil {
			continue
		}
		x.pkgs = append(x.pkgs, p)
		x.byPath[p.Path], x.byTypes[p.Types] = p, p
		for _, f := range p.Files {
			name := prog.Fset.Position(f.Package).Filename
			x.files[name], x.syntax[name] = p, f
			for _, d := range f.Decls {
				switch d := d.(type) {
				case *ast.FuncDecl:
					if obj, ok := p.Info.Defs[d.Name].(*types.Func); ok && d.Body != nil {
						x.funcs[obj] = &fn{obj, d, p}
					}
				case *ast.GenDecl:
					for _, s := range d.Specs {
						vs, ok := s.(*ast.ValueSpec)
						if !ok || d.Tok != token.VAR || len(vs.Values) != len(vs.Names) {
							continue
						}
						for i, n := range vs.Names {
							if v, ok := p.Info.Defs[n].(*types.Var); ok {
								x.varInit[v] = initializer{vs.Values[i], p}
							}
						}
					}
				}
			}
		}
		scope := p.Types.Scope()
		for _, name := range scope.Names() {
			if tn, ok := scope.Lookup(name).(*types.TypeName); ok && !tn.IsAlias() {
				if x.files[prog.Fset.Position(tn.Pos()).Filename] == nil {
					continue // declared by a test: the scope is that of the test variant, too
				}
				if n, ok := tn.Type().(*types.Named); ok {
					x.named = append(x.named, n)
				}
			}
		}
	}
	return x
}

// pos renders a position relative to the module.
func (x *index) pos(p token.Pos) string { return x.rel(x.prog.Fset.Position(p)) }

func (x *index) rel(p token.Position) string {
	return fmt.Sprintf("%s:%d", relFile(x.prog.Dir, p.Filename), p.Line)
}

func relFile(dir, file string) string {
	if rel, err := filepath.Rel(dir, file); err == nil && filepath.IsLocal(rel) {
		return filepath.ToSlash(rel)
	}
	return filepath.Base(file)
}

// A reach is what calling some functions can lead to, as far as syntax and types
// show: every first-party function that reached code calls or mentions, and, for
// a call through an interface, the methods of first-party types that reached
// code makes.
type reach struct {
	x        *index
	unsafe   string // the first effect that a test must not have, as a sentence; "" when there is none
	funcs    map[*fn]bool
	fields   map[*types.Var]bool // selected by reached code, origins
	globals  map[*types.Var]bool // package variables used
	lasting  bool                // starts goroutines that need not end with the call
	forever  bool                // may itself not return until something stops it
	blocks   bool                // sleeps or waits for a channel or another goroutine
	holds    bool                // blocks (sleeps, waits for a channel) in a function that also locks
	waits    []time.Duration     // constants given to tickers, timers and Sleep
	live     map[*types.Named]bool
	made     []*types.Named // live, in the order met: what is found first must not depend on map order
	pending  []*types.Func  // interface methods called
	paired   [2]int         // how many of made and pending have been brought together
	work     []*fn
	prepared map[*types.Func]bool
	kept     map[*types.Var][]keep // by the field that nothing has looked at yet

	shut   map[*types.Var]bool   // fields that are zero unless reached code sets them, see shut.go
	doors  map[*types.Var][]door // what runs only where a field is set
	isSet  map[*types.Var]bool   // by reached code
	filled map[*types.Named]bool
	blind  bool
}

func (x *index) newReach() *reach {
	return &reach{
		x: x, funcs: map[*fn]bool{}, fields: map[*types.Var]bool{}, globals: map[*types.Var]bool{},
		live: map[*types.Named]bool{}, prepared: map[*types.Func]bool{}, kept: map[*types.Var][]keep{},
		doors: map[*types.Var][]door{}, isSet: map[*types.Var]bool{}, filled: map[*types.Named]bool{},
	}
}

// of returns the reach of the given functions.
func (x *index) reach(roots ...*fn) *reach {
	if len(roots) == 1 {
		if r := x.reached[roots[0]]; r != nil {
			return r
		}
	}
	r := x.reachShut(nil, roots...)
	if len(roots) == 1 {
		x.reached[roots[0]] = r
	}
	return r
}

// reachShut is reach where some fields are zero unless reached code sets them (shut.go).
func (x *index) reachShut(shut map[*types.Var]bool, roots ...*fn) *reach {
	r := x.newReach()
	r.shut = shut
	for _, f := range roots {
		if f != nil {
			r.add(f)
		}
	}
	r.run()
	for _, f := range roots {
		if f == nil {
			continue
		}
		h := x.hazard(f)
		r.forever = r.forever || h.forever
	}
	for f := range r.funcs {
		h := x.hazard(f)
		r.lasting = r.lasting || h.lasting
		r.blocks = r.blocks || h.blocks
		r.holds = r.holds || h.locks && h.blocks
		r.waits = append(r.waits, h.waits...)
	}
	slices.Sort(r.waits)
	return r
}

func (r *reach) add(f *fn) {
	if !r.funcs[f] {
		r.funcs[f] = true
		r.work = append(r.work, f)
	}
}

func (r *reach) run() {
	for {
		for len(r.work) > 0 {
			f := r.work[len(r.work)-1]
			r.work = r.work[:len(r.work)-1]
			r.walk(f.decl, f.pkg, f.obj.FullName())
		}
		// Interface calls: methods of the types that reached code makes, each pair once.
		made, pending := r.paired[0], r.paired[1]
		r.paired = [2]int{len(r.made), len(r.pending)}
		for i, m := range r.pending {
			news := r.made
			if i < pending {
				news = r.made[made:]
			}
			for _, n := range news {
				if f := r.x.method(n, m.Name()); f != nil {
					r.add(f)
				} else if p := r.x.library().promoted(n, m.Name()); p != nil {
					r.call(p.Pos(), p, n.Obj().Name())
				}
			}
		}
		if len(r.work) == 0 {
			return
		}
	}
}

// method returns the first-party method of *n by its name, promoted ones included.
func (x *index) method(n *types.Named, name string) *fn {
	set, ok := x.methods[n]
	if !ok {
		set = map[string]*fn{}
		ms := types.NewMethodSet(types.NewPointer(n))
		for i := range ms.Len() {
			if f := x.fn(ms.At(i).Obj()); f != nil {
				set[f.obj.Name()] = f
			}
		}
		x.methods[n] = set
	}
	return set[name]
}

func (x *index) fn(obj types.Object) *fn {
	if f, ok := obj.(*types.Func); ok {
		return x.funcs[f.Origin()]
	}
	return nil
}

func (r *reach) deny(pos token.Pos, in, what string) {
	if r.unsafe == "" {
		r.unsafe = fmt.Sprintf("%s %s (%s)", in, what, r.x.pos(pos))
	}
}

// A mention is something in a body that matters to a reach: one of its fields is set, but
// for keptIn, which says more about a function.
type mention struct {
	pos    token.Pos
	field  *types.Var   // selected
	typ    types.Type   // made
	fn     *types.Func  // called or used as a value
	lit    *ast.FuncLit // kept in a field
	global *types.Var
	denied string
	// keptIn is the field of a first-party struct that the function is put into. It runs when the field is looked at, if ever: a logger that a
	// function makes, and that could exit, does not exit.
	keptIn *types.Var

	// What shut.go needs: code that runs only where a field is set, fields that are set, and a
	// struct that something foreign may fill.
	needs *types.Var
	body  ast.Node
	sets  *types.Var
	fills *types.Named
	blind bool // something foreign may fill a struct of a type that is not known here
}

// mentions lists what a body (or initializer) mentions, each thing once, in its order.
// Many roots reach the same bodies: each is looked at once.
func (x *index) mentions(root ast.Node, p *detect.Package) []mention {
	if list, ok := x.mentioned[root]; ok {
		return list
	}
	var list []mention
	seen := map[any]bool{}
	note := func(key any, m mention) {
		if !seen[key] {
			seen[key] = true
			list = append(list, m)
		}
	}
	makes := func(e ast.Expr) {
		if t := p.Info.TypeOf(e); t != nil {
			note(t, mention{typ: t})
		}
	}
	keeps := map[ast.Node]bool{} // fields that are assigned a function, and the functions
	var visit func(n ast.Node) bool
	visit = func(n ast.Node) bool {
		if x.guarded(n, p, note, visit) {
			return false
		}
		x.settings(n, p, note)
		switch n := n.(type) {
		case *ast.AssignStmt:
			for i := 0; i < len(n.Lhs) && len(n.Lhs) == len(n.Rhs); i++ {
				field, ok := ast.Unparen(n.Lhs[i]).(*ast.SelectorExpr)
				if !ok {
					continue
				}
				if m := x.kept(field.Sel, n.Rhs[i], p); m.keptIn != nil {
					keeps[field], keeps[n.Rhs[i]] = true, true
					note(n.Rhs[i], m)
				}
			}
		case *ast.FuncLit:
			if keeps[n] {
				return false
			}
		case *ast.SelectorExpr:
			if keeps[n] {
				ast.Inspect(n.X, visit)
				return false
			}
			if sel := p.Info.Selections[n]; sel != nil {
				for _, v := range through(sel) {
					note(v, mention{field: v})
				}
			}
		case *ast.KeyValueExpr:
			key, ok := n.Key.(*ast.Ident)
			if !ok {
				break
			}
			m := x.kept(key, n.Value, p)
			if m.keptIn == nil {
				break
			}
			note(n, m)
			return false
		case *ast.CompositeLit:
			makes(n)
		case *ast.ValueSpec:
			if n.Type != nil {
				makes(n.Type)
			}
		case *ast.CallExpr:
			if tv, ok := p.Info.Types[n.Fun]; ok && (tv.IsType() || tv.IsBuiltin()) && len(n.Args) > 0 {
				makes(n) // a conversion or new(T)
			}
			if asksOnly(n, p) {
				return false
			}
		case *ast.Ident:
			if keeps[n] {
				return false
			}
			switch obj := p.Info.Uses[n].(type) {
			case *types.Func:
				note(obj.Origin(), mention{pos: n.Pos(), fn: obj})
			case *types.Var:
				if obj.Pkg() != nil && obj.Parent() == obj.Pkg().Scope() {
					note(obj, mention{global: obj})
				}
			case *types.PkgName:
				if obj.Imported().Path() == "C" {
					note("C", mention{pos: n.Pos(), denied: "uses cgo"})
				}
			case *types.TypeName:
				if obj == types.Unsafe.Scope().Lookup("Pointer") {
					note("Pointer", mention{pos: n.Pos(), denied: "uses unsafe.Pointer"})
				}
			case *types.Builtin: // unsafe.String, Slice and the like only look; Add computes addresses
				if obj.Pkg() == types.Unsafe && obj.Name() == "Add" {
					note("Add", mention{pos: n.Pos(), denied: "uses unsafe.Add"})
				}
			}
		}
		return true
	}
	ast.Inspect(root, visit)
	if x.mentioned == nil {
		x.mentioned = map[ast.Node][]mention{}
	}
	x.mentioned[root] = list
	return list
}

// through lists the fields that a selection selects: those that its method or field is
// promoted from, and the field.
func through(sel *types.Selection) []*types.Var {
	var out []*types.Var
	t := sel.Recv()
	steps := sel.Index()
	if sel.Kind() != types.FieldVal {
		steps = steps[:len(steps)-1]
	}
	for _, i := range steps {
		if p, ok := t.Underlying().(*types.Pointer); ok {
			t = p.Elem()
		}
		st, ok := t.Underlying().(*types.Struct)
		if !ok {
			return out
		}
		f := st.Field(i)
		out, t = append(out, f.Origin()), f.Type()
	}
	return out
}

// asksOnly reports whether a call of a function that can change the process only asks:
// runtime.GOMAXPROCS(0), debug.SetMemoryLimit(-1).
func asksOnly(call *ast.CallExpr, p *detect.Package) bool {
	f, ok := typeutil.Callee(p.Info, call).(*types.Func)
	if !ok || len(call.Args) != 1 {
		return false
	}
	n := p.Info.Types[call.Args[0]].Value
	switch f.FullName() {
	case "runtime.GOMAXPROCS":
		return n != nil && constant.Sign(n) <= 0
	case "runtime/debug.SetMemoryLimit":
		return n != nil && constant.Sign(n) < 0
	}
	return false
}

// kept returns the mention of a function that is put into the field named key, if that is
// what value is.
func (x *index) kept(key *ast.Ident, value ast.Expr, p *detect.Package) mention {
	field, ok := p.Info.Uses[key].(*types.Var)
	if !ok || !field.IsField() || x.byTypes[field.Pkg()] == nil {
		return mention{}
	}
	m := mention{pos: value.Pos(), keptIn: field.Origin()}
	switch v := ast.Unparen(value).(type) {
	case *ast.FuncLit:
		m.lit = v
	case *ast.Ident:
		m.fn, _ = p.Info.Uses[v].(*types.Func)
	case *ast.SelectorExpr:
		if _, ok := ast.Unparen(v.X).(*ast.Ident); ok { // else what is left of it matters, too
			m.fn, _ = p.Info.Uses[v.Sel].(*types.Func)
		}
	}
	if m.lit == nil && m.fn == nil {
		return mention{}
	}
	return m
}

// A keep is a function that waits for its field to be looked at.
type keep struct {
	m  mention
	p  *detect.Package
	in string
}

// walk looks at one body (or initializer).
func (r *reach) walk(root ast.Node, p *detect.Package, in string) {
	in = shortName(in)
	for _, m := range r.x.mentions(root, p) {
		if m.keptIn != nil {
			r.set(m.keptIn)
		}
		switch {
		case m.needs != nil:
			r.behind(m, p, in)
		case m.sets != nil:
			r.set(m.sets)
		case m.fills != nil:
			r.fill(m.fills)
		case m.blind:
			r.blind = true
		case m.keptIn != nil && !r.fields[m.keptIn]:
			r.kept[m.keptIn] = append(r.kept[m.keptIn], keep{m, p, in})
		case m.lit != nil:
			r.walk(m.lit.Body, p, in)
		case m.field != nil:
			r.look(m.field)
		case m.typ != nil:
			r.makes(m.typ, p)
		case m.fn != nil:
			r.call(m.pos, m.fn, in)
		case m.global != nil:
			if r.globals[m.global] {
				continue
			}
			r.globals[m.global] = true
			in := r.x.varInit[m.global]
			if in.expr == nil {
				in = r.x.library().vars[m.global.Pkg().Path()+"."+m.global.Name()]
			}
			if in.expr != nil {
				r.walk(in.expr, in.pkg, m.global.Pkg().Name()+"."+m.global.Name())
			}
		default:
			r.deny(m.pos, in, m.denied)
		}
	}
}

// look notes that a field is selected: what it was given may run.
func (r *reach) look(field *types.Var) {
	r.fields[field] = true
	kept := r.kept[field]
	delete(r.kept, field)
	for _, k := range kept {
		if k.m.lit != nil {
			r.walk(k.m.lit.Body, k.p, k.in)
		} else {
			r.call(k.m.pos, k.m.fn, k.in)
		}
	}
}

// makes notes that code of p makes values of type t: calls through interfaces may be of its methods.
func (r *reach) makes(t types.Type, p *detect.Package) {
	if t == nil {
		return
	}
	if p, ok := t.Underlying().(*types.Pointer); ok {
		t = p.Elem()
	}
	n, ok := types.Unalias(t).(*types.Named)
	if !ok || n.Obj().Pkg() == nil {
		return
	}
	n = r.x.library().own(r.x, n, p)
	if r.x.byTypes[n.Obj().Pkg()] != nil || r.x.library().types[n.Obj().Pkg()] != nil {
		if !r.live[n.Origin()] {
			r.live[n.Origin()] = true
			r.made = append(r.made, n.Origin())
		}
	}
}

func (r *reach) call(pos token.Pos, obj *types.Func, in string) {
	obj = obj.Origin()
	if r.prepared[obj] {
		return
	}
	r.prepared[obj] = true
	if recv := obj.Signature().Recv(); recv != nil && types.IsInterface(recv.Type()) {
		r.pending = append(r.pending, obj)
		return
	}
	if f := r.x.funcs[obj]; f != nil {
		r.add(f)
		return
	}
	if obj.Pkg() != nil && (r.x.byTypes[obj.Pkg()] != nil || r.x.library().types[obj.Pkg()] != nil) {
		r.deny(pos, in, "calls "+shortName(obj.FullName())+", which has no Go body")
		return
	}
	why := effectOf(obj)
	if why == effOutside {
		if r.x.calmLibrary(obj.Pkg().Path()) {
			return
		}
		if f := r.x.library().fn(r.x, obj); f != nil {
			r.add(f)
			return
		}
	}
	if why != "" {
		r.deny(pos, in, "calls "+shortName(obj.FullName())+", "+why)
	}
}

func (x *index) library() *libraries {
	if x.libs == nil {
		x.libs = newLibraries(x.prog)
	}
	return x.libs
}

// shortName cuts import paths down to package names: (*example.com/p.T).M → (*p.T).M.
func shortName(full string) string {
	slash := strings.LastIndex(full, "/")
	if slash < 0 {
		return full
	}
	star := ""
	for _, prefix := range []string{"(*", "("} {
		if strings.HasPrefix(full, prefix) {
			star = prefix
			break
		}
	}
	return star + full[slash+1:]
}

// A hazard is what one function does itself, or through what it calls directly.
type hazard struct {
	forever bool            // loops until something stops it
	drains  bool            // loops over a channel parameter: until its caller closes that
	lasting bool            // starts a goroutine that loops until something stops it
	locks   bool            // takes a lock
	blocks  bool            // sleeps or waits for a channel or another goroutine
	waits   []time.Duration // constants given to tickers, timers and Sleep
}

func (x *index) hazard(f *fn) *hazard {
	if h := x.hazards[f]; h != nil {
		return h // of a recursive call: what is known so far
	}
	h := &hazard{}
	x.hazards[f] = h
	params := map[types.Object]bool{}
	for v := range f.obj.Signature().Params().Variables() {
		params[v] = true
	}
	x.hazardOf(h, f.decl.Body, f.pkg, params)
	return h
}

func (x *index) hazardOf(h *hazard, body ast.Node, p *detect.Package, params map[types.Object]bool) {
	inSelect := map[ast.Node]bool{} // communications of a select with a default
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			started := &hazard{}
			if lit, ok := ast.Unparen(n.Call.Fun).(*ast.FuncLit); ok {
				x.hazardOf(started, lit.Body, p, nil)
			} else if g := x.fn(typeutil.Callee(p.Info, n.Call)); g != nil {
				*started = *x.hazard(g)
			}
			h.lasting = h.lasting || started.forever || started.drains || started.lasting
			h.waits = append(h.waits, started.waits...)
			return false
		case *ast.FuncLit:
			inner := &hazard{}
			x.hazardOf(inner, n.Body, p, nil)
			// Not known when it runs: a loop inside may be a goroutine's.
			h.lasting = h.lasting || inner.forever || inner.lasting
			h.waits = append(h.waits, inner.waits...)
			h.locks, h.blocks = h.locks || inner.locks, h.blocks || inner.blocks
			return false
		case *ast.ForStmt:
			if n.Cond == nil && (n.Init == nil || n.Post == nil) && !leaves(n.Body) {
				h.forever = true
			}
		case *ast.RangeStmt:
			if t := p.Info.TypeOf(n.X); t != nil {
				if _, ok := t.Underlying().(*types.Chan); ok {
					h.blocks = true
					if id, ok := ast.Unparen(n.X).(*ast.Ident); ok && params[p.Info.Uses[id]] {
						h.drains = true
					} else {
						h.forever = true
					}
				}
			}
		case *ast.SelectStmt:
			def := false
			for _, c := range n.Body.List {
				def = def || c.(*ast.CommClause).Comm == nil
			}
			h.blocks = h.blocks || !def
			for _, c := range n.Body.List {
				if comm := c.(*ast.CommClause).Comm; comm != nil {
					ast.Inspect(comm, func(c ast.Node) bool {
						if c != nil {
							inSelect[c] = true
						}
						return true
					})
				}
			}
		case *ast.SendStmt:
			h.blocks = h.blocks || !inSelect[n]
		case *ast.UnaryExpr:
			if n.Op == token.ARROW {
				h.blocks = h.blocks || !inSelect[n]
			}
		case *ast.CallExpr:
			callee, _ := typeutil.Callee(p.Info, n).(*types.Func)
			if callee == nil {
				return true
			}
			switch callee.Name() {
			case "Lock", "RLock":
				h.locks = true
			}
			switch callee.FullName() {
			case "time.Sleep", "(*sync.WaitGroup).Wait", "(*sync.Cond).Wait", "(*golang.org/x/sync/errgroup.Group).Wait":
				h.blocks = true
			}
			if callee.Pkg() != nil && callee.Pkg().Path() == "time" {
				for _, a := range n.Args {
					if tv := p.Info.Types[a]; tv.Value != nil && tv.Value.Kind() == constant.Int {
						if d, ok := constant.Int64Val(tv.Value); ok && d > 0 && types.TypeString(tv.Type, nil) == "time.Duration" {
							h.waits = append(h.waits, time.Duration(d))
						}
					}
				}
			}
			if g := x.fn(callee); g != nil {
				inner := x.hazard(g)
				h.forever = h.forever || inner.forever || inner.drains
				h.lasting = h.lasting || inner.lasting
				h.blocks = h.blocks || inner.blocks
			}
		}
		return true
	})
}

// leaves reports whether a loop's body has a way out that does not wait for
// anything: a break or return outside any select.
func leaves(body *ast.BlockStmt) bool {
	found := false
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit, *ast.SelectStmt:
			return false
		case *ast.ReturnStmt:
			found = true
		case *ast.BranchStmt:
			found = found || n.Tok == token.BREAK || n.Tok == token.GOTO
		}
		return !found
	})
	return found
}

// A verdict about functions outside the module: safe unless denied, or denied
// unless safe.
type verdict struct {
	why  string   // the effect, for packages whose functions have one
	but  []string // names (or "Type.Method", with a trailing * for a prefix) that are the exception
	deny bool     // the default of the package
}

const (
	effFiles   = "which reaches the file system"
	effNet     = "which reaches the network"
	effProcess = "which acts on the process"
	effOutside = "whose body is not part of the module"
)

// effects is the safety table for the standard library (doc.go explains it).
// Packages that it does not name are denied.
var effects = map[string]verdict{
	"os": {deny: true, why: effFiles, but: []string{"Getenv", "LookupEnv", "Environ", "ExpandEnv", "Expand", "Getpid", "Getppid",
		"Hostname", "IsExist", "IsNotExist", "IsPermission", "IsTimeout", "PathError.*",
		// What reached code does not open is nil, or a standard stream.
		"File.Close", "File.Name", "File.Sync", "File.Stat", "File.Seek", "File.Read", "File.ReadAt", "File.Write", "File.WriteAt", "File.WriteString",
		"SyscallError.*", "IsPathSeparator", "TempDir", "Getpagesize", "Getuid", "Getgid"}},
	"net": {deny: true, why: effNet, but: []string{"ParseIP", "ParseCIDR", "ParseMAC", "JoinHostPort", "SplitHostPort", "IPv4", "IPv4Mask", "CIDRMask",
		"IP.*", "IPNet.*", "IPMask.*", "HardwareAddr.*", "OpError.*", "TCPAddr.*", "UDPAddr.*", "IPAddr.*", "Pipe", "Buffers.*", "AddrError.*", "DNSError.*"}},
	"net/http": {why: effNet, but: []string{"Get", "Head", "Post", "PostForm", "ListenAndServe*", "Serve", "ServeTLS", "Client.Do", "Client.Get", "Client.Head", "Client.Post*", "Server.ListenAndServe*", "Server.Serve*",
		"Transport.RoundTrip", "Transport.DialTLS", "ServeFile*", "FileServer*", "NewFileTransport*", "Dir.*"}},
	"net/http/httptest": {why: effNet, but: []string{"NewServer", "NewTLSServer", "NewUnstartedServer", "Server.*"}},
	"net/textproto":     {why: effNet, but: []string{"Dial"}},
	"crypto/tls":        {why: effNet, but: []string{"Dial*", "Listen", "Dialer.*", "LoadX509KeyPair"}},
	"log":               {why: effProcess, but: []string{"Fatal*", "Logger.Fatal*"}},
	"fmt":               {why: effProcess, but: []string{"Scan*"}},
	"runtime":           {why: effProcess, but: []string{"Goexit", "Breakpoint", "GOMAXPROCS", "LockOSThread"}},
	"runtime/debug":     {deny: true, why: effProcess, but: []string{"Stack", "PrintStack", "ReadBuildInfo", "ReadGCStats", "BuildInfo.*"}},
	"runtime/pprof":     {deny: true, why: effProcess, but: []string{"Do", "Labels", "WithLabels", "Label", "ForLabels", "SetGoroutineLabels"}},
	"reflect":           {why: effProcess, but: []string{"NewAt", "Value.UnsafeAddr", "Value.UnsafePointer"}},
	"expvar":            {why: effProcess, but: []string{"Publish", "New*"}},
	"text/template":     {why: effFiles, but: []string{"ParseFiles", "ParseGlob", "Template.ParseFiles", "Template.ParseGlob"}},
	"html/template":     {why: effFiles, but: []string{"ParseFiles", "ParseGlob", "Template.ParseFiles", "Template.ParseGlob"}},
	"path/filepath":     {why: effFiles, but: []string{"Walk*", "Glob", "EvalSymlinks", "Abs"}},
	"time":              {why: effFiles, but: []string{"LoadLocation"}},
	"mime":              {why: effFiles, but: []string{"TypeByExtension", "ExtensionsByType"}},
	"go/parser":         {why: effFiles, but: []string{"ParseDir", "ParseFile"}},
	"testing":           {why: effFiles, but: []string{"Main*", "M.*", "Init", "*.TempDir", "*.Setenv", "*.Chdir"}},
	"io/ioutil":         {deny: true, why: effFiles, but: []string{"ReadAll", "NopCloser"}},
}

// calm are packages without effects of their own.
var calm = func() map[string]bool {
	m := map[string]bool{}
	for _, p := range strings.Fields(`bufio bytes cmp context embed errors expvar hash html io io/fs iter maps path regexp slices sort strconv
		strings sync sync/atomic testing/synctest unicode unicode/utf8 unicode/utf16 unique weak log/slog net/url net/netip net/mail
		regexp/syntax text/tabwriter text/scanner text/template/parse index/suffixarray container/heap container/list container/ring
		math math/big math/bits math/cmplx math/rand math/rand/v2 mime/multipart mime/quotedprintable runtime/trace
		archive/tar archive/zip compress/gzip compress/flate compress/zlib compress/bzip2 compress/lzw
		database/sql/driver go/ast go/token go/format go/scanner go/constant go/types image image/color image/draw image/png image/jpeg image/gif structs`) {
		m[p] = true
	}
	return m
}()

// calmTrees are import path prefixes of the same kind; the ones with a host are
// libraries that programs use for state, identity, logging and metrics.
var calmTrees = []string{
	"encoding", "hash/", "crypto", "golang.org/x/sync/", "golang.org/x/exp/", "golang.org/x/text/", "golang.org/x/time/rate", "golang.org/x/crypto/",
	"github.com/google/uuid", "github.com/gofrs/uuid", "github.com/pkg/errors", "github.com/hashicorp/go-multierror", "github.com/hashicorp/golang-lru",
	"github.com/sirupsen/logrus", "go.uber.org/zap", "go.uber.org/atomic", "go.uber.org/multierr", "github.com/rs/zerolog", "github.com/go-logr/logr", "github.com/go-kit/log", "github.com/go-kit/kit/log", "k8s.io/klog",
	"github.com/prometheus/client_golang/prometheus", "github.com/prometheus/client_model", "github.com/prometheus/common/model",
	"github.com/gorilla/mux", "github.com/go-chi/chi", "github.com/julienschmidt/httprouter", "github.com/cespare/xxhash", "github.com/davecgh/go-spew",
	"github.com/puzpuzpuz/xsync", "github.com/orcaman/concurrent-map", "github.com/cenkalti/backoff", "github.com/samber/lo", "google.golang.org/protobuf", "github.com/golang/protobuf", "github.com/gogo/protobuf", "github.com/stretchr/testify", "google.golang.org/grpc/codes", "google.golang.org/grpc/status",
	"go.opencensus.io/stats", "go.opencensus.io/tag", "go.opentelemetry.io/otel/attribute", "go.opentelemetry.io/otel/codes", "go.opentelemetry.io/otel/metric", "go.opentelemetry.io/otel/trace",
	"github.com/klauspost/compress", "github.com/patrickmn/go-cache", "github.com/emirpasic/gods", "github.com/google/btree", "github.com/spf13/cast",
}

// effectOf says why a test must not call a function outside the module, or "".
func effectOf(f *types.Func) string {
	if f.Pkg() == nil {
		return "" // error.Error
	}
	name := f.Name()
	if recv := f.Signature().Recv(); recv != nil {
		t := recv.Type()
		if p, ok := t.(*types.Pointer); ok {
			t = p.Elem()
		}
		if n, ok := types.Unalias(t).(*types.Named); ok {
			name = n.Obj().Name() + "." + name
		}
	}
	pkg := f.Pkg().Path()
	if pkg == "os" && (name == "Exit" || name == "StartProcess" || strings.HasPrefix(name, "Process.")) {
		return effProcess
	}
	if v, ok := effects[pkg]; ok {
		listed := false
		for _, pattern := range v.but {
			if ok, _ := path.Match(pattern, name); ok {
				listed = true
			}
		}
		if listed != v.deny {
			return v.why
		}
		return ""
	}
	if calm[pkg] {
		if strings.HasPrefix(f.Name(), "Fatal") { // of a logger
			return effProcess
		}
		return ""
	}
	if listedTree(pkg) {
		if strings.HasPrefix(f.Name(), "Fatal") || f.Name() == "Exit" {
			return effProcess
		}
		return ""
	}
	if first, _, _ := strings.Cut(pkg, "/"); strings.Contains(first, ".") {
		if isMessage(f) && (strings.HasPrefix(f.Name(), "Get") || f.Name() == "String" || f.Name() == "Reset") {
			return ""
		}
		return effOutside
	}
	return effProcess
}

// isMessage reports whether a method is one of a protobuf message, whose code is generated.
func isMessage(f *types.Func) bool {
	recv := f.Signature().Recv()
	if recv == nil {
		return false
	}
	m, _, _ := types.LookupFieldOrMethod(recv.Type(), true, f.Pkg(), "ProtoMessage")
	_, ok := m.(*types.Func)
	return ok
}

// calmLibrary reports whether a package of another module has nothing to reach an
// effect with: neither it nor what it imports from other modules imports a
// standard package outside the calm ones.
func (x *index) calmLibrary(pkg string) bool {
	x.depsOnce.Do(func() {
		x.deps = map[string][]string{}
		cmd := exec.Command("go", "list", "-e", "-deps", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./...")
		cmd.Dir = x.prog.Dir
		out, err := cmd.Output()
		if err != nil {
			return // unknown: every library stays denied
		}
		for l := range strings.Lines(string(out)) {
			if f := strings.Fields(l); len(f) > 0 {
				x.deps[f[0]] = f[1:]
			}
		}
	})
	seen := map[string]bool{}
	var visit func(string) bool
	visit = func(pkg string) bool {
		if seen[pkg] {
			return true
		}
		seen[pkg] = true
		imports, known := x.deps[pkg]
		if !known {
			return false
		}
		for _, imp := range imports {
			switch {
			case isStd(imp):
				ok := calm[imp] || imp == "fmt" || imp == "time" || imp == "reflect" || imp == "runtime" || imp == "net/textproto"
				for _, tree := range []string{"encoding", "hash", "crypto"} {
					ok = ok || imp == tree || strings.HasPrefix(imp, tree+"/") && imp != "crypto/tls"
				}
				if !ok {
					return false
				}
			case !listedTree(imp) && !visit(imp):
				return false
			}
		}
		return true
	}
	return visit(pkg)
}

func listedTree(pkg string) bool {
	for _, tree := range calmTrees {
		tree = strings.TrimSuffix(tree, "/")
		if pkg == tree || strings.HasPrefix(pkg, tree+"/") {
			return true
		}
	}
	return false
}
