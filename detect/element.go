// This file finds races on what a map's elements hold: the map may be guarded, but the
// struct that an element points to is used after the lock was given back.

package detect

import (
	"fmt"
	"go/token"
	"go/types"
	"sort"
	"strings"

	"golang.org/x/tools/go/ssa"
)

// elementTypes finds the structs of this package that maps of this package point to, and
// that have no lock of their own. Accesses of their fields are worth recording (rule E1).
func (b *builder) elementTypes() {
	b.elems = map[string]bool{}
	add := func(t types.Type) {
		m, ok := t.Underlying().(*types.Map)
		if !ok {
			return
		}
		p, ok := m.Elem().Underlying().(*types.Pointer)
		if !ok {
			return
		}
		n, ok := types.Unalias(p.Elem()).(*types.Named)
		if !ok || n.Obj().Pkg() != b.pkg {
			return
		}
		st, ok := n.Underlying().(*types.Struct)
		if !ok {
			return
		}
		for i := range st.NumFields() {
			if t := st.Field(i).Type(); hasLock(t) || hasLock(deref(t)) {
				return
			}
		}
		b.elems[typeKey(n)] = true
	}
	for _, name := range b.pkg.Scope().Names() {
		switch obj := b.pkg.Scope().Lookup(name).(type) {
		case *types.Var:
			add(obj.Type())
		case *types.TypeName:
			if st, ok := obj.Type().Underlying().(*types.Struct); ok {
				for i := range st.NumFields() {
					add(st.Field(i).Type())
				}
			}
		}
	}
}

// element records a read or write of a field of a struct that may be an element of a map:
// reached through the map here, or by a method that may be called on such an element.
//
//	s.mu.Lock()
//	p := s.pods[id]
//	s.mu.Unlock()
//	p.seen = now // the map is guarded, what p points to is not
func (e *emitter) element(op Op, addr ssa.Value, at ssa.Instruction, s flowState) {
	fa, ok := addr.(*ssa.FieldAddr)
	if !ok {
		return
	}
	n, ok := types.Unalias(deref(fa.X.Type())).(*types.Named)
	if !ok || !e.b.elems[typeKey(n)] || isMap(deref(fa.Type())) {
		return
	}
	path := e.path(fa)
	r := root(path)
	if base := parent(path); lastSelector(base) != "[]" && (base != r || r[0] != 'p') || e.flow.fresh(r) {
		return
	}
	a := e.newAccess(op, path, r, e.posOf(at), s)
	a.Loop = e.loops[at.Block().Index]
	for _, old := range e.info.Elements {
		if old.Path == a.Path && old.Op == a.Op && old.State == a.State && old.Seq == a.Seq && old.Published == a.Published {
			return // says nothing new
		}
	}
	e.info.Elements = append(e.info.Elements, a)
}

// elementOf returns the map of which a field's path names an element, with the field.
func (l *linker) elementOf(path, fn string) (*mapState, string) {
	base := parent(path)
	if lastSelector(base) != "[]" {
		return nil, ""
	}
	m, inner := l.keyOf(base, fn)
	if m == nil || m.decl.Nested && trimElems(base)+"|[]" == base || !inner {
		return nil, ""
	}
	return m, lastSelector(path)
}

// elements judges the fields of a map's elements, one by one (rule E1).
func (j *judgement) elements(cases []*occurrence) {
	byField := map[string][]*occurrence{}
	var fields []string
	for _, o := range cases {
		if o.owned {
			continue
		}
		if byField[o.field] == nil {
			fields = append(fields, o.field)
		}
		byField[o.field] = append(byField[o.field], o)
	}
	sort.Strings(fields)
	var best *verdict
	for _, f := range fields {
		os := distinct(byField[f])
		j.number(os)
		for _, a := range os {
			if a.heldW|a.heldMay != 0 || a.wild || a.heldR != 0 && !a.acc.Op.Mutates() {
				continue
			}
			for _, b := range os {
				if v := j.elementConflict(a, b); v != nil && (best == nil || v.better(best)) {
					best = v
				}
			}
		}
	}
	if best != nil {
		j.findings = append(j.findings, j.finding(best))
	}
}

// elementConflict: a touches the field without any lock while b can touch it too.
func (j *judgement) elementConflict(a, b *occurrence) *verdict {
	if !a.acc.Op.Mutates() && !b.acc.Op.Mutates() || commonLock(a, b) {
		return nil
	}
	s, id := j.overlap(a, b), j.sameObject(a, b)
	if s == 0 || id == 0 || a == b && id < 2 {
		return nil
	}
	v := &verdict{pair: pair{a, b, s, id}, cat: Element, conf: Low, score: 3*s + 2*id}
	quiet := hushed(a) || hushed(b) || a.dyn || b.dyn || j.construction(a) || j.construction(b) || lifecycle(a) || lifecycle(b)
	other := notHeld
	if j.guard != "" {
		other = j.evidenceFor(b, b.held, b.may, j.guard)
	}
	if !quiet && s == 2 && (other >= heldRead || id == 2 || j.concurrent && j.placed(a) && j.placed(b)) {
		v.conf = Medium
	}
	if other >= heldRead {
		v.score += 3
	}
	return v
}

// elementMessage words an element finding.
func (j *judgement) elementMessage(v *verdict, a, b Access) string {
	under := "without a lock"
	if len(b.Locks) > 0 {
		under = "under " + b.Locks[0].Name
	}
	how := "without a lock"
	if v.a.heldR != 0 {
		how = "under a read lock"
	}
	return fmt.Sprintf("%s of %s, a field of what %s points to, %s in %s%s; %s %s it %s%s. No other map type cures this: the element needs the lock",
		nouns[a.Op], short(v.a.field), j.decl.Name, how, a.Func, fromFirst, b.Func, strings.TrimSuffix(verbs[b.Op], " from"), under, fromSecond)
}

// fieldLoad returns the address that a load reads a field from.
func fieldLoad(ins *ssa.UnOp) ssa.Value {
	if ins.Op != token.MUL {
		return nil
	}
	if _, ok := ins.X.(*ssa.FieldAddr); !ok {
		return nil
	}
	return ins.X
}
