// This file looks at a class as a whole: may its variables change type at all,
// and does the variable itself race?

package rewrite

import (
	"go/ast"
	"go/token"
	"go/types"
	"go/version"
	"slices"
	"strings"

	"github.com/mapmigrate/mapmigrate/detect"
)

// verdicts gives what detection knows about the class's variables.
func (c *class) verdicts(maps map[token.Pos]*detect.Map) []*detect.Map {
	var out []*detect.Map
	for _, m := range c.order {
		if v := maps[m.pos]; v != nil {
			out = append(out, v)
		}
	}
	return out
}

// strict reports whether several uses of the map must not be taken for one
// step: goroutines share it, no lock holds its accesses together, and detection sees
// two that can run at once.
func (c *class) strict() bool {
	return c.loud() || slices.ContainsFunc(c.verdicts(c.ix.maps), func(m *detect.Map) bool {
		raced := slices.ContainsFunc(m.Findings, func(f detect.Finding) bool { return !f.Category.Quiet() })
		return m.Shared && (m.GuardApart || raced && (m.Guard == "" || m.GuardHeld < m.GuardTotal))
	})
}

// unraced reports whether a strict class is so only because detection did not see a guard at
// every access: nothing shows that two of the others can run at once (findings of low
// confidence). Every lock stays where it is, and so does what it holds together; steps
// without the guard could be interrupted before, too.
func (c *class) unraced() bool {
	return !c.loud() && !slices.ContainsFunc(c.verdicts(c.ix.maps), func(m *detect.Map) bool { return m.Shared && m.GuardApart })
}

// loud reports whether detection reports something about the map.
func (c *class) loud() bool {
	return slices.ContainsFunc(c.verdicts(c.ix.maps), func(m *detect.Map) bool {
		return slices.ContainsFunc(m.Findings, func(f detect.Finding) bool {
			return !f.Category.Quiet() && f.Confidence.Rank() >= detect.Medium.Rank()
		})
	})
}

// checkMembers refuses members whose type may not change for reasons outside
// their uses.
func (c *class) checkMembers(opts Options) {
	for _, m := range c.order {
		c.checkFile(m)
		c.checkExported(m, opts.AllowAPIChange)
		if m.kind == packageVar || m.kind == structField {
			c.checkOtherBuilds(m)
			c.checkBroken(m)
		}
		if m.kind == packageVar {
			c.checkLinkname(m.fi, m.name)
		}
	}
	if c.named != nil {
		c.checkNamed(opts)
	}
	for pos := range c.funcs {
		fi := c.ix.fileAt(pos)
		id, ok := fi.enclosingPath(pos)[0].(*ast.Ident)
		if !ok {
			continue
		}
		c.checkLinkname(fi, id.Name)
		c.checkOtherBuilds(&member{pos: pos, name: id.Name, fi: fi})
	}
	for _, r := range c.recs {
		c.checkUseFile(r.fi, r.node.Pos())
	}
}

func (c *class) checkFile(m *member) { c.checkUseFile(m.fi, m.pos) }

func (c *class) checkUseFile(fi *fileInfo, at token.Pos) {
	if c.checked[fi] {
		return
	}
	c.checked[fi] = true
	switch {
	case fi.path == "":
		c.refuse("cgo-file", at, "move the map to a file without cgo", "the map is used in %s, a cgo file", c.ix.pos(at).File)
	case fi.pkg.Cgo && importsC(fi.syntax):
		c.refuse("cgo-file", at, "move the map to a file without cgo", "the map is used in %s, a cgo file", fi.path)
	case fi.generated:
		c.refuse("generated", at, "change the generator, or move the map out of generated code", "the map is used in %s, which is generated", fi.path)
	case !fi.pkg.FirstParty:
		c.refuse("crosses-modules", at, "", "the map is used in another module")
	}
	if v := fi.pkg.Info.FileVersions[fi.syntax]; v != "" && version.Compare(v, "go1.23") < 0 {
		c.refuse("file-version", at, "raise the //go:build line of the file to go1.23 or later", "%s is compiled as %s, which has neither generics nor ranges over functions as needed", fi.path, v)
	}
}

func importsC(f *ast.File) bool {
	return slices.ContainsFunc(f.Imports, func(s *ast.ImportSpec) bool { return s.Path.Value == `"C"` })
}

// checkExported refuses members that code outside the module can name; if API may
// change, only those that a module at hand does name.
func (c *class) checkExported(m *member, allowed bool) {
	p := m.fi.pkg
	if p.Name == "main" || p.XTest || strings.HasSuffix(m.fi.abs, "_test.go") {
		return
	}
	name, at := "", m.pos
	switch m.kind {
	case packageVar:
		name = m.name
	case structField:
		name = m.name
		for _, n := range m.fi.enclosingPath(m.pos) {
			if ts, ok := n.(*ast.TypeSpec); ok {
				name = ts.Name.Name + "." + m.name
			}
		}
	case parameter, result:
		for _, n := range m.fi.enclosingPath(m.pos) {
			if decl, ok := n.(*ast.FuncDecl); ok {
				name, at = decl.Name.Name, decl.Name.Pos()
			}
		}
	}
	if name == "" || !c.ix.api()[at] {
		return
	}
	if allowed {
		c.checkNeighbours(m, name)
		return
	}
	c.refuse("exported-api", m.pos, "use --allow-api-change if no other module uses it, or make it unexported",
		"%s.%s is part of the package's API: other modules may use it as a map", p.Name, name)
}

// api returns what code outside the module can name, by position: exported variables
// and functions, and the exported fields and methods of whatever type can be reached
// from them, be it unexported or in an internal package (embedded, aliased, returned).
func (ix *index) api() map[token.Pos]bool {
	if ix.exported != nil {
		return ix.exported
	}
	ix.exported, ix.reached = map[token.Pos]bool{}, map[token.Pos]bool{}
	seen := map[types.Type]bool{}
	var walk func(t types.Type)
	walk = func(t types.Type) {
		if t == nil || seen[t] {
			return
		}
		seen[t] = true
		switch t := t.(type) {
		case *types.Alias:
			walk(types.Unalias(t))
		case *types.Named:
			for arg := range t.TypeArgs().Types() {
				walk(arg)
			}
			if p := t.Obj().Pkg(); p == nil || ix.fileAt(t.Obj().Pos()) == nil {
				return // declared elsewhere
			}
			ix.reached[t.Obj().Pos()] = true
			t = t.Origin()
			walk(t.Underlying())
			for m := range t.Methods() {
				if m.Exported() {
					ix.exported[m.Pos()] = true
					walk(m.Signature())
				}
			}
		case *types.Struct:
			for f := range t.Fields() {
				if f.Exported() {
					ix.exported[f.Pos()] = true
				}
				if f.Exported() || f.Embedded() {
					walk(f.Type())
				}
			}
		case *types.Interface: // its methods, those it embeds included
			for m := range t.Methods() {
				walk(m.Signature())
			}
		default:
			for part := range parts(t) {
				walk(part)
			}
		}
	}
	for _, p := range ix.prog.Packages {
		if !p.FirstParty || p.Types == nil || p.Name == "main" || p.XTest || isInternal(p.Path) && !ix.hasInnerModules() {
			continue
		}
		for _, name := range p.Types.Scope().Names() {
			obj := p.Types.Scope().Lookup(name)
			if fi := ix.fileAt(obj.Pos()); !obj.Exported() || fi == nil || strings.HasSuffix(fi.abs, "_test.go") {
				continue
			}
			ix.exported[obj.Pos()] = true
			walk(obj.Type())
		}
	}
	return ix.exported
}

// hasInnerModules reports whether a module at hand imports an internal package of this
// one, as modules in folders inside it may.
func (ix *index) hasInnerModules() bool {
	return slices.ContainsFunc(ix.neighbours(), func(f *neighbour) bool { return f.inside })
}

func isInternal(path string) bool {
	return slices.Contains(strings.Split(path, "/"), "internal")
}

// checkBroken refuses a variable that a package which does not type-check could
// use: its uses cannot be seen.
func (c *class) checkBroken(m *member) {
	for _, p := range c.ix.prog.Broken() {
		if p.Path == m.fi.pkg.Path || ast.IsExported(m.name) && reaches(p, m.fi.pkg.Path, map[*detect.Package]bool{}) {
			c.refuse("broken-package", m.pos, "make `go vet ./...` pass first", "package %s does not type-check, and could use %s", p.Path, m.name)
			return
		}
	}
}

func reaches(p *detect.Package, path string, seen map[*detect.Package]bool) bool {
	if seen[p] {
		return false
	}
	seen[p] = true
	for _, imp := range p.Imports {
		if imp.Path == path || reaches(imp, path, seen) {
			return true
		}
	}
	return false
}

// A linkname is a //go:linkname directive.
type linkname struct {
	fi            *fileInfo
	pos           token.Pos
	local, remote string
}

func (ix *index) linknames() []linkname {
	if ix.linked != nil {
		return *ix.linked
	}
	ix.linked = &[]linkname{}
	for _, fi := range ix.list {
		for _, g := range fi.syntax.Comments {
			for _, cm := range g.List {
				if rest, ok := strings.CutPrefix(cm.Text, "//go:linkname "); ok {
					f := append(strings.Fields(rest), "", "")
					*ix.linked = append(*ix.linked, linkname{fi, cm.Pos(), f[0], f[1]})
				}
			}
		}
	}
	return *ix.linked
}

// checkLinkname refuses a variable or function whose type another package declares
// for itself: the linker does not compare types.
func (c *class) checkLinkname(home *fileInfo, name string) {
	for _, l := range c.ix.linknames() {
		if l.local == name && l.fi.pkg.Path == home.pkg.Path || l.remote == home.pkg.Path+"."+name {
			c.refuse("linkname", l.pos, "remove the linkname", "%s is linked to another package by name", name)
		}
	}
}

// checkVariable looks at assignments to the variables themselves. With a
// pointer for a type, assigning a variable that goroutines share is still a
// race, of the pointer:
//
//	if s.m == nil { s.m = make(map[string]int) }   // every handler runs this
//
// so that it must happen before the variable is shared, or under the guard.
func (c *class) checkVariable() {
	if !c.strict() {
		return
	}
	for _, r := range c.assignments() {
		if c.replacedSafely(r) {
			continue
		}
		c.refuse("variable-replaced", r.base.Pos(),
			"create the map once, before goroutines share it (in the constructor or the declaration), and use clear(m) to empty it",
			"%s is assigned here while goroutines may use it; the new pointer would be raced as the map is", shortExpr(r.base))
	}
}

// pointerHolds reports whether no assignment of a variable would race as a pointer.
func (c *class) pointerHolds() bool {
	return !slices.ContainsFunc(c.assignments(), func(r *rec) bool { return !c.replacedSafely(r) })
}

// assignments returns the assignments of variables that others may see.
func (c *class) assignments() (out []*rec) {
	for _, r := range c.recs {
		if r.kind != useReplace || r.row || r.leaf || r.skip {
			continue
		}
		if m := c.memberOf(r.fi, r.base); m == nil || m.kind != packageVar && m.kind != structField && !c.captured(m) {
			continue
		}
		out = append(out, r)
	}
	return out
}

// captured reports whether a closure uses the variable of another function.
func (c *class) captured(m *member) bool {
	decl := m.fi.enclosing(m.fi.enclosingPath(m.pos)[0])
	return slices.ContainsFunc(c.ix.uses[m.pos], func(id *ast.Ident) bool {
		return c.ix.fileAt(id.Pos()).enclosing(id) != decl
	})
}

// replacedSafely reports whether detection saw the assignment happen before the
// variable is shared, or under the lock that all accesses hold, or at least under the
// usual one of a map that it reports no race of.
func (c *class) replacedSafely(r *rec) bool {
	at := c.ix.prog.Fset.PositionFor(r.base.Pos(), false)
	for _, v := range c.verdicts(c.ix.maps) {
		for _, a := range v.Accesses {
			if a.Op == detect.Replace && a.Pos.Filename == at.Filename && a.Pos.Line == at.Line {
				if a.Owned || v.Guard != "" && !v.GuardApart && v.GuardHeld == v.GuardTotal &&
					slices.ContainsFunc(a.Locks, func(l detect.Lock) bool { return l.Name == v.Guard && !l.Read }) {
					return true
				}
			}
		}
	}
	g := c.guarding()
	if g.exempt(r) {
		return true
	}
	lock := g.usual(r)
	if lock != "" {
		c.note("%s: %s is assigned under %s; what uses it without that lock would race with the assignment as before", c.ix.pos(r.base.Pos()), shortExpr(r.base), lock)
	}
	return lock != ""
}

// settle refuses what only the complete class can tell.
func (c *class) settle(strict bool) {
	deletesRows, writesRows := token.NoPos, token.NoPos
	for _, r := range c.recs {
		if r.kind == useReplace && r.row && !r.skip {
			c.refuse("row-made-apart", r.node.Pos(), "store a new map into the nested map, and take the row from there", "the variable %s holds a row and is assigned another map", shortExpr(r.base))
		}
		if r.kind == useStoreRow && !r.skip {
			if _, ident := ast.Unparen(r.rhs).(*ast.Ident); ident && !r.fi.isNil(r.rhs) {
				c.refuse("row-made-apart", r.node.Pos(), "store a new map into the row", "the row %s is a map that other code may still hold", shortExpr(r.rhs))
			}
		}
		if c.nested && (!r.row && !r.leaf && (r.kind == useDelete || r.kind == useClear) || r.kind == useStoreRow && !r.skip) {
			deletesRows = r.node.Pos()
		}
		switch {
		case !c.nested || !r.row || !r.kind.writes() || r.kind == useReplace || r.kind == useStoreRow:
		case c.rowMember(r): // row[b] = v, also as part of a get-or-create
			writesRows = r.node.Pos()
		case len(r.keys) == 2 && !r.merged && r.kind != useDelete: // m[a][b] = v, whose row must be there
			writesRows = r.node.Pos()
		}
	}
	if len(c.nilRows) > 0 && slices.ContainsFunc(c.recs, func(r *rec) bool { return r.skip && r.kind == useLoadRow }) {
		for _, at := range c.nilRows {
			c.refuse("nil-row", at, "delete the row instead", "a row that is, or may be, nil is stored, which the get-or-create elsewhere tells apart from a missing one")
		}
	}
	if strict && c.guarding().lock == "" && deletesRows.IsValid() && writesRows.IsValid() {
		c.refuse("two-steps", writesRows, "make the row and write the element in two statements that follow each other (they become one), or take one lock around both",
			"a row that was taken, or made, earlier is written here, while %s drops rows: it could be gone", c.ix.pos(deletesRows))
	}
}

// checkClearedRanges refuses a range that may clear the map it is over, if a key can
// be unlike itself (NaN): nothing but the snapshot that the range began with knows
// such keys, so that it would go on with them.
//
//	for range samples { clear(samples) }   // samples is a map[float64]int
func (c *class) checkClearedRanges() {
	var clears []*rec
	for _, r := range c.recs {
		if r.kind == useClear {
			clears = append(clears, r)
		}
	}
	for _, r := range c.recs {
		p, ok := r.node.(*ast.RangeStmt)
		if !ok || r.kind != useRange || len(clears) == 0 || reflexive(r.fi.pkg.Info.TypeOf(p.X).Underlying().(*types.Map).Key()) {
			continue
		}
		inside := slices.ContainsFunc(clears, func(w *rec) bool {
			return w.fi == r.fi && p.Body.Pos() <= w.node.Pos() && w.node.End() <= p.Body.End()
		})
		if inside || c.mayReach(r.fi, p.Body, clears) {
			c.refuse("nan-keys", p.Pos(), "", "the loop may clear the map that it is over, and would still come to keys that are unlike themselves (NaN)")
		}
	}
}

// checkFirstElements refuses a loop that takes the elements of a map one at a time. A
// range of the target begins with a copy, so that emptying the map would take time that
// grows with the square of its size, where the source needs a step for each element.
//
//	for len(queue) > 0 {
//		for k := range queue { delete(queue, k); break }
//	}
func (c *class) checkFirstElements() {
	for _, r := range c.recs {
		p, ok := r.node.(*ast.RangeStmt)
		if !ok || r.kind != useRange || r.skip || len(p.Body.List) == 0 {
			continue
		}
		switch last := p.Body.List[len(p.Body.List)-1].(type) {
		case *ast.BranchStmt:
			if last.Tok != token.BREAK || last.Label != nil {
				continue
			}
		default:
			continue
		}
		for n := r.fi.parent(p); n != nil && n != r.fi.enclosing(p); n = r.fi.parent(n) {
			switch n := n.(type) {
			case *ast.RangeStmt:
				if r.fi.declaredBy(n, p.X) {
					continue // each round has a map of its own
				}
			case *ast.ForStmt:
			default:
				continue
			}
			c.refuse("first-element", p.Pos(), "", "the loop takes one element of %s and is itself in a loop: each time all entries would be copied", shortExpr(p.X))
		}
	}
}

// declaredBy reports whether an expression is the variable that a range gives its values.
//
//	for _, row := range rows { for k := range row { found = k; break } }
func (fi *fileInfo) declaredBy(p *ast.RangeStmt, e ast.Expr) bool {
	id, ok := ast.Unparen(e).(*ast.Ident)
	if !ok || p.Tok != token.DEFINE || p.Value == nil {
		return false
	}
	value, ok := p.Value.(*ast.Ident)
	return ok && fi.object(id) != nil && fi.object(id) == fi.object(value)
}

// rowMember reports whether a use's base is a variable that holds a row.
func (c *class) rowMember(r *rec) bool {
	m := c.memberOf(r.fi, r.base)
	return m != nil && m.level == row
}

// chooseForm picks the target form for a strategy.
func (c *class) chooseForm(strategy string, opts Options) (form, bool) {
	at := c.order[0].pos
	if c.deep && strategy != "sharded" && strategy != "locked" {
		c.refuse("nested-strategy", at, "use --strategy=sharded or --strategy=locked for this map", "a map of three levels has no %s form", strategy)
		return form{}, false
	}
	if c.nested {
		switch strategy {
		case "sharded":
			return nestedForm, true
		case "locked":
			return nestedLockedForm, true
		case "provider":
			if !c.nilObservable() {
				return nestedProviderForm, true
			}
			c.refuse("nested-strategy", at, "", "%s may be nil when it is used, and a nil interface cannot be read as a nil map can", c.order[0].name)
			return form{}, false
		}
		c.refuse("nested-strategy", at, "use --strategy=sharded or --strategy=locked for this map",
			"a nested map keeps its rows atomic only in safemap.Nested; there is no %s form of it", strategy)
		return form{}, false
	}
	if strategy == "provider" {
		if c.named != nil || c.nilObservable() {
			f := handleForm
			return f, true
		}
		return providerForm, true
	}
	if strategy == "syncmap" && opts.StdRuntime {
		if c.named != nil {
			c.refuse("no-direct-method", at, "use --runtime=plain", "the named type %s needs a map that can be nil", c.named.obj.Name())
		}
		if c.nilObservable() {
			c.refuse("no-direct-method", at, "use --runtime=plain, whose SyncMap accepts a nil pointer", "%s may be nil when it is used, and *sync.Map has no nil form", c.order[0].name)
		}
		return stdForm, true
	}
	f, ok := forms[strategy]
	return f, ok
}

// nilObservable reports whether some member can be nil when it is used: anything
// but variables that are given a map where they are declared and never assigned
// another value.
func (c *class) nilObservable() bool {
	for _, m := range c.order {
		if m.kind == structField || m.kind == parameter || m.kind == result {
			return true
		}
		for _, s := range m.init {
			if s.expr == nil || m.fi.isNil(s.expr) {
				return true
			}
		}
	}
	for _, s := range c.sources {
		if s.expr != nil && s.fi.isNil(s.expr) {
			return true
		}
	}
	return slices.ContainsFunc(c.recs, func(r *rec) bool { return r.kind == useNil && !r.row })
}

// holderFlows adds what is known about whole values that contain a member.
func (c *class) holderFlows() {
	fields := c.namedFields()
	for _, m := range c.order {
		if m.kind == structField {
			fields = append(fields, m.pos)
		}
	}
	if len(fields) == 0 {
		return
	}
	if c.ix.flows == nil {
		c.ix.flows = newFlows(c.ix.prog)
	}
	refusals, notes := c.ix.flows.of(fields)
	c.refusals = append(c.refusals, refusals...)
	for _, n := range notes {
		c.note("%s", n)
	}
}

// weakerIteration notes where a whole-map operation was already unguarded.
func (c *class) weakerIteration() {
	for _, r := range c.recs {
		if (r.kind == useRange || r.kind == useLen || r.kind == useHelper) && !r.skip {
			c.note("ranges and len see a moving map unless the lock around them stays: weakly consistent, as safemap documents")
			return
		}
	}
}
