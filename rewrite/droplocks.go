// This file removes locks that nothing needs any more (--drop-locks).

package rewrite

import (
	"go/ast"
	"go/token"
	"go/types"
	"maps"
	"slices"
	"strings"
)

// dropLocks removes each lock that guarded nothing but maps that lock themselves now:
//
//	s.mu.Lock()
//	s.m[k] = v          // → s.m.Store(k, v), and the lock goes
//	s.mu.Unlock()
//
// A lock goes altogether or not at all. It goes if it is only locked and unlocked, and each
// of its critical sections is one operation on one key of one such map, among nothing but
// what the function alone has: its variables, and functions that only compute. Two
// operations, a loop, a read of what a pointer leads to, a call: all may be what the lock is
// for. What other goroutines learn from the map, the map's own locks order as the lock did.
//
// The sites whose uses a lock held can then only be applied together.
func (r *run) dropLocks() {
	d := &dropper{run: r, steps: map[ast.Node]*rec{}, site: map[*rec]int{}, old: map[ast.Node]bool{}, gone: map[ast.Node]bool{}}
	var locks []*types.Var
	for i, s := range r.sites {
		if s.refused() || s.form.typ == "" || s.form.std || s.class.nested {
			continue
		}
		d.addSteps(i, s)
		for _, l := range s.class.locksBeside() {
			if !slices.ContainsFunc(locks, func(o *types.Var) bool { return o.Pos() == l.Pos() }) {
				locks = append(locks, l)
			}
		}
	}
	slices.SortFunc(locks, func(a, b *types.Var) int { return int(a.Pos() - b.Pos()) })
	for _, l := range locks {
		d.drop(l)
	}
}

// A dropper looks at the locks of one run.
type dropper struct {
	*run
	steps map[ast.Node]*rec // what is one operation of a map that locks itself
	site  map[*rec]int
	old   map[ast.Node]bool // m[k] in m[k] = f(m[k])
	gone  map[ast.Node]bool // statements that a merge has removed
}

// addSteps notes the operations of a site.
func (d *dropper) addSteps(i int, s *siteWork) {
	add := func(n ast.Node, rc *rec) {
		d.steps[n], d.site[rc] = rc, i
		for _, old := range rc.olds {
			d.old[old] = true
		}
	}
	for _, rc := range s.class.recs {
		if !rc.skip {
			add(rc.node, rc)
		}
	}
	for _, m := range s.merges {
		for _, stmt := range m.drop {
			d.gone[stmt] = true
		}
		if m.call == nil {
			continue
		}
		whole := &rec{kind: useStore, base: m.call.base, keys: m.call.keys, rhs: m.value}
		if len(m.call.keys) == 0 {
			whole.kind = useClear // or ReplaceAll
		}
		if m.atExpr != nil {
			add(m.atExpr, whole)
		} else {
			add(m.stmt, whole)
		}
	}
}

// locksBeside returns the locks that are declared where the class's variables are: fields
// of the same struct, variables of the same package.
func (c *class) locksBeside() (locks []*types.Var) {
	for _, m := range c.order {
		var beside []*types.Var
		switch m.kind {
		case structField:
			if st := m.fi.structAround(m.pos); st != nil {
				beside = slices.Collect(st.Fields())
			}
		case packageVar:
			scope := m.fi.pkg.Types.Scope()
			for _, name := range scope.Names() {
				if v, ok := scope.Lookup(name).(*types.Var); ok {
					beside = append(beside, v)
				}
			}
		}
		for _, v := range beside {
			if t := v.Type().String(); (t == "sync.Mutex" || t == "sync.RWMutex") && !v.Exported() && !v.Embedded() {
				locks = append(locks, v)
			}
		}
	}
	return locks
}

// structAround returns the struct type that a field is declared in.
func (fi *fileInfo) structAround(field token.Pos) *types.Struct {
	for _, n := range fi.enclosingPath(field) {
		if e, ok := n.(*ast.StructType); ok {
			st, _ := fi.pkg.Info.TypeOf(e).(*types.Struct)
			return st
		}
	}
	return nil
}

// A lockSection is one critical section: the statements that take and leave the lock, and
// what is between them.
type lockSection struct {
	fi     *fileInfo
	remove []ast.Stmt
	body   []ast.Stmt
	site   int
}

// drop removes a lock if nothing needs it, and notes why not.
func (d *dropper) drop(lock *types.Var) {
	sections, why := d.sectionsOf(lock)
	if len(sections) == 0 && why == nil {
		return // nobody takes it
	}
	sites := map[int]bool{}
	for i := range sections {
		if s := &sections[i]; why == nil {
			why = d.oneStep(s)
			sites[s.site] = true
		}
	}
	decl, fi := d.lockDecl(lock)
	if why == nil && decl == nil {
		why = d.ix.fileAt(lock.Pos()).enclosingPath(lock.Pos())[0]
	}
	if why != nil {
		for _, s := range d.sites {
			if !s.refused() && slices.ContainsFunc(s.class.locksBeside(), func(l *types.Var) bool { return l.Pos() == lock.Pos() }) {
				s.class.note("the lock %s stays: %s may need it", lock.Name(), d.ix.pos(why.Pos()))
			}
		}
		return
	}
	order := slices.Sorted(maps.Keys(sites))
	for _, s := range sections {
		for _, stmt := range s.remove {
			d.remove(s.site, s.fi, stmt)
		}
	}
	d.remove(order[0], fi, decl)
	for _, i := range order {
		d.sites[i].class.note("the lock %s goes: each of its critical sections (%d) is one operation of a map that locks itself; comments at its declaration stay", lock.Name(), len(sections))
		if i != order[0] {
			d.joined = append(d.joined, [2]int{order[0], i})
		}
	}
}

func (d *dropper) remove(site int, fi *fileInfo, n ast.Node) {
	d.sites[site].ops[fi] = append(d.sites[site].ops[fi], &removeOp{opBase{Site: site, Node: n}})
}

// lockDecl returns what declares a lock, and nothing else: a field, a spec or a declaration.
func (d *dropper) lockDecl(lock *types.Var) (ast.Node, *fileInfo) {
	fi := d.ix.fileAt(lock.Pos())
	if fi == nil || fi.generated || d.mentionedElsewhere(lock) {
		return nil, nil
	}
	id, ok := fi.enclosingPath(lock.Pos())[0].(*ast.Ident)
	if !ok {
		return nil, nil
	}
	switch p := fi.parent(id).(type) {
	case *ast.Field:
		if list, ok := fi.parent(p).(*ast.FieldList); ok && len(p.Names) == 1 && !d.listedIn(list) {
			return p, fi
		}
	case *ast.ValueSpec:
		if g, ok := fi.parent(p).(*ast.GenDecl); ok && len(p.Names) == 1 && len(p.Values) == 0 {
			if len(g.Specs) == 1 {
				return g, fi
			}
			return p, fi
		}
	}
	return nil, nil
}

// listedIn reports whether a literal lists the values of a struct's fields, the map's among them, without
// naming them: C{sync.Mutex{}, map[string]int{}}.
func (d *dropper) listedIn(fields *ast.FieldList) bool {
	return slices.ContainsFunc(fields.List, func(f *ast.Field) bool {
		return slices.ContainsFunc(f.Names, func(id *ast.Ident) bool { return len(d.ix.unkeyed[id.Pos()]) > 0 })
	})
}

// mentionedElsewhere reports whether a file that is not loaded, or a directive, may name a lock.
func (d *dropper) mentionedElsewhere(lock *types.Var) bool {
	for _, f := range d.ix.ignoredFiles() {
		if f.idents[lock.Name()] {
			return true
		}
	}
	return slices.ContainsFunc(d.ix.list, func(fi *fileInfo) bool {
		return slices.ContainsFunc(fi.syntax.Comments, func(g *ast.CommentGroup) bool {
			return slices.ContainsFunc(g.List, func(c *ast.Comment) bool { return strings.Contains(c.Text, "mapmigrate:guardedby") })
		})
	})
}

// sectionsOf returns the critical sections of a lock, or a use of it that is no part of one.
func (d *dropper) sectionsOf(lock *types.Var) (sections []lockSection, why ast.Node) {
	leaves := map[ast.Stmt]bool{}
	var takes []lockCall
	for _, id := range d.ix.usesOf(lock) {
		fi := d.ix.fileAt(id.Pos())
		if fi == nil {
			return nil, id
		}
		if fi.pkg.Info.Defs[id] != nil {
			continue
		}
		call, ok := fi.lockCallAt(fi.spelled(id))
		switch {
		case !ok || fi.generated:
			return nil, id
		case call.takes:
			takes = append(takes, call)
		default:
			leaves[call.stmt] = true
		}
	}
	for _, t := range takes {
		s, ok := t.section(leaves)
		if !ok {
			return nil, t.stmt
		}
		sections = append(sections, s)
		for _, stmt := range s.remove {
			delete(leaves, stmt)
		}
	}
	for stmt := range leaves { // any: the message names one of them
		if why == nil || stmt.Pos() < why.Pos() {
			why = stmt
		}
	}
	return sections, why
}

// A lockCall is a statement that takes or leaves a lock.
type lockCall struct {
	fi    *fileInfo
	lock  ast.Expr // s.mu
	stmt  ast.Stmt
	takes bool
	read  bool
}

// lockCallAt returns the statement that a use of a lock is: s.mu.Lock(), defer s.mu.Unlock().
func (fi *fileInfo) lockCallAt(lock ast.Expr) (lockCall, bool) {
	sel, ok := fi.parent(lock).(*ast.SelectorExpr)
	if !ok {
		return lockCall{}, false
	}
	call, ok := fi.parent(sel).(*ast.CallExpr)
	if !ok || call.Fun != ast.Expr(sel) {
		return lockCall{}, false
	}
	stmt, ok := fi.parent(call).(ast.Stmt)
	if !ok || !fi.inBlock(stmt) {
		return lockCall{}, false
	}
	c := lockCall{fi: fi, lock: lock, stmt: stmt, read: sel.Sel.Name[0] == 'R'}
	switch sel.Sel.Name {
	case "Lock", "RLock":
		c.takes = true
		_, ok = stmt.(*ast.ExprStmt)
	case "Unlock", "RUnlock":
		_, ok = stmt.(*ast.ExprStmt)
		_, later := stmt.(*ast.DeferStmt)
		ok = ok || later
	default:
		ok = false
	}
	return c, ok
}

// leave reports whether a statement leaves what t takes.
func (t lockCall) leave(stmt ast.Stmt) (now, later bool) {
	var call *ast.CallExpr
	switch s := stmt.(type) {
	case *ast.ExprStmt:
		call, _ = s.X.(*ast.CallExpr)
	case *ast.DeferStmt:
		call, later = s.Call, true
	}
	if call == nil {
		return false, false
	}
	sel, ok := call.Fun.(*ast.SelectorExpr)
	want := "Unlock"
	if t.read {
		want = "RUnlock"
	}
	ok = ok && sel.Sel.Name == want && t.fi.same(sel.X, t.lock)
	return ok && !later, ok && later
}

// section returns the critical section that a statement begins: to the function's end, if
// the next statement defers the unlock, or to the unlock in the same block. Unlocks before
// early exits belong to it.
func (t lockCall) section(leaves map[ast.Stmt]bool) (lockSection, bool) {
	list := stmtsOf(t.fi.parent(t.stmt))
	i := slices.Index(list, t.stmt)
	s := lockSection{fi: t.fi, remove: []ast.Stmt{t.stmt}}
	for j := i + 1; j < len(list); j++ {
		now, later := t.leave(list[j])
		if later && j == i+1 && bodyOf(t.fi.enclosing(t.stmt)) == t.fi.parent(t.stmt) {
			s.remove, s.body = append(s.remove, list[j]), list[j+1:]
			return s, true
		}
		if now {
			s.remove, s.body = append(s.remove, list[j]), list[i+1:j]
			return s, t.early(&s, leaves)
		}
	}
	return s, false
}

// early adds the unlocks before early exits to a section. It reports false if some exit has
// none.
func (t lockCall) early(s *lockSection, leaves map[ast.Stmt]bool) bool {
	left := true
	for _, stmt := range s.body {
		ast.Inspect(stmt, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.ReturnStmt:
				before, _ := t.leave(t.fi.previous(n))
				left = left && before
			case ast.Stmt:
				if now, _ := t.leave(n); now && leaves[n] {
					s.remove = append(s.remove, n)
				}
			}
			return true
		})
	}
	return left
}

// oneStep returns what in a section is more than one operation among the function's own
// variables, nil for nothing.
func (d *dropper) oneStep(s *lockSection) (why ast.Node) {
	ops := 0
	var look func(n ast.Node) bool
	look = func(n ast.Node) bool {
		if n == nil || why != nil || d.gone[n] || d.old[n] {
			return false
		}
		if stmt, ok := n.(ast.Stmt); ok && slices.Contains(s.remove, stmt) {
			return false
		}
		if rc := d.steps[n]; rc != nil {
			if ops++; ops > 1 || !d.atomic(rc) {
				why = n
				return false
			}
			s.site = d.site[rc]
			for _, part := range operands(rc) {
				ast.Inspect(part, look)
			}
			return false
		}
		if !d.ownOnly(s.fi, n) {
			why = n
		}
		return why == nil
	}
	for _, stmt := range s.body {
		ast.Inspect(stmt, look)
	}
	if ops == 0 && why == nil {
		why = s.remove[0] // who waits for it may rely on that
	}
	return why
}

// operands returns what an operation evaluates, apart from the map itself.
func operands(rc *rec) []ast.Expr {
	parts := slices.Clone(rc.keys)
	if rc.rhs != nil {
		parts = append(parts, rc.rhs)
	}
	return parts
}

// atomic reports whether an operation is one step of its map's form.
func (d *dropper) atomic(rc *rec) bool {
	typ := d.sites[d.site[rc]].form.typ
	switch rc.kind {
	case useGet, useLoad, useStore, useDelete:
		return true
	case useUpdate:
		return !rc.apart
	case useClear:
		return typ == "Locked" || typ == "Sharded"
	case useLen, useSnapshot:
		return typ == "Locked"
	case useHelper:
		return typ == "Locked" && rc.fun == "Clone"
	}
	return false
}

// ownOnly reports whether a node (apart from its parts) does nothing but compute, branch and
// assign to the function's own variables.
func (d *dropper) ownOnly(fi *fileInfo, n ast.Node) bool {
	switch n := n.(type) {
	case *ast.Ident:
		return d.ownName(fi, n)
	case *ast.SelectorExpr:
		if fi.isPackage(n.X) {
			_, variable := fi.object(n.Sel).(*types.Var)
			return !variable
		}
		sel := fi.pkg.Info.Selections[n]
		return sel != nil && sel.Kind() == types.FieldVal && !sel.Indirect()
	case *ast.CallExpr:
		switch fi.builtin(n) {
		case "len", "cap", "make", "new", "min", "max", "append":
			return true
		case "":
			fn := fi.callee(n)
			return fi.isConversion(n) || fn != nil && fn.Pkg() != nil && quietPackages[fn.Pkg().Path()] && fn.Signature().Recv() == nil && !takesCode(fn) && !looksAtDisk[fn.FullName()]
		}
		return false
	case *ast.UnaryExpr:
		_, made := ast.Unparen(n.X).(*ast.CompositeLit)
		return n.Op != token.ARROW && (n.Op != token.AND || made)
	case *ast.BasicLit, *ast.ParenExpr, *ast.BinaryExpr, *ast.CompositeLit, *ast.KeyValueExpr, *ast.TypeAssertExpr,
		*ast.AssignStmt, *ast.IncDecStmt, *ast.ExprStmt, *ast.DeclStmt, *ast.GenDecl, *ast.ValueSpec, *ast.EmptyStmt,
		*ast.BlockStmt, *ast.IfStmt, *ast.ReturnStmt, *ast.SwitchStmt, *ast.CaseClause,
		*ast.ArrayType, *ast.MapType, *ast.StructType, *ast.FieldList, *ast.Field, *ast.InterfaceType:
		return true
	}
	return false
}

// ownName reports whether an identifier names no variable, or one that only the function
// around it can change.
func (d *dropper) ownName(fi *fileInfo, id *ast.Ident) bool {
	v, ok := fi.object(id).(*types.Var)
	switch {
	case !ok:
		return true
	case v.IsField():
		kv, ok := fi.parent(id).(*ast.KeyValueExpr) // of a literal; a selector has been looked at
		sel, selects := fi.parent(id).(*ast.SelectorExpr)
		return ok && kv.Key == ast.Expr(id) || selects && sel.Sel == id
	case v.Pkg() == nil || v.Parent() == v.Pkg().Scope():
		return false
	}
	return fi.settled(id, id)
}
