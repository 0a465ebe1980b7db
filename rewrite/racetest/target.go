// This file walks from an access to something that a test can call.

package racetest

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"slices"
	"strings"

	"github.com/mapmigrate/mapmigrate/detect"
	"golang.org/x/tools/go/ast/astutil"
	"golang.org/x/tools/go/types/typeutil"
)

// how says in which way calling an entry leads to the access.
type how int

const (
	direct how = iota // the call runs it
	spawns            // the call starts a goroutine that runs it
	result            // the call returns a function or handler that runs it
	route             // the call returns a router under whose pattern it runs
)

// An entry is a declared function through which a test reaches an access.
type entry struct {
	*fn
	how     how
	access  *detect.Access
	within  ast.Node   // of decl: the access itself, or the literal that holds it, or the call that leads there
	pattern string     // of a route
	nodes   []ast.Node // the syntax path from within outwards, nil for a caller that is only known to be one
}

// at returns the syntax path at a position, innermost first, and its package.
func (x *index) at(pos token.Position) ([]ast.Node, *detect.Package) {
	f := x.syntax[pos.Filename]
	if f == nil {
		return nil, nil
	}
	tf := x.prog.Fset.File(f.Package)
	if pos.Line < 1 || pos.Line > tf.LineCount() {
		return nil, nil
	}
	p := tf.LineStart(pos.Line) + token.Pos(max(pos.Column-1, 0))
	nodes, _ := astutil.PathEnclosingInterval(f, p, p)
	return nodes, x.files[pos.Filename]
}

// entryAt returns the entry for code at a position: the declared function around
// it, and how calling that runs it. A literal that is only stored has none.
func (x *index) entryAt(pos token.Position) (*entry, error) {
	nodes, p := x.at(pos)
	if p == nil {
		return nil, fmt.Errorf("%s is not in a package that tests can be added to", x.rel(pos))
	}
	e := &entry{how: direct, nodes: nodes}
	for i, n := range nodes {
		switch n := n.(type) {
		case *ast.FuncLit:
			h, pattern, err := x.runs(n, nodes[i+1:], p)
			if err != nil {
				return nil, err
			}
			if h > e.how {
				e.how = h
			}
			if pattern != "" {
				e.pattern = pattern
			}
			e.within = n
		case *ast.FuncDecl:
			obj, _ := p.Info.Defs[n.Name].(*types.Func)
			e.fn = x.funcs[obj]
			if e.fn == nil {
				return nil, fmt.Errorf("%s has no type information", n.Name.Name)
			}
			if e.within == nil {
				e.within = nodes[0]
			}
			return e, nil
		}
	}
	return nil, fmt.Errorf("%s is not inside a declared function", x.rel(pos))
}

// runs says how the function around a literal runs it; outer is the path above the literal.
func (x *index) runs(lit *ast.FuncLit, outer []ast.Node, p *detect.Package) (how, string, error) {
	var child ast.Node = lit
	for i, n := range outer {
		switch n := n.(type) {
		case *ast.ParenExpr:
		case *ast.CallExpr:
			if ast.Unparen(n.Fun) == child {
				if i+1 < len(outer) {
					if _, ok := outer[i+1].(*ast.GoStmt); ok {
						return spawns, "", nil
					}
				}
				return direct, "", nil
			}
			if tv := p.Info.Types[n.Fun]; tv.IsType() { // http.HandlerFunc(func…): look at what becomes of it
				break
			}
			callee, _ := typeutil.Callee(p.Info, n).(*types.Func)
			if callee == nil {
				return direct, "", nil
			}
			switch name := callee.Name(); {
			case name == "HandleFunc" || name == "Handle":
				if pattern, ok := patternOf(p, n); ok && x.returnsHandler(p, outer) {
					return route, pattern, nil
				}
				return 0, "", fmt.Errorf("the handler at %s is registered where a test cannot reach it", x.pos(lit.Pos()))
			case name == "Go" || name == "TryGo" || name == "AfterFunc" || name == "Submit":
				return spawns, "", nil
			case strings.HasPrefix(name, "On") || strings.HasPrefix(name, "Register") || strings.HasPrefix(name, "Subscribe"):
				return 0, "", fmt.Errorf("the function at %s is handed to %s, which runs it later", x.pos(lit.Pos()), name)
			}
			return direct, "", nil
		case *ast.GoStmt:
			return spawns, "", nil
		case *ast.ReturnStmt:
			return result, "", nil
		case *ast.AssignStmt:
			for k, r := range n.Rhs {
				if r != child || k >= len(n.Lhs) {
					continue
				}
				id, ok := n.Lhs[k].(*ast.Ident)
				if !ok {
					return 0, "", fmt.Errorf("the function at %s is stored in %s", x.pos(lit.Pos()), types.ExprString(n.Lhs[k]))
				}
				obj := p.Info.ObjectOf(id)
				return x.runsVar(obj, outer[i+1:], p), "", nil
			}
			return direct, "", nil
		case *ast.KeyValueExpr, *ast.CompositeLit:
			return 0, "", fmt.Errorf("the function at %s is stored in a composite literal", x.pos(lit.Pos()))
		case ast.Stmt:
			return direct, "", nil
		}
		child = n
	}
	return direct, "", nil
}

// runsVar says how a literal that was assigned to a local variable runs.
func (x *index) runsVar(obj types.Object, outer []ast.Node, p *detect.Package) how {
	h := direct
	for _, n := range outer {
		if d, ok := n.(*ast.FuncDecl); ok {
			ast.Inspect(d.Body, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.GoStmt:
					if mentions(p, n.Call.Fun, obj) {
						h = max(h, spawns)
					}
				case *ast.ReturnStmt:
					for _, r := range n.Results {
						if mentions(p, r, obj) {
							if id, ok := ast.Unparen(r).(*ast.Ident); ok && p.Info.Uses[id] == obj {
								h = result
							}
						}
					}
				}
				return true
			})
		}
	}
	return h
}

func mentions(p *detect.Package, n ast.Node, obj types.Object) bool {
	found := false
	ast.Inspect(n, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && obj != nil && p.Info.Uses[id] == obj {
			found = true
		}
		return !found
	})
	return found
}

func patternOf(p *detect.Package, call *ast.CallExpr) (string, bool) {
	if len(call.Args) == 0 {
		return "", false
	}
	tv := p.Info.Types[call.Args[0]]
	if tv.Value == nil || tv.Value.Kind() != constant.String {
		return "", false
	}
	return constant.StringVal(tv.Value), true
}

// returnsHandler reports whether the declared function of a path returns something that serves HTTP.
func (x *index) returnsHandler(p *detect.Package, outer []ast.Node) bool {
	for _, n := range outer {
		if d, ok := n.(*ast.FuncDecl); ok {
			obj, _ := p.Info.Defs[d.Name].(*types.Func)
			return obj != nil && obj.Signature().Results().Len() > 0 && servesHTTP(obj.Signature().Results().At(0).Type())
		}
	}
	return false
}

func servesHTTP(t types.Type) bool {
	obj, _, _ := types.LookupFieldOrMethod(t, true, nil, "ServeHTTP")
	f, ok := obj.(*types.Func)
	return ok && isHandlerSig(f.Signature())
}

func isHandlerSig(sig *types.Signature) bool {
	return sig.Params().Len() == 2 && types.TypeString(sig.Params().At(0).Type(), nil) == "net/http.ResponseWriter" &&
		types.TypeString(sig.Params().At(1).Type(), nil) == "*net/http.Request"
}

// entries returns the ways into an access: the function that makes it, then its
// callers along the access's path, innermost first. A function that relies on a
// lock which its callers take is left out: calling it bare would prove nothing
// about the program.
func (x *index) entries(m *detect.Map, a *detect.Access) ([]*entry, error) {
	var out []*entry
	var first error
	seen := map[string]bool{}
	var way []token.Position // from what is tried to the access
	try := func(pos token.Position, lock bool) {
		e, err := x.entryAt(pos)
		if err != nil {
			if first == nil {
				first = err
			}
			return
		}
		key := fmt.Sprint(e.obj.FullName(), e.how)
		if seen[key] {
			return
		}
		seen[key] = true
		e.access = a
		switch name := e.decl.Name.Name; {
		case e.decl.Recv == nil && (name == "main" && e.pkg.Name == "main" || name == "init"):
			if first == nil {
				first = fmt.Errorf("%s runs it, which a test cannot call", name)
			}
		case lock && !x.takesLocks(e, m, a, way):
			if first == nil {
				first = fmt.Errorf("%s relies on a lock that its callers hold", name)
			}
		default:
			out = append(out, e)
		}
	}
	locked := len(a.Locks) > 0
	try(a.Pos, locked)
	way = append(way, a.Pos)
	for _, s := range slices.Backward(a.Path) {
		try(s.Pos, locked)
		way = append(way, s.Pos)
	}
	if len(out) == 0 { // the path does not help: any caller
		if e, err := x.entryAt(a.Pos); err == nil {
			for _, c := range x.callers(e.obj) {
				e := &entry{fn: c, how: direct, access: a, within: c.decl}
				if name := c.decl.Name.Name; name == "main" || name == "init" || locked && !x.takesLocks(e, m, a, []token.Position{a.Pos}) {
					continue
				}
				out = append(out, e)
			}
		}
	}
	if len(out) == 0 && first == nil {
		first = fmt.Errorf("nothing that a test can call leads to %s", x.rel(a.Pos))
	}
	return out, first
}

// takesLocks reports whether reaching the access through e takes the locks held there that
// belong with the map, or, if none does, that another access of it holds, too. What counts is taken on the way, by the
// functions that lead there: a helper that relies on its callers' lock may take the same
// lock later on, for another purpose.
func (x *index) takesLocks(e *entry, m *detect.Map, a *detect.Access, way []token.Position) bool {
	need := map[string]bool{}
	own := m.Package
	if m.Holder != "" {
		own = m.Holder
	}
	own = own[strings.LastIndexAny(own, "./")+1:] + "."
	for _, l := range a.Locks {
		if strings.HasPrefix(l.Name, own) {
			need[l.Name] = true
		}
	}
	for i := 0; i < len(m.Accesses) && len(need) == 0; i++ {
		for _, l := range a.Locks {
			if o := &m.Accesses[i]; o.Pos != a.Pos && slices.ContainsFunc(o.Locks, func(k detect.Lock) bool { return k.Name == l.Name }) {
				need[l.Name] = true
			}
		}
	}
	if len(need) == 0 {
		return true
	}
	have := map[string]bool{}
	for _, f := range x.wayTo(e, way) {
		for _, name := range x.lockNames(f) {
			have[name] = true
		}
	}
	for name := range need {
		if !have[name] && !have[name[strings.LastIndexByte(name, '.')+1:]] {
			return false
		}
	}
	return true
}

// wayTo lists the functions through which e leads to an access, and those that they call
// around it: wrappers that take a lock, or that run what they are given under one.
func (x *index) wayTo(e *entry, way []token.Position) []*fn {
	out := []*fn{e.fn}
	for _, pos := range way {
		if next, err := x.entryAt(pos); err == nil && !slices.Contains(out, next.fn) {
			out = append(out, next.fn)
		}
	}
	for _, f := range out {
		ast.Inspect(f.decl, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			g := x.fn(typeutil.Callee(f.pkg.Info, call))
			if g == nil || slices.Contains(out, g) {
				return true
			}
			runs := slices.ContainsFunc(call.Args, func(a ast.Expr) bool {
				_, ok := ast.Unparen(a).(*ast.FuncLit)
				return ok
			})
			if runs || x.keepsLock(g) {
				out = append(out, g)
			}
			return true
		})
	}
	return out
}

// keepsLock reports whether a function takes a lock and does not give it back itself.
func (x *index) keepsLock(f *fn) bool {
	takes, gives := false, false
	ast.Inspect(f.decl, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok {
			if sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr); ok {
				low := strings.ToLower(sel.Sel.Name)
				takes = takes || strings.HasSuffix(low, "lock") && !strings.HasSuffix(low, "unlock")
				gives = gives || strings.HasSuffix(low, "unlock")
			}
		}
		return true
	})
	return takes && !gives
}

// lockNames returns the names of the locks that a function's own body takes or gives back:
// "Type.mu" for a field, "mu" for another variable.
func (x *index) lockNames(f *fn) []string {
	if names, ok := x.locks[f]; ok {
		return names
	}
	var names []string
	info := f.pkg.Info
	ast.Inspect(f.decl, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr)
		if !ok || !strings.Contains(sel.Sel.Name, "Lock") && !strings.Contains(sel.Sel.Name, "lock") {
			return true
		}
		switch inner := ast.Unparen(sel.X).(type) {
		case *ast.SelectorExpr:
			name := inner.Sel.Name
			if n := named(deref1(info.TypeOf(inner.X))); n != nil && info.Selections[inner] != nil && len(info.Selections[inner].Index()) == 1 {
				name = n.Obj().Name() + "." + name
			}
			names = append(names, name)
		case *ast.Ident:
			names = append(names, inner.Name)
		}
		if s := info.Selections[sel]; s != nil && len(s.Index()) > 1 { // an embedded mutex
			names = append(names, "Mutex", "RWMutex")
		}
		return true
	})
	if x.locks == nil {
		x.locks = map[*fn][]string{}
	}
	x.locks[f] = names
	return names
}

func deref1(t types.Type) types.Type {
	if t == nil {
		return types.Typ[types.Invalid]
	}
	if p, ok := t.Underlying().(*types.Pointer); ok {
		return p.Elem()
	}
	return t
}

// callers returns the first-party functions that call or mention f, by position.
func (x *index) callers(f *types.Func) []*fn {
	if x.callerOf == nil {
		x.callerOf = map[*types.Func][]*fn{}
		for _, p := range x.pkgs {
			for _, file := range p.Files {
				for _, d := range file.Decls {
					fd, ok := d.(*ast.FuncDecl)
					if !ok || fd.Body == nil {
						continue
					}
					obj, _ := p.Info.Defs[fd.Name].(*types.Func)
					caller := x.funcs[obj]
					if caller == nil {
						continue
					}
					ast.Inspect(fd.Body, func(n ast.Node) bool {
						if id, ok := n.(*ast.Ident); ok {
							if g, ok := p.Info.Uses[id].(*types.Func); ok {
								g = g.Origin()
								if l := x.callerOf[g]; x.funcs[g] != nil && (len(l) == 0 || l[len(l)-1] != caller) {
									x.callerOf[g] = append(l, caller)
								}
							}
						}
						return true
					})
				}
			}
		}
	}
	return x.callerOf[f.Origin()]
}

// conflicting returns the pairs of accesses that a test should try, the
// finding's own first.
func conflicting(m *detect.Map) [][2]*detect.Access {
	var out [][2]*detect.Access
	seen := map[string]bool{}
	add := func(a, b *detect.Access) {
		if a.Test || b.Test || a.Owned || b.Owned || !a.Op.Mutates() && !b.Op.Mutates() && a.Op != detect.Escape && b.Op != detect.Escape {
			return
		}
		key := fmt.Sprint(a.Pos, b.Pos)
		if !seen[key] {
			seen[key] = true
			out = append(out, [2]*detect.Access{a, b})
		}
	}
	for i := range m.Findings {
		f := &m.Findings[i]
		if f.Category.Quiet() {
			continue
		}
		switch len(f.Accesses) {
		case 0:
		case 1: // races with itself
			add(&f.Accesses[0], &f.Accesses[0])
		default:
			add(&f.Accesses[0], &f.Accesses[1])
		}
	}
	for i := range m.Findings { // further accesses of a finding conflict with its first two
		f := &m.Findings[i]
		if f.Category.Quiet() {
			continue
		}
		for k := 2; k < len(f.Accesses); k++ {
			for j := range 2 {
				if !shareLock(&f.Accesses[j], &f.Accesses[k]) {
					add(&f.Accesses[j], &f.Accesses[k])
				}
			}
		}
	}
	return out
}

func shareLock(a, b *detect.Access) bool {
	for _, l := range a.Locks {
		for _, k := range b.Locks {
			if l.Name == k.Name && !(l.Read && k.Read) {
				return true
			}
		}
	}
	return false
}
