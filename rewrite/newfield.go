// This file asks whether a struct may get a lock beside one of its fields: the form "mutex".

package rewrite

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// besideField returns the field in front of which the lock of a map field is to be declared, nil if
// the struct can have none.
func (t *taking) besideField(fi *fileInfo, f *ast.Field, id *ast.Ident, o *ownLock) ast.Node {
	st, ok := fi.parent(fi.parent(f)).(*ast.StructType)
	if !ok {
		return nil // a parameter
	}
	spec, ok := fi.parent(st).(*ast.TypeSpec)
	if !ok || fi.enclosing(spec) != nil || strings.HasSuffix(fi.abs, "_test.go") {
		return nil
	}
	if len(f.Names) > 1 {
		t.c.refuse("lock-alias", id.Pos(), "declare it on a line of its own", "%s is declared together with others", t.m.Name)
		return nil
	}
	if list := t.ix.unkeyed[id.Pos()]; len(list) > 0 {
		t.c.refuse("unkeyed-literal", list[0].Pos(), "", "this literal of %s has no field names: it would be a value short", spec.Name.Name)
		return nil
	}
	if lock := lockAmong(fi, st); lock != "" {
		t.c.refuse("other-lock", f.Pos(), "", "%s has a lock, %s: a second one beside it would say that it is not meant for %s", spec.Name.Name, lock, id.Name)
		return nil
	}
	if at, how := t.copiedHolder(id.Pos()); at.IsValid() {
		t.c.refuse("holder-copied", at, "hand pointers to the struct around, or give the map and its lock a struct of their own that this one points to", "the struct that %s is a field of is %s: a lock must not be", t.m.Name, how)
		return nil
	}
	t.c.order[0].kind = structField
	noted := len(t.c.notes)
	t.c.holderFlows()
	if len(t.c.notes) > noted {
		t.c.refuse("holder-reflected", id.Pos(), "", "what looks at the whole struct looks at the map, and at its lock, without the lock: %s", t.c.notes[noted])
	}
	if f := t.namedElsewhere(fi, spec); f != "" {
		t.c.refuse("other-build", id.Pos(), "load that configuration too (--tags, GOOS), or use pointers to the struct there", "%s, which this build configuration leaves out, may copy %s, or list its fields", f, spec.Name.Name)
	}
	if len(t.c.refusals) > 0 {
		return nil
	}
	if t.ix.api()[spec.Name.Pos()] {
		t.c.note("%s is exported: where code of other modules copies one, vet will say that it copies a lock", spec.Name.Name)
	}
	o.field, o.name = true, t.freshField(fi, id.Name)
	return f
}

// lockAmong returns the name of a field of a struct that is a lock, "" if there is none.
func lockAmong(fi *fileInfo, st *ast.StructType) string {
	typ, ok := fi.pkg.Info.TypeOf(st).(*types.Struct)
	if !ok {
		return ""
	}
	for f := range typ.Fields() {
		if asLock(fi, f.Name(), nil, nil, f) != nil || slices.Contains([]string{"sync.Mutex", "sync.RWMutex", "sync.Locker"}, keyOf(f.Type())) {
			return f.Name()
		}
	}
	return ""
}

// freshField returns a name for the lock of a field that nothing in its package has, nor the new lock
// of a field with another name: where the struct is embedded in others, the two are promoted together.
func (t *taking) freshField(fi *fileInfo, field string) string {
	r, n := utf8.DecodeRuneInString(field)
	name := string(unicode.ToLower(r)) + field[n:] + "Mu"
	taken := map[string]bool{}
	for _, other := range t.ix.list {
		if other.pkg.Path == fi.pkg.Path || other.pkg.ForTest == fi.pkg.Path {
			ast.Inspect(other.syntax, func(n ast.Node) bool {
				if id, ok := n.(*ast.Ident); ok {
					taken[id.Name] = true
				}
				return true
			})
		}
	}
	other := func() bool { of, is := t.run.newFields[name]; return is && of != field }
	base := name
	for i := 2; taken[name] || other() || slices.ContainsFunc(t.ix.ignoredFiles(), func(f *ignoredFile) bool { return f.idents[name] }); i++ {
		name = base + strconv.Itoa(i)
	}
	if t.run.newFields == nil {
		t.run.newFields = map[string]string{}
	}
	t.run.newFields[name] = field
	return name
}

// copiedHolder returns where a struct with the field that is declared at a position, or a value that
// contains one, is copied, moved or overwritten, and how; it returns NoPos if that is nowhere. A
// struct that only stays where it was made is named as the way to something in it, or its address is
// taken: any other mention counts as a copy.
//
//	func (o options) with(k string) options // twice
//	all := []session{*s}                    // yes
//	s.mu.Lock(); p := &all[0]; p.hits++     // no
func (t *taking) copiedHolder(field token.Pos) (at token.Pos, how string) {
	known := map[types.Type]bool{}
	holds := func(typ types.Type) bool {
		if typ == nil {
			return false
		}
		is, ok := known[typ]
		if !ok {
			is = containsField(typ, field, 0)
			known[typ] = is
		}
		return is
	}
	for _, mv := range t.c.movers() {
		if at, how := t.c.moves(mv.fi, mv.node, holds); at.IsValid() {
			return at, how
		}
	}
	for _, fi := range t.ix.list {
		for id, inst := range fi.pkg.Info.Instances { // of a list of them, of a function that has one
			obj := fi.object(id)
			if id.Pos() < fi.syntax.Pos() || id.Pos() >= fi.syntax.End() || obj == nil || obj.Pkg() == nil || obj.Pkg().Path() == "sync/atomic" {
				continue
			}
			for arg := range inst.TypeArgs.Types() {
				if holds(arg) && (!at.IsValid() || id.Pos() < at) {
					at, how = id.Pos(), "given to generic code, which may copy it"
				}
			}
		}
		ast.Inspect(fi.syntax, func(n ast.Node) bool {
			if at.IsValid() {
				return false
			}
			switch n := n.(type) {
			case *ast.FuncDecl:
				if n.Recv != nil && len(n.Recv.List) == 1 && holds(fi.pkg.Info.TypeOf(n.Recv.List[0].Type)) {
					at, how = n.Name.Pos(), "the receiver of a method by value"
				}
			case *ast.FuncType:
				for _, list := range []*ast.FieldList{n.Params, n.Results} {
					for i := 0; list != nil && i < len(list.List); i++ {
						if holds(fi.pkg.Info.TypeOf(list.List[i].Type)) {
							at, how = list.List[i].Pos(), "passed or returned by value"
						}
					}
				}
			case *ast.CaseClause: // of a type switch: the variable is a copy
				for _, e := range n.List {
					if tv := fi.pkg.Info.Types[e]; tv.IsType() && holds(tv.Type) {
						at, how = e.Pos(), "copied out of an interface"
					}
				}
			case *ast.RangeStmt:
				for _, e := range []ast.Expr{n.Key, n.Value} {
					if e != nil && holds(fi.pkg.Info.TypeOf(e)) {
						at, how = e.Pos(), "copied by a loop"
					}
				}
			case ast.Expr:
				if call, ok := n.(*ast.CallExpr); ok && reinterprets(fi, call, holds) {
					at, how = n.Pos(), "taken for something else, or something else for it, by unsafe"
				} else if !stays(fi, n, holds) {
					at, how = n.Pos(), "copied here"
				}
			}
			return !at.IsValid()
		})
	}
	return at, how
}

// reinterprets reports whether a call turns a pointer to what holds reports true of into an
// unsafe.Pointer, or one of these into such a pointer: the order of the fields counts then.
func reinterprets(fi *fileInfo, call *ast.CallExpr, holds func(types.Type) bool) bool {
	if !fi.isConversion(call) || len(call.Args) != 1 {
		return false
	}
	from, to := fi.pkg.Info.TypeOf(call.Args[0]), fi.pkg.Info.TypeOf(call)
	isUnsafe := func(t types.Type) bool {
		b, ok := t.Underlying().(*types.Basic)
		return ok && b.Kind() == types.UnsafePointer
	}
	return from != nil && to != nil && (isUnsafe(from) && holds(deref(to)) || isUnsafe(to) && holds(deref(from)))
}

// stays reports whether an expression is no value that holds reports true of the type of, or one
// that is not copied where it stands.
func stays(fi *fileInfo, x ast.Expr, holds func(types.Type) bool) bool {
	if tv, typed := fi.pkg.Info.Types[x]; !holds(fi.pkg.Info.TypeOf(x)) || typed && !tv.IsValue() {
		return true
	}
	switch x := x.(type) {
	case *ast.ParenExpr:
		return true // what is in it is looked at
	case *ast.Ident:
		v, ok := fi.pkg.Info.Uses[x].(*types.Var)
		if !ok {
			return true // a definition: what it gets is looked at
		}
		if sel, ok := fi.parent(x).(*ast.SelectorExpr); ok && sel.Sel == x {
			return true // as the selector
		}
		if kv, ok := fi.parent(x).(*ast.KeyValueExpr); ok && kv.Key == ast.Expr(x) && v.IsField() {
			return true
		}
	case *ast.CompositeLit:
		e, parent := fi.outer(x)
		switch p := parent.(type) {
		case *ast.UnaryExpr:
			return p.Op == token.AND
		case *ast.ValueSpec:
			return slices.Contains(p.Values, e)
		case *ast.AssignStmt:
			return p.Tok == token.DEFINE
		case *ast.KeyValueExpr:
			lit, ok := fi.parent(p).(*ast.CompositeLit)
			return ok && p.Value == e && !fi.isMap(lit)
		case *ast.CompositeLit:
			return !fi.isMap(p)
		}
		return false
	case *ast.SelectorExpr, *ast.IndexExpr, *ast.StarExpr:
	default:
		return false
	}
	e, parent := fi.outer(x)
	switch p := parent.(type) {
	case *ast.SelectorExpr:
		return p.X == e
	case *ast.UnaryExpr:
		return p.Op == token.AND
	case *ast.IndexExpr:
		return p.X == e
	case *ast.SliceExpr:
		return p.X == e
	case *ast.CallExpr:
		b := fi.builtin(p)
		return b == "len" || b == "cap"
	case *ast.RangeStmt:
		return p.X == e // the variables are looked at
	}
	return false
}

// namedElsewhere returns a file of another build configuration that has to do with values of a struct,
// or of a type that contains it, "" if there is none: it names the type, and not as a pointer to it.
func (t *taking) namedElsewhere(fi *fileInfo, spec *ast.TypeSpec) string {
	field := t.ix.at(t.m.Pos)
	names := map[string]bool{spec.Name.Name: true}
	for _, p := range t.ix.prog.Packages {
		if !p.FirstParty || p.Types == nil {
			continue
		}
		for _, name := range p.Types.Scope().Names() {
			if tn, ok := p.Types.Scope().Lookup(name).(*types.TypeName); ok && containsField(tn.Type(), field, 0) {
				names[name] = true
			}
		}
	}
	for _, f := range t.ix.ignoredFiles() {
		if f.syntax == nil || f.pkg.Dir != fi.pkg.Dir && !ast.IsExported(spec.Name.Name) {
			continue
		}
		found := false
		var behind ast.Node // a star or an ampersand
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.StarExpr:
				behind = n.X
			case *ast.UnaryExpr:
				if lit, ok := n.X.(*ast.CompositeLit); ok && n.Op == token.AND && keyed(lit) {
					behind = lit.Type
				}
			case *ast.SelectorExpr:
				if n == behind {
					behind = n.Sel
				}
			case *ast.Ident:
				found = found || names[n.Name] && ast.Node(n) != behind
			}
			return !found
		})
		if found {
			return f.rel
		}
	}
	return ""
}

// keyed reports whether a literal names what it sets.
func keyed(lit *ast.CompositeLit) bool {
	for _, e := range lit.Elts {
		if _, ok := e.(*ast.KeyValueExpr); !ok {
			return false
		}
	}
	return true
}

// isMade reports whether x is the address of a literal, or new(T).
func isMade(fi *fileInfo, x ast.Expr) bool {
	switch x := ast.Unparen(x).(type) {
	case *ast.UnaryExpr:
		_, lit := ast.Unparen(x.X).(*ast.CompositeLit)
		return x.Op == token.AND && lit
	case *ast.CallExpr:
		return fi.builtin(x) == "new"
	}
	return false
}

// isUnshared reports whether the struct whose map an identifier names was made in the same function,
// and nobody else can have it yet: until there it was only the way to its fields, in no literal and in
// no loop that comes back behind something else.
//
//	s := &S{}
//	s.m = map[string]int{} // no lock
//	register(s)
//	s.m["a"] = 1           // a lock
func (t *taking) isUnshared(fi *fileInfo, id *ast.Ident) bool {
	sel, ok := fi.parent(id).(*ast.SelectorExpr)
	if !ok || sel.Sel != id {
		return false
	}
	root, path, ok := steps(fi, sel.X)
	v, isVar := root.(*types.Var)
	fn := fi.enclosing(id)
	if !ok || !isVar || fn == nil || fi.enclosing(sel) != fn || v.Pos() < fn.Pos() || v.Pos() >= fn.End() || isParam(fi, v) || jumps(fn) {
		return false
	}
	if slices.ContainsFunc(path, func(f *types.Var) bool { return isPointer(f.Type()) }) || !isMade(fi, valueOf(fi, v)) && !isNew(fi, v) {
		return false
	}
	until := id.End()
	for n := fi.parent(id); n != nil && n != fn; n = fi.parent(n) {
		switch n.(type) {
		case *ast.ForStmt, *ast.RangeStmt:
			if n.Pos() > v.Pos() {
				until = n.End()
			}
		}
	}
	for _, use := range t.ix.usesOf(v) {
		if use.Pos() >= until || use.Pos() == v.Pos() {
			continue
		}
		p, ok := fi.parent(use).(*ast.SelectorExpr)
		if !ok || p.X != ast.Expr(use) || fi.enclosing(use) != fn {
			return false
		}
		if s := fi.pkg.Info.Selections[p]; s == nil || s.Kind() != types.FieldVal {
			return false
		}
		for x, parent := fi.outer(p); ; x, parent = fi.outer(x) {
			if u, ok := parent.(*ast.UnaryExpr); ok && u.Op == token.AND {
				return false
			}
			if _, deeper := parent.(*ast.SelectorExpr); !deeper {
				break
			}
			x = parent.(ast.Expr)
		}
	}
	return true
}

// noteFields says which other fields of the struct the new lock does not keep together with the map,
// though it looks as if: they are changed under it, and used without it.
func (t *taking) noteFields() {
	at := t.ix.at(t.m.Pos)
	home := t.ix.fileAt(at)
	st := structAround(home, at)
	if st == nil || !t.own.field {
		return
	}
	var sections []section
	for _, s := range t.run.sections {
		if s.site == t.c.n {
			sections = append(sections, s)
		}
	}
	locked := func(p token.Pos) bool {
		return slices.ContainsFunc(sections, func(s section) bool { return s.from <= p && p < s.to })
	}
	for f := range st.Fields() {
		if f.Pos() == at {
			continue
		}
		var changed, bare token.Pos
		for _, id := range t.ix.usesOf(f) {
			fi := t.ix.fileAt(id.Pos())
			if fi == nil || strings.HasSuffix(fi.abs, "_test.go") {
				continue
			}
			if kv, ok := fi.parent(id).(*ast.KeyValueExpr); ok && kv.Key == ast.Expr(id) || t.isUnshared(fi, id) {
				continue
			}
			switch {
			case !locked(id.Pos()):
				if !bare.IsValid() {
					bare = id.Pos()
				}
			case !changed.IsValid() && (setsIt(fi, id) || changesElement(fi, id)):
				changed = id.Pos()
			}
		}
		if changed.IsValid() && bare.IsValid() {
			t.c.first("%s is changed under %s at %s, and used without it at %s: the lock guards the map alone", f.Name(), t.own.name, t.ix.pos(changed), t.ix.pos(bare))
		}
	}
}

// structAround returns the struct type that a field is declared in.
func structAround(fi *fileInfo, field token.Pos) *types.Struct {
	if fi == nil {
		return nil
	}
	for _, n := range fi.enclosingPath(field) {
		if x, ok := n.(*ast.StructType); ok {
			st, _ := fi.pkg.Info.TypeOf(x).(*types.Struct)
			return st
		}
	}
	return nil
}

// changesElement reports whether an element of what an identifier names is set or deleted.
func changesElement(fi *fileInfo, id *ast.Ident) bool {
	x, parent := fi.outer(fi.spelled(id))
	switch p := parent.(type) {
	case *ast.IndexExpr:
		return p.X == x && changed(fi, p)
	case *ast.CallExpr:
		b := fi.builtin(p)
		return b == "delete" || b == "clear"
	}
	return false
}

// simplerLock makes a lock that nobody takes for reading only one that has no such mode.
func (t *taking) simplerLock() {
	var decl *string
	for _, ops := range t.ops {
		for _, o := range ops {
			var takes []string
			switch o := o.(type) {
			case *declOp:
				decl = &o.Type
			case *lockOp:
				if takes = o.Before; len(takes) > 0 && strings.HasPrefix(takes[0], "var ") {
					decl = &takes[0]
				}
			case *hoistOp:
				takes = o.Before
			}
			if slices.ContainsFunc(takes, func(s string) bool { return strings.HasSuffix(s, ".RLock()") }) {
				return
			}
		}
	}
	if decl != nil {
		*decl = strings.Replace(*decl, ".RWMutex", ".Mutex", 1)
	}
}
