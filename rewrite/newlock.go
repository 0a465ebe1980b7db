// This file gives a map a lock of its own: the form "mutex".

package rewrite

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"

	"github.com/mapmigrate/mapmigrate/detect"
)

// Mutex is the form of a Request that declares a lock beside a package's map variable, or a field of
// a struct, and takes it around every use, as the form Guard does with a lock that is there. It is
// what is left where such a map has no lock and steps that belong together.
//
//	var countsMu sync.Mutex
//	var counts = map[string]int{}
//
// Nobody else knows the lock, so that nothing can hold it, or wait while holding it, but what
// this file writes. All uses have to be seen, by name, and the map must have no other.
//
// A struct with a lock must not be copied, so that no value of it may be seen anywhere but where it
// is made, or as the way to something in it (holder-copied, see copiedHolder); nor may it have a
// lock already (other-lock), be observed as a whole (holder-reflected), or be made by a literal
// without names (unkeyed-literal). While nobody else has the struct yet, its lock is not taken.
//
// The lock of a function's variable is taken from the first function literal on that uses it: what comes
// before is nobody else's, and whether the others have ended is not certain enough.
const Mutex = "mutex"

// An ownLock is a lock that is declared beside a map.
type ownLock struct {
	name  string
	reads bool // an RWMutex
	pkg   string
	field bool // of a struct
	local bool // of a function's variable
	mayBe bool // nil, for all that is seen: of a package's variable
}

// ownAt returns the lock for the map that an identifier names.
func (t *taking) ownAt(fi *fileInfo, id *ast.Ident) *lockExpr {
	o := t.own
	if fi.pkg.Path != o.pkg {
		return nil // which cannot name it
	}
	if !o.field {
		if _, hidden := innermost(fi, id.Pos()).LookupParent(o.name, id.Pos()); hidden != nil {
			return nil
		}
		return &lockExpr{text: o.name, reads: o.reads}
	}
	sel, ok := fi.parent(id).(*ast.SelectorExpr)
	if !ok || sel.Sel != id {
		return nil
	}
	root, path, ok := steps(fi, sel)
	if !ok || !t.stable(fi, root, path[:len(path)-1]) {
		return nil
	}
	beside := true
	if s := fi.pkg.Info.Selections[sel]; s != nil {
		beside = len(s.Index()) == 1
	}
	// The way ends with the map, in place of the lock beside it.
	return &lockExpr{text: spell(sel.X) + "." + o.name, root: root, path: path, reads: o.reads, beside: beside}
}

// declare declares the lock, or refuses.
func (t *taking) declare(at token.Pos) bool {
	fi := t.ix.fileAt(at)
	if fi == nil || fi.path == "" || fi.generated {
		t.c.refuse("generated", at, "", "%s is declared in a generated file", t.m.Name)
		return false
	}
	var id *ast.Ident
	for _, n := range fi.enclosingPath(at) {
		id, _ = n.(*ast.Ident)
		break
	}
	o := &ownLock{pkg: fi.pkg.Path, reads: t.mostlyReads()}
	var before ast.Node
	switch p := fi.parent(id).(type) {
	case *ast.ValueSpec:
		if s, local := fi.parent(fi.parent(p)).(*ast.DeclStmt); local {
			before = t.besideLocal(fi, s, id, p.Names, p.Values, o)
		} else {
			before = t.besideVariable(fi, p, id, o)
		}
	case *ast.AssignStmt:
		before = t.besideLocal(fi, p, id, p.Lhs, p.Rhs, o)
	case *ast.Field:
		before = t.besideField(fi, p, id, o)
	}
	if before == nil {
		if len(t.c.refusals) == 0 {
			t.c.refuse("not-a-variable", at, "", "%s is neither a variable that is declared alone nor a field of a type that has a name", t.m.Name)
		}
		return false
	}
	if i := slices.IndexFunc(t.m.Accesses, func(a detect.Access) bool { return !a.Owned && !a.Test && len(a.Locks) > 0 }); i >= 0 {
		t.c.refuse("other-lock", at, "", "%s holds %s when it uses %s: a second lock would leave two kinds of guarding side by side", t.m.Accesses[i].Func, t.m.Accesses[i].Locks[0].Name, t.m.Name)
		return false
	}
	if t.ix.api()[at] && !t.api {
		t.c.refuse("exported-api", at, "", "code of other modules may use %s without the new lock", t.m.Name)
	}
	if !o.local {
		t.c.checkOtherBuilds(&member{pos: at, name: id.Name, fi: fi, obj: fi.object(id), kind: t.c.order[0].kind})
	}
	if len(t.c.refusals) > 0 {
		return false
	}
	t.own = o
	typ := "Mutex"
	if o.reads {
		typ = "RWMutex"
	}
	typ = t.importStd(fi, "sync", before) + "." + typ
	if s, ok := before.(ast.Stmt); ok {
		t.ops[fi] = append(t.ops[fi], &lockOp{opBase: t.base(s), Last: s, Before: []string{"var " + o.name + " " + typ}})
	} else {
		t.ops[fi] = append(t.ops[fi], &declOp{opBase: t.base(before), Name: o.name, Type: typ})
	}
	which := "every use"
	if o.local {
		which = "the uses, from the first function literal on that has it,"
	}
	t.c.note("%s is new, and taken around %s of %s but in tests", o.name, which, t.m.Name)
	return true
}

// besideVariable returns what the lock of a package's variable is to be declared in front of, nil if
// there is no place.
func (t *taking) besideVariable(fi *fileInfo, spec *ast.ValueSpec, id *ast.Ident, o *ownLock) ast.Node {
	if fi.object(id) == nil || fi.pkg.Types.Scope().Lookup(id.Name) != fi.object(id) || strings.HasSuffix(fi.abs, "_test.go") {
		return nil
	}
	if i := slices.Index(spec.Names, id); len(spec.Names) > 1 || i < len(spec.Values) && !newMap(fi, spec.Values[i]) {
		t.c.refuse("lock-alias", id.Pos(), "declare it alone, with a map of its own", "%s may be a map that others have, too, or is declared together with others", t.m.Name)
		return nil
	}
	o.name = fi.fresh(spec, id.Name+"Mu")
	for slices.ContainsFunc(t.ix.ignoredFiles(), func(f *ignoredFile) bool { return f.idents[o.name] }) {
		o.name += "2"
	}
	o.mayBe = t.mayBeNil(fi.object(id), len(spec.Values) > 0 && makesMap(fi, spec.Values[0]))
	if decl := fi.parent(spec).(*ast.GenDecl); !decl.Lparen.IsValid() {
		return decl
	}
	return spec
}

// besideLocal returns the statement in front of which the lock of a function's variable is to be declared,
// nil if there is no place.
func (t *taking) besideLocal(fi *fileInfo, s ast.Stmt, id *ast.Ident, names any, values []ast.Expr, o *ownLock) ast.Node {
	alone := false
	switch names := names.(type) {
	case []*ast.Ident:
		alone = len(names) == 1
	case []ast.Expr:
		alone = len(names) == 1 && fi.pkg.Info.Defs[id] != nil
	}
	if !alone || !fi.inBlock(s) || strings.HasSuffix(fi.abs, "_test.go") || fi.topLevel(s) == nil || jumps(fi.topLevel(s)) {
		return nil
	}
	if len(values) > 0 && !newMap(fi, values[0]) {
		t.c.refuse("lock-alias", id.Pos(), "", "%s may be a map that others have, too", t.m.Name)
		return nil
	}
	o.local, o.name = true, fi.fresh(s, id.Name+"Mu")
	fi.reserve(s, o.name)
	o.mayBe = t.mayBeNil(fi.object(id), len(values) > 0 && makesMap(fi, values[0]))
	return s
}

// isFirst reports whether a statement with a use of a local variable ends before all function literals that
// use it, in its own function, and does not run again after one of them: nobody else has it yet.
//
//	m := map[int]int{}; m[0] = parallel(func(i int) { m[i]++ }) // the write comes last
func (t *taking) isFirst(fi *fileInfo, decl token.Pos, use *ast.Ident) bool {
	fn := fi.enclosing(use)
	if fn == nil || decl < fn.Pos() || fn.End() <= decl {
		return false
	}
	ends := stmtEnd(fi, use)
	for n := fi.parent(use); n != nil && n.Pos() > decl && n != fn; n = fi.parent(n) {
		switch n.(type) {
		case *ast.GoStmt, *ast.DeferStmt:
			return false
		case *ast.ForStmt, *ast.RangeStmt:
			ends = n.End()
		}
	}
	return !slices.ContainsFunc(t.ix.uses[decl], func(id *ast.Ident) bool { return fi.enclosing(id) != fn && id.Pos() < ends })
}

// mayBeNil reports whether a map variable is nil at some time, as far as is seen: neither its
// declaration nor the init function that comes first gives it a map, or it is set to something else.
func (t *taking) mayBeNil(v types.Object, made bool) bool {
	for _, id := range t.ix.usesOf(v) {
		fi := t.ix.fileAt(id.Pos())
		if fi == nil || strings.HasSuffix(fi.abs, "_test.go") {
			continue
		}
		a, ok := fi.parent(id).(*ast.AssignStmt)
		if !ok {
			continue
		}
		i := slices.Index(a.Lhs, ast.Expr(id))
		switch {
		case i < 0:
		case len(a.Lhs) != len(a.Rhs) || !makesMap(fi, a.Rhs[i]):
			return true
		default:
			decl, ok := fi.enclosing(a).(*ast.FuncDecl)
			made = made || ok && decl.Recv == nil && decl.Name.Name == "init" && t.comesFirst(fi, decl, a)
		}
	}
	return !made
}

// comesFirst reports whether a statement of an init function runs before all that may use a variable
// of its package: there is one init function only, nothing is called before it there, nor for a
// variable's value.
func (t *taking) comesFirst(fi *fileInfo, init *ast.FuncDecl, s ast.Stmt) bool {
	i := slices.Index(init.Body.List, s)
	if i < 0 || exits(init.Body.List[:i]) || callsOwn(t.ix, fi, init.Body.List[:i]...) {
		return false
	}
	for _, other := range t.ix.list {
		if other.pkg.Path != fi.pkg.Path {
			continue
		}
		for _, d := range other.syntax.Decls {
			if decl, ok := d.(*ast.FuncDecl); ok && decl.Recv == nil && decl.Name.Name == "init" && decl != init {
				return false
			}
			if decl, ok := d.(*ast.GenDecl); ok && callsOwn(t.ix, other, &ast.DeclStmt{Decl: decl}) {
				return false
			}
		}
	}
	return true
}

// callsOwn reports whether statements call functions of the module, or function values.
func callsOwn(ix *index, fi *fileInfo, list ...ast.Stmt) (found bool) {
	for _, s := range list {
		ast.Inspect(s, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok && !fi.isConversion(call) && fi.builtin(call) == "" {
				fn := fi.callee(call)
				decl, _ := ix.funcDecl(fn)
				found = found || fn == nil || decl != nil
			}
			return !found
		})
	}
	return found
}

// mostlyReads reports whether more places read the map than change it.
func (t *taking) mostlyReads() bool {
	reads, writes := 0, 0
	for _, a := range t.m.Accesses {
		switch {
		case a.Owned || a.Test:
		case a.Op.Mutates():
			writes++
		default:
			reads++
		}
	}
	return reads > writes
}

// allSpots returns the statements that use the map, in order.
func (t *taking) allSpots(decl token.Pos) (list []*spot) {
	byStmt := map[ast.Stmt]*spot{}
	t.atOnce = map[*ast.FuncLit]bool{}
	for _, id := range t.ix.uses[decl] {
		fi := t.ix.fileAt(id.Pos())
		if fi == nil || strings.HasSuffix(fi.abs, "_test.go") {
			continue
		}
		if kv, ok := fi.parent(id).(*ast.KeyValueExpr); ok && kv.Key == ast.Expr(id) && t.own.field && newMap(fi, kv.Value) {
			continue // where the struct is made
		}
		if fi.path == "" || fi.generated {
			t.c.refuse("generated", id.Pos(), "", "%s is used in a generated file", t.m.Name)
			return nil
		}
		op, ok := t.opOf(fi, id)
		at, lits := runsAt(fi, id)
		sp := t.placeOf(fi, at.Pos())
		if !ok || sp == nil {
			t.c.refuse("lock-alias", id.Pos(), "", "%s is handed on here, or gets another name: what is done with it there is not seen", t.m.Name)
			return nil
		}
		if t.own.field && t.isUnshared(fi, id) || t.own.local && t.isFirst(fi, decl, id) {
			continue
		}
		if old := byStmt[sp.stmt]; old != nil {
			sp = old
		} else {
			byStmt[sp.stmt] = sp
			list = append(list, sp)
		}
		sp.uses, sp.ops = append(sp.uses, id), append(sp.ops, op)
		sp.inner = sp.inner || len(lits) > 0
		for _, lit := range lits {
			t.atOnce[lit] = true
		}
	}
	sortSpots(list)
	return list
}

// runsAt returns the node at which a use runs: the use itself, or what is around the function
// literals that it is in, where these are only called by the functions that they are given to.
//
//	sort.Slice(names, func(i, j int) bool { return s.scores[names[i]] > s.scores[names[j]] })
func runsAt(fi *fileInfo, use ast.Node) (at ast.Node, lits []*ast.FuncLit) {
	at = use
	for {
		lit, ok := fi.enclosing(at).(*ast.FuncLit)
		if !ok {
			return at, lits
		}
		call, ok := fi.parent(lit).(*ast.CallExpr)
		if !ok || !slices.Contains(call.Args, ast.Expr(lit)) {
			return at, lits
		}
		switch fi.parent(call).(type) {
		case *ast.GoStmt, *ast.DeferStmt: // it runs later
			return at, lits
		}
		fn := fi.callee(call)
		if fn == nil || fn.Pkg() == nil || fn.Pkg().Path() != "sort" && fn.Pkg().Path() != "slices" || fn.Signature().Recv() != nil || strings.HasPrefix(fn.Name(), "Chunk") {
			return at, lits
		}
		at, lits = call, append(lits, lit)
	}
}

// opOf says what a use does, if it is one that leaves the map where it is.
func (t *taking) opOf(fi *fileInfo, id *ast.Ident) (detect.Op, bool) {
	x := fi.spelled(id)
	x, parent := fi.outer(x)
	switch p := parent.(type) {
	case *ast.IndexExpr:
		if p.X != x {
			return "", false
		}
		if isNested(fi, x) { // v, ok := m[a] has another type than m[a]
			return t.rowOp(fi, p)
		}
		if u, ok := fi.parent(p).(*ast.UnaryExpr); ok && u.Op == token.AND {
			return "", false
		}
		if changed(fi, p) {
			return detect.Write, true
		}
		return detect.Read, true
	case *ast.RangeStmt:
		return detect.Range, p.X == x && (!isNested(fi, x) || rowStays(fi, t.ix, p))
	case *ast.CallExpr:
		switch fi.builtin(p) {
		case "len":
			return detect.Len, true
		case "delete", "clear":
			return detect.Delete, true
		}
		if fn := fi.callee(p); fn != nil && fn.Pkg() != nil && fn.Pkg().Path() == "maps" && fn.Name() == "Clone" {
			return detect.Read, !isNested(fi, x)
		}
	case *ast.BinaryExpr:
		return detect.Read, fi.isNil(p.X) || fi.isNil(p.Y)
	case *ast.AssignStmt:
		i := slices.Index(p.Lhs, x)
		return detect.Replace, i >= 0 && len(p.Lhs) == len(p.Rhs) && p.Tok == token.ASSIGN && newMap(fi, p.Rhs[i])
	}
	return "", false
}

// rowOp says what a use of a row, m[a], does, if the row stays in its map.
func (t *taking) rowOp(fi *fileInfo, row *ast.IndexExpr) (detect.Op, bool) {
	x, parent := fi.outer(row)
	switch p := parent.(type) {
	case *ast.IndexExpr:
		if p.X == x && !fi.isMap(p) {
			if u, ok := fi.parent(p).(*ast.UnaryExpr); !ok || u.Op != token.AND {
				if changed(fi, p) {
					return detect.Write, true
				}
				return detect.Read, true
			}
		}
	case *ast.RangeStmt:
		return detect.Range, p.X == x && !isNested(fi, x)
	case *ast.CallExpr:
		switch fi.builtin(p) {
		case "len":
			return detect.Len, true
		case "delete", "clear":
			return detect.Delete, true
		}
	case *ast.BinaryExpr:
		return detect.Read, fi.isNil(p.X) || fi.isNil(p.Y)
	case *ast.AssignStmt:
		if i := slices.Index(p.Lhs, x); i >= 0 {
			return detect.Write, len(p.Lhs) == len(p.Rhs) && newMap(fi, p.Rhs[i])
		}
		blank, ok := p.Lhs[0].(*ast.Ident)
		return detect.Read, len(p.Lhs) == 2 && len(p.Rhs) == 1 && ok && blank.Name == "_"
	}
	return "", false
}

// rowStays reports whether a loop over a nested map uses the rows only within its body, and in
// place: nothing gets one.
func rowStays(fi *fileInfo, ix *index, s *ast.RangeStmt) bool {
	id, ok := s.Value.(*ast.Ident)
	if !ok || id.Name == "_" {
		return s.Value == nil || ok
	}
	obj := fi.pkg.Info.Defs[id]
	if obj == nil {
		return false
	}
	for _, use := range ix.uses[obj.Pos()] {
		if fi.enclosing(use) != fi.enclosing(s) {
			return false
		}
		x, parent := fi.outer(use)
		switch p := parent.(type) {
		case *ast.IndexExpr:
			if p.X != x || isNested(fi, x) {
				return false
			}
		case *ast.RangeStmt:
			if p.X != x || isNested(fi, x) {
				return false
			}
		case *ast.CallExpr:
			if b := fi.builtin(p); b != "len" && b != "delete" && b != "clear" {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// newMap reports whether x is a map that nobody else has.
func newMap(fi *fileInfo, x ast.Expr) bool {
	if call, ok := ast.Unparen(x).(*ast.CallExpr); ok {
		if fn := fi.callee(call); fn != nil && fn.FullName() == "maps.Clone" {
			return true
		}
	}
	return makesMap(fi, x) || fi.isNil(x)
}
