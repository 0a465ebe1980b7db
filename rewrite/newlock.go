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

// Mutex is the form of a Request that declares a lock beside the map and takes it around every
// use, as the form Guard does with a lock that is there. It is what is left where a map has no
// lock and steps that belong together, or an exported type that must stay.
//
//	var countsMu sync.Mutex
//	var counts = map[string]int{}
//
// Nobody else knows the lock, so that nothing can hold it, or wait while holding it, but what
// this file writes. All uses have to be seen: by name, not through another variable.
//
// # What could go wrong, and is refused
//
// A struct that is copied must not get a lock (holder-copied); its literals without field
// names would not compile (unkeyed-literal).
const Mutex = "mutex"

// An ownLock is a lock that is declared beside a map.
type ownLock struct {
	name  string
	kind  detect.Kind
	reads bool // an RWMutex
	pkg   *types.Package
	in    ast.Node // the function of a local one
}

// at returns the lock for the map that an identifier names.
func (o *ownLock) at(fi *fileInfo, id *ast.Ident) *lockExpr {
	if fi.pkg.Types.Path() != o.pkg.Path() {
		return nil // which cannot name it
	}
	if o.kind != detect.Field {
		if _, hidden := innermost(fi, id.Pos()).LookupParent(o.name, id.Pos()); hidden != nil {
			return nil
		}
		return &lockExpr{text: o.name, reads: o.reads}
	}
	sel, ok := fi.parent(id).(*ast.SelectorExpr)
	if !ok || sel.Sel != id {
		return nil
	}
	root, path, ok := steps(fi, sel.X)
	if !ok {
		return nil
	}
	return &lockExpr{text: spell(sel.X) + "." + o.name, root: root, path: path, reads: o.reads}
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
	if id == nil {
		t.c.refuse("declaration", at, "", "the declaration of %s is not a plain variable", t.m.Name)
		return false
	}
	o := &ownLock{kind: t.m.Kind, reads: t.mostlyReads(), pkg: fi.pkg.Types, in: fi.enclosing(id)}
	typ := "Mutex"
	if o.reads {
		typ = "RWMutex"
	}
	if o.kind == "" { // of a map that detection does not know
		o.kind = kindOf(fi.object(id))
	}
	switch p := fi.parent(id).(type) {
	case *ast.Field:
		if !t.fieldFor(fi, p, id, o, typ) {
			return false
		}
	case *ast.ValueSpec:
		if o.kind == detect.PackageVar {
			o.name = fi.fresh(p, id.Name+"Mu")
			t.put(fi, p, o.name, typ)
		} else if stmt, ok := fi.parent(fi.parent(p)).(*ast.DeclStmt); ok {
			t.local(fi, stmt, id, o, typ)
		}
	case *ast.AssignStmt:
		t.local(fi, p, id, o, typ)
	}
	if o.name == "" {
		t.c.refuse("declaration", at, "", "beside the declaration of %s is no place for a lock", t.m.Name)
		return false
	}
	if o.kind != detect.Local {
		if t.ix.api()[at] && !t.api {
			t.c.refuse("exported-api", at, "", "code of other modules may use %s without the new lock", t.m.Name)
		}
		t.c.checkOtherBuilds(&member{pos: at, name: id.Name, fi: fi, obj: fi.object(id)})
	}
	if len(t.c.refusals) > 0 {
		return false
	}
	t.own = o
	t.c.note("%s is new, and taken around every use of %s", o.name, t.m.Name)
	return true
}

func kindOf(obj types.Object) detect.Kind {
	v, ok := obj.(*types.Var)
	switch {
	case ok && v.IsField():
		return detect.Field
	case ok && v.Pkg() != nil && v.Parent() == v.Pkg().Scope():
		return detect.PackageVar
	}
	return detect.Local
}

// put declares the lock in front of a field or a variable of the package.
func (t *taking) put(fi *fileInfo, before ast.Node, name, typ string) {
	if spec, ok := before.(*ast.ValueSpec); ok {
		if decl := fi.parent(spec).(*ast.GenDecl); !decl.Lparen.IsValid() {
			before = decl
		}
	}
	t.ops[fi] = append(t.ops[fi], &declOp{opBase: t.base(before), Name: name, Type: t.importStd(fi, "sync") + "." + typ})
}

// local declares the lock in front of the statement that declares a local map.
func (t *taking) local(fi *fileInfo, stmt ast.Stmt, id *ast.Ident, o *ownLock, typ string) {
	if !fi.inBlock(stmt) || jumpedOver(fi.enclosing(stmt), stmt) {
		return
	}
	o.name = fi.fresh(stmt, id.Name+"Mu")
	fi.reserve(stmt, o.name)
	t.ops[fi] = append(t.ops[fi], &lockOp{opBase: t.base(stmt), Last: stmt, Before: []string{"var " + o.name + " " + t.importStd(fi, "sync") + "." + typ}})
}

// fieldFor declares the lock in front of a struct's field.
func (t *taking) fieldFor(fi *fileInfo, f *ast.Field, id *ast.Ident, o *ownLock, typ string) bool {
	st, ok := fi.parent(fi.parent(f)).(*ast.StructType)
	if !ok {
		return true // a parameter
	}
	if lits := t.ix.unkeyed[id.Pos()]; len(lits) > 0 {
		t.c.refuse("unkeyed-literal", lits[0].Pos(), "", "a literal of the struct has no field names: a lock would be a value too few")
		return false
	}
	if lock := lockAmong(fi, st); lock != "" {
		t.c.refuse("other-lock", f.Pos(), "", "the struct has a lock, %s: a second one beside it would say that it is not meant for %s", lock, id.Name)
		return false
	}
	v, _ := fi.object(id).(*types.Var)
	name := id.Name + "Mu"
	if v != nil && v.Exported() {
		name = lowerFirst(name)
	}
	for slices.ContainsFunc(st.Fields.List, func(g *ast.Field) bool {
		return slices.ContainsFunc(g.Names, func(n *ast.Ident) bool { return n.Name == name }) || len(g.Names) == 0
	}) && t.taken(fi, st, name) {
		name += "2"
	}
	if spec, ok := fi.parent(st).(*ast.TypeSpec); ok {
		if tn, ok := fi.pkg.Info.Defs[spec.Name].(*types.TypeName); ok && t.copiedHolder(tn, id.Pos()) {
			return false
		}
	}
	o.name = name
	t.put(fi, f, name, typ)
	return true
}

// lockAmong returns the name of a field of a struct that is a lock, "" if there is none.
func lockAmong(fi *fileInfo, st *ast.StructType) string {
	typ, ok := fi.pkg.Info.TypeOf(st).(*types.Struct)
	if !ok {
		return ""
	}
	for f := range typ.Fields() {
		if asLock(fi, f.Name(), nil, nil, f) != nil {
			return f.Name()
		}
	}
	return ""
}

// taken reports whether a struct has a field or method of a name, promoted ones included.
func (t *taking) taken(fi *fileInfo, st *ast.StructType, name string) bool {
	typ := fi.pkg.Info.TypeOf(st)
	if spec, ok := fi.parent(st).(*ast.TypeSpec); ok {
		typ = fi.pkg.Info.Defs[spec.Name].Type()
	}
	obj, _, _ := types.LookupFieldOrMethod(typ, true, fi.pkg.Types, name)
	return obj != nil
}

// copiedHolder refuses a holder that is used by value in a way that a lock forbids: passed,
// returned, assigned, an element of something. A new lock is copied with it, unlocked or not.
func (t *taking) copiedHolder(tn *types.TypeName, at token.Pos) bool {
	holds := func(typ types.Type) bool { return typ != nil && contains(typ, tn.Pos(), 0) }
	for _, fi := range t.ix.list {
		var bad ast.Node
		ast.Inspect(fi.syntax, func(n ast.Node) bool {
			if bad != nil {
				return false
			}
			switch n := n.(type) {
			case *ast.FuncDecl:
				if n.Recv != nil && len(n.Recv.List) == 1 && holds(fi.pkg.Info.TypeOf(n.Recv.List[0].Type)) {
					bad = n
				}
			case *ast.FuncType:
				for _, list := range []*ast.FieldList{n.Params, n.Results} {
					if list != nil {
						for _, f := range list.List {
							if holds(fi.pkg.Info.TypeOf(f.Type)) {
								bad = f
							}
						}
					}
				}
			case *ast.RangeStmt:
				if n.Value != nil && holds(fi.pkg.Info.TypeOf(n.Value)) {
					bad = n
				}
			case ast.Expr:
				if tv, ok := fi.pkg.Info.Types[n]; ok && tv.IsValue() && holds(tv.Type) && copies(fi, n) {
					bad = n
				}
			}
			return bad == nil
		})
		if bad != nil {
			t.c.refuse("holder-copied", bad.Pos(), "", "%s is copied here: a lock must not be", tn.Name())
			return true
		}
	}
	return false
}

// contains reports whether a value of type t holds one of the type declared at pos.
func contains(t types.Type, pos token.Pos, depth int) bool {
	if depth > 8 {
		return false
	}
	if n, ok := types.Unalias(t).(*types.Named); ok && n.Obj().Pos() == pos {
		return true
	}
	switch u := t.Underlying().(type) {
	case *types.Struct:
		for f := range u.Fields() {
			if contains(f.Type(), pos, depth+1) {
				return true
			}
		}
	case *types.Array:
		return contains(u.Elem(), pos, depth+1)
	}
	return false
}

// copies reports whether a value is copied where it stands: it is something that exists
// already (no literal or call), and more than a step to something inside.
func copies(fi *fileInfo, x ast.Expr) bool {
	switch ast.Unparen(x).(type) {
	case *ast.Ident, *ast.SelectorExpr, *ast.IndexExpr, *ast.StarExpr, *ast.TypeAssertExpr:
	default:
		return false
	}
	e, parent := fi.outer(x)
	switch p := parent.(type) {
	case *ast.SelectorExpr:
		return false
	case *ast.IndexExpr:
		return p.Index == e
	case *ast.UnaryExpr:
		return p.Op != token.AND
	case *ast.AssignStmt:
		return slices.Contains(p.Rhs, e) || p.Tok == token.ASSIGN && slices.Contains(p.Lhs, e)
	case *ast.CallExpr:
		return p.Fun != e && fi.builtin(p) != "new" && fi.builtin(p) != "len"
	case *ast.StarExpr, *ast.ExprStmt, *ast.RangeStmt, *ast.SliceExpr:
		return false
	case *ast.Field, *ast.ArrayType, *ast.CompositeLit, *ast.MapType, *ast.ChanType, *ast.TypeSpec:
		lit, ok := p.(*ast.CompositeLit)
		return ok && lit.Type != e
	case *ast.ValueSpec:
		return slices.Contains(p.Values, e)
	case *ast.KeyValueExpr:
		return p.Value == e
	}
	return true
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

func lowerFirst(s string) string {
	return string(s[0]|0x20) + s[1:]
}

// allSpots returns the statements that use the map once it can be shared, in order.
func (t *taking) allSpots(decl token.Pos) (list []*spot) {
	owned := map[lineKey]bool{}
	for _, a := range t.m.Accesses {
		k := lineKey{a.Pos.Filename, a.Pos.Line}
		if was, seen := owned[k]; !seen || was {
			owned[k] = a.Owned
		}
	}
	byStmt := map[ast.Stmt]*spot{}
	for _, id := range t.ix.uses[decl] {
		fi := t.ix.fileAt(id.Pos())
		pos := t.ix.prog.Fset.PositionFor(id.Pos(), false)
		if fi == nil || strings.HasSuffix(fi.abs, "_test.go") || owned[lineKey{pos.Filename, pos.Line}] {
			continue
		}
		if kv, ok := fi.parent(id).(*ast.KeyValueExpr); ok && kv.Key == ast.Expr(id) {
			continue // a new holder
		}
		if fi.path == "" || fi.generated {
			t.c.refuse("generated", id.Pos(), "", "%s is used in a generated file", t.m.Name)
			return nil
		}
		if t.own.kind == detect.Local && fi.enclosing(id) == t.own.in && (!t.spawnedBefore(fi, decl, id) || t.waited(fi, decl, id)) {
			continue // nobody else has it yet, or still
		}
		op, ok := t.opOf(fi, id)
		sp := t.placeOf(fi, id.Pos())
		if !ok || sp == nil {
			t.c.refuse("lock-alias", id.Pos(), "", "%s is handed on here, or gets another name: what is done with it there is not seen", t.m.Name)
			return nil
		}
		if old := byStmt[sp.stmt]; old != nil {
			sp = old
		} else {
			byStmt[sp.stmt] = sp
			list = append(list, sp)
		}
		sp.uses, sp.ops = append(sp.uses, id), append(sp.ops, op)
	}
	sortSpots(list)
	return list
}

// spawnedBefore reports whether the function of a local map may have started something that
// uses it before a use: a function literal that has it stands in front.
func (t *taking) spawnedBefore(fi *fileInfo, decl token.Pos, id *ast.Ident) bool {
	fn := fi.enclosing(id)
	return slices.ContainsFunc(t.ix.uses[decl], func(other *ast.Ident) bool {
		return fi.enclosing(other) != fn && (other.Pos() < id.Pos() || inLoop(fi, id))
	})
}

// waited reports whether the function of a local map waits for others, in its own list of
// statements, behind all literals that use the map and before a use.
func (t *taking) waited(fi *fileInfo, decl token.Pos, id *ast.Ident) (found bool) {
	body := bodyOf(t.own.in)
	for _, s := range body.List {
		if s.End() > id.Pos() {
			break
		}
		header(s, func(n ast.Node) {
			if call, ok := n.(*ast.CallExpr); ok {
				if fn := fi.callee(call); fn != nil && fn.Name() == "Wait" && isGroup(fn) {
					found = true
				}
			}
		})
		for _, other := range t.ix.uses[decl] {
			if fi.enclosing(other) != t.own.in && s.Pos() <= other.Pos() && other.End() <= s.End() {
				found = false
			}
		}
	}
	return found && !slices.ContainsFunc(t.ix.uses[decl], func(other *ast.Ident) bool { return fi.enclosing(other) != t.own.in && other.Pos() > id.Pos() })
}

// isGroup reports whether a method is one of a WaitGroup or an errgroup.
func isGroup(fn *types.Func) bool {
	recv := fn.Signature().Recv()
	if recv == nil {
		return false
	}
	key := keyOf(recv.Type())
	return key == "sync.WaitGroup" || key == "golang.org/x/sync/errgroup.Group"
}

func inLoop(fi *fileInfo, n ast.Node) bool {
	for n = fi.parent(n); n != nil; n = fi.parent(n) {
		switch n.(type) {
		case *ast.ForStmt, *ast.RangeStmt:
			return true
		case *ast.FuncDecl, *ast.FuncLit:
			return false
		}
	}
	return false
}

// opOf says what a use does, if it is one that leaves the map where it is.
func (t *taking) opOf(fi *fileInfo, id *ast.Ident) (detect.Op, bool) {
	var x ast.Expr = id
	if sel, ok := fi.parent(id).(*ast.SelectorExpr); ok && sel.Sel == id {
		x = sel
	}
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
		x, parent := fi.outer(use)
		switch p := parent.(type) {
		case *ast.IndexExpr:
			if p.X != x || isNested(fi, x) || fi.enclosing(use) != fi.enclosing(s) {
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
	switch x := ast.Unparen(x).(type) {
	case *ast.CompositeLit:
		return true
	case *ast.CallExpr:
		if fi.builtin(x) == "make" {
			return true
		}
		fn := fi.callee(x)
		return fn != nil && fn.Pkg() != nil && fn.Pkg().Path() == "maps" && fn.Name() == "Clone"
	}
	return fi.isNil(x)
}
