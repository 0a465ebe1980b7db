// This file follows maps of three levels: a nested map whose elements are maps that lock
// themselves, each.

package rewrite

import (
	"go/ast"
	"go/token"
	"go/types"
)

// startDeep begins a class of three levels, if the map has as many:
//
//	m map[A]map[B]map[C]V    // → *safemap.Nested[A, B, *safemap.Sharded[C, V]]
//	m[a][b][c] = v           // → m.Get(a, b).Store(c, v)
//	m[a][b] = make(…)        // → m.StoreExisting(a, b, safemap.NewSharded[C, V]())
//
// The elements, leaves, are pointers that behave as maps do: nil where the map was, shared
// by all that hold them. So they may be made anywhere, and a leaf that is removed goes on in
// the hands of whoever has it. A leaf has a lock of its own: fetching and using it are two
// steps, which is only one where nobody removes or replaces leaves meanwhile, or under a lock.
func (c *class) startDeep(name string, mt *types.Map, pos token.Pos) bool {
	inner := mt.Elem().(*types.Map).Elem()
	if _, ok := inner.Underlying().(*types.Map); !ok {
		return true
	}
	leaves, ok := inner.(*types.Map)
	if !ok {
		c.refuse("nested-three-levels", pos, "write the map type out", "the third level of %s has the named type %s", name, types.TypeString(inner, nil))
		return false
	}
	if _, ok := leaves.Elem().Underlying().(*types.Map); ok {
		c.refuse("nested-three-levels", pos, "give the inner levels a struct type of their own", "%s has four levels of maps; the runtime has three", name)
		return false
	}
	c.deep = true
	return true
}

// inside returns the level of what a place holds, if that is a map.
func (c *class) inside(pl place) (level, bool) {
	switch {
	case pl.leaf:
	case pl.row:
		return leaf, c.deep
	default:
		return row, c.nested
	}
	return whole, false
}

// pullRow adds what e, a row, is taken from to the class.
func (c *class) pullRow(fi *fileInfo, e ast.Expr) bool {
	if idx, ok := ast.Unparen(e).(*ast.IndexExpr); ok {
		return c.pull(fi, idx.X, whole)
	}
	return c.pull(fi, e, row)
}

// emptyIfDeep reports whether a row that is stored has no leaves yet: those in a literal
// would be plain maps.
func (c *class) emptyIfDeep(fi *fileInfo, e ast.Expr) bool {
	return !c.deep || emptyMap(fi, e) || fi.isNil(e)
}

// leafUse handles m[a][b], or row[b], where it is a map.
func (c *class) leafUse(fi *fileInfo, idx *ast.IndexExpr, pl place) {
	e, parent := fi.outer(idx)
	r := &rec{fi: fi, kind: useGet, node: idx, base: pl.base, keys: pl.keys, row: true}
	switch p := parent.(type) {
	case *ast.AssignStmt:
		for _, lhs := range p.Lhs {
			if lhs != e {
				continue
			}
			if c.soleAssign(fi, p, idx) {
				r.node, r.kind, r.rhs = p, useStore, p.Rhs[0]
				c.record(r)
				c.source(source{fi: fi, expr: p.Rhs[0], level: leaf, to: idx.Pos()})
			}
			return
		}
		if len(p.Lhs) == 2 && len(p.Rhs) == 1 {
			c.takesBool(fi, p.Lhs[1])
			r.kind = useLoad
			c.record(r)
			c.flowTo(fi, p.Lhs[0], leaf, idx)
			return
		}
	case *ast.ValueSpec:
		if len(p.Names) == 2 && len(p.Values) == 1 {
			c.takesBool(fi, p.Names[1])
			r.kind = useLoad
			c.record(r)
			if p.Names[0].Name != "_" {
				c.add(fi, fi.pkg.Info.Defs[p.Names[0]], leaf, idx.Pos())
			}
			return
		}
	}
	r.fetches = true
	c.record(r)
	c.use(fi, idx, place{base: idx, leaf: true})
}

// checkLeaves refuses writes to leaves of a shared map that others remove or replace: the
// leaf that is written may be in the map no more.
func (c *class) checkLeaves() {
	if !c.deep {
		return
	}
	for _, w := range c.recs {
		if !w.leaf || !w.kind.writes() || w.skip {
			continue
		}
		for _, r := range c.recs {
			if !r.leaf && r.kind.writes() && !r.skip && !c.guarding().together(r, w) {
				c.refuse("two-steps", w.node.Pos(), "take one lock around both", "the inner map that is written here was taken in another step, and %s may have put another in its place", c.ix.pos(r.node.Pos()))
				return
			}
		}
	}
}

// leafForm is what leaves become.
func (em *emitter) leafForm() form {
	if em.form.ctor == nestedLockedForm.ctor {
		return forms["locked"]
	}
	return forms["sharded"]
}

// leafType emits the type of leaves in the place of a map type.
func (em *emitter) leafType(fi *fileInfo, mt *ast.MapType) {
	f := em.leafForm()
	em.add(fi, &typeOp{opBase: em.base(mt), Star: true, Name: f.typ, TypeArgs: []ast.Expr{mt.Key, mt.Value}})
	em.extra = f.typ
}

// leafTypes emits it within the type of a map of three levels, or of one of its rows.
func (em *emitter) leafTypes(fi *fileInfo, t ast.Expr) {
	if !em.c.deep {
		return
	}
	for inner, depth := mapTypeOf(t), 0; inner != nil; inner, depth = mapTypeOf(inner.Value), depth+1 {
		if depth > 0 && mapTypeOf(inner.Value) == nil {
			em.leafType(fi, inner)
		}
	}
}

func mapTypeOf(e ast.Expr) *ast.MapType {
	if e == nil {
		return nil
	}
	mt, _ := ast.Unparen(e).(*ast.MapType)
	return mt
}

// typeMade returns the type that make or a literal makes a map of.
func typeMade(e ast.Expr) ast.Expr {
	switch x := ast.Unparen(e).(type) {
	case *ast.CallExpr:
		return x.Args[0]
	case *ast.CompositeLit:
		return x.Type
	}
	return nil
}

// makeLeaf emits a new leaf.
func (em *emitter) makeLeaf(r *rec) {
	f := em.leafForm()
	em.extra = f.typ
	switch x := r.node.(type) {
	case *ast.CallExpr:
		mt := ast.Unparen(x.Args[0]).(*ast.MapType)
		em.add(r.fi, &callOp{opBase: em.base(x), Fun: f.ctor, TypeArgs: []ast.Expr{mt.Key, mt.Value}, Args: em.sizeHint(r, x)})
	case *ast.CompositeLit:
		if len(x.Elts) == 0 {
			mt := x.Type.(*ast.MapType)
			em.add(r.fi, &callOp{opBase: em.base(x), Fun: f.ctor, TypeArgs: []ast.Expr{mt.Key, mt.Value}})
		} else {
			em.add(r.fi, &callOp{opBase: em.base(x), Fun: f.of, Args: exprArgs(x)})
		}
	}
}
