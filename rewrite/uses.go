// This file classifies uses: what the program does with a map at one place.

package rewrite

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"path"
	"regexp"
	"slices"
	"strings"
)

// A useKind says what a use does, in terms of what it becomes.
type useKind int

const (
	useGet        useKind = iota // m[k] as a value
	useLoad                      // v, ok := m[k]
	useStore                     // m[k] = v
	useUpdate                    // m[k]++, m[k] op= x, m[k] = f(m[k])
	useStoreFirst                // m[k], err = f()
	useStoreAll                  // maps.Copy(m, x)
	useDelete                    // delete(m, k)
	useLen                       // len(m)
	useClear                     // clear(m)
	useRange                     // for … range m
	useMake                      // make(map[K]V)
	useLiteral                   // map[K]V{…}
	useFresh                     // maps.Clone(x): a new map that nobody else has
	useSnapshot                  // m handed to code that only reads
	useHelper                    // maps.Keys(m), maps.Values(m), maps.All(m), maps.Clone(m)
	useRow                       // m[a] of a nested map, as a value
	useLoadRow                   // row, ok := m[a]
	useStoreRow                  // m[a] = make(map[K2]V)
	useReplace                   // m = …
	useNilValue                  // nil as a value of a named map type
	useDrain                     // old := m, before m = make(map[K]V)
	useNil                       // m == nil
)

// reads and writes say how a use takes part in a compound operation.
func (k useKind) reads() bool {
	switch k {
	case useGet, useLoad, useLen, useRange, useSnapshot, useHelper, useRow, useLoadRow, useDrain:
		return true
	}
	return false
}

func (k useKind) writes() bool {
	switch k {
	case useStore, useStoreFirst, useStoreAll, useUpdate, useDelete, useClear, useStoreRow, useReplace, useDrain:
		return true
	}
	return false
}

// A rec is one classified use.
type rec struct {
	fi    *fileInfo
	kind  useKind
	node  ast.Node // what is replaced: the expression or statement
	base  ast.Expr // the member that is used
	keys  []ast.Expr
	rhs   ast.Expr // of a store or update
	row   bool     // base (with no keys) or base[keys[0]] is a row
	leaf  bool     // base is an element of a row that is a map
	level level

	olds    []ast.Expr // occurrences of the element in rhs, for m[k] = f(m[k])
	apart   bool       // m[k] = f(m[k]) whose f may not run while the map is locked: Get, then Store
	fun     string     // method chosen by a compound shape; "" for the usual one
	clone   ast.Expr   // of a useFresh: the member that is cloned
	fetches bool       // the element is a map, and what is done with it is a use of its own
	value   string     // the variable that holds the element, for CompareAndDelete
	skip    bool       // merged into another operation
	merged  bool       // part of a compound that is one atomic call now
}

// A place denotes the map itself (no keys), or a row of a nested one: base[keys[0]].
type place struct {
	base ast.Expr
	keys []ast.Expr
	row  bool
	leaf bool // of three levels: an element of a row, which base denotes
}

func (c *class) record(r *rec) *rec {
	if old := c.byNode[r.node]; old != nil {
		return old
	}
	c.byNode[r.node] = r
	c.recs = append(c.recs, r)
	return r
}

// value classifies one occurrence of a member, or of a call that returns one.
func (c *class) value(fi *fileInfo, e ast.Expr, lv level) {
	c.use(fi, e, place{base: e, row: lv == row, leaf: lv == leaf})
}

func (c *class) use(fi *fileInfo, e ast.Expr, pl place) {
	e, parent := fi.outer(e)
	switch p := parent.(type) {
	case *ast.IndexExpr:
		if p.X != e {
			break
		}
		next := place{base: pl.base, keys: append(slices.Clone(pl.keys), p.Index), row: pl.row, leaf: pl.leaf}
		switch {
		case c.nested && !pl.row && !pl.leaf:
			next.row = true
			c.rowUse(fi, p, next)
		case c.deep && pl.row:
			c.leafUse(fi, p, next)
		default:
			c.element(fi, p, next)
		}
		return
	case *ast.CallExpr:
		c.argument(fi, p, e, pl)
		return
	case *ast.RangeStmt:
		if p.X == e {
			c.rangeOver(fi, p, pl)
			return
		}
		c.refuse("range-target", e.Pos(), "use a variable of its own for the loop", "the map is the iteration variable of a range statement")
		return
	case *ast.BinaryExpr:
		other := p.X
		if p.X == e {
			other = p.Y
		}
		if (p.Op == token.EQL || p.Op == token.NEQ) && fi.isNil(other) {
			c.record(&rec{fi: fi, kind: useNil, node: p, base: pl.base, keys: pl.keys, row: pl.row, leaf: pl.leaf})
			c.rowValue(fi, e, pl)
			return
		}
	case *ast.AssignStmt:
		c.assigned(fi, p, e, pl)
		return
	case *ast.ValueSpec:
		if i := slices.Index(p.Values, e); i >= 0 && len(p.Values) == len(p.Names) {
			if p.Names[i].Name != "_" {
				c.add(fi, fi.pkg.Info.Defs[p.Names[i]], c.levelOf(pl), e.Pos())
			}
			c.rowValue(fi, e, pl)
			return
		}
	case *ast.KeyValueExpr:
		if c.keyValue(fi, p, e, pl) {
			return
		}
	case *ast.CompositeLit:
		if c.structElement(fi, p, e, pl) {
			return
		}
	case *ast.ReturnStmt:
		c.returned(fi, p, e, pl)
		return
	case *ast.UnaryExpr:
		if p.Op == token.AND {
			c.refuse("address-taken", p.Pos(), "pass the map itself: it is a reference already", "the address of the map is taken")
			return
		}
	case *ast.SendStmt:
		c.refuse("channel", p.Pos(), "send a copy (maps.Clone), or keep the map and send a message about it", "the map is sent on a channel")
		return
	case *ast.ExprStmt:
		if _, ok := e.(*ast.CallExpr); ok {
			return // a result that is dropped
		}
	}
	c.refuse("unknown-use", e.Pos(), "simplify this use of the map", "%s is used in a form that is not understood", shortExpr(e))
}

func (c *class) levelOf(pl place) level {
	switch {
	case pl.row:
		return row
	case pl.leaf:
		return leaf
	}
	return whole
}

// rowValue records m[a] used as a value; a whole map needs no change there.
func (c *class) rowValue(fi *fileInfo, e ast.Expr, pl place) {
	if len(pl.keys) == 1 {
		c.record(&rec{fi: fi, kind: useRow, node: ast.Unparen(e), base: pl.base, keys: pl.keys, row: true})
	}
}

// rowUse handles m[a] of a nested map in the contexts that rows have and whole
// maps have not; all others are those of a map.
func (c *class) rowUse(fi *fileInfo, idx *ast.IndexExpr, pl place) {
	e, parent := fi.outer(idx)
	switch p := parent.(type) {
	case *ast.AssignStmt:
		if slices.Contains(p.Lhs, e) {
			c.storeRow(fi, p, idx, pl)
			return
		}
		if len(p.Lhs) == 2 && len(p.Rhs) == 1 {
			c.takesBool(fi, p.Lhs[1])
			c.record(&rec{fi: fi, kind: useLoadRow, node: idx, base: pl.base, keys: pl.keys, row: true})
			c.flowTo(fi, p.Lhs[0], row, idx)
			return
		}
	case *ast.ValueSpec:
		if len(p.Names) == 2 && len(p.Values) == 1 {
			c.takesBool(fi, p.Names[1])
			c.record(&rec{fi: fi, kind: useLoadRow, node: idx, base: pl.base, keys: pl.keys, row: true})
			if p.Names[0].Name != "_" {
				c.add(fi, fi.pkg.Info.Defs[p.Names[0]], row, idx.Pos())
			}
			return
		}
	}
	c.use(fi, idx, pl)
}

// storeRow handles m[a] = x: x must be a map that is new, so that the row
// belongs to the nested map alone.
func (c *class) storeRow(fi *fileInfo, p *ast.AssignStmt, idx *ast.IndexExpr, pl place) {
	if !c.soleAssign(fi, p, idx) {
		return
	}
	if fi.freshMap(p.Rhs[0]) && c.emptyIfDeep(fi, p.Rhs[0]) {
		c.record(&rec{fi: fi, kind: useStoreRow, node: p, base: pl.base, keys: pl.keys, rhs: p.Rhs[0], row: true})
		if fi.maybeNil(p.Rhs[0]) {
			c.nilRows = append(c.nilRows, p.Pos())
		}
		return
	}
	if x, ok := ast.Unparen(p.Rhs[0]).(*ast.Ident); ok && c.rowGetOrCreate(fi, p, x, pl) {
		return
	}
	c.refuse("row-made-apart", p.Rhs[0].Pos(), "store a new map (make, a literal or maps.Clone) into the row",
		"a row is assigned from %s, which other code may still hold", shortExpr(p.Rhs[0]))
}

// soleAssign refuses assignments of an element among others, and in places
// where a call cannot stand.
func (c *class) soleAssign(fi *fileInfo, p *ast.AssignStmt, at ast.Expr) bool {
	if len(p.Lhs) != 1 || len(p.Rhs) != 1 {
		c.refuse("multi-assign", at.Pos(), "assign the element in a statement of its own", "an element of the map is assigned together with other variables, in one step")
		return false
	}
	if comm, ok := fi.parent(p).(*ast.CommClause); ok && comm.Comm == ast.Stmt(p) {
		c.refuse("select-assign", at.Pos(), "receive into a variable and store it in the case's body", "a select case receives into an element of the map")
		return false
	}
	return true
}

// beforeOthers reports whether an assignment gives the results of one call to an element
// and, after that, to variables, and whether the call changes nothing in what names the
// element, so that it may be made first.
//
//	conns[addr], err = dial(addr)   // → value, next := dial(addr)
//	                                //   conns.Store(addr, value)
//	                                //   err = next
func (c *class) beforeOthers(fi *fileInfo, p *ast.AssignStmt, pl place) bool {
	call, ok := ast.Unparen(p.Rhs[0]).(*ast.CallExpr)
	if !ok || len(p.Rhs) != 1 || len(p.Lhs) < 2 || p.Tok != token.ASSIGN || c.nested || c.named != nil || len(pl.keys) != 1 || !fi.inBlock(p) || jumpedOver(fi.enclosing(p), p) {
		return false
	}
	for _, lhs := range p.Lhs[1:] {
		id, ok := lhs.(*ast.Ident)
		if !ok || mentionsVar(fi, pl.base, id) || mentionsVar(fi, pl.keys[0], id) {
			return false
		}
	}
	return c.simple(fi, call.Fun) && fi.settled(p, pl.keys[0]) && cheapBase(pl.base)
}

// settled reports whether e is a constant or a local variable that only the function around
// p itself can change.
func (fi *fileInfo) settled(p ast.Node, e ast.Expr) bool {
	if fi.pkg.Info.Types[e].Value != nil {
		return true
	}
	id, ok := ast.Unparen(e).(*ast.Ident)
	if !ok {
		return false
	}
	v, ok := fi.object(id).(*types.Var)
	if !ok || v.Pkg() == nil || v.Parent() == v.Pkg().Scope() {
		return false
	}
	fn, own := fi.enclosing(p), true
	ast.Inspect(fi.topLevel(p), func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Ident:
			own = own && (fi.object(n) != v || fi.enclosing(n) == fn)
		case *ast.UnaryExpr:
			x := fi.variableOf(n.X)
			own = own && !(n.Op == token.AND && x != nil && fi.object(x) == v)
		}
		return own
	})
	return own
}

// cheapBase reports whether e is a variable, or a field of one.
func cheapBase(e ast.Expr) bool {
	switch x := ast.Unparen(e).(type) {
	case *ast.Ident:
		return true
	case *ast.SelectorExpr:
		return cheapBase(x.X)
	}
	return false
}

// element classifies m[k] (or m[a][k]).
func (c *class) element(fi *fileInfo, idx *ast.IndexExpr, pl place) {
	r := &rec{fi: fi, kind: useGet, node: idx, base: pl.base, keys: pl.keys, row: pl.row, leaf: pl.leaf}
	e, parent := fi.outer(idx)
	switch p := parent.(type) {
	case *ast.AssignStmt:
		if slices.Contains(p.Lhs, e) {
			if p.Lhs[0] == e && c.beforeOthers(fi, p, pl) {
				r.node, r.rhs, r.kind = p, p.Rhs[0], useStoreFirst
				c.record(r)
				return
			}
			if !c.soleAssign(fi, p, idx) {
				return
			}
			r.node, r.rhs, r.kind = p, p.Rhs[0], useStore
			if p.Tok != token.ASSIGN || c.mentions(fi, p.Rhs[0], idx) {
				r.kind = useUpdate
			}
			if (p.Tok == token.SHL_ASSIGN || p.Tok == token.SHR_ASSIGN) && !fi.shiftsBy(p.Rhs[0]) {
				c.refuse("unknown-use", p.Pos(), "convert the count to an unsigned type", "a shift by a negative count panics, and leaves an entry")
				return
			}
			c.record(r)
			return
		}
		if len(p.Lhs) == 2 && len(p.Rhs) == 1 {
			r.kind = useLoad
			c.takesBool(fi, p.Lhs[1])
		}
	case *ast.ValueSpec:
		if len(p.Names) == 2 && len(p.Values) == 1 {
			r.kind = useLoad
			c.takesBool(fi, p.Names[1])
		}
	case *ast.IncDecStmt:
		r.node, r.kind = p, useUpdate
	case *ast.RangeStmt:
		if p.X != e {
			c.refuse("range-target", idx.Pos(), "use a variable of its own for the loop", "an element of the map is the iteration variable of a range statement")
			return
		}
		if blank(p.Value) && arrayLike(fi.pkg.Info.TypeOf(idx)) && !c.safeToRead(fi, pl) {
			c.refuse("unknown-use", p.Pos(), "range over the length of the element's type", "the loop counts to the length of an array, and does not look at the element")
			return
		}
	case *ast.CallExpr:
		if fi.pkg.Info.Types[p].Value != nil && (fi.needsConstant(p) || !c.safeToRead(fi, pl)) {
			c.refuse("unknown-use", p.Pos(), "use the length of the element's type", "the length of an array that is an element is a constant: the map is not looked at")
			return
		}
	case *ast.UnaryExpr:
		if p.Op == token.AND {
			c.refuse("address-taken", p.Pos(), "", "the address of an element is taken")
			return
		}
	}
	c.record(r)
}

// needsConstant reports whether an expression is part of a constant's declaration or of
// an array's type.
func (fi *fileInfo) needsConstant(e ast.Expr) bool {
	for n := fi.parent(e); n != nil; n = fi.parent(n) {
		switch p := n.(type) {
		case *ast.GenDecl:
			return p.Tok == token.CONST
		case *ast.ArrayType:
			return true
		case ast.Stmt, *ast.FuncDecl:
			return false
		}
	}
	return false
}

// safeToRead reports whether an element that the source does not look at may be read.
//
//	len(s.m[k])   // of a map[any][3]int: a constant, though s may be nil, and k not hashable
func (c *class) safeToRead(fi *fileInfo, pl place) bool {
	return !c.nested && hashable(c.typ.Key()) && !slices.ContainsFunc(append([]ast.Expr{pl.base}, pl.keys...), func(e ast.Expr) bool { return !cannotPanic(fi, e) })
}

// arrayLike reports whether t is an array, or a pointer to one.
func arrayLike(t types.Type) bool {
	_, ok := deref(t.Underlying()).Underlying().(*types.Array)
	return ok
}

// shiftsBy reports whether an expression can be the count of a shift that does not panic.
func (fi *fileInfo) shiftsBy(e ast.Expr) bool {
	if fi.pkg.Info.Types[e].Value != nil {
		return true
	}
	t, ok := fi.pkg.Info.TypeOf(e).Underlying().(*types.Basic)
	return ok && t.Info()&types.IsUnsigned != 0
}

// takesBool refuses v, ok = m[k] whose ok has a boolean type of its own: the map
// gives an untyped bool, a method a bool.
func (c *class) takesBool(fi *fileInfo, ok ast.Expr) {
	if id, isID := ok.(*ast.Ident); isID && id.Name == "_" {
		return
	}
	if t := fi.pkg.Info.TypeOf(ok); t != nil && !types.AssignableTo(types.Typ[types.Bool], t) {
		c.refuse("unknown-use", ok.Pos(), "receive it in a bool and convert that", "whether there is an element is assigned to %s, whose type is not bool", shortExpr(ok))
	}
}

// mentions reports whether expression e reads the element that idx denotes.
func (c *class) mentions(fi *fileInfo, e ast.Expr, idx *ast.IndexExpr) bool {
	return len(occurrences(fi, e, idx)) > 0
}

// occurrences returns the places in e that denote the same element as idx.
func occurrences(fi *fileInfo, e ast.Expr, idx *ast.IndexExpr) (found []ast.Expr) {
	ast.Inspect(e, func(n ast.Node) bool {
		if x, ok := n.(*ast.IndexExpr); ok && fi.same(x, idx) {
			found = append(found, x)
			return false
		}
		_, lit := n.(*ast.FuncLit)
		return !lit
	})
	return found
}

// assigned handles a member on either side of an assignment.
func (c *class) assigned(fi *fileInfo, p *ast.AssignStmt, e ast.Expr, pl place) {
	if i := slices.Index(p.Lhs, e); i >= 0 {
		c.record(&rec{fi: fi, kind: useReplace, node: e, base: pl.base, row: pl.row, leaf: pl.leaf})
		if next, ok := fi.next(p).(*ast.AssignStmt); ok && pl.row {
			if id, ok := e.(*ast.Ident); ok && c.madeJustBefore(fi, next, id) == p {
				return // part of a get-or-create of the row; settle checks that it was merged
			}
		}
		s := source{fi: fi, level: c.levelOf(pl), assign: p, to: e.Pos()}
		if len(p.Lhs) == len(p.Rhs) {
			s.expr = p.Rhs[i]
			c.source(s)
		} else if m := c.memberOf(fi, e); m != nil {
			tmp := &member{fi: fi, level: m.level, name: m.name}
			c.multiSource(tmp, p.Rhs[0], i)
		}
		return
	}
	if len(p.Lhs) == len(p.Rhs) {
		if i := slices.Index(p.Rhs, e); i >= 0 {
			if c.drains(fi, p, e, pl) {
				c.record(&rec{fi: fi, kind: useDrain, node: e, base: pl.base})
				return
			}
			c.rowValue(fi, e, pl)
			c.flowTo(fi, p.Lhs[i], c.levelOf(pl), e)
			return
		}
	}
	c.refuse("unknown-use", e.Pos(), "simplify this assignment", "%s is used in an assignment that is not understood", shortExpr(e))
}

// memberOf returns the member that an expression names.
func (c *class) memberOf(fi *fileInfo, e ast.Expr) *member {
	var id *ast.Ident
	switch x := ast.Unparen(e).(type) {
	case *ast.Ident:
		id = x
	case *ast.SelectorExpr:
		id = x.Sel
	default:
		return nil
	}
	if obj := fi.object(id); obj != nil {
		return c.members[obj.Pos()]
	}
	return nil
}

// flowTo follows a member's value into an assigned variable or field.
func (c *class) flowTo(fi *fileInfo, lhs ast.Expr, lv level, from ast.Expr) {
	switch x := ast.Unparen(lhs).(type) {
	case *ast.Ident:
		if x.Name == "_" {
			return
		}
		c.add(fi, fi.object(x), lv, from.Pos())
	case *ast.SelectorExpr:
		c.add(fi, fi.object(x.Sel), lv, from.Pos())
	case *ast.IndexExpr:
		// m[a] = row: the use of m there says whether the row is new.
		if lv == row && c.memberOf(fi, x.X) != nil || lv == leaf && c.pullRow(fi, x.X) {
			return
		}
		c.refuse("stored-elsewhere", lhs.Pos(), "", "the map is stored in %s, an element of another collection", shortExpr(lhs))
	default:
		c.refuse("stored-elsewhere", lhs.Pos(), "store a copy (maps.Clone), or name the collection's element type", "the map is stored in %s, an element of another collection", shortExpr(lhs))
	}
}

func (c *class) keyValue(fi *fileInfo, p *ast.KeyValueExpr, e ast.Expr, pl place) bool {
	lit, ok := fi.parent(p).(*ast.CompositeLit)
	if !ok {
		return false
	}
	if p.Key == e { // the field's own name in T{m: value}
		c.source(source{fi: fi, expr: p.Value, level: c.levelOf(pl), to: e.Pos()})
		return true
	}
	if t := fi.pkg.Info.TypeOf(lit); t != nil {
		if ptr, ok := t.Underlying().(*types.Pointer); ok {
			t = ptr.Elem()
		}
		if _, ok := t.Underlying().(*types.Struct); ok {
			if key, ok := p.Key.(*ast.Ident); ok {
				c.rowValue(fi, e, pl)
				c.add(fi, fi.object(key), c.levelOf(pl), e.Pos())
				return true
			}
		}
	}
	c.refuse("stored-elsewhere", e.Pos(), "store a copy (maps.Clone) there", "the map is an element of a composite literal")
	return true
}

func (c *class) structElement(fi *fileInfo, lit *ast.CompositeLit, e ast.Expr, pl place) bool {
	t := fi.pkg.Info.TypeOf(lit)
	if t == nil {
		return false
	}
	if ptr, ok := t.Underlying().(*types.Pointer); ok {
		t = ptr.Elem()
	}
	st, ok := t.Underlying().(*types.Struct)
	i := slices.Index(lit.Elts, e)
	if !ok || i < 0 || i >= st.NumFields() {
		c.refuse("stored-elsewhere", e.Pos(), "store a copy (maps.Clone) there", "the map is an element of a composite literal")
		return true
	}
	c.rowValue(fi, e, pl)
	c.add(fi, st.Field(i), c.levelOf(pl), e.Pos())
	return true
}

func (c *class) returned(fi *fileInfo, p *ast.ReturnStmt, e ast.Expr, pl place) {
	if c.handsOver(fi, p, e, pl) {
		return
	}
	decl, ok := fi.enclosing(p).(*ast.FuncDecl)
	if !ok {
		c.refuse("function-value", p.Pos(), "use a declared function", "the map is returned from a function literal")
		return
	}
	i := slices.Index(p.Results, e)
	if decl.Type.Results.NumFields() != len(p.Results) {
		c.refuse("multi-value", p.Pos(), "", "the map is returned in a form that is not understood")
		return
	}
	c.rowValue(fi, e, pl)
	c.addSlot(decl, fi, decl.Type.Results, i, c.levelOf(pl), e.Pos())
}

func (c *class) rangeOver(fi *fileInfo, p *ast.RangeStmt, pl place) {
	for _, v := range []ast.Expr{p.Key, p.Value} {
		switch x := v.(type) {
		case nil, *ast.Ident:
		default:
			_ = x
			c.refuse("range-target", v.Pos(), "use variables of their own for the loop", "the loop assigns to %s", shortExpr(v))
			return
		}
	}
	if at := fi.recovers(p.Body); at.IsValid() {
		c.refuse("recover-in-loop", at, "", "recover is called in the body of the loop, which becomes a function: only a deferred function itself can recover")
		return
	}
	c.record(&rec{fi: fi, kind: useRange, node: p, base: pl.base, keys: pl.keys, row: pl.row, leaf: pl.leaf})
	if inner, ok := c.inside(pl); ok && !blank(p.Value) {
		if p.Tok != token.DEFINE {
			c.refuse("range-target", p.Value.Pos(), "declare the row in the range statement", "the loop assigns rows to a variable declared elsewhere")
			return
		}
		c.add(fi, fi.pkg.Info.Defs[p.Value.(*ast.Ident)], inner, p.Value.Pos())
	}
}

// recovers returns where a block calls recover, apart from its function literals.
func (fi *fileInfo) recovers(body *ast.BlockStmt) (at token.Pos) {
	ast.Inspect(body, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok && fi.builtin(call) == "recover" {
			at = call.Pos()
		}
		_, lit := n.(*ast.FuncLit)
		return !lit
	})
	return at
}

func blank(e ast.Expr) bool {
	id, ok := e.(*ast.Ident)
	return e == nil || ok && id.Name == "_"
}

// readOnlySinks are functions outside the module that only read a map they are
// given, during the call, and treat an equal map equally: they get a snapshot.
// The value lists functions; nil means every function and method of the package.
var readOnlySinks = map[string][]string{
	"fmt":                                 nil,
	"log":                                 nil,
	"log/slog":                            {"Debug", "DebugContext", "Info", "InfoContext", "Warn", "WarnContext", "Error", "ErrorContext", "Log"},
	"testing":                             nil,
	"encoding/json":                       {"Marshal", "MarshalIndent", "Encode"},
	"reflect":                             {"DeepEqual"},
	"golang.org/x/exp/maps":               {"Keys", "Values", "Clone", "Equal", "EqualFunc"},
	"maps":                                {"Equal", "EqualFunc"},
	"github.com/stretchr/testify/assert":  nil,
	"github.com/stretchr/testify/require": nil,
	"github.com/google/go-cmp/cmp":        {"Equal", "Diff"},
}

// argument classifies a map that is an argument of a call.
func (c *class) argument(fi *fileInfo, call *ast.CallExpr, e ast.Expr, pl place) {
	later := false // the call is made later than its operands are evaluated
	switch fi.parent(call).(type) {
	case *ast.GoStmt, *ast.DeferStmt:
		c.livesOn, later = true, true
	}
	i := slices.Index(call.Args, e)
	if i < 0 {
		c.refuse("unknown-use", e.Pos(), "", "%s is called", shortExpr(e))
		return
	}
	switch fi.builtin(call) {
	case "delete":
		c.record(&rec{fi: fi, kind: useDelete, node: call, base: pl.base, keys: append(slices.Clone(pl.keys), call.Args[1]), row: pl.row, leaf: pl.leaf})
		return
	case "len":
		c.record(&rec{fi: fi, kind: useLen, node: call, base: pl.base, keys: pl.keys, row: pl.row, leaf: pl.leaf})
		return
	case "clear":
		c.record(&rec{fi: fi, kind: useClear, node: call, base: pl.base, keys: pl.keys, row: pl.row, leaf: pl.leaf})
		if len(pl.keys) == 1 {
			c.rowValue(fi, e, pl)
		}
		return
	case "":
	default:
		c.refuse("stored-elsewhere", e.Pos(), "store a copy (maps.Clone)", "the map is an operand of %s", fi.builtin(call))
		return
	}
	if fi.isConversion(call) {
		c.refuse("any-conversion", call.Pos(), "convert a copy (maps.Clone)", "the map is converted to %s", types.ExprString(call.Fun))
		return
	}
	fn := fi.callee(call)
	if decl, home := c.ix.funcDecl(fn); decl != nil {
		if c.takesAny(fn, i) {
			c.refuse("any-conversion", e.Pos(), "pass a copy (maps.Clone)", "the map is passed to %s as an interface or type parameter, which may keep or write it", fn.Name())
			return
		}
		c.rowValue(fi, e, pl)
		c.addSlot(decl, home, decl.Type.Params, i, c.levelOf(pl), e.Pos())
		return
	}
	if fn == nil && c.intoLocal(fi, call, i, e, pl) {
		return
	}
	if fn != nil && fn.Pkg() != nil && c.deep {
		c.refuse("escapes-to-call", e.Pos(), "copy what is wanted into a map of its own", "a copy of the map for %s.%s would hold the inner maps themselves", fn.Pkg().Name(), fn.Name())
		return
	}
	if fn != nil && fn.Pkg() != nil {
		if r := c.byNode[call]; r != nil && r.kind == useFresh && i == 0 {
			c.cloneOfMember(r, fi, e, pl)
			return
		}
		if fn.Pkg().Path() == "maps" && i == 0 && slices.Contains([]string{"Keys", "Values", "All", "Clone"}, fn.Name()) {
			if c.nested && !pl.row && fn.Name() != "Keys" {
				c.refuse("stored-elsewhere", call.Pos(), "range over the map itself", "maps.%s hands the rows out, and what is done with them there is not followed", fn.Name())
				return
			}
			c.record(&rec{fi: fi, kind: useHelper, node: call, base: pl.base, keys: pl.keys, row: pl.row, fun: fn.Name()})
			c.rowValue(fi, e, pl)
			return
		}
		if i == 0 && fn.FullName() == "maps.Copy" && !c.nested && c.named == nil && !later {
			c.record(&rec{fi: fi, kind: useStoreAll, node: call, base: pl.base, rhs: call.Args[1]})
			return
		}
		names, ok := readOnlySinks[fn.Pkg().Path()]
		if ok && fi.printsAddress(call) {
			c.refuse("escapes-to-call", e.Pos(), "print the map's content", "%%p prints the address of the map, which its copy does not have")
			return
		}
		if ok && c.nested && !pl.row && path.Base(fn.Pkg().Path()) == "maps" {
			c.refuse("stored-elsewhere", e.Pos(), "range over the map itself", "%s.%s hands the rows on, and what is done with them there is not followed", fn.Pkg().Name(), fn.Name())
			return
		}
		if ok && (names == nil || slices.Contains(names, fn.Name())) || i == 1 && fn.FullName() == "maps.Copy" {
			if later {
				c.refuse("escapes-to-call", e.Pos(), "call it in a function literal, which is run later as a whole", "%s.%s sees what the map holds when it runs, later than here", fn.Pkg().Name(), fn.Name())
				return
			}
			c.record(&rec{fi: fi, kind: useSnapshot, node: e, base: pl.base, keys: pl.keys, row: pl.row})
			c.note("%s: the map is copied for %s.%s, O(n) a call", c.ix.pos(e.Pos()), fn.Pkg().Name(), fn.Name())
			return
		}
	}
	c.refuse("escapes-to-call", e.Pos(), "pass a copy (maps.Clone) if the callee only reads the map",
		"the map is passed to %s, which may keep it or write to it", shortExpr(call.Fun))
}

// printsAddress reports whether a call has a format with the verb %p.
func (fi *fileInfo) printsAddress(call *ast.CallExpr) bool {
	return slices.ContainsFunc(call.Args, func(e ast.Expr) bool {
		v := fi.pkg.Info.Types[e].Value
		return v != nil && v.Kind() == constant.String && addressVerb.MatchString(constant.StringVal(v))
	})
}

var addressVerb = regexp.MustCompile(`%[-+# 0-9.*\[\]]*p`)

// cloneOfMember marks maps.Clone(m) with a member on both sides: the new map is
// made from a snapshot of the old one.
func (c *class) cloneOfMember(r *rec, fi *fileInfo, arg ast.Expr, pl place) {
	r.kind, r.clone = useFresh, arg
	c.record(&rec{fi: fi, kind: useSnapshot, node: arg, base: pl.base, keys: pl.keys, row: pl.row})
}

// takesAny reports whether the i-th argument of fn meets an interface or type
// parameter rather than a map type.
func (c *class) takesAny(fn *types.Func, i int) bool {
	sig := fn.Signature()
	n := sig.Params().Len()
	if n == 0 {
		return true
	}
	t := sig.Params().At(min(i, n-1)).Type()
	if sig.Variadic() && i >= n-1 {
		return true
	}
	_, isMap := t.(*types.Map)
	return !isMap || fn.Origin() != fn || sig.TypeParams() != nil
}

// checkSameMap refuses a deep comparison of two members: to it a map equals itself whatever
// it holds, and two copies of a map with a NaN or a function do not.
//
//	reflect.DeepEqual(m, m)   // m is a map[string]float64
func (c *class) checkSameMap() {
	compared := map[ast.Node]bool{}
	for _, r := range c.recs {
		call, ok := r.fi.parent(r.node).(*ast.CallExpr)
		if r.kind != useSnapshot || !ok {
			continue
		}
		fn := r.fi.callee(call)
		if fn == nil || fn.Pkg() == nil || fn.Pkg().Path() != "reflect" && !strings.HasPrefix(fn.Pkg().Path(), "github.com/stretchr/testify/") {
			continue
		}
		if compared[call] && !(selfEqual(c.typ.Key(), true) && selfEqual(c.typ.Elem(), true)) {
			c.refuse("escapes-to-call", call.Pos(), "", "two variables that may be one map are compared: a map equals itself even if it holds NaN or functions, and two copies do not")
		}
		compared[call] = true
	}
}
