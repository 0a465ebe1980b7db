// This file finds check-then-act across functions: a write that depends on what an
// earlier read said, with a helper or a closure in between.

package rewrite

import (
	"go/ast"
	"go/token"
	"go/types"
	"maps"
	"slices"
	"strings"

	"github.com/mapmigrate/mapmigrate/detect"
)

// A fact says what a value tells of the map, or what a function does to it.
type fact int

const (
	tellsElement fact = 1 << iota // a value depends on an entry
	tellsSize                     // a value depends on how many there are
	writesPlain                   // an entry is stored or deleted, whatever is there
	writesOnce                    // an entry is stored or deleted by a call that looks first
)

// A stepper follows facts through the functions of a module, for one class. Values
// are followed through variables (those of packages, too) and results, not through fields
// or other collections. Of function values it follows those that variables and fields
// hold (funcvars.go), as far as names say what is assigned to which, and those that are passed
// on, to the call that passes them. Calls through interfaces are not followed, nor what a function
// tells by panicking, or through a pointer that it is given.
//
// It ends because facts are only added; a function is looked at again when one of
// its callees gets a new fact. Facts travel up a few calls only (hops): a helper, the
// helper's helper. In a large program everything depends on everything, further away.
type stepper struct {
	c     *class
	lock  string // reads under this lock, and writes without it; "": reads without any, and all writes
	recs  map[*ast.FuncDecl][]*rec
	facts map[*ast.FuncDecl]fact

	globals map[*types.Var]fact // packages' variables that depend on the map
}

// A callSite is a call of a first-party function, inside a declared one.
type callSite struct {
	fi     *fileInfo
	call   *ast.CallExpr
	callee *ast.FuncDecl
}

// callGraph returns the calls in each declared function, and its callers.
func (ix *index) callGraph() (calls map[*ast.FuncDecl][]callSite, callers map[*ast.FuncDecl][]*ast.FuncDecl) {
	if ix.calls == nil {
		ix.calls, ix.callers = map[*ast.FuncDecl][]callSite{}, map[*ast.FuncDecl][]*ast.FuncDecl{}
		ix.eachCall(func(fi *fileInfo, decl *ast.FuncDecl, call *ast.CallExpr) {
			if callee, _ := ix.funcDecl(fi.callee(call)); callee != nil {
				ix.calls[decl] = append(ix.calls[decl], callSite{fi, call, callee})
				ix.callers[callee] = append(ix.callers[callee], decl)
			}
		})
	}
	return ix.calls, ix.callers
}

// eachCall visits the calls in declared functions, in the order of the source.
func (ix *index) eachCall(visit func(*fileInfo, *ast.FuncDecl, *ast.CallExpr)) {
	for _, fi := range ix.list {
		for _, d := range fi.syntax.Decls {
			decl, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			ast.Inspect(decl, func(n ast.Node) bool {
				if call, ok := n.(*ast.CallExpr); ok {
					visit(fi, decl, call)
				}
				return true
			})
		}
	}
}

// topLevel returns the declared function around n, nil for a package variable's value.
func (fi *fileInfo) topLevel(n ast.Node) *ast.FuncDecl {
	for ; n != nil; n = fi.parent(n) {
		if decl, ok := n.(*ast.FuncDecl); ok {
			return decl
		}
	}
	return nil
}

// stepsAcross returns a write that depends on a look at a map in another function, or in a literal:
// a lock in each of the two would keep goroutines apart, and not the two steps together. It is for the
// forms mutex and guard, which refuse such steps only in one function. Of guard, steps count only where a
// function that a site takes the lock in has a part: others keep the locks that they have. It returns NoPos if
// none is seen.
func (r *run) stepsAcross(m *detect.Map, strategy string, site int) token.Pos {
	c := newClass(r.ix, 0)
	c.ownLock = true
	if strategy == Guard {
		c.locked = map[*ast.FuncDecl]bool{}
		for _, s := range r.sections {
			if fi := r.ix.fileAt(s.from); s.site == site && fi != nil {
				for _, n := range fi.enclosingPath(s.from) {
					if decl, ok := n.(*ast.FuncDecl); ok {
						c.locked[decl] = true
					}
				}
			}
		}
		c.reachLocked = r.ix.callersOf(slices.Collect(maps.Keys(c.locked)))
	}
	if !c.start(m) {
		return r.ix.helpersAcross(r.ix.at(m.Pos), func(decl *ast.FuncDecl) bool { return c.locked == nil || c.reachLocked[decl] })
	}
	c.compound()
	c.settle(true)
	c.checkSteps()
	if !c.stepsAcross.IsValid() && strategy == Mutex {
		return r.ix.writtenUnasked(r.ix.at(m.Pos))
	}
	return c.stepsAcross
}

// helpersAcross is stepsAcross for a map of which not all uses are known by kind: it returns a use in a
// function that another one calls, which calls one more that uses the map, or does so itself, if one of the two has a
// result and the other may write. One of them has to count.
func (ix *index) helpersAcross(decl token.Pos, counts func(*ast.FuncDecl) bool) token.Pos {
	tells, writes := map[*ast.FuncDecl]bool{}, map[*ast.FuncDecl]token.Pos{}
	for _, id := range ix.uses[decl] {
		fi := ix.fileAt(id.Pos())
		if fi == nil || strings.HasSuffix(fi.abs, "_test.go") {
			continue
		}
		fn := fi.topLevel(id)
		if fn == nil {
			continue
		}
		tells[fn] = tells[fn] || fn.Type.Results.NumFields() > 0
		x, parent := fi.outer(fi.spelled(id))
		p, ok := parent.(*ast.IndexExpr)
		if call, is := parent.(*ast.CallExpr); ok && p.X == x && changed(fi, p) || is && (fi.builtin(call) == "delete" || fi.builtin(call) == "clear") {
			writes[fn] = id.Pos()
		}
	}
	calls, _ := ix.callGraph()
	for _, fi := range ix.list {
		for _, d := range fi.syntax.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			for _, a := range calls[fn] {
				if !tells[a.callee] {
					continue
				}
				if at := writes[fn]; at.IsValid() && a.callee != fn && (counts(a.callee) || counts(fn)) {
					return at
				}
				for _, b := range calls[fn] {
					if at := writes[b.callee]; at.IsValid() && b.callee != a.callee && (counts(a.callee) || counts(b.callee)) {
						return at
					}
				}
			}
		}
	}
	return token.NoPos
}

// writtenUnasked returns a write in a function that does not ask whether the map is there, where another
// one asks that, and some statement takes it away.
//
//	s.ensure()   // if s.m == nil { s.m = map[string]int{} }
//	s.m[k]++     // panics if s.m = nil comes in between
func (ix *index) writtenUnasked(decl token.Pos) (write token.Pos) {
	asks, gone := map[*ast.FuncDecl]bool{}, false
	for _, sure := range []bool{false, true} {
		for _, id := range ix.uses[decl] {
			fi := ix.fileAt(id.Pos())
			if fi == nil || strings.HasSuffix(fi.abs, "_test.go") {
				continue
			}
			fn := fi.topLevel(id)
			x, parent := fi.outer(fi.spelled(id))
			switch p := parent.(type) {
			case *ast.BinaryExpr:
				asks[fn] = true // a map is compared with nothing but nil
			case *ast.AssignStmt:
				i := slices.Index(p.Lhs, x)
				gone = gone || i >= 0 && len(p.Lhs) == len(p.Rhs) && fi.isNil(p.Rhs[i])
			case *ast.IndexExpr:
				if sure && !write.IsValid() && p.X == x && changed(fi, p) && gone && len(asks) > 0 && !asks[fn] {
					write = id.Pos()
				}
			}
		}
	}
	return write
}

// checkSteps refuses writes that depend on a read in another function or closure, and
// are not made under the lock of that read.
func (c *class) checkSteps() {
	for _, lock := range c.guarding().readLocks() {
		c.checkStepsUnder(lock)
	}
}

func (c *class) checkStepsUnder(lock string) {
	s := &stepper{c: c, lock: lock, recs: map[*ast.FuncDecl][]*rec{}, facts: map[*ast.FuncDecl]fact{}, globals: map[*types.Var]fact{}}
	home := map[*ast.FuncDecl]*fileInfo{}
	var queue []*ast.FuncDecl
	for _, r := range c.recs {
		if decl := r.fi.topLevel(r.node); decl != nil && s.considers(r) {
			if s.recs[decl] == nil {
				queue = append(queue, decl)
				home[decl] = r.fi
			}
			s.recs[decl] = append(s.recs[decl], r)
		}
	}
	_, callers := c.ix.callGraph()
	_, byValue := c.ix.valueCalls()
	var order []*ast.FuncDecl
	seen := map[*ast.FuncDecl]bool{}
	for hop := 0; len(queue) > 0; hop++ {
		now := map[*ast.FuncDecl]fact{}
		var next []*ast.FuncDecl
		for _, decl := range queue {
			if home[decl] == nil {
				home[decl] = c.ix.fileAt(decl.Pos())
			}
			if !seen[decl] {
				seen[decl] = true
				order = append(order, decl)
			}
			b := s.body(home[decl], decl)
			now[decl] = b.facts()
			if hop <= c.guarding().hops() {
				next = append(next, s.tellGlobals(b)...)
			}
		}
		for _, decl := range queue {
			if now[decl]|s.facts[decl] == s.facts[decl] || hop > c.guarding().hops() {
				continue
			}
			s.facts[decl] |= now[decl]
			for _, caller := range slices.Concat(callers[decl], byValue[decl]) {
				if !slices.Contains(next, caller) {
					next = append(next, caller)
				}
			}
		}
		queue = next
	}
	slices.SortFunc(order, func(a, b *ast.FuncDecl) int { return int(a.Pos() - b.Pos()) })
	for _, decl := range order {
		s.body(home[decl], decl).check()
	}
}

// tellGlobals keeps what a function tells packages' variables of the map, and returns the
// functions that mention one of which that is new.
//
//	size = len(m)
//	func grow() { if size < limit { m[size] = v } }
func (s *stepper) tellGlobals(b *stepBody) (mention []*ast.FuncDecl) {
	for obj, f := range b.taint {
		v, ok := obj.(*types.Var)
		if !ok || v.Pkg() == nil || v.Parent() != v.Pkg().Scope() || s.globals[v]|f == s.globals[v] {
			continue
		}
		s.globals[v] |= f
		for _, id := range s.c.ix.usesOf(v) {
			if decl := s.c.ix.fileAt(id.Pos()).topLevel(id); decl != nil {
				mention = append(mention, decl)
			}
		}
	}
	slices.SortFunc(mention, func(a, b *ast.FuncDecl) int { return int(a.Pos() - b.Pos()) })
	return slices.Compact(mention)
}

// A stepBody is one function as a stepper sees it.
type stepBody struct {
	c     *class
	fi    *fileInfo
	decl  *ast.FuncDecl
	tells map[ast.Node]fact     // expressions (and range statements) that look at the map
	sinks map[ast.Node]fact     // nodes that write it
	taint map[types.Object]fact // variables that depend on it
	uses  map[ast.Node]bool     // of tells and sinks, those that are uses themselves, not calls of who has them
}

func (s *stepper) body(fi *fileInfo, decl *ast.FuncDecl) *stepBody {
	b := &stepBody{s.c, fi, decl, map[ast.Node]fact{}, map[ast.Node]fact{}, map[types.Object]fact{}, map[ast.Node]bool{}}
	for _, r := range s.recs[decl] {
		b.uses[r.node] = true
		switch {
		case r.apart: // refused already, as callback-calls
		case r.fun == "CompareAndDelete": // looks and deletes in one step
		case r.merged && r.kind.writes() && (r.skip || r.fun == ""):
			b.sinks[r.node] |= writesOnce
		case r.kind.writes() && r.kind != useReplace && !r.skip:
			b.sinks[r.node] |= writesPlain
		case r.skip || r.merged || r.fetches:
		case r.kind == useLen:
			b.tells[r.node] |= tellsSize
		case r.kind.reads() || r.kind == useNil && (r.row || r.leaf):
			b.tells[r.node] |= tellsElement
		}
	}
	calls, _ := s.c.ix.callGraph()
	for _, site := range calls[decl] {
		b.does(site.call, s.facts[site.callee])
	}
	for v, f := range s.globals {
		if len(b.identsOf(v)) > 0 {
			b.taint[v] |= f
		}
	}
	b.spread()
	for s.callValues(b) {
		b.spread()
	}
	return b
}

// does notes what a call tells of the map and does to it, and reports whether that is new.
func (b *stepBody) does(call ast.Node, f fact) bool {
	tells, sinks := f&(tellsElement|tellsSize), f&(writesPlain|writesOnce)
	if b.tells[call]|tells == b.tells[call] && b.sinks[call]|sinks == b.sinks[call] {
		return false
	}
	if tells != 0 {
		b.tells[call] |= tells
	}
	if sinks != 0 {
		b.sinks[call] |= sinks
	}
	return true
}

// considers reports whether a use is one that this stepper looks at: see its lock.
func (s *stepper) considers(r *rec) bool {
	g := s.c.guarding()
	if r.kind.writes() {
		return s.lock == "" || !g.underLock(r, s.lock, true)
	}
	return g.readLock(r) == s.lock
}

// spread finds the variables that depend on the map. It goes from what looks at the
// map outwards, so that a function costs what depends on the map in it, not its length.
func (b *stepBody) spread() {
	var queue []ast.Node
	for n, f := range b.tells {
		if f != 0 {
			queue = append(queue, n)
		}
	}
	for obj := range b.taint {
		for _, use := range b.identsOf(obj) {
			queue = append(queue, use)
		}
	}
	mark := func(lhs ast.Expr, f fact) {
		id, ok := ast.Unparen(lhs).(*ast.Ident)
		if !ok || f == 0 {
			return
		}
		if obj := b.fi.object(id); obj != nil && b.taint[obj]|f != b.taint[obj] {
			b.taint[obj] |= f
			for _, use := range b.identsOf(obj) {
				queue = append(queue, use)
			}
		}
	}
	for len(queue) > 0 {
		n := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		b.flowsOn(n, mark)
	}
}

// flowsOn gives mark the variables that the value of n, or of an expression around
// it, is assigned to.
func (b *stepBody) flowsOn(n ast.Node, mark func(ast.Expr, fact)) {
	if p, ok := n.(*ast.RangeStmt); ok { // itself a use: a range over the map
		markRange(p, b.tells[p]|b.carries(p.X), mark)
	}
	for child := n; child != ast.Node(b.decl); {
		p := b.fi.parent(child)
		switch p := p.(type) {
		case nil, *ast.FuncLit:
			return
		case *ast.AssignStmt:
			for i, lhs := range p.Lhs {
				if rhs := p.Rhs[min(i, len(p.Rhs)-1)]; ast.Node(rhs) == child {
					mark(lhs, b.carries(rhs))
				}
			}
		case *ast.ValueSpec:
			for i, name := range p.Names {
				if len(p.Values) > 0 && ast.Node(p.Values[min(i, len(p.Values)-1)]) == child {
					mark(name, b.carries(child))
				}
			}
		case *ast.RangeStmt:
			if ast.Node(p.X) == child {
				markRange(p, b.tells[p]|b.carries(p.X), mark)
			}
		}
		if _, ok := p.(ast.Stmt); ok {
			return
		}
		child = p
	}
}

func markRange(p *ast.RangeStmt, f fact, mark func(ast.Expr, fact)) {
	for _, v := range []ast.Expr{p.Key, p.Value} {
		if v != nil {
			mark(v, f)
		}
	}
}

// identsOf returns where a function mentions a variable.
func (b *stepBody) identsOf(obj types.Object) []*ast.Ident {
	ix := b.c.ix
	if ix.mentions == nil {
		ix.mentions = map[*ast.FuncDecl]map[types.Object][]*ast.Ident{}
	}
	all := ix.mentions[b.decl]
	if all == nil {
		all = map[types.Object][]*ast.Ident{}
		ast.Inspect(b.decl, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok {
				if v, ok := b.fi.object(id).(*types.Var); ok {
					all[v] = append(all[v], id)
				}
			}
			return true
		})
		ix.mentions[b.decl] = all
	}
	return all[obj]
}

// carries returns what the value of an expression tells of the map.
func (b *stepBody) carries(e ast.Node) (f fact) {
	if e == nil {
		return 0
	}
	ast.Inspect(e, func(n ast.Node) bool {
		f |= b.tells[n]
		switch n := n.(type) {
		case *ast.Ident:
			f |= b.taint[b.fi.object(n)]
		case *ast.FuncLit:
			return false
		}
		return true
	})
	return f
}

// conditions returns what the conditions under which n runs tell of the map.
func (b *stepBody) conditions(n ast.Node) (f fact) {
	for n != ast.Node(b.decl) {
		p := b.fi.parent(n)
		if p == nil {
			break
		}
		switch p := p.(type) {
		case *ast.IfStmt:
			if n != ast.Node(p.Init) && n != ast.Node(p.Cond) {
				f |= b.carries(p.Cond)
			}
		case *ast.ForStmt:
			if n != ast.Node(p.Init) && p.Cond != nil {
				f |= b.carries(p.Cond)
			}
		case *ast.RangeStmt:
			if n == ast.Node(p.Body) {
				f |= b.tells[p] | b.carries(p.X)
			}
		case *ast.SwitchStmt:
			if n == ast.Node(p.Body) && p.Tag != nil {
				f |= b.carries(p.Tag)
			}
		case *ast.TypeSwitchStmt:
			if n == ast.Node(p.Body) {
				f |= b.carries(p.Assign)
			}
		case *ast.CaseClause:
			for _, e := range p.List {
				f |= b.carries(e)
			}
		}
		for _, s := range stmtsOf(p) {
			if s == n {
				break
			}
			if leaves(s) {
				f |= b.decides(s)
			}
		}
		n = p
	}
	return f
}

// decides returns what the conditions inside a statement tell of the map.
func (b *stepBody) decides(s ast.Stmt) (f fact) {
	ast.Inspect(s, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.IfStmt:
			f |= b.carries(n.Cond)
		case *ast.SwitchStmt:
			if n.Tag != nil {
				f |= b.carries(n.Tag)
			}
		case *ast.CaseClause:
			for _, e := range n.List {
				f |= b.carries(e)
			}
		case *ast.RangeStmt:
			f |= b.tells[n]
		case *ast.FuncLit:
			return false
		}
		return true
	})
	return f
}

// leaves reports whether a statement may leave the block it is in.
func leaves(s ast.Stmt) (found bool) {
	switch s.(type) {
	case *ast.IfStmt, *ast.SwitchStmt, *ast.TypeSwitchStmt, *ast.RangeStmt, *ast.ForStmt, *ast.BlockStmt:
	default:
		return false
	}
	ast.Inspect(s, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ReturnStmt, *ast.BranchStmt:
			found = true
		case *ast.CallExpr:
			if id, ok := n.Fun.(*ast.Ident); ok && id.Name == "panic" {
				found = true
			}
		case *ast.FuncLit:
			return false
		}
		return !found
	})
	return found
}

// facts returns what calling the function tells of the map and does to it.
func (b *stepBody) facts() fact { return b.factsOf(b.decl.Type, b.decl.Body) }

// factsOf is facts for a function or a literal in it.
func (b *stepBody) factsOf(typ *ast.FuncType, body *ast.BlockStmt) (f fact) {
	if body == nil {
		return 0
	}
	for n, w := range b.sinks {
		if body.Pos() <= n.Pos() && n.End() <= body.End() {
			if w&writesPlain != 0 && b.c.ownLock && b.creates(n) {
				w = w&^writesPlain | writesOnce
			}
			f |= w
		}
	}
	if typ.Results.NumFields() == 0 || len(b.tells) == 0 {
		return f
	}
	for _, field := range typ.Results.List {
		for _, name := range field.Names {
			f |= b.taint[b.fi.object(name)]
		}
	}
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.ReturnStmt:
			f |= b.conditions(n)
			for _, e := range n.Results {
				f |= b.carries(e)
			}
		}
		return true
	})
	return f
}

// creates reports whether a write only makes what a look in the same function did not find. Under a lock
// of the map's own the two are one step, and calling the function twice is no other than calling it once.
//
//	c := configs[name]; if c == nil { c = &config{}; configs[name] = c }; return c
func (b *stepBody) creates(write ast.Node) bool {
	for n := write; n != ast.Node(b.decl) && n != nil; n = b.fi.parent(n) {
		p, ok := b.fi.parent(n).(*ast.IfStmt)
		if !ok {
			continue
		}
		if n != ast.Node(p.Body) || p.Else != nil || b.across(write) {
			return false
		}
		var asked ast.Expr
		switch cond := ast.Unparen(p.Cond).(type) {
		case *ast.UnaryExpr:
			if cond.Op == token.NOT {
				asked = cond.X
			}
		case *ast.BinaryExpr:
			if cond.Op == token.EQL && b.fi.isNil(cond.Y) {
				asked = cond.X
			}
		}
		id, ok := asked.(*ast.Ident)
		return ok && b.taint[b.fi.object(id)] == tellsElement
	}
	return false
}

// check refuses the writes that depend on a read.
func (b *stepBody) check() {
	if len(b.tells)+len(b.taint) == 0 || strings.HasSuffix(b.fi.abs, "_test.go") && b.c.guarding().exemptTests() {
		return
	}
	var nodes []ast.Node
	for n, f := range b.sinks {
		if f != 0 {
			nodes = append(nodes, n)
		}
	}
	slices.SortFunc(nodes, func(x, y ast.Node) int { return int(x.Pos() - y.Pos()) })
	for _, n := range nodes {
		if !b.readBefore(n) {
			continue
		}
		f := b.conditions(n)
		ast.Inspect(n, func(x ast.Node) bool {
			if x != n {
				f |= b.tells[x]
			}
			if id, ok := x.(*ast.Ident); ok {
				f |= b.taint[b.fi.object(id)]
			}
			return true
		})
		if b.sinks[n]&writesPlain != 0 && f != 0 || f&tellsSize != 0 {
			if !b.c.stepsAcross.IsValid() && b.across(n) && b.concerned() {
				b.c.stepsAcross = n.Pos()
			}
			b.c.refuse("two-steps", n.Pos(),
				"take one lock around both steps, or write them as one operation (get-or-create, LoadAndDelete, a counter)",
				"what is written here depends on %s, which was another step: other goroutines can change the map in between", b.why())
		}
	}
}

// readBefore reports whether the map may have been looked at, in the same run of the function, when a
// node writes it. Facts of variables do not know what came first:
//
//	store, err := find(name)
//	if err != nil { return err }
//	key, err := lookUp(name) // is told by the map, and may write it: not because of the err above
func (b *stepBody) readBefore(write ast.Node) bool {
	if b.fi.enclosing(write) != ast.Node(b.decl) || jumps(b.decl) {
		return true // it runs when the literal does
	}
	end, again := stmtEnd(b.fi, write), false
	for n := write; n != ast.Node(b.decl); n = b.fi.parent(n) {
		switch s := n.(type) {
		case *ast.DeferStmt:
			return true
		case *ast.ForStmt, *ast.RangeStmt:
			end, again = s.End(), true
		}
	}
	for n, f := range b.tells {
		if f != 0 && (n.Pos() < end && (n != write || again) || b.fi.enclosing(n) != ast.Node(b.decl)) {
			return true
		}
	}
	return b.toldByGlobal()
}

// toldByGlobal reports whether a package's variable brings what it was told of the map.
func (b *stepBody) toldByGlobal() bool {
	for obj, f := range b.taint {
		if f != 0 && obj.Parent() == obj.Pkg().Scope() {
			return true
		}
	}
	return false
}

// stmtEnd returns where the innermost statement around a node ends.
func stmtEnd(fi *fileInfo, n ast.Node) token.Pos {
	for ; n != nil; n = fi.parent(n) {
		if s, ok := n.(ast.Stmt); ok {
			return s.End()
		}
	}
	return token.NoPos
}

// across reports whether a write that depends on the map, and a read of it in the same declaration, are
// not in one body: a call is what tells or writes here, one of them is in a literal, or a package's
// variable brings what it told. The uses in one body can be put under one lock.
func (b *stepBody) across(write ast.Node) bool {
	for _, facts := range []map[ast.Node]fact{b.tells, {write: b.sinks[write]}} {
		for n, f := range facts {
			if f != 0 && (!b.uses[n] || b.fi.enclosing(n) != b.fi.enclosing(write)) {
				return true
			}
		}
	}
	return b.toldByGlobal()
}

// concerned reports whether a function that gets a lock has a part in the steps of this one: it is this one, or is
// called for what it tells or writes.
func (b *stepBody) concerned() bool {
	if b.c.locked == nil || b.c.locked[b.decl] {
		return true
	}
	for _, facts := range []map[ast.Node]fact{b.tells, b.sinks} {
		for n := range facts {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				continue
			}
			if decl, _ := b.c.ix.funcDecl(b.fi.callee(call)); decl == nil && !b.uses[n] || b.c.reachLocked[decl] {
				return true
			}
		}
	}
	return false
}

// why names the reads of a function, for a message.
func (b *stepBody) why() string {
	first := token.NoPos
	for n, f := range b.tells {
		if f != 0 && (first == token.NoPos || n.Pos() < first) {
			first = n.Pos()
		}
	}
	if first == token.NoPos {
		return "what a variable was told of the map"
	}
	return "what the map held at " + b.c.ix.pos(first).String()
}
