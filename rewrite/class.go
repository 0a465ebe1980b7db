// This file grows alias classes: from one map variable to everything that must
// have the same type.

package rewrite

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"

	"github.com/mapmigrate/mapmigrate/detect"
	"github.com/mapmigrate/mapmigrate/plans"
)

// A level says what a member of a class holds: the map of the site, or (nested
// maps only) one of its rows, or (three levels only) one of their elements.
type level int

const (
	whole level = iota
	row
	leaf // of three levels, an element of a row
)

// A class is an alias class: the members are the variables, fields, parameters
// and results among which one map value can flow, and which therefore change
// type together. Growing it visits every use of every member; a use that is not
// understood adds a refusal, and a class with refusals yields no edits.
//
// The closure is a worklist over declarations: a member's uses lead to the
// places its value flows to (value), and its assignments to the places its
// value comes from (source). Each adds members. It ends because declarations
// are finite; cost is linear in the uses visited.
type class struct {
	ix          *index
	n           int       // index of the site
	ownLock     bool      // the form mutex is asked about: what one function does is one step
	stepsAcross token.Pos // a write, see run.stepsAcross
	nested      bool
	deep        bool         // the elements of rows are maps, see deep.go
	rows        *types.Named // the element type, if it is a named map type
	named       *namedType   // the class is a named type, and what it is declared as
	typ         *types.Map   // of the first member
	members     map[token.Pos]*member
	order       []*member // as found; queue while growing
	funcs       map[token.Pos]bool
	recs        []*rec
	byNode      map[ast.Node]*rec
	sources     []source
	replaced    []*merge          // assignments that the value form turns into calls
	lazy        []*ast.AssignStmt // creations of the variable while shared, which the value form makes unnecessary

	prunes bool // deletes that empty a row remove it, see checkPruning

	guard *guard // lazily, see guarding

	copies       bool      // functions whose signature stays hand out copies, see handsOver
	apiMayChange bool      // --allow-api-change, where copies is set
	handed       []handOut // the copies
	livesOn      bool      // a go or defer statement has the map

	intoLiterals token.Pos // a parameter of a local function literal that is a member

	locked      map[*ast.FuncDecl]bool // for stepsAcross: the functions that get a lock, nil for all
	reachLocked map[*ast.FuncDecl]bool // … and those that call them
	memoised    *plans.Refusal         // what would be said of a memo, if a lock can do better

	nilRows []token.Pos // where a nested map is given rows that may be nil

	refusals []*plans.Refusal
	refused  map[string]bool    // code+position, to say each thing once
	checked  map[*fileInfo]bool // see checkUseFile
	notes    []string
	imports  map[*fileInfo][]fileImport // beside the runtime's, for types that are written out
}

// A member is one declaration of the class.
type member struct {
	pos   token.Pos // of the declaring identifier, or of the type of an unnamed parameter or result
	name  string
	level level
	typ   ast.Expr // declared type, nil when inferred
	fi    *fileInfo
	obj   types.Object
	kind  memberKind
	init  []source // values given at the declaration
}

type memberKind int

const (
	localVar memberKind = iota
	packageVar
	structField
	parameter
	result
)

// A source is an expression whose value flows into a member.
type source struct {
	fi    *fileInfo
	expr  ast.Expr // nil: the zero value
	level level
	// shared assignments are those to an existing variable, not to a new one.
	assign *ast.AssignStmt
	to     token.Pos
}

func newClass(ix *index, n int) *class {
	return &class{ix: ix, n: n, members: map[token.Pos]*member{}, funcs: map[token.Pos]bool{},
		byNode: map[ast.Node]*rec{}, refused: map[string]bool{}, checked: map[*fileInfo]bool{}, imports: map[*fileInfo][]fileImport{}}
}

func (c *class) refuse(code string, at token.Pos, remedy, format string, args ...any) {
	pos := c.ix.pos(at)
	key := code + pos.String()
	if c.refused[key] {
		return
	}
	c.refused[key] = true
	if remedy == "" {
		remedy = remedyFor(code)
	}
	c.refusals = append(c.refusals, &plans.Refusal{
		Code: code, Class: plans.Unsafe, Message: fmt.Sprintf(format, args...), Remedy: remedy, Pos: pos,
	})
}

func (c *class) note(format string, args ...any) {
	if n := fmt.Sprintf(format, args...); !slices.Contains(c.notes, n) {
		c.notes = append(c.notes, n)
	}
}

// first is note for what matters more than what was noted before.
func (c *class) first(format string, args ...any) {
	c.notes = slices.Insert(c.notes, 0, fmt.Sprintf(format, args...))
}

// start begins a class with the variable that m describes.
func (c *class) start(m *detect.Map) bool {
	pos := c.ix.at(m.Pos)
	fi := c.ix.fileAt(pos)
	if !pos.IsValid() || fi == nil {
		c.refusals = append(c.refusals, &plans.Refusal{Code: "internal-check", Class: plans.Unsafe,
			Message: "the declaration of " + m.Name + " was not found again", Remedy: "please report this",
			Pos: plans.Pos{File: m.Pos.Filename, Line: m.Pos.Line, Column: m.Pos.Column}})
		return false
	}
	var obj types.Object
	for _, n := range fi.enclosingPath(pos) {
		if id, ok := n.(*ast.Ident); ok && id.Pos() == pos {
			obj = fi.pkg.Info.Defs[id]
		}
		break
	}
	if obj == nil {
		c.refuse("declaration", pos, "declare the map in a statement of its own", "the declaration of %s is not a plain variable", m.Name)
		return false
	}
	if named, ok := types.Unalias(obj.Type()).(*types.Named); ok && mapType(named) {
		return c.startNamed(m, named, pos)
	}
	mt, ok := obj.Type().(*types.Map)
	if c.ownLock && !ok { // whose type stays
		mt, ok = types.Unalias(obj.Type()).(*types.Map)
	}
	if !ok && !mapType(obj.Type()) {
		c.refuse("any-conversion", pos, "declare the variable with the map type, or guard what it holds with a lock",
			"%s has the type %s, which only holds the map: code gets at it by an assertion or a load", m.Name, types.TypeString(obj.Type(), types.RelativeTo(obj.Pkg())))
		return false
	}
	if _, alias := obj.Type().(*types.Alias); !ok && alias {
		c.refuse("named-type", pos, "declare the variable with the map type itself",
			"%s is declared by the alias %s, with which other maps may be declared, too", m.Name, types.TypeString(obj.Type(), types.RelativeTo(obj.Pkg())))
		return false
	}
	if !ok {
		c.refuse("named-type", pos, "declare the variable with the map type itself, or wrap the named type in a struct first",
			"%s has the named map type %s, whose methods and conversions would have to change with it", m.Name, types.TypeString(obj.Type(), types.RelativeTo(obj.Pkg())))
		return false
	}
	c.typ = mt
	if _, ok := mt.Elem().(*types.Map); ok {
		c.nested = true
		if !c.startDeep(m.Name, mt, pos) {
			return false
		}
	} else if alias, ok := mt.Elem().(*types.Alias); ok && isMap(types.Unalias(alias)) && !c.ownLock {
		c.refuse("named-type", pos, "spell the rows' type out",
			"the rows of %s have the type %s, an alias: other maps that are declared with it would change with them", m.Name, types.TypeString(alias, types.RelativeTo(obj.Pkg())))
		return false
	} else if _, ok := mt.Elem().Underlying().(*types.Map); ok {
		c.rows, _ = types.Unalias(mt.Elem()).(*types.Named) // see loneRows
	}
	c.add(fi, obj, whole, pos)
	c.grow()
	return true
}

func isMap(t types.Type) bool {
	_, ok := t.(*types.Map)
	return ok
}

// add makes obj a member. at is the use that pulled it in.
func (c *class) add(fi *fileInfo, obj types.Object, lv level, at token.Pos) {
	if obj == nil {
		return
	}
	v, ok := obj.(*types.Var)
	if !ok {
		c.refuse("foreign-map", at, "", "the map flows through %s, which is not a variable", obj.Name())
		return
	}
	if m := c.members[v.Pos()]; m != nil {
		if m.level != lv {
			c.refuse("recursive-map", at, "use two variables", "%s holds maps of two levels", v.Name())
		}
		return
	}
	home := c.ix.fileAt(v.Pos())
	if home == nil || home.path == "" && !v.Pos().IsValid() {
		c.refuse("foreign-map", at, "copy the map at the boundary", "%s is declared outside the module", v.Name())
		return
	}
	if !isMap(v.Type()) && !(c.ownLock && isMap(types.Unalias(v.Type()))) {
		what := types.TypeString(v.Type(), types.RelativeTo(v.Pkg()))
		if types.IsInterface(v.Type()) {
			c.refuse("any-conversion", at, "keep the map out of interface values, or store a copy (maps.Clone) there",
				"the map is stored in %s of interface type %s, where assertions to the map type would fail after the rewrite", v.Name(), what)
		} else {
			c.refuse("named-type", at, "use the plain map type on both sides", "the map is assigned to %s of type %s", v.Name(), what)
		}
		return
	}
	c.addMember(&member{pos: v.Pos(), name: v.Name(), level: lv, fi: home, obj: v})
}

func (c *class) addMember(m *member) {
	c.members[m.pos] = m
	c.order = append(c.order, m)
}

// grow visits members until nothing is added.
func (c *class) grow() {
	for i := 0; i < len(c.order); i++ {
		m := c.order[i]
		c.declaration(m)
		for _, id := range c.ix.uses[m.pos] {
			fi := c.ix.fileAt(id.Pos())
			e := fi.spelled(id)
			c.value(fi, e, m.level)
		}
		for _, e := range c.ix.unkeyed[m.pos] {
			c.source(source{fi: c.ix.fileAt(e.Pos()), expr: e, level: m.level, to: m.pos})
		}
	}
}

// declaration finds the declared type of a member and the values given there.
func (c *class) declaration(m *member) {
	if m.typ != nil { // an unnamed parameter or result: addSlot knew
		return
	}
	path := m.fi.enclosingPath(m.pos)
	id, ok := path[0].(*ast.Ident)
	if !ok {
		c.refuse("declaration", m.pos, "", "the declaration of %s is not understood", m.name)
		return
	}
	switch p := path[1].(type) {
	case *ast.ValueSpec:
		m.kind = localVar
		if m.obj != nil && m.obj.Pkg() != nil && m.obj.Parent() == m.obj.Pkg().Scope() {
			m.kind = packageVar
		}
		m.typ = p.Type
		if p.Type != nil {
			c.together(m, p.Names)
		}
		switch i := slices.Index(p.Names, id); {
		case len(p.Values) == 0:
			m.init = append(m.init, source{fi: m.fi, level: m.level, to: m.pos})
		case len(p.Values) == len(p.Names):
			c.source(source{fi: m.fi, expr: p.Values[i], level: m.level, to: m.pos})
			m.init = append(m.init, source{fi: m.fi, expr: p.Values[i], level: m.level, to: m.pos})
		default:
			c.multiSource(m, p.Values[0], i)
		}
	case *ast.Field:
		m.typ = p.Type
		c.together(m, p.Names)
		c.field(m, path)
	case *ast.AssignStmt:
		m.kind = localVar
		i := slices.IndexFunc(p.Lhs, func(e ast.Expr) bool { return e == ast.Expr(id) })
		if len(p.Lhs) == len(p.Rhs) {
			c.source(source{fi: m.fi, expr: p.Rhs[i], level: m.level, to: m.pos})
		} else {
			c.multiSource(m, p.Rhs[0], i)
		}
	case *ast.RangeStmt:
		m.kind = localVar
		if rec := c.byNode[p]; rec == nil || m.level == whole {
			if !c.pullRange(m, p) {
				c.refuse("foreign-map", m.pos, "", "%s is a loop variable over values that are not rows of this map", m.name)
			}
		}
	default:
		c.refuse("declaration", m.pos, "declare the variable in a statement of its own", "%s is declared in a form that is not understood", m.name)
	}
	if m.typ != nil {
		c.checkTypeExpr(m)
	}
}

// pullRange handles a row that is the loop variable of a range over a map that
// is not a member yet: it must be one.
func (c *class) pullRange(m *member, p *ast.RangeStmt) bool {
	switch m.level {
	case row:
		return c.pull(m.fi, p.X, whole)
	case leaf:
		return c.pullRow(m.fi, p.X)
	}
	return false
}

// pull adds the variable that e names to the class.
func (c *class) pull(fi *fileInfo, e ast.Expr, lv level) bool {
	var id *ast.Ident
	switch x := ast.Unparen(e).(type) {
	case *ast.Ident:
		id = x
	case *ast.SelectorExpr:
		id = x.Sel
	default:
		return false
	}
	v, ok := fi.object(id).(*types.Var)
	if !ok {
		return false
	}
	c.add(fi, v, lv, e.Pos())
	return true
}

// together adds the other names of a declaration that shares m's type.
func (c *class) together(m *member, names []*ast.Ident) {
	for _, name := range names {
		if name.Pos() != m.pos && name.Name != "_" {
			c.add(m.fi, m.fi.pkg.Info.Defs[name], m.level, name.Pos())
		}
	}
}

// checkTypeExpr refuses declared types that are not map types as written.
func (c *class) checkTypeExpr(m *member) {
	mt, ok := ast.Unparen(m.typ).(*ast.MapType)
	if !ok {
		c.refuse("named-type", m.typ.Pos(), "write the map type out at this declaration", "the type of %s is written as %s, not as a map type", m.name, types.ExprString(m.typ))
		return
	}
	if c.nested && m.level == whole {
		if _, ok := ast.Unparen(mt.Value).(*ast.MapType); !ok {
			c.refuse("named-type", mt.Value.Pos(), "write the map type out at this declaration", "the rows of %s are written as %s, not as a map type", m.name, types.ExprString(mt.Value))
		}
	}
}

// field handles members declared in a field list: of a struct or a function.
func (c *class) field(m *member, path []ast.Node) {
	// path: ident, Field, FieldList, StructType or FuncType, …
	if len(path) < 4 {
		c.refuse("declaration", m.pos, "", "the declaration of %s is not understood", m.name)
		return
	}
	switch owner := path[3].(type) {
	case *ast.StructType:
		m.kind = structField
	case *ast.FuncType:
		c.signature(m, owner, path[2].(*ast.FieldList), path[4:])
	case *ast.FuncDecl: // receiver
		c.refuse("named-type", m.pos, "", "the map is the receiver %s", m.name)
	default:
		c.refuse("declaration", m.pos, "", "the declaration of %s is not understood", m.name)
	}
}

func (c *class) signature(m *member, ft *ast.FuncType, list *ast.FieldList, above []ast.Node) {
	m.kind = parameter
	if list == ft.Results {
		m.kind = result
	}
	decl, ok := above[0].(*ast.FuncDecl)
	if lit, isLit := above[0].(*ast.FuncLit); isLit && c.localParameter(m, lit, list) {
		return
	}
	if !ok {
		c.refuse("function-value", m.pos, "use a declared function instead of a function value",
			"%s is a parameter or result of a function literal or function type, whose other implementations cannot be found", m.name)
		return
	}
	c.function(decl, m.fi)
}

// function checks once that a function's signature may change, and visits all
// its calls for the parameters and results that are members.
func (c *class) function(decl *ast.FuncDecl, fi *fileInfo) {
	name := decl.Name
	if !c.funcs[name.Pos()] {
		c.funcs[name.Pos()] = true
		if decl.Body == nil {
			c.refuse("function-value", name.Pos(), "", "%s has no Go body", name.Name)
		}
		if decl.Type.TypeParams != nil {
			c.refuse("generic-function", name.Pos(), "pass a copy (maps.Clone) to the generic function", "%s is generic: its map parameter may be instantiated with other maps", name.Name)
		}
		if fn, ok := fi.pkg.Info.Defs[name].(*types.Func); ok && decl.Recv != nil && c.ix.asked(fn) {
			c.refuse("interface-method", name.Pos(), "rename the method, or take the map out of its signature",
				"an interface has a method %s of this signature: changing this method's signature could change which interfaces its type implements", name.Name)
		}
		if fn, ok := fi.pkg.Info.Defs[name].(*types.Func); ok && decl.Recv != nil && fn.Exported() {
			t := fn.Signature().Recv().Type()
			if ptr, ok := t.(*types.Pointer); ok {
				t = ptr.Elem()
			}
			if named, ok := t.(*types.Named); ok {
				if at, ok := c.ix.callsMethods()[named.Obj().Pos()]; ok {
					c.refuse("function-value", name.Pos(), "take the map out of the method's signature",
						"%s may be called by its name: at %s its type is handed to code that can do so", name.Name, c.ix.pos(at))
				}
			}
		}
		if name.Name == "init" || name.Name == "main" && decl.Recv == nil {
			c.refuse("function-value", name.Pos(), "", "%s cannot have parameters", name.Name)
		}
	}
	// Members may have been added since the last visit: look at all calls again.
	c.visitCalls(decl, fi)
}

// visitCalls feeds arguments into member parameters and follows member results.
func (c *class) visitCalls(decl *ast.FuncDecl, home *fileInfo) {
	for _, id := range c.ix.uses[decl.Name.Pos()] {
		fi := c.ix.fileAt(id.Pos())
		fun := fi.spelled(id)
		fun, p := fi.outer(fun)
		call, ok := p.(*ast.CallExpr)
		if !ok || call.Fun != fun {
			c.refuse("function-value", id.Pos(), "call the function directly here", "%s is used as a value, so that its signature cannot change", decl.Name.Name)
			continue
		}
		if sel, ok := fun.(*ast.SelectorExpr); ok {
			if s := fi.pkg.Info.Selections[sel]; s != nil && s.Kind() == types.MethodExpr {
				c.refuse("function-value", id.Pos(), "call the method on a value", "%s is used as a method expression", decl.Name.Name)
				continue
			}
		}
		i := 0
		for _, f := range decl.Type.Params.List {
			for _, pos := range slotsOf(f) {
				if m := c.members[pos]; m != nil {
					if len(call.Args) != decl.Type.Params.NumFields() {
						c.refuse("function-value", call.Pos(), "spell the arguments out", "the arguments of %s come from one call with several results, or are variadic", decl.Name.Name)
					} else {
						c.source(source{fi: fi, expr: call.Args[i], level: m.level, to: pos})
					}
				}
				i++
			}
		}
		c.visitResults(decl, fi, call)
	}
	c.visitReturns(decl, home)
}

// slotsOf returns the positions under which the variables of a field are members.
func slotsOf(f *ast.Field) []token.Pos {
	if len(f.Names) == 0 {
		return []token.Pos{f.Type.Pos()}
	}
	var out []token.Pos
	for _, n := range f.Names {
		pos := n.Pos()
		out = append(out, pos)
	}
	return out
}

func resultSlots(decl *ast.FuncDecl) []token.Pos {
	var out []token.Pos
	if decl.Type.Results != nil {
		for _, f := range decl.Type.Results.List {
			out = append(out, slotsOf(f)...)
		}
	}
	return out
}

func (c *class) visitResults(decl *ast.FuncDecl, fi *fileInfo, call *ast.CallExpr) {
	slots := resultSlots(decl)
	for i, pos := range slots {
		m := c.members[pos]
		if m == nil {
			continue
		}
		if len(slots) == 1 {
			c.value(fi, call, m.level)
			continue
		}
		_, p := fi.outer(call)
		switch p := p.(type) {
		case *ast.AssignStmt:
			c.flowTo(fi, p.Lhs[i], m.level, call)
		case *ast.ValueSpec:
			if p.Names[i].Name != "_" {
				c.add(fi, fi.pkg.Info.Defs[p.Names[i]], m.level, p.Names[i].Pos())
			}
		case *ast.ExprStmt, *ast.GoStmt, *ast.DeferStmt:
		case *ast.ReturnStmt: // return f()
			if outer, ok := fi.enclosing(p).(*ast.FuncDecl); ok && len(p.Results) == 1 {
				c.addSlot(outer, fi, outer.Type.Results, i, m.level, call.Pos())
			} else {
				c.refuse("function-value", p.Pos(), "use a declared function", "the map is returned from a function literal")
			}
		default:
			c.refuse("multi-value", call.Pos(), "assign the results to variables first", "the results of %s are passed on together", decl.Name.Name)
		}
	}
}

// visitReturns feeds return statements into member results.
func (c *class) visitReturns(decl *ast.FuncDecl, fi *fileInfo) {
	if decl.Body == nil {
		return
	}
	slots := resultSlots(decl)
	if !slices.ContainsFunc(slots, func(pos token.Pos) bool { return c.members[pos] != nil }) {
		return
	}
	ast.Inspect(decl.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.ReturnStmt:
			if len(n.Results) == 0 {
				return true
			}
			if len(n.Results) != len(slots) && len(n.Results) == 1 {
				for i, pos := range slots {
					if m := c.members[pos]; m != nil {
						c.multiSource(&member{fi: fi, level: m.level, name: m.name}, n.Results[0], i)
					}
				}
				return true
			}
			if len(n.Results) != len(slots) {
				c.refuse("multi-value", n.Pos(), "assign the results to variables first", "%s returns the results of another call together", decl.Name.Name)
				return true
			}
			for i, pos := range slots {
				if m := c.members[pos]; m != nil {
					c.source(source{fi: fi, expr: n.Results[i], level: m.level, to: pos})
				}
			}
		}
		return true
	})
}

// addResult makes the i-th result of a first-party function a member.
func (c *class) addSlot(decl *ast.FuncDecl, fi *fileInfo, list *ast.FieldList, i int, lv level, at token.Pos) {
	for _, f := range list.List {
		slots := slotsOf(f)
		if i >= len(slots) {
			i -= len(slots)
			continue
		}
		if _, ok := f.Type.(*ast.Ellipsis); ok {
			c.refuse("function-value", at, "pass the map as a parameter of its own", "the map is passed in the variadic parameter of %s", decl.Name.Name)
			return
		}
		if c.members[slots[i]] != nil {
			return
		}
		if t := fi.pkg.Info.TypeOf(f.Type); t != nil {
			if _, ok := t.(*types.Map); !ok {
				c.refuse("named-type", at, "use the plain map type on both sides", "the map flows into a %s", types.ExprString(f.Type))
				return
			}
		}
		kind := parameter
		if list == decl.Type.Results {
			kind = result
		}
		if len(f.Names) > 0 {
			if f.Names[i].Name == "_" {
				m := &member{pos: slots[i], name: "_", level: lv, fi: fi, typ: f.Type, kind: kind}
				c.addMember(m)
				c.together(m, f.Names)
				c.checkTypeExpr(m)
			} else {
				c.add(fi, fi.pkg.Info.Defs[f.Names[i]], lv, at)
			}
		} else {
			m := &member{pos: slots[i], name: decl.Name.Name + "'s result", level: lv, fi: fi, typ: f.Type, kind: kind}
			c.addMember(m)
			c.checkTypeExpr(m)
		}
		c.function(decl, fi)
		return
	}
}

// multiSource handles `…, m, … = f()` and `row, ok := m[a]`.
func (c *class) multiSource(m *member, rhs ast.Expr, i int) {
	switch x := ast.Unparen(rhs).(type) {
	case *ast.CallExpr:
		if decl, fi := c.ix.funcDecl(m.fi.callee(x)); decl != nil {
			c.addSlot(decl, fi, decl.Type.Results, i, m.level, rhs.Pos())
			return
		}
		c.refuse("foreign-map", rhs.Pos(), "copy the map into one that this code makes", "%s comes from a function outside the module", m.name)
	case *ast.IndexExpr:
		if m.level == row && i == 0 && c.pull(m.fi, x.X, whole) || m.level == leaf && i == 0 && c.pullRow(m.fi, x.X) {
			return
		}
		c.refuse("foreign-map", rhs.Pos(), "", "%s is an element of another collection", m.name)
	default:
		c.refuse("foreign-map", rhs.Pos(), "", "%s comes from %s, which is not followed", m.name, strings.TrimSpace(types.ExprString(rhs)))
	}
}

// source follows a value that flows into a member back to where it is made.
func (c *class) source(s source) {
	fi := s.fi
	switch x := ast.Unparen(s.expr).(type) {
	case *ast.Ident:
		if fi.isNil(x) {
			c.sources = append(c.sources, s)
			return
		}
		if c.pull(fi, x, s.level) {
			return
		}
	case *ast.SelectorExpr:
		if c.pull(fi, x, s.level) {
			return
		}
	case *ast.CompositeLit:
		if _, ok := x.Type.(*ast.MapType); ok && s.level != row {
			c.sources = append(c.sources, s)
			c.record(&rec{fi: fi, kind: useLiteral, node: x, level: s.level})
			if s.level == whole {
				c.literalRows(fi, x)
			}
			return
		}
	case *ast.IndexExpr:
		if s.level == row && c.pull(fi, x.X, whole) || s.level == leaf && c.pullRow(fi, x.X) {
			return
		}
	case *ast.CallExpr:
		if c.callSource(s, x) {
			return
		}
	}
	if s.level == row {
		c.refuse("row-made-apart", s.expr.Pos(), "store the row into the map where it is made",
			"a row of the nested map comes from %s, which is not an element of the map", shortExpr(s.expr))
		return
	}
	c.refuse("foreign-map", s.expr.Pos(), "copy the map into one that this code makes (maps.Clone)",
		"the map comes from %s, which stays a plain map that others may still use", shortExpr(s.expr))
}

// literalRows checks the rows of a nested map's literal: they must be new, as those
// that are stored are.
func (c *class) literalRows(fi *fileInfo, lit *ast.CompositeLit) {
	if !c.nested {
		return
	}
	if c.deep && len(lit.Elts) > 0 {
		c.refuse("nested-three-levels", lit.Pos(), "fill the map after it is made", "the inner maps of the literal would stay plain maps")
		return
	}
	for _, elt := range lit.Elts {
		kv, ok := elt.(*ast.KeyValueExpr)
		if !ok {
			continue
		}
		if !fi.freshMap(kv.Value) {
			c.refuse("row-made-apart", kv.Value.Pos(), "write the row as a literal, or store a copy (maps.Clone)",
				"%s becomes a row, and other code may still hold it", shortExpr(kv.Value))
		} else if fi.maybeNil(kv.Value) {
			c.nilRows = append(c.nilRows, kv.Value.Pos())
		}
	}
}

// freshMap reports whether e is a map that nobody else has, or nil.
func (fi *fileInfo) freshMap(e ast.Expr) bool {
	switch x := ast.Unparen(e).(type) {
	case *ast.CompositeLit:
		return true
	case *ast.CallExpr:
		fn := fi.callee(x)
		return fi.builtin(x) == "make" || fn != nil && fn.Pkg() != nil && fn.Pkg().Path() == "maps" && (fn.Name() == "Clone" || fn.Name() == "Collect")
	case *ast.Ident:
		return fi.isNil(x)
	}
	return false
}

// maybeNil reports whether a map that freshMap accepts may be nil.
func (fi *fileInfo) maybeNil(e ast.Expr) bool {
	if call, ok := ast.Unparen(e).(*ast.CallExpr); ok {
		fn := fi.callee(call)
		return fn != nil && fn.Name() == "Clone"
	}
	return fi.isNil(e)
}

// callSource handles calls that make or return a map.
func (c *class) callSource(s source, call *ast.CallExpr) bool {
	fi := s.fi
	if fi.builtin(call) == "make" && s.level != row {
		if mt, ok := ast.Unparen(call.Args[0]).(*ast.MapType); ok {
			if _, inner := ast.Unparen(mt.Value).(*ast.MapType); c.nested && !inner && s.level == whole {
				c.refuse("named-type", mt.Value.Pos(), "write the map type out", "the rows are written as %s here", types.ExprString(mt.Value))
			}
			c.sources = append(c.sources, s)
			c.record(&rec{fi: fi, kind: useMake, node: call, level: s.level})
		} else {
			c.refuse("named-type", call.Args[0].Pos(), "write the map type out", "the map is made as %s", types.ExprString(call.Args[0]))
		}
		return true
	}
	fn := fi.callee(call)
	if fn == nil {
		return false
	}
	if decl, home := c.ix.funcDecl(fn); decl != nil {
		if decl.Type.Results.NumFields() == 1 {
			c.addSlot(decl, home, decl.Type.Results, 0, s.level, call.Pos())
			return true
		}
		return false
	}
	if s.level == whole && fn.Pkg() != nil && fn.Pkg().Path() == "maps" && (fn.Name() == "Clone" || fn.Name() == "Collect") {
		if c.nested {
			c.refuse("row-made-apart", call.Pos(), "clone every row as well", "maps.%s gives a map whose rows are those of another one", fn.Name())
			return true
		}
		if _, ok := fi.pkg.Info.TypeOf(call).(*types.Map); ok {
			c.sources = append(c.sources, s)
			if r := c.record(&rec{fi: fi, kind: useFresh, node: call, level: s.level}); r.kind == useHelper {
				c.cloneOfMember(r, fi, call.Args[0], place{base: r.base, keys: r.keys, row: r.row})
			}
			return true
		}
	}
	return false
}

// shortExpr prints an expression for a message.
func shortExpr(e ast.Expr) string {
	s := types.ExprString(e)
	if len(s) > 60 {
		s = s[:57] + "…"
	}
	return s
}

func mapType(t types.Type) bool {
	_, ok := t.Underlying().(*types.Map)
	return ok
}
