// This file finds code that waits for others while it holds a lock: whoever it waits for
// must not be made to want that lock.

package rewrite

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// isLeaf reports whether nobody takes another lock, waits, or calls what is not known while
// holding the lock. Then it may be taken under any other: no order of theirs goes back.
func (t *taking) isLeaf() bool {
	if t.leaf == 0 {
		t.leaf = -1
		if t.busy = t.lent(); t.busy == nil {
			t.busy = t.whileHeld(t.unleafed)
		}
		if t.busy == nil {
			t.leaf = 1
		}
	}
	return t.leaf > 0
}

// unleafed returns what in n may take a lock or wait.
func (t *taking) unleafed(fi *fileInfo, n ast.Node) (bad ast.Node) {
	ast.Inspect(n, func(n ast.Node) bool {
		if bad != nil {
			return false
		}
		switch n := n.(type) {
		case *ast.GoStmt: // runs without the lock, but for its operands
			for _, x := range append(slices.Clone(n.Call.Args), n.Call.Fun) {
				if _, lit := ast.Unparen(x).(*ast.FuncLit); bad == nil && !lit {
					bad = t.unleafed(fi, x)
				}
			}
			return false
		case *ast.FuncLit:
			call, called := fi.parent(n).(*ast.CallExpr)
			return called && call.Fun == ast.Expr(n)
		case *ast.CallExpr:
			_, lit := ast.Unparen(n.Fun).(*ast.FuncLit)
			if lit || t.calls(fi, n, "Unlock", "RUnlock") || fi.builtin(n) == "panic" {
				return true
			}
			if fn := fi.callee(n); fn != nil && fn.Pkg() != nil && writesLog(fn) && !t.hooked() && plainArgs(fi, n) {
				return true // who writes there has to do without the lock as it is
			}
			if !t.calm(fi, n, 3) {
				bad = n
			}
		case *ast.SendStmt, *ast.SelectStmt:
			bad = n
		case *ast.ForStmt:
			if !counts(fi, n) {
				bad = n
			}
		case *ast.RangeStmt:
			if endless(fi, n) {
				bad = n
			}
		case *ast.UnaryExpr:
			if n.Op == token.ARROW {
				bad = n
			}
		}
		return bad == nil
	})
	return bad
}

// hooked reports whether a method that a logger may call gets a lock, be it in what it calls: the
// log's writer, say.
func (t *taking) hooked() bool {
	if t.ix.logsElsewhere() {
		return true
	}
	for _, fi := range t.ix.list {
		for _, d := range fi.syntax.Decls {
			if decl, ok := d.(*ast.FuncDecl); ok && comesBack[decl.Name.Name] && t.isAsked(fi, decl) && t.reaches(fi, decl, t.locking) {
				return true
			}
		}
	}
	return false
}

// logsElsewhere reports whether the program directs a log to something of its own: a writer or handler
// of the module, a pipe, a function. What is logged then may be waited for, or come back.
//
//	pr, pw := io.Pipe(); log.SetOutput(pw)
//	slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{ReplaceAttr: count}))
func (ix *index) logsElsewhere() bool {
	if ix.logsOut != nil {
		return *ix.logsOut
	}
	out := false
	for _, fi := range ix.list {
		if strings.HasSuffix(fi.abs, "_test.go") {
			continue
		}
		ast.Inspect(fi.syntax, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || out {
				return !out
			}
			fn := fi.callee(call)
			if fn == nil || fn.Pkg() == nil || !writesLog(fn) {
				return true
			}
			switch name := fn.Name(); {
			case strings.HasPrefix(name, "New"), strings.HasPrefix(name, "Set"), name == "AddHook", name == "Output" && fn.Pkg().Path() != "log":
				out = slices.ContainsFunc(call.Args, func(a ast.Expr) bool { return !ix.tame(fi, a) })
			}
			return !out
		})
	}
	ix.logsOut = &out
	return out
}

// tame reports whether a log that gets an argument calls nothing of the module's, and waits for none of it.
func (ix *index) tame(fi *fileInfo, arg ast.Expr) bool {
	t := fi.pkg.Info.TypeOf(arg)
	if t == nil || fi.isNil(arg) || fi.pkg.Info.Types[arg].Value != nil {
		return t != nil
	}
	if call, ok := ast.Unparen(arg).(*ast.CallExpr); ok { // a handler: what it is made of is looked at by itself
		if fn := fi.callee(call); fn != nil && fn.Pkg() != nil && writesLog(fn) {
			return true
		}
	}
	if id := mapVarOf(fi, arg); id != nil {
		if v, ok := fi.object(id).(*types.Var); ok && v.Pkg() != nil && v.Pkg().Path() == "io" { // io.Discard
			return true
		}
	}
	if _, basic := t.Underlying().(*types.Basic); basic {
		return true
	}
	n, ok := types.Unalias(deref(t)).(*types.Named)
	if !ok || n.Obj().Pkg() == nil || types.IsInterface(t) {
		return false
	}
	if slices.Contains(loggers, n.Obj().Pkg().Path()) {
		return n.Obj().Name() != "HandlerOptions"
	}
	return slices.Contains([]string{"os.File", "bytes.Buffer", "strings.Builder"}, n.Obj().Pkg().Path()+"."+n.Obj().Name())
}

// comesBack are the methods by which libraries call code that they were given earlier, or that
// what they print has.
var comesBack = map[string]bool{
	"Write": true, "WriteString": true, "WriteLevel": true, "Read": true, "Handle": true, "Fire": true, "Run": true, "Format": true, "Enabled": true, "Check": true,
	"Is": true, "As": true, "Unwrap": true, "ReadFrom": true, "WriteTo": true, "Scan": true, "Value": true,
	"UnmarshalJSON": true, "UnmarshalText": true, "UnmarshalBinary": true, "UnmarshalXML": true, "UnmarshalYAML": true, "MarshalYAML": true,
	"String": true, "Error": true, "GoString": true, "LogValue": true, "MarshalJSON": true, "MarshalText": true, "MarshalBinary": true, "MarshalXML": true,
}

// lockMethods are the methods of a lock that do no more than take it and let go of it.
var lockMethods = []string{"Lock", "Unlock", "TryLock", "RLock", "RUnlock", "TryRLock"}

// lent returns a use of the lock other than a call of its methods: who gets it may take it.
func (t *taking) lent() ast.Node {
	if t.field == nil {
		return nil
	}
	for _, id := range t.ix.usesOf(t.field) {
		fi := t.ix.fileAt(id.Pos())
		if fi == nil {
			return id
		}
		x := fi.spelled(id)
		switch p := fi.parent(x).(type) {
		case *ast.SelectorExpr: // s.mu.Lock
			if !onlyTakes(fi, p) {
				return id
			}
		case *ast.KeyValueExpr:
			if p.Key != x {
				return id
			}
		default:
			return id
		}
	}
	if t.field.Embedded() {
		return t.lentWhole()
	}
	return nil
}

// onlyTakes reports whether a method of a lock does no more here than take it, or let go of it.
// What RLocker returns can do so elsewhere, unless nobody looks at it.
func onlyTakes(fi *fileInfo, method *ast.SelectorExpr) bool {
	call, ok := fi.parent(method).(*ast.CallExpr)
	if !ok || call.Fun != ast.Expr(method) {
		return false
	}
	_, dropped := fi.parent(call).(*ast.ExprStmt)
	return slices.Contains(lockMethods, method.Sel.Name) || dropped && method.Sel.Name == "RLocker"
}

// lentWhole returns where an embedded lock may be lent by its holder, which has the methods of one:
// as a method value, or to what takes anything that can be locked.
func (t *taking) lentWhole() (at ast.Node) {
	for _, fi := range t.ix.list {
		ast.Inspect(fi.syntax, func(n ast.Node) bool {
			x, ok := n.(ast.Expr)
			if !ok || at != nil {
				return at == nil
			}
			if sel, ok := x.(*ast.SelectorExpr); ok {
				if s := fi.pkg.Info.Selections[sel]; s != nil && s.Kind() != types.FieldVal && slices.ContainsFunc(embeddedOn(s), t.isGuard) {
					if !onlyTakes(fi, sel) {
						at = sel
					}
				}
			}
			if lockable(fi.pkg.Info.TypeOf(x)) {
				at = x
			}
			return at == nil
		})
	}
	return at
}

// lockable reports whether t is an interface with a method Lock or RLock, or a function that gets one.
func lockable(t types.Type) bool {
	if t == nil {
		return false
	}
	switch u := t.Underlying().(type) {
	case *types.Interface:
		for m := range u.Methods() {
			if m.Name() == "Lock" || m.Name() == "RLock" {
				return true
			}
		}
	case *types.Signature:
		for v := range u.Params().Variables() {
			if _, fn := v.Type().Underlying().(*types.Signature); !fn && lockable(v.Type()) {
				return true
			}
		}
	}
	return false
}

// isGuard reports whether a field, or variable, is the lock.
func (t *taking) isGuard(v *types.Var) bool { return v.Origin() == t.field || v.Pos() == t.guard }

// whileHeld looks at all that runs while the lock is held, as far as the text of the functions
// that take it shows, and returns the first that look returns.
func (t *taking) whileHeld(look func(*fileInfo, ast.Node) ast.Node) (at ast.Node) {
	if t.field == nil {
		return nil
	}
	for _, fi := range t.ix.list {
		if !t.field.Exported() && fi.pkg.Types != t.field.Pkg() && fi.pkg.Path != t.field.Pkg().Path() {
			continue
		}
		ast.Inspect(fi.syntax, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok && at == nil && t.calls(fi, call, "Lock", "RLock", "TryLock", "TryRLock") {
				at = t.after(fi, call, look)
			}
			return at == nil
		})
	}
	return at
}

// calls reports whether a call is one of these methods of the guard.
func (t *taking) calls(fi *fileInfo, call *ast.CallExpr, methods ...string) bool {
	sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr)
	if !ok {
		return false
	}
	if !slices.Contains(methods, sel.Sel.Name) {
		return false
	}
	if id := mapVarOf(fi, sel.X); id != nil { // whatever the way to it: p.shards[i].mu
		if v, ok := fi.object(id).(*types.Var); ok && t.isGuard(v) {
			return true
		}
	}
	s := fi.pkg.Info.Selections[sel]
	return s != nil && slices.ContainsFunc(embeddedOn(s), t.isGuard)
}

// after looks at what is between a call of Lock and that of Unlock behind it in the same list
// of statements; without one, up to the function's end. A function that may end with the lock held
// is looked at no further: others go on holding it.
func (t *taking) after(fi *fileInfo, lock *ast.CallExpr, look func(*fileInfo, ast.Node) ast.Node) ast.Node {
	stmt, ok := fi.parent(lock).(*ast.ExprStmt)
	fn := fi.enclosing(lock)
	if !ok || fn == nil || !slices.Contains(stmtsOf(fi.parent(stmt)), ast.Stmt(stmt)) {
		return lock // held we do not know how long: if s.mu.Lock(); … { … }
	}
	if t.staysHeld(fi, lock) {
		return lock
	}
	var child ast.Node = stmt
	for n := fi.parent(stmt); n != nil && n != fn; child, n = n, fi.parent(n) {
		if s, ok := child.(ast.Stmt); ok && slices.Contains(stmtsOf(n), s) {
			list := stmtsOf(n)
			for _, behind := range list[slices.Index(list, s)+1:] {
				if e, ok := behind.(*ast.ExprStmt); ok {
					if call, ok := e.X.(*ast.CallExpr); ok && t.calls(fi, call, "Unlock", "RUnlock") && sameLock(lock, call) {
						return nil
					}
				}
				if at := look(fi, behind); at != nil {
					return at
				}
			}
		}
		switch n.(type) {
		case *ast.ForStmt, *ast.RangeStmt: // what comes before may run again
			if at := look(fi, n); at != nil {
				return at
			}
		}
	}
	var at ast.Node
	ast.Inspect(bodyOf(fn), func(n ast.Node) bool {
		if d, ok := n.(*ast.DeferStmt); ok && at == nil {
			at = look(fi, d)
		}
		_, lit := n.(*ast.FuncLit)
		return !lit
	})
	return at
}

// sameLock reports whether two calls of a lock's methods are of one lock, as they are written.
func sameLock(a, b *ast.CallExpr) bool {
	x, ok := ast.Unparen(a.Fun).(*ast.SelectorExpr)
	y, also := ast.Unparen(b.Fun).(*ast.SelectorExpr)
	return ok && also && types.ExprString(x.X) == types.ExprString(y.X)
}
