// This file says which lock an access needs, and what may run while it is held.

package rewrite

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"

	"github.com/mapmigrate/mapmigrate/detect"
)

// A lockExpr is a map's lock as one function can write it.
type lockExpr struct {
	text   string       // "s.mu", or "s" where the lock is embedded
	root   types.Object // the variable that it begins with
	path   []*types.Var // the fields that follow
	reads  bool         // it has RLock and RUnlock
	decl   token.Pos    // of the lock itself
	symbol *types.Var   // the lock itself
	beside bool         // it is a field of what the way leads to, not of something embedded there
}

func (l *lockExpr) take(writes bool) string {
	if l.reads && !writes {
		return l.text + ".RLock()"
	}
	return l.text + ".Lock()"
}

func (l *lockExpr) leave(writes bool) string {
	if l.reads && !writes {
		return l.text + ".RUnlock()"
	}
	return l.text + ".Unlock()"
}

// lockOf returns the lock of a spot, or refuses.
func (t *taking) lockOf(sp *spot) *lockExpr {
	if sp.lock != nil {
		t.guard, t.field = sp.lock.decl, sp.lock.symbol
		return sp.lock
	}
	l := t.lockFor(sp.fi, sp.uses[0])
	if l == nil {
		t.c.refuse("lock-object", sp.uses[0].Pos(), "", "which %s belongs to the %s used here cannot be written down: the way to it is more than variables and fields, may change, or is another one's", t.lockName(), t.m.Name)
		return nil
	}
	t.guard, t.field = l.decl, l.symbol
	return l
}

// lockFor returns the lock for the map that an identifier names: the field beside it, one of
// an object around it, or a package variable.
func (t *taking) lockFor(fi *fileInfo, id *ast.Ident) *lockExpr {
	if t.own != nil {
		return t.ownAt(fi, id)
	}
	holder, name := cutLast(t.m.GuardKey)
	if fi.pkg.Path == holder { // a variable of the package
		v, ok := fi.pkg.Types.Scope().Lookup(name).(*types.Var)
		if !ok || !visibleAt(fi, v, id.Pos()) {
			return nil // hidden
		}
		return asLock(fi, name, v, nil, v)
	}
	sel, ok := fi.parent(id).(*ast.SelectorExpr)
	if !ok || sel.Sel != id {
		return nil
	}
	mapHolder, _ := cutLast(t.m.Key)
	for x := ast.Unparen(sel.X); ; {
		beside := x == ast.Unparen(sel.X) && mapHolder == holder
		if beside || keyOf(fi.pkg.Info.TypeOf(x)) == holder {
			root, path, ok := steps(fi, x)
			if !ok || !t.stable(fi, root, path) {
				return nil
			}
			obj, depth, _ := types.LookupFieldOrMethod(fi.pkg.Info.TypeOf(x), true, fi.pkg.Types, name)
			v, isField := obj.(*types.Var)
			if !isField || beside && !besideOf(fi, sel, v) {
				return nil
			}
			text := spell(x)
			if !promotesLock(fi, fi.pkg.Info.TypeOf(x), v) {
				text += "." + name
			}
			l := asLock(fi, text, root, append(path, v), v)
			if l != nil {
				l.beside = len(depth) == 1
			}
			return l
		}
		up, ok := x.(*ast.SelectorExpr)
		if !ok {
			return nil
		}
		x = ast.Unparen(up.X)
	}
}

// promotesLock reports whether the methods of a lock that is embedded in an object can be called
// on the object: it may have some of these names of its own.
//
//	func (d *door) Lock() { d.Mutex.Lock(); d.m["locked"]++; d.Mutex.Unlock() }
func promotesLock(fi *fileInfo, t types.Type, lock *types.Var) bool {
	if !lock.Embedded() {
		return false
	}
	for _, name := range []string{"Lock", "Unlock", "RLock", "RUnlock"} {
		if own, _, _ := types.LookupFieldOrMethod(lock.Type(), true, fi.pkg.Types, name); own == nil {
			continue
		}
		m, index, _ := types.LookupFieldOrMethod(t, true, fi.pkg.Types, name)
		if _, ok := m.(*types.Func); !ok || len(index) < 2 {
			return false
		}
		at := t
		var from *types.Var
		for _, i := range index[:len(index)-1] {
			from = deref(at).Underlying().(*types.Struct).Field(i)
			at = from.Type()
		}
		if from.Origin() != lock.Origin() {
			return false
		}
	}
	return true
}

// visibleAt reports whether a name means a variable at a position.
func visibleAt(fi *fileInfo, v types.Object, pos token.Pos) bool {
	_, seen := innermost(fi, pos).LookupParent(v.Name(), pos)
	return seen == v
}

// besideOf reports whether a lock is a field of the very struct that a selected map is one of:
// both may be promoted, from different structs.
func besideOf(fi *fileInfo, sel *ast.SelectorExpr, lock *types.Var) bool {
	s := fi.pkg.Info.Selections[sel]
	if s == nil {
		return false
	}
	t := s.Recv()
	if way := embeddedOn(s); len(way) > 0 {
		t = way[len(way)-1].Type()
	}
	st, ok := deref(t).Underlying().(*types.Struct)
	if !ok {
		return false
	}
	for f := range st.Fields() {
		if f.Origin() == lock.Origin() {
			return true
		}
	}
	return false
}

// stable reports whether a way to an object leads to the same one all the time: what it begins
// with, and the fields on it, are set where they are declared and never again.
func (t *taking) stable(fi *fileInfo, root types.Object, path []*types.Var) bool {
	v, ok := root.(*types.Var)
	if !ok {
		return false
	}
	if v.Parent() != v.Pkg().Scope() {
		_, byValue := v.Type().Underlying().(*types.Struct)
		if byValue && !slices.ContainsFunc(path, func(f *types.Var) bool { return isPointer(f.Type()) }) && (isParam(fi, v) || !isNew(fi, v)) {
			return false // a copy, whose lock is another one
		}
	}
	for _, x := range append([]*types.Var{v}, path...) {
		for _, id := range t.ix.usesOf(x) {
			home := t.ix.fileAt(id.Pos())
			if home == nil || strings.HasSuffix(home.abs, "_test.go") {
				continue
			}
			if decl, ok := home.enclosing(id).(*ast.FuncDecl); ok && decl.Recv == nil && (decl.Name.Name == "init" || x == v && t.ix.setOnce(v) == decl) {
				continue // before anybody has it
			}
			if setsIt(home, id) {
				return false
			}
		}
		if x.IsField() && t.ix.overwritten(x) {
			return false
		}
	}
	return true
}

// setOnce returns the function main in which a package's variable is set, for the only time: what
// uses it before that finds nil, and does not work without a lock either.
func (ix *index) setOnce(v *types.Var) (main *ast.FuncDecl) {
	if v.Parent() != v.Pkg().Scope() {
		return nil
	}
	for _, id := range ix.usesOf(v) {
		home := ix.fileAt(id.Pos())
		if home == nil || strings.HasSuffix(home.abs, "_test.go") || !setsIt(home, id) {
			continue
		}
		decl, ok := home.enclosing(id).(*ast.FuncDecl)
		if !ok || main != nil || decl.Recv != nil || decl.Name.Name != "main" || home.pkg.Types.Name() != "main" {
			return nil
		}
		for n := home.parent(id); n != ast.Node(decl); n = home.parent(n) {
			switch n.(type) {
			case *ast.ForStmt, *ast.RangeStmt:
				return nil
			}
		}
		main = decl
	}
	return main
}

// overwritten reports whether what a field belongs to is assigned as a whole somewhere, which gives
// the field another value without naming it:
//
//	*s = session{max: s.max}
//	c.session = session{max: c.max} // c.table is another one
func (ix *index) overwritten(field *types.Var) bool {
	if ix.wholes == nil {
		ix.wholes = map[*types.Var]bool{}
		for _, fi := range ix.list {
			if strings.HasSuffix(fi.abs, "_test.go") {
				continue
			}
			ast.Inspect(fi.syntax, func(n ast.Node) bool {
				a, ok := n.(*ast.AssignStmt)
				if !ok || a.Tok != token.ASSIGN {
					return true
				}
				for _, l := range a.Lhs {
					switch l := ast.Unparen(l).(type) {
					case *ast.Ident:
						continue
					case *ast.IndexExpr: // an element of a map is at no address
						if _, ok := core(fi.pkg.Info.TypeOf(l.X)).(*types.Map); ok {
							continue
						}
					}
					ix.overwrites(fi.pkg.Info.TypeOf(l))
				}
				return true
			})
		}
	}
	return ix.wholes[field.Origin()]
}

// overwrites notes the fields of a struct that is assigned, and of those that it consists of.
func (ix *index) overwrites(t types.Type) {
	if t == nil {
		return
	}
	switch u := t.Underlying().(type) {
	case *types.Struct:
		for f := range u.Fields() {
			if !ix.wholes[f.Origin()] {
				ix.wholes[f.Origin()] = true
				ix.overwrites(f.Type())
			}
		}
	case *types.Array:
		ix.overwrites(u.Elem())
	}
}

// isParam reports whether a variable is a parameter, receiver or result.
func isParam(fi *fileInfo, v *types.Var) bool {
	for _, n := range fi.enclosingPath(v.Pos()) {
		switch n.(type) {
		case *ast.Field:
			return true
		case *ast.BlockStmt:
			return false
		}
	}
	return false
}

// isNew reports whether a local variable begins as a new value, not as a copy of one.
func isNew(fi *fileInfo, v *types.Var) bool {
	if id := definition(fi, v); id != nil {
		if spec, ok := fi.parent(id).(*ast.ValueSpec); ok && len(spec.Values) == 0 {
			return true
		}
	}
	_, lit := ast.Unparen(valueOf(fi, v)).(*ast.CompositeLit)
	return lit
}

// valueOf returns what a variable is given where it is declared, if that is an expression of its own.
func valueOf(fi *fileInfo, v *types.Var) ast.Expr {
	id := definition(fi, v)
	if id == nil {
		return nil
	}
	switch p := fi.parent(id).(type) {
	case *ast.ValueSpec:
		if i := slices.Index(p.Names, id); len(p.Values) == len(p.Names) {
			return p.Values[i]
		}
	case *ast.AssignStmt:
		if i := slices.Index(p.Lhs, ast.Expr(id)); i >= 0 && len(p.Lhs) == len(p.Rhs) {
			return p.Rhs[i]
		}
	}
	return nil
}

// setsIt reports whether a variable or field is assigned where an identifier names it, or its
// address taken.
func setsIt(fi *fileInfo, id *ast.Ident) bool {
	x := fi.spelled(id)
	x, parent := fi.outer(x)
	switch p := parent.(type) {
	case *ast.AssignStmt:
		return slices.Contains(p.Lhs, x)
	case *ast.RangeStmt:
		return p.Key == x || p.Value == x
	case *ast.UnaryExpr:
		return p.Op == token.AND
	case *ast.IncDecStmt:
		return true
	case *ast.StarExpr: // *p = …
		a, ok := fi.parent(p).(*ast.AssignStmt)
		return ok && slices.Contains(a.Lhs, ast.Expr(p))
	}
	return false
}

// asLock returns the lock v, unless it lacks the methods of one.
func asLock(fi *fileInfo, text string, root types.Object, path []*types.Var, v *types.Var) *lockExpr {
	has := func(name string) bool {
		m, _, _ := types.LookupFieldOrMethod(v.Type(), true, fi.pkg.Types, name)
		f, ok := m.(*types.Func)
		return ok && f.Signature().Params().Len() == 0 && f.Signature().Results().Len() == 0
	}
	if !has("Lock") || !has("Unlock") || isPointer(v.Type()) || types.IsInterface(v.Type()) {
		return nil // one that is not there, or that others have, too
	}
	return &lockExpr{text: text, root: root, path: path, reads: has("RLock") && has("RUnlock"), decl: v.Pos(), symbol: v.Origin()}
}

// steps takes x apart into a variable and fields, if that is all it is.
func steps(fi *fileInfo, x ast.Expr) (root types.Object, path []*types.Var, ok bool) {
	switch x := ast.Unparen(x).(type) {
	case *ast.Ident:
		v, ok := fi.object(x).(*types.Var)
		return v, nil, ok
	case *ast.SelectorExpr:
		v, ok := fi.object(x.Sel).(*types.Var)
		if !ok {
			return nil, nil, false
		}
		if fi.isPackage(x.X) {
			return v, nil, true
		}
		root, path, ok = steps(fi, x.X)
		if s := fi.pkg.Info.Selections[x]; s != nil {
			path = append(path, embeddedOn(s)...)
		}
		return root, append(path, v), ok
	case *ast.StarExpr:
		return steps(fi, x.X)
	}
	return nil, nil, false
}

// spell writes what steps has understood.
func spell(x ast.Expr) string {
	switch x := ast.Unparen(x).(type) {
	case *ast.Ident:
		return x.Name
	case *ast.SelectorExpr:
		return spell(x.X) + "." + x.Sel.Name
	case *ast.StarExpr:
		return "(*" + spell(x.X) + ")"
	}
	return ""
}

// keyOf returns the key of a named struct type, or of what a pointer points to.
func keyOf(t types.Type) string {
	if t == nil {
		return ""
	}
	if p, ok := t.Underlying().(*types.Pointer); ok {
		t = p.Elem()
	}
	n, ok := types.Unalias(t).(*types.Named)
	if !ok || n.Obj().Pkg() == nil {
		return ""
	}
	return n.Obj().Pkg().Path() + "." + n.Obj().Name()
}

func cutLast(key string) (before, after string) {
	i := strings.LastIndexByte(key, '.')
	if i < 0 {
		return "", key
	}
	return key[:i], key[i+1:]
}

// innermost returns the innermost scope at a position.
func innermost(fi *fileInfo, pos token.Pos) *types.Scope {
	if s := fi.pkg.Types.Scope().Innermost(pos); s != nil {
		return s
	}
	return fi.pkg.Types.Scope()
}

// runs returns the first node of statements that may not run under the lock, nil if all may:
// nothing there waits, takes a lock, calls what is not known, or makes the lock's name mean
// another one, and what the lock belongs to is there.
func (t *taking) runs(fi *fileInfo, list []ast.Stmt, lock *lockExpr) ast.Node {
	if lock.root != nil && len(list) > 0 && (lock.root.Pos() >= list[0].Pos() && lock.root.Parent() != fi.pkg.Types.Scope() || fi.parent(list[0]) != nil && !visibleAt(fi, lock.root, list[0].Pos())) {
		return list[0] // the lock's owner is declared, or hidden, in there
	}
	if at := renamed(list, lock); at != nil {
		return at
	}
	if !t.hasOwner(fi, list, lock) {
		t.ownerless = list[0]
		return list[0]
	}
	for _, s := range list {
		if bad := t.badIn(fi, s, 3); bad != nil {
			return bad
		}
	}
	return nil
}

// because says why a node may not run under the lock.
func (t *taking) because(why ast.Node) string {
	if call, ok := why.(*ast.CallExpr); ok {
		for _, fi := range t.ix.list {
			if fi.syntax.Pos() <= call.Pos() && call.Pos() < fi.syntax.End() {
				if decl, _ := t.ix.funcDecl(fi.callee(call)); decl != nil && t.locking[decl] {
					return decl.Name.Name + " takes a lock itself"
				}
			}
		}
	}
	if why == t.ownerless {
		return "what " + t.lockName() + " belongs to is used only under a condition, and may be nil where that does not hold"
	}
	return shortNode(why)
}

func isPointer(t types.Type) bool {
	if t == nil {
		return false
	}
	_, ok := t.Underlying().(*types.Pointer)
	return ok
}

// onWay reports whether a field lies on the way to the lock, which is gone before.
func (t *taking) onWay(v *types.Var) bool {
	return slices.ContainsFunc(t.way, func(w *types.Var) bool { return w.Origin() == v.Origin() })
}

// badIn returns a node of n that may not run under a lock. Function literals are not looked
// into: making one is harmless.
func (t *taking) badIn(fi *fileInfo, n ast.Node, depth int) (bad ast.Node) {
	ast.Inspect(n, func(n ast.Node) bool {
		if bad != nil || t.left[n] {
			return false
		}
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.CallExpr:
			if !t.calm(fi, n, depth) {
				bad = n
			}
			if _, lit := ast.Unparen(n.Fun).(*ast.FuncLit); lit {
				bad = n
			}
		case *ast.GoStmt: // what it starts does not run here, but its operands do
			if _, lit := ast.Unparen(n.Call.Fun).(*ast.FuncLit); !lit && fi.builtin(n.Call) != "" {
				bad = n // go clear(m)
				return false
			}
			for _, x := range append(slices.Clone(n.Call.Args), n.Call.Fun) {
				if b := t.badIn(fi, x, depth); b != nil {
					bad = b
				}
			}
			return false
		case *ast.UnaryExpr:
			if n.Op == token.ARROW {
				bad = n
			}
		case *ast.SendStmt, *ast.SelectStmt, *ast.DeferStmt, *ast.LabeledStmt:
			bad = n
		case *ast.ForStmt:
			if !counts(fi, n) { // it may go on for ever, or for as long as the lock is held
				bad = n
			}
		case *ast.BranchStmt:
			if n.Tok == token.GOTO || n.Label != nil {
				bad = n
			}
		case *ast.RangeStmt:
			if endless(fi, n) {
				bad = n
			}
		}
		return bad == nil
	})
	return bad
}

// calm reports whether a call neither waits nor takes a lock, and ends soon.
func (t *taking) calm(fi *fileInfo, call *ast.CallExpr, depth int) bool {
	if fi.isConversion(call) {
		return true
	}
	switch fi.builtin(call) {
	case "":
	case "panic", "recover":
		return false
	default:
		return true
	}
	fn := fi.callee(call)
	if fn == nil || fn.Pkg() == nil {
		return false
	}
	if decl, home := t.ix.funcDecl(fn); decl != nil {
		return depth > 0 && !t.locking[decl] && decl.Body != nil && home != nil && t.badIn(home, decl.Body, depth-1) == nil
	}
	if recv := fn.Signature().Recv(); recv != nil {
		of := keyOf(recv.Type())
		return calmTypes[of] && (!takesCode(fn) || strings.HasPrefix(of, "container/list.")) // which keeps what it gets
	}
	path := fn.Pkg().Path()
	switch {
	case path == "fmt":
		return (strings.HasPrefix(fn.Name(), "Sprint") || fn.Name() == "Errorf") && plainArgs(fi, call)
	case path == "log":
		return strings.HasPrefix(fn.Name(), "Print") && plainArgs(fi, call) && !t.hooked()
	case path == "sort" || path == "maps" || path == "slices":
		for i, a := range call.Args {
			if lit, ok := ast.Unparen(a).(*ast.FuncLit); ok {
				if t.touches(lit) || t.badIn(fi, lit.Body, depth) != nil {
					return false
				}
			} else if runsCode(fi, a) || !t.calmMethods(fi, fn, i, a, depth) {
				return false
			}
		}
		return true
	case path == "runtime":
		return fn.Name() == "GOMAXPROCS" || fn.Name() == "NumCPU" || fn.Name() == "NumGoroutine"
	case path == "time":
		return calmTimes[fn.Name()]
	case path == "sync/atomic" || path == "html" || fn.FullName() == "html/template.HTMLEscapeString":
		return true
	}
	return quietPackages[path] && !takesCode(fn) && !looksAtDisk[fn.FullName()]
}

// calmTypes are types of the standard library whose methods neither wait nor take locks.
var calmTypes = map[string]bool{
	"time.Time": true, "time.Duration": true, "strings.Builder": true, "bytes.Buffer": true, "net/url.Values": true, "net/http.Header": true,
	"sync/atomic.Int32": true, "sync/atomic.Int64": true, "sync/atomic.Uint32": true, "sync/atomic.Uint64": true, "sync/atomic.Bool": true,
	"sync/atomic.Pointer": true, "sync/atomic.Value": true, "sync/atomic.Uintptr": true, "container/list.List": true, "container/list.Element": true,
}

// calmTimes are the functions of package time that only compute.
var calmTimes = map[string]bool{"Now": true, "Since": true, "Until": true, "Unix": true, "UnixMilli": true, "Date": true}

// loggers are packages whose functions and methods write a line. Where a lock is held anyway
// while somebody logs, what the logger calls gets along with that.
var loggers = []string{"log", "log/slog", "github.com/sirupsen/logrus", "go.uber.org/zap", "github.com/rs/zerolog", "k8s.io/klog/v2", "github.com/golang/glog"}

// writesLog reports whether a function writes to a log, be it for the last time.
func writesLog(fn *types.Func) bool { return slices.Contains(loggers, fn.Pkg().Path()) }

// plainArgs reports whether printing what a call is given calls no method.
func plainArgs(fi *fileInfo, call *ast.CallExpr) bool {
	return !slices.ContainsFunc(call.Args, func(a ast.Expr) bool { return !plain(fi.pkg.Info.TypeOf(a)) })
}

// plain reports whether printing a value of type t calls no method.
func plain(t types.Type) bool {
	if t == nil {
		return false
	}
	_, basic := types.Unalias(t).(*types.Basic)
	return basic
}

// touches reports whether a literal uses the map where it will be locked for it.
func (t *taking) touches(lit *ast.FuncLit) bool {
	in := func(p token.Pos) bool { return lit.Pos() <= p && p < lit.End() }
	if t.own != nil {
		return !t.atOnce[lit] && slices.ContainsFunc(t.ix.uses[t.ix.at(t.m.Pos)], func(id *ast.Ident) bool { return in(id.Pos()) })
	}
	races := t.racing()
	return slices.ContainsFunc(t.m.Accesses, func(a detect.Access) bool { return races(a) && in(t.ix.at(a.Pos)) }) ||
		slices.ContainsFunc(t.run.sections, func(s section) bool { return in(s.from) })
}

// calmMethods reports whether the methods are calm that a function may call of an argument.
func (t *taking) calmMethods(fi *fileInfo, fn *types.Func, i int, a ast.Expr, depth int) bool {
	return !slices.ContainsFunc(askedOf(fi, fn, i, a), func(m *types.Func) bool {
		decl, home := t.ix.funcDecl(m)
		return types.IsInterface(m.Signature().Recv().Type()) || decl != nil && (depth == 0 || t.locking[decl] || t.badIn(home, decl.Body, depth-1) != nil)
	})
}

// runsCode reports whether an argument brings code with it that may do anything.
func runsCode(fi *fileInfo, a ast.Expr) bool {
	t := fi.pkg.Info.TypeOf(a)
	if t == nil {
		return true
	}
	switch t.Underlying().(type) {
	case *types.Signature:
		return true
	case *types.Interface:
		return true
	}
	return false
}

// exits reports whether statements may be left by another way than their end: a return, or
// a branch out of them.
func exits(list []ast.Stmt) bool {
	var in func(n ast.Node, loop, sw bool) bool
	in = func(n ast.Node, loop, sw bool) (out bool) {
		ast.Inspect(n, func(x ast.Node) bool {
			if out || x == nil {
				return false
			}
			if x == n {
				return true
			}
			switch x := x.(type) {
			case *ast.FuncLit:
				return false
			case *ast.ReturnStmt:
				out = true
			case *ast.BranchStmt:
				switch x.Tok {
				case token.BREAK:
					out = x.Label != nil || !loop && !sw
				case token.CONTINUE:
					out = x.Label != nil || !loop
				case token.GOTO:
					out = true
				}
			case *ast.ForStmt:
				out = in(x, true, sw)
				return false
			case *ast.RangeStmt:
				out = in(x, true, sw)
				return false
			case *ast.SwitchStmt, *ast.TypeSwitchStmt, *ast.SelectStmt:
				out = in(x, loop, true)
				return false
			}
			return !out
		})
		return out
	}
	return in(&ast.BlockStmt{List: list}, false, false)
}

// defers reports whether statements leave something for the function's end, where a lock that
// is held so long would be held still.
func defers(list []ast.Stmt) (found bool) {
	for _, s := range list {
		ast.Inspect(s, func(n ast.Node) bool {
			switch n.(type) {
			case *ast.DeferStmt:
				found = true
			case *ast.FuncLit:
				return false
			}
			return !found
		})
	}
	return found
}
