// This file follows maps and their elements into objects made here: a snapshot struct, a
// cloned map, a slice collected in a loop hold what they were given, whoever looks at it
// later and under whatever lock.

package detect

import (
	"go/types"
	"sort"
	"strings"

	"golang.org/x/tools/go/ssa"
)

// An AliasInfo says that a place in a local object is another name for what is at Path
// (rule O6). In results, Base is relative to the result.
//
//	return Report{Hosts: m.hosts}     // "a0|Report.Hosts" is "p0|Meter.hosts"
//	conns = append(conns, s.conns[k]) // "a1|[]" is "p0|Server.conns|[]"
type AliasInfo struct {
	Base, Path string
	Load       int32 // lock state where it was read, -1 unknown
	Pos        Pos   // of that
}

// alias is an AliasInfo while its function is summarised.
type alias struct {
	path string
	from ssa.Instruction // the load of the map, in this function
	call *ssa.Call       // or the call that returned it
	info AliasInfo
	many bool // different things were stored there: no alias
}

// findAliases collects, before any path is asked for, what is put into the fields and
// elements of local objects.
func (f *function) findAliases() {
	f.aliases = map[string]*alias{}
	if f.fn.Blocks == nil {
		return
	}
	type put struct {
		base string
		val  ssa.Value
	}
	var puts []put
	for _, b := range f.fn.Blocks {
		for _, ins := range b.Instrs {
			switch ins := ins.(type) {
			case *ssa.Store:
				if al, ok := ins.Addr.(*ssa.Alloc); ok {
					f.addStruct(al, ins.Val)
				}
				if fa, ok := ins.Addr.(*ssa.FieldAddr); ok && reference(ins.Val.Type()) {
					sel := f.b.names.of(fa.X.Type(), fa.Field)
					if al, ok := fa.X.(*ssa.Alloc); ok {
						puts = append(puts, put{f.object(al) + "|" + sel, ins.Val})
					} else if r := f.path(fa.X); rest(r) == "" && r[0] == 'c' {
						puts = append(puts, put{r + "|" + sel, ins.Val}) // no longer what the callee put there
					}
				}
			case *ssa.MapUpdate:
				if mk, ok := f.maker(ins.Map); ok && reference(ins.Value.Type()) {
					puts = append(puts, put{f.object(mk) + "|[]", ins.Value})
				}
			case *ssa.Call:
				if v := appended(ins); v != nil && reference(v.Type()) {
					puts = append(puts, put{"append", ins})
				} else if src := cloned(ins); src != nil {
					f.add("c"+itoa(f.callID(ins))+"_0|[]", src, true)
				} else if key, _ := withValue(ins); key != nil {
					puts = append(puts, put{"context", ins})
				}
			}
		}
	}
	for _, p := range puts {
		if p.base == "context" {
			f.addValue(p.val.(*ssa.Call))
			continue
		}
		if p.base == "append" {
			c := p.val.(*ssa.Call)
			if r := f.path(c); rest(r) == "" && r != "nil" {
				f.add(r+"|[]", appended(c), false)
			}
			continue
		}
		f.add(p.base, p.val, false)
	}
}

// add records that what is at base is v, or with elem the element of v.
func (f *function) add(base string, v ssa.Value, elem bool) {
	path := f.path(v)
	if elem {
		path = join(path, "[]")
	}
	switch c := path[0]; {
	case path == "nil":
		return // an empty place is no other thing
	case c == 'a' && rest(path) == "" && !isMap(v.Type()):
		// A pointer to another object of this function.
	case rest(path) == "" && c != 'g' && c != 'p', c == 'a' || c == 'u' || c == 'F':
		path = ""
	}
	a := f.aliases[base]
	if a == nil {
		a = &alias{path: path}
		f.aliases[base] = a
	}
	if path == "" || a.path != path {
		a.many = true
	}
	if ld, ok := v.(*ssa.UnOp); ok && !elem {
		a.from = ld
	}
}

// addStruct records a struct that is copied whole: the copy's maps are the original's.
func (f *function) addStruct(al *ssa.Alloc, v ssa.Value) {
	st, ok := v.Type().Underlying().(*types.Struct)
	ld, isLoad := v.(*ssa.UnOp)
	if !ok || !isLoad {
		return
	}
	for i := range st.NumFields() {
		if !isMap(st.Field(i).Type()) {
			continue
		}
		path := f.path(v)
		if path == "nil" || f.copied(al) != nil {
			return
		}
		sel := f.b.names.of(v.Type(), i)
		base := f.object(al) + "|" + sel
		a := f.aliases[base]
		if a == nil {
			a = &alias{path: join(path, sel), from: ld}
			f.aliases[base] = a
		}
		if c := path[0]; c == 'a' || c == 'u' || a.path != join(path, sel) {
			a.many = true
		}
	}
}

// maker returns the instruction that made the map that v is, if it is a local one.
func (f *function) maker(v ssa.Value) (ssa.Value, bool) {
	switch v := v.(type) {
	case *ssa.MakeMap:
		return v, true
	case *ssa.UnOp:
		if al, ok := v.X.(*ssa.Alloc); ok {
			return al, true // a variable: see object
		}
	}
	return nil, false
}

func reference(t types.Type) bool {
	switch t.Underlying().(type) {
	case *types.Map, *types.Pointer:
		return true
	}
	return false
}

// appended returns the one value that a call of append adds, or nil.
func appended(c *ssa.Call) ssa.Value {
	b, ok := c.Call.Value.(*ssa.Builtin)
	if !ok || b.Name() != "append" || len(c.Call.Args) != 2 {
		return nil
	}
	sl, ok := c.Call.Args[1].(*ssa.Slice)
	if !ok {
		return nil
	}
	al, ok := sl.X.(*ssa.Alloc)
	if !ok {
		return nil
	}
	var only ssa.Value
	for _, r := range *al.Referrers() {
		ia, ok := r.(*ssa.IndexAddr)
		if !ok {
			continue
		}
		for _, rr := range *ia.Referrers() {
			if st, ok := rr.(*ssa.Store); ok && st.Addr == ssa.Value(ia) {
				if only != nil {
					return nil
				}
				only = st.Val
			}
		}
	}
	return only
}

// cloned returns the map or slice that a library call makes a shallow copy of, or nil.
func cloned(c *ssa.Call) ssa.Value {
	fn := c.Call.StaticCallee()
	if fn == nil || len(c.Call.Args) != 1 {
		return nil
	}
	switch full, _ := fullName(fn); full {
	case "maps.Clone", "slices.Clone", "golang.org/x/exp/maps.Clone", "golang.org/x/exp/slices.Clone":
		return c.Call.Args[0]
	}
	return nil
}

// addValue records the value that a context is given: it goes with the context from here on,
// under whatever name (the new context has the path of the old one).
func (f *function) addValue(c *ssa.Call) {
	key, val := withValue(c)
	r := f.path(c.Call.Args[0])
	if rest(r) != "" || r == "nil" {
		return
	}
	base := r + "|" + valueSelector(key)
	if a := f.aliases[base]; a != nil {
		a.path, a.many = "u", false // one of several values
		return
	}
	f.add(base, val, false)
	if a := f.aliases[base]; a != nil && a.many {
		a.path, a.many = "u", false
	}
}

// withValue returns the key and the value that a call of context.WithValue adds, or nil.
func withValue(c *ssa.Call) (key, val ssa.Value) {
	fn := c.Call.StaticCallee()
	if fn == nil || len(c.Call.Args) != 3 {
		return nil, nil
	}
	if full, _ := fullName(fn); full != "context.WithValue" {
		return nil, nil
	}
	return c.Call.Args[1], c.Call.Args[2]
}

// at returns the alias of a selector of a path, or nil.
func (f *function) at(path, sel string) *alias {
	if strings.IndexByte(path, '|') >= 0 {
		return nil
	}
	if a := f.aliases[path+"|"+sel]; a != nil && !a.many {
		return a
	}
	return nil
}

// select is join, aliases seen through.
func (f *function) sel(path, sel string) string {
	if a := f.at(path, sel); a != nil {
		return a.path
	}
	return join(path, sel)
}

// place is the path of an address that is stored to: the object's own, whatever the value
// there is another name for.
func (f *function) place(addr ssa.Value) string {
	fa, ok := addr.(*ssa.FieldAddr)
	if !ok {
		return f.path(addr)
	}
	sel := f.b.names.of(fa.X.Type(), fa.Field)
	base := f.path(fa.X)
	if al, ok := fa.X.(*ssa.Alloc); ok && f.aliases[f.object(al)+"|"+sel] != nil {
		base = f.object(al)
	}
	if rest(base) == "" && f.aliases[base+"|"+sel] != nil {
		return join(base, sel)
	}
	return f.path(addr)
}

// adopt takes over what a callee says about the object it returned as root.
func (f *function) adopt(root string, c *ssa.Call, aliases []AliasInfo, args []string) {
	for _, in := range aliases {
		p, ok := substitute(in.Path, args, nil)
		if !ok {
			continue
		}
		key := root + "|" + in.Base
		if f.aliases[key] == nil {
			f.aliases[key] = &alias{path: p, call: c, info: in}
		}
	}
}

// aliasLoad returns the lock state in which the map that a field holds was read.
func (e *emitter) aliasLoad(v ssa.Value) (int32, Pos, bool) {
	ld, ok := v.(*ssa.UnOp)
	if !ok {
		return 0, Pos{}, false
	}
	var x ssa.Value
	var sel string
	switch a := ld.X.(type) {
	case *ssa.FieldAddr:
		x, sel = a.X, e.b.names.of(a.X.Type(), a.Field)
	default:
		return 0, Pos{}, false
	}
	return e.loadAt(e.at(e.path(x), sel))
}

func (e *emitter) loadAt(a *alias) (int32, Pos, bool) {
	switch {
	case a == nil:
	case a.from != nil:
		if s, ok := e.loads[a.from]; ok {
			return e.intern(e.flow.lockState(s)), e.b.pos(e.posOf(a.from)), true
		}
	case a.call != nil && a.info.Load >= 0:
		if st, ok := e.translateState(a.call, ResultInfo{Load: a.info.Load}); ok {
			return st, e.b.pos(a.call.Pos()), true
		}
	}
	return 0, Pos{}, false
}

// aliasesOf lists the aliases of a root, for callers; keep says which roots they know.
func (e *emitter) aliasesOf(r string) []AliasInfo {
	var out []AliasInfo
	for base, a := range e.aliases {
		if a.many || root(base) != r || a.path == "" || a.path[0] != 'p' && a.path[0] != 'g' {
			continue
		}
		in := AliasInfo{Base: rest(base)[1:], Path: a.path, Load: -1}
		if st, pos, ok := e.loadAt(a); ok {
			in.Load, in.Pos = st, pos
		}
		out = append(out, in)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Base < out[j].Base })
	return out
}

// keptAliases lists the aliases of all objects made here, for linking: what a callee reaches
// through the object is what was put there.
func (e *emitter) keptAliases() []AliasInfo {
	var out []AliasInfo
	for base, a := range e.aliases {
		if a.many || a.path == "" {
			continue
		}
		if c := a.path[0]; c == 'p' || c == 'g' || c == 'f' || c == 'a' || a.path == "u" {
			out = append(out, AliasInfo{Base: base, Path: a.path, Load: -1})
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Base < out[j].Base })
	return out
}

// leaves records the maps that leave in a struct made here: returned or sent, it still
// refers to them.
func (e *emitter) leaves(v ssa.Value, at ssa.Instruction, ret bool, s flowState) {
	r := e.path(v)
	if rest(r) != "" || !e.flow.local(r) {
		return
	}
	for _, in := range e.aliasesOf(r) {
		if k, inner := mapKey(in.Path, e.info.Key); k == "" || inner {
			continue
		}
		a := e.newAccess(Escape, in.Path, root(in.Path), e.posOf(at), s)
		a.Return, a.Sent, a.Copy = ret, !ret, true
		if in.Load >= 0 && in.Load != a.State {
			a.Load, a.LoadP = in.Load, in.Pos
		}
		e.info.Accesses = append(e.info.Accesses, a)
	}
}
