// This file migrates named map types.

package rewrite

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"

	"github.com/mapmigrate/mapmigrate/detect"
)

// A namedType is a class that is a type:
//
//	type Set map[string]struct{}      // → type Set struct { m *safemap.Sharded[string, struct{}] }
//
// A Set is still handed around by value, and copies of it still share their entries;
// the zero Set is still a nil map. So its methods, variables, parameters, channels and
// collections stay as they are, however a Set flows through them. Only what needs the
// map changes: s[k], range, len, make, literals, nil.
//
// What cannot stay is a Set that is taken for something else: converted, assigned to or
// from the plain map type, or put into an interface, where encoders, fmt and reflection
// would find a struct.
type namedType struct {
	obj   *types.TypeName
	decl  *ast.MapType
	fi    *fileInfo
	field string
}

// A namedUse is an expression whose type is a named map type, or made of one.
type namedUse struct {
	fi   *fileInfo
	expr ast.Expr
}

// namedUses returns the expressions of named map types of the module, by the position
// of the type's name, in source order.
func (ix *index) namedUses() map[token.Pos][]namedUse {
	if ix.named != nil {
		return ix.named
	}
	ix.named = map[token.Pos][]namedUse{}
	for _, fi := range ix.list {
		ast.Inspect(fi.syntax, func(n ast.Node) bool {
			e, ok := n.(ast.Expr)
			if !ok {
				return true
			}
			for _, obj := range ix.namedMaps(fi.pkg.Info.TypeOf(e)) {
				ix.named[obj.Pos()] = append(ix.named[obj.Pos()], namedUse{fi, e})
			}
			return true
		})
	}
	return ix.named
}

// namedMaps returns the named map types of the module that t is, or is made of: not
// through structs, whose fields are declarations of their own.
func (ix *index) namedMaps(t types.Type) (out []*types.TypeName) {
	switch t := types.Unalias(t).(type) {
	case *types.Named:
		switch u := t.Underlying().(type) {
		case *types.Map:
			if ix.fileAt(t.Obj().Pos()) != nil {
				out = append(out, t.Obj())
			}
		case *types.Pointer, *types.Slice, *types.Array, *types.Chan:
			return ix.namedMaps(u)
		}
	case *types.Map:
		return append(ix.namedMaps(t.Key()), ix.namedMaps(t.Elem())...)
	case *types.Pointer, *types.Slice, *types.Array, *types.Chan:
		return ix.namedMaps(t.(interface{ Elem() types.Type }).Elem())
	case *types.Tuple:
		for v := range t.Variables() {
			out = append(out, ix.namedMaps(v.Type())...)
		}
	}
	return out
}

// startNamed begins a class with a variable of a named map type: the class is the type.
func (c *class) startNamed(m *detect.Map, named *types.Named, at token.Pos) bool {
	obj := named.Obj()
	what := types.TypeString(named, types.RelativeTo(c.ix.fileAt(at).pkg.Types))
	fi := c.ix.fileAt(obj.Pos())
	refuse := func(format string, args ...any) bool {
		c.refuse("named-type", at, "declare the variable with the map type itself, or wrap the named type in a struct first", format, args...)
		return false
	}
	if fi == nil {
		return refuse("%s has the type %s of another module", m.Name, what)
	}
	path := fi.enclosingPath(obj.Pos())
	spec, ok := path[1].(*ast.TypeSpec)
	if !ok || spec.Name.Pos() != obj.Pos() {
		return refuse("the declaration of %s is not understood", what)
	}
	decl, ok := ast.Unparen(spec.Type).(*ast.MapType)
	switch {
	case !ok:
		return refuse("%s has the type %s, which is made of another named type", m.Name, what)
	case spec.TypeParams != nil:
		return refuse("%s has the generic map type %s", m.Name, what)
	case obj.Parent() != obj.Pkg().Scope():
		return refuse("%s has the type %s, which is declared in a function", m.Name, what)
	}
	c.typ = named.Underlying().(*types.Map)
	if _, nested := c.typ.Elem().Underlying().(*types.Map); nested {
		return refuse("%s has the nested map type %s", m.Name, what)
	}
	c.named = &namedType{obj: obj, decl: decl, fi: fi, field: "m"}
	for declaresMethod(named, c.named.field) || c.ix.selected()[c.named.field] && c.ix.embeds(obj) {
		c.named.field += "p"
	}
	c.addNamedMembers(at)
	for _, u := range c.ix.namedUses()[obj.Pos()] {
		c.namedUse(u.fi, u.expr)
	}
	c.otherMapsInto()
	return true
}

// embeds reports whether a struct of the program embeds a type. Then a new field of it could
// hide what is promoted from further down.
//
//	type Set map[string]bool             // → struct{ m *… }
//	type Both struct { Set; *Wrapper }   // Both.m was Wrapper.Base.m
func (ix *index) embeds(obj *types.TypeName) bool {
	if ix.embedded != nil {
		return ix.embedded[obj.Pos()]
	}
	ix.embedded = map[token.Pos]bool{}
	for _, pkg := range ix.prog.Packages {
		for _, def := range pkg.Info.Defs {
			v, ok := def.(*types.Var)
			if !ok || !v.Embedded() {
				continue
			}
			t := types.Unalias(v.Type())
			if p, ok := t.(*types.Pointer); ok {
				t = types.Unalias(p.Elem())
			}
			if n, ok := t.(*types.Named); ok {
				ix.embedded[n.Obj().Pos()] = true
			}
		}
	}
	return ix.embedded[obj.Pos()]
}

// selected returns the names of all fields and methods that are declared in the program or
// used by it.
func (ix *index) selected() map[string]bool {
	if ix.selectedNames != nil {
		return ix.selectedNames
	}
	ix.selectedNames = map[string]bool{}
	for _, pkg := range ix.prog.Packages {
		for _, objs := range []map[*ast.Ident]types.Object{pkg.Info.Defs, pkg.Info.Uses} {
			for _, obj := range objs {
				switch obj := obj.(type) {
				case *types.Var:
					if obj.IsField() {
						ix.selectedNames[obj.Name()] = true
					}
				case *types.Func:
					if obj.Signature().Recv() != nil {
						ix.selectedNames[obj.Name()] = true
					}
				}
			}
		}
	}
	return ix.selectedNames
}

func declaresMethod(named *types.Named, name string) bool {
	for m := range named.Methods() {
		if m.Name() == name {
			return true
		}
	}
	return false
}

// isNamed reports whether t is the type of the class itself.
func (c *class) isNamed(t types.Type) bool {
	n, ok := types.Unalias(t).(*types.Named)
	return ok && n.Obj().Pos() == c.named.obj.Pos()
}

// addNamedMembers makes the variables of the type members, the one at first first.
func (c *class) addNamedMembers(first token.Pos) {
	list := slices.Clone(c.ix.namedVars()[c.named.obj.Pos()])
	slices.SortFunc(list, func(a, b *types.Var) int {
		if (a.Pos() == first) != (b.Pos() == first) {
			return map[bool]int{true: -1, false: 1}[a.Pos() == first]
		}
		return int(a.Pos() - b.Pos())
	})
	for _, v := range list {
		fi := c.ix.fileAt(v.Pos())
		c.addMember(&member{pos: v.Pos(), name: v.Name(), fi: fi, obj: v, kind: fi.kindOf(v)})
	}
}

// namedVars returns the variables of named map types, by the position of the type's
// name, in no order.
func (ix *index) namedVars() map[token.Pos][]*types.Var {
	if ix.vars != nil {
		return ix.vars
	}
	ix.vars = map[token.Pos][]*types.Var{}
	seen := map[*detect.Package]bool{}
	for _, fi := range ix.list {
		if seen[fi.pkg] {
			continue
		}
		seen[fi.pkg] = true
		for id, obj := range fi.pkg.Info.Defs {
			v, ok := obj.(*types.Var)
			if !ok || id.Name == "_" {
				continue
			}
			named, ok := types.Unalias(v.Type()).(*types.Named)
			if !ok {
				continue
			}
			home := ix.fileAt(id.Pos())
			if _, isMap := named.Underlying().(*types.Map); isMap && home != nil && home.pkg == fi.pkg {
				ix.vars[named.Obj().Pos()] = append(ix.vars[named.Obj().Pos()], v)
			}
		}
	}
	return ix.vars
}

// kindOf says how a variable is declared.
func (fi *fileInfo) kindOf(v *types.Var) memberKind {
	switch {
	case v.IsField():
		return structField
	case v.Parent() == v.Pkg().Scope():
		return packageVar
	}
	if path := fi.enclosingPath(v.Pos()); len(path) > 1 {
		if _, ok := path[1].(*ast.Field); ok {
			return parameter
		}
	}
	return localVar
}

// namedUse classifies an expression whose type is, or is made of, the class's.
func (c *class) namedUse(fi *fileInfo, e ast.Expr) {
	tv := fi.pkg.Info.Types[e]
	if id, ok := e.(*ast.Ident); ok && !tv.IsType() {
		if fi.pkg.Info.Defs[id] != nil {
			return // its declaration
		}
		if sel, ok := fi.parent(e).(*ast.SelectorExpr); ok && sel.Sel == id {
			return // the selector is the expression
		}
		if kv, ok := fi.parent(e).(*ast.KeyValueExpr); ok && kv.Key == e && !c.isKey(fi, kv) {
			return // a field's name
		}
	}
	if _, paren := e.(*ast.ParenExpr); paren {
		return
	}
	switch {
	case tv.IsType():
		c.namedTypeUse(fi, e)
	case tv.IsNil(): // see otherMapsInto
	case c.isNamed(tv.Type):
		c.namedValue(fi, e)
	default:
		c.flowsAs(fi, e, tv.Type)
	}
}

func (c *class) isKey(fi *fileInfo, kv *ast.KeyValueExpr) bool {
	lit, ok := fi.parent(kv).(*ast.CompositeLit)
	if !ok {
		return true
	}
	_, isStruct := deref(fi.pkg.Info.TypeOf(lit)).Underlying().(*types.Struct)
	return !isStruct
}

// namedTypeUse looks at a place that names the type.
func (c *class) namedTypeUse(fi *fileInfo, e ast.Expr) {
	if !c.isNamed(fi.pkg.Info.TypeOf(e)) {
		return
	}
	if ts, ok := fi.parent(e).(*ast.TypeSpec); ok && ts.Assign == token.NoPos && ts.Type == e {
		c.refuse("named-type", e.Pos(), "declare it with the map type itself", "the type %s is made of %s", ts.Name.Name, c.named.obj.Name())
	}
}

// namedValue classifies a value of the type.
func (c *class) namedValue(fi *fileInfo, e ast.Expr) {
	c.makesNamed(fi, e)
	pl := place{base: e}
	outer, parent := fi.outer(e)
	switch p := parent.(type) {
	case *ast.IndexExpr:
		if p.X == outer {
			c.inItsPackage(fi, e)
			c.element(fi, p, place{base: e, keys: []ast.Expr{p.Index}})
			return
		}
	case *ast.RangeStmt:
		if p.X == outer {
			c.inItsPackage(fi, e)
			c.rangeOver(fi, p, pl)
			return
		}
	case *ast.BinaryExpr:
		c.inItsPackage(fi, e)
		c.record(&rec{fi: fi, kind: useNil, node: p, base: e})
		return
	case *ast.CallExpr:
		fn := fi.callee(p)
		helper := fn != nil && fn.Pkg() != nil && fn.Pkg().Path() == "maps" && slices.Contains([]string{"Keys", "Values", "All"}, fn.Name())
		switch b := fi.builtin(p); {
		case b == "len" || b == "delete" || b == "clear" || helper:
			c.inItsPackage(fi, e)
			c.argument(fi, p, outer, pl)
			return
		}
	case *ast.SelectorExpr, *ast.StarExpr:
		return // a method of it
	case *ast.UnaryExpr:
		if p.Op == token.AND {
			return // a pointer to it has the same type as before
		}
	case *ast.AssignStmt:
		if slices.Contains(p.Lhs, outer) {
			if p.Tok == token.ASSIGN {
				c.record(&rec{fi: fi, kind: useReplace, node: outer, base: e})
			}
			return
		}
	}
	c.flowsAs(fi, e, c.named.obj.Type())
}

// inItsPackage refuses operations in other packages, which cannot see the field.
func (c *class) inItsPackage(fi *fileInfo, e ast.Expr) {
	if fi.pkg.Types.Path() != c.named.obj.Pkg().Path() {
		c.refuse("named-type", e.Pos(), "give "+c.named.obj.Name()+" a method that does this", "%s is used as a map in another package than its type's", shortExpr(e))
	}
}

// makesNamed handles make, literals and conversions.
func (c *class) makesNamed(fi *fileInfo, e ast.Expr) {
	switch x := e.(type) {
	case *ast.CompositeLit:
		c.inItsPackage(fi, e)
		if x.Type == nil || !c.isNamed(fi.pkg.Info.TypeOf(x.Type)) {
			c.refuse("named-type", e.Pos(), "write the type of the literal", "a %s is written without its type", c.named.obj.Name())
		}
		c.record(&rec{fi: fi, kind: useLiteral, node: x})
	case *ast.CallExpr:
		switch {
		case fi.builtin(x) == "make":
			c.inItsPackage(fi, e)
			c.record(&rec{fi: fi, kind: useMake, node: x})
		case fi.isConversion(x):
			if !fi.isNil(x.Args[0]) && !c.isNamed(fi.pkg.Info.TypeOf(x.Args[0])) {
				c.refuse("named-type", e.Pos(), "use one type for the map", "another map is converted to %s", c.named.obj.Name())
			}
		}
	}
}

// flowsAs refuses a value of type t that is used as another type.
func (c *class) flowsAs(fi *fileInfo, e ast.Expr, t types.Type) {
	want, known := fi.usedAs(e)
	switch {
	case !known:
		c.refuse("unknown-use", e.Pos(), "simplify this use", "%s is used in a form that is not understood", shortExpr(e))
	case want == nil:
	case types.IsInterface(want):
		c.refuse("any-conversion", e.Pos(), "keep it out of interface values", "%s becomes an interface value, in which it is no map any more", shortExpr(e))
	case !identicalAll(want, t):
		c.refuse("named-type", e.Pos(), "use one type for the map", "%s is used as a %s", shortExpr(e), types.TypeString(want, types.RelativeTo(fi.pkg.Types)))
	}
}

// identicalAll compares types across variants of a package, which have objects of
// their own: by what they are written as.
func identicalAll(a, b types.Type) bool {
	return types.Identical(a, b) || types.TypeString(a, nil) == types.TypeString(b, nil)
}

// An intoNamed is an expression that is used as a value of a named map type, or an identifier
// that is instantiated.
type intoNamed struct {
	fi   *fileInfo
	node ast.Expr
	want types.Type
	inst *types.Instance
}

// intoNamed returns all of the program: what otherMapsInto picks from.
func (ix *index) intoNamed() []intoNamed {
	if ix.into != nil {
		return *ix.into
	}
	ix.into = &[]intoNamed{}
	add := func(fi *fileInfo, e ast.Expr) {
		want, _ := fi.usedAs(e)
		if want == nil {
			return
		}
		if n, ok := types.Unalias(want).(*types.Named); ok {
			if _, isMap := n.Underlying().(*types.Map); isMap {
				*ix.into = append(*ix.into, intoNamed{fi: fi, node: e, want: want})
			}
		}
	}
	for _, fi := range ix.list {
		ast.Inspect(fi.syntax, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.Ident:
				if in, ok := fi.pkg.Info.Instances[n]; ok {
					*ix.into = append(*ix.into, intoNamed{fi: fi, node: n, inst: &in})
				}
				if n.Name == "nil" && fi.isNil(n) {
					add(fi, n)
				}
			case ast.Expr:
				if tv := fi.pkg.Info.Types[n]; tv.IsValue() && !tv.IsNil() {
					if _, isMap := tv.Type.(*types.Map); isMap {
						add(fi, n)
					}
				}
			}
			return true
		})
	}
	return *ix.into
}

// otherMapsInto finds what becomes a value of the type: nil, which is written as its
// zero value, and plain maps, which are refused, as are functions that are instantiated
// with it.
func (c *class) otherMapsInto() {
	for _, in := range c.ix.intoNamed() {
		switch {
		case in.inst != nil:
			c.instance(in.fi, in.node.(*ast.Ident), *in.inst)
		case !c.isNamed(in.want):
		case in.fi.isNil(in.node):
			c.record(&rec{fi: in.fi, kind: useNilValue, node: in.node})
		case identicalAll(in.fi.pkg.Info.TypeOf(in.node), c.typ):
			c.refuse("named-type", in.node.Pos(), "use one type for the map", "%s, a plain map, becomes a %s", shortExpr(in.node), c.named.obj.Name())
		}
	}
}

// instance refuses a function or type that is instantiated with the type, unless it is
// one that argument understands.
func (c *class) instance(fi *fileInfo, id *ast.Ident, in types.Instance) {
	fn, _ := fi.pkg.Info.Uses[id].(*types.Func)
	if fn != nil && fn.Pkg() != nil && fn.Pkg().Path() == "maps" && slices.Contains([]string{"Keys", "Values", "All"}, fn.Name()) {
		return
	}
	for t := range in.TypeArgs.Types() {
		if slices.ContainsFunc(c.ix.namedMaps(t), func(obj *types.TypeName) bool { return obj.Pos() == c.named.obj.Pos() }) {
			c.refuse("generic-function", id.Pos(), "", "%s is instantiated with %s", id.Name, c.named.obj.Name())
		}
	}
}

// checkNamed refuses a type that may not change for reasons outside its uses.
func (c *class) checkNamed(opts Options) {
	n := c.named
	c.checkUseFile(n.fi, n.obj.Pos())
	c.checkOtherBuilds(&member{pos: n.obj.Pos(), name: n.obj.Name(), fi: n.fi})
	c.checkBroken(&member{pos: n.obj.Pos(), name: n.obj.Name(), fi: n.fi})
	switch c.ix.api(); {
	case !c.ix.reached[n.obj.Pos()]:
	case opts.AllowAPIChange:
		c.checkNeighbours(c.order[0], n.obj.Name())
	default:
		c.refuse("exported-api", n.obj.Pos(), "use --allow-api-change if no other module uses it, or make it unexported",
			"%s is part of the package's API: other modules may use it as a map", n.obj.Name())
	}
}

// namedFields returns the struct fields that are made of the class's type.
func (c *class) namedFields() (fields []token.Pos) {
	if c.named == nil {
		return nil
	}
	for _, fi := range c.ix.list {
		ast.Inspect(fi.syntax, func(n ast.Node) bool {
			if st, ok := n.(*ast.StructType); ok {
				for _, f := range st.Fields.List {
					if !slices.ContainsFunc(c.ix.namedMaps(fi.pkg.Info.TypeOf(f.Type)), func(obj *types.TypeName) bool { return obj.Pos() == c.named.obj.Pos() }) {
						continue
					}
					names := f.Names
					if id := embeddedName(f.Type); len(names) == 0 && id != nil {
						names = []*ast.Ident{id}
					}
					for _, id := range names {
						if c.members[id.Pos()] == nil {
							fields = append(fields, id.Pos())
						}
					}
				}
			}
			return true
		})
	}
	return fields
}

// loneRows refuses maps whose elements have a named map type that stays a map: their
// rows would be shared without a lock. Where the type migrates, rows are values like
// any other.
func (r *run) loneRows() {
	for _, s := range r.sites {
		rows := s.class.rows
		if rows == nil || s.refused() || slices.ContainsFunc(r.sites, func(o *siteWork) bool {
			return o.class.named != nil && !o.refused() && o.class.named.obj.Pos() == rows.Obj().Pos()
		}) {
			continue
		}
		m := s.class.order[0]
		s.class.refuse("named-type", m.pos, "use the plain map type for the rows", "the rows of %s have the named map type %s, which stays a map",
			m.name, types.TypeString(rows, types.RelativeTo(m.fi.pkg.Types)))
	}
}
