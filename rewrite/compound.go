// This file finds compound operations: several uses that are one step of the
// program, and must become one atomic call, or stay under their lock, or be refused.
// The shapes themselves are in shapes.go and rows.go.

package rewrite

import (
	"go/ast"
	"go/token"
	"slices"
)

// A merge is a compound shape that becomes one call.
type merge struct {
	fi     *fileInfo
	stmt   ast.Stmt   // replaced or changed
	drop   []ast.Stmt // removed: their effect is in the call
	call   *rec       // describes the call: base, keys
	fun    string
	value  ast.Expr   // the value to store; nil for none
	lazy   bool       // wrap value in a function
	into   string     // the variable that gets what the call returns first
	atExpr ast.Node   // the call replaces this expression of stmt; nil: all of stmt
	ok     *ast.Ident // the ok variable of the shape, when a dropped statement read it
	blank  bool       // nothing reads ok any more
}

// next returns the statement after s in its block, previous the one before.
func (fi *fileInfo) next(s ast.Stmt) ast.Stmt { return fi.sibling(s, 1) }

func (fi *fileInfo) previous(s ast.Stmt) ast.Stmt { return fi.sibling(s, -1) }

func (fi *fileInfo) sibling(s ast.Stmt, d int) ast.Stmt {
	list := stmtsOf(fi.parent(s))
	if i := slices.Index(list, s); i >= 0 && i+d >= 0 && i+d < len(list) {
		return list[i+d]
	}
	return nil
}

func stmtsOf(n ast.Node) []ast.Stmt {
	switch n := n.(type) {
	case *ast.BlockStmt:
		return n.List
	case *ast.CaseClause:
		return n.Body
	case *ast.CommClause:
		return n.Body
	}
	return nil
}

// inBlock reports whether a statement can have another put before it.
func (fi *fileInfo) inBlock(s ast.Stmt) bool {
	return slices.Contains(stmtsOf(fi.parent(s)), s)
}

// notIdent returns x of the condition !x.
func notIdent(e ast.Expr) *ast.Ident {
	if u, ok := ast.Unparen(e).(*ast.UnaryExpr); ok && u.Op == token.NOT {
		id, _ := ast.Unparen(u.X).(*ast.Ident)
		return id
	}
	return nil
}

// onlyIf returns the statements of an if without else (and without init unless
// the caller looks at it).
func onlyIf(s ast.Stmt) (*ast.IfStmt, []ast.Stmt) {
	p, ok := s.(*ast.IfStmt)
	if !ok || p.Else != nil {
		return nil, nil
	}
	return p, p.Body.List
}

// sameElement reports whether two uses denote the same element (or row) of the
// same member.
func sameElement(a, b *rec) bool {
	return a.fi == b.fi && a.fi.same(a.base, b.base) && slices.EqualFunc(a.keys, b.keys, a.fi.same)
}

// compound finds the shapes. It runs once, when the class is complete.
func (c *class) compound() []*merge {
	for _, r := range c.recs {
		c.selfUpdate(r)
	}
	var merges []*merge
	for _, r := range c.recs {
		if r.skip || r.merged {
			continue
		}
		var m *merge
		switch r.kind {
		case useLoad, useLoadRow:
			m = c.getOrCreate(r)
			if m == nil {
				m = c.loadAndDelete(r)
			}
			if m == nil {
				m = c.memo(r)
			}
		case useNil:
			if m = c.lazyRow(r); m == nil {
				m = c.lazyVariable(r)
			}
		case useLen:
			m = c.deleteIfEmpty(r)
		case useRow:
			m = c.rowVariable(r)
		case useRange:
			if m = c.clearLoop(r); m == nil {
				c.expiry(r)
			}
		}
		if m != nil {
			merges = append(merges, m)
		}
	}
	merges = append(merges, c.replacements()...)
	c.blankUnread(merges)
	return merges
}

// recOf returns the record of the single use that a statement is, if any.
func (c *class) recOf(s ast.Stmt, kinds ...useKind) *rec {
	var n ast.Node = s
	if x, ok := s.(*ast.ExprStmt); ok {
		n = x.X
	}
	if r := c.byNode[n]; r != nil && slices.Contains(kinds, r.kind) && !r.skip && !r.merged {
		return r
	}
	return nil
}

// blankUnread finds the ok variables that only dropped statements read, and marks
// their places to be blanked. It looks at all merges at once: one variable may
// serve several.
func (c *class) blankUnread(merges []*merge) {
	dropped := map[ast.Node]bool{}
	places := map[*ast.Ident]bool{}
	for _, m := range merges {
		for _, s := range m.drop {
			dropped[s] = true
		}
		if m.ok != nil {
			places[m.ok] = true
		}
	}
	for _, m := range merges {
		if m.ok == nil {
			continue
		}
		obj := m.fi.object(m.ok)
		elsewhere := false
		ast.Inspect(m.fi.enclosing(m.ok), func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok && m.fi.object(id) == obj && !places[id] {
				elsewhere = true
			}
			return !dropped[n]
		})
		m.blank = !elsewhere
	}
}

func (c *class) absorb(recs ...*rec) {
	for _, r := range recs {
		if r != nil {
			r.skip, r.merged = true, true
		}
	}
}
