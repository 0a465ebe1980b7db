// This file computes access paths: what an SSA value denotes, relative to its function.

package detect

import (
	"go/token"
	"go/types"
	"strconv"
	"strings"

	"golang.org/x/tools/go/ssa"
)

// path returns the access path of v (see Summary). An address and what it points to have
// one path. It never fails: what cannot be explained gets a root of its own.
func (f *function) path(v ssa.Value) string {
	if p, ok := f.paths[v]; ok {
		return p
	}
	f.paths[v] = f.opaque(v) // cuts cycles through phis
	p := f.computePath(v)
	f.paths[v] = p
	return p
}

func (f *function) opaque(v ssa.Value) string {
	n, ok := f.opaques[v]
	if !ok {
		n = len(f.opaques)
		f.opaques[v] = n
	}
	return "u" + strconv.Itoa(n)
}

func (f *function) computePath(v ssa.Value) string {
	switch v := v.(type) {
	case *ssa.Parameter:
		for i, p := range f.fn.Params {
			if p == v {
				return "p" + strconv.Itoa(i)
			}
		}
	case *ssa.FreeVar:
		for i, p := range f.fn.FreeVars {
			if p == v {
				return "f" + strconv.Itoa(i)
			}
		}
	case *ssa.Global:
		if v.Pkg != nil {
			return "g:" + v.Pkg.Pkg.Path() + "." + v.Name()
		}
	case *ssa.Const:
		return "nil"
	case *ssa.Function:
		return "F:" + funcKey(v)
	case *ssa.MakeClosure:
		return "F:" + funcKey(v.Fn.(*ssa.Function))
	case *ssa.Alloc:
		if src := f.copied(v); src != nil {
			return f.path(src)
		}
		return f.variable(v)
	case *ssa.MakeMap, *ssa.MakeChan, *ssa.MakeSlice:
		return f.object(v)
	case *ssa.FieldAddr:
		sel := f.b.names.of(v.X.Type(), v.Field)
		if al, ok := v.X.(*ssa.Alloc); ok && f.copied(al) != nil && f.storesField(al, v.Field) {
			// The copy's field was given a value of its own.
			return f.sel(f.object(al), sel)
		}
		return f.sel(f.path(v.X), sel)
	case *ssa.Field:
		return f.sel(f.path(v.X), f.b.names.of(v.X.Type(), v.Field))
	case *ssa.IndexAddr:
		return f.sel(f.path(v.X), "[]")
	case *ssa.Index:
		return f.sel(f.path(v.X), "[]")
	case *ssa.Lookup:
		if isMap(v.X.Type()) {
			return f.sel(f.path(v.X), "[]")
		}
	case *ssa.UnOp:
		switch v.Op {
		case token.MUL:
			return f.path(v.X)
		case token.ARROW:
			return join(f.path(v.X), "<-")
		}
	case *ssa.ChangeType:
		return f.path(v.X)
	case *ssa.ChangeInterface:
		return f.path(v.X)
	case *ssa.MakeInterface:
		return f.path(v.X)
	case *ssa.Convert:
		return f.path(v.X)
	case *ssa.TypeAssert:
		return f.path(v.X)
	case *ssa.Slice:
		return f.path(v.X)
	case *ssa.Extract:
		switch t := v.Tuple.(type) {
		case *ssa.Call:
			return f.resultPath(t, v.Index)
		case *ssa.Lookup:
			if v.Index == 0 {
				return f.path(t)
			}
		case *ssa.UnOp:
			if v.Index == 0 {
				return f.path(t) // v, ok := <-ch
			}
		case *ssa.Select:
			if ch := received(t, v.Index); ch != nil {
				return join(f.path(ch), "<-")
			}
		case *ssa.TypeAssert:
			if v.Index == 0 {
				return f.path(t.X)
			}
		case *ssa.Next:
			if r, ok := t.Iter.(*ssa.Range); ok && v.Index == 2 {
				return f.sel(f.path(r.X), "[]")
			}
		}
	case *ssa.Call:
		if b, ok := v.Call.Value.(*ssa.Builtin); ok {
			if b.Name() == "append" {
				p := f.path(v.Call.Args[0])
				if p == "nil" && appended(v) == nil {
					return f.path(v.Call.Args[1]) // append([]T(nil), s...) has the elements of s
				}
				return p
			}
			return f.opaque(v)
		}
		return f.resultPath(v, 0)
	case *ssa.Phi:
		return f.phiPath(v)
	}
	return f.opaque(v)
}

// received returns the channel whose value is result i of a select, or nil.
func received(s *ssa.Select, i int) ssa.Value {
	for _, st := range s.States {
		if st.Dir != types.RecvOnly {
			continue
		}
		if i == 2 {
			return st.Chan
		}
		i--
	}
	return nil
}

// phiPath: edges that are nil, or fresh values that fill the gap a missing one leaves
// (m := s.m; if m == nil { m = make(…); s.m = m }), do not hide the one real source.
func (f *function) phiPath(v *ssa.Phi) string {
	var real, fresh string
	var made []string // by this function
	again := false    // in each turn of a loop
	for _, e := range v.Edges {
		if e == v {
			continue
		}
		p := f.path(e)
		if f.isNew(p) {
			made, again = append(made, p), again || madeInLoopOf(v, e)
		}
		switch {
		case p == "nil":
		case f.isNew(p):
			fresh = p
		case real == "" || real == p:
			real = p
		default:
			return f.opaque(v)
		}
	}
	if real != "" {
		return real
	}
	if fresh != "" && again {
		// Not what this turn of the loop makes, but what the one before has made.
		//
		//	for { next := new(batch); …; todo = next }
		r := f.object(v)
		f.earlier[r] = made
		return r
	}
	if fresh != "" {
		return fresh
	}
	return f.opaque(v)
}

// madeInLoopOf reports whether a variable of a loop gets, at the end of each turn, what an
// instruction of that turn has made.
func madeInLoopOf(v *ssa.Phi, e ssa.Value) bool {
	if _, merged := e.(*ssa.Phi); merged {
		return false // one of several
	}
	ins, ok := e.(ssa.Instruction)
	return ok && v.Block().Dominates(ins.Block())
}

// isNew reports whether a path is that of an object made here, of which others know nothing.
func (f *function) isNew(p string) bool {
	return rest(p) == "" && (p[0] == 'a' || f.isFreshCall(p)) && !f.foreign[p]
}

// object returns the root of an allocation or local variable.
func (f *function) object(v ssa.Value) string {
	if n, ok := f.objects[v]; ok {
		return "a" + strconv.Itoa(n)
	}
	n := len(f.objects)
	f.objects[v] = n
	f.objectOf = append(f.objectOf, v)
	return "a" + strconv.Itoa(n)
}

// copied returns the only value ever stored whole into a variable whose address goes
// nowhere else but closures, or nil. Then the variable is another name for that value; for
// a struct, its maps are aliases of the value's maps.
func (f *function) copied(al *ssa.Alloc) ssa.Value {
	if v, ok := f.copies[al]; ok {
		return v
	}
	f.copies[al] = nil
	var only ssa.Value
	ok := true
	var scan func(addr ssa.Value, inClosure bool)
	scan = func(addr ssa.Value, inClosure bool) {
		if addr.Referrers() == nil {
			return
		}
		for _, r := range *addr.Referrers() {
			switch r := r.(type) {
			case *ssa.Store:
				if r.Addr != addr {
					ok = false
				} else if only != nil || inClosure {
					ok = false
				} else {
					only = r.Val
				}
			case *ssa.Return, *ssa.Phi, *ssa.MakeInterface:
				if isStructVar(al) {
					ok = false // an object in its own right, given away
				}
			case *ssa.MakeClosure:
				fn := r.Fn.(*ssa.Function)
				for i, b := range r.Bindings {
					if b == addr && i < len(fn.FreeVars) {
						scan(fn.FreeVars[i], true)
					}
				}
			}
		}
	}
	scan(al, false)
	if !ok || only == nil {
		return nil
	}
	elem := deref(al.Type())
	if isMap(elem) && f.handedOver(only) {
		return nil // rule O5, for an alias that a literal captures
	}
	if isMap(elem) {
		// A local map variable stands for itself unless it is an alias.
		p := f.path(only)
		if k, _ := mapKey(p, ""); k == "" && p[0] != 'p' && p[0] != 'f' || strings.HasPrefix(k, "local:") && !strings.HasPrefix(p, "f") {
			return nil
		}
	}
	if _, isStruct := elem.Underlying().(*types.Struct); isStruct {
		if _, isConst := only.(*ssa.Const); isConst {
			return nil
		}
	}
	f.copies[al] = only
	return only
}

// variable returns the path of a variable that is assigned more than once, or whose address
// is used. A struct is an object; a reference is what was stored in it, as far as all stores
// agree, because it must not pass for something allocated here.
func (f *function) variable(al *ssa.Alloc) string {
	elem := deref(al.Type())
	switch elem.Underlying().(type) {
	case *types.Pointer, *types.Map, *types.Interface, *types.Slice, *types.Chan, *types.Struct:
	default:
		return f.object(al)
	}
	vals, elsewhere := storedIn(al)
	var real, fresh string
	agree := !elsewhere
	for _, v := range vals {
		p := f.path(v)
		switch {
		case p == "nil":
		case f.isNew(p):
			if fresh != "" && fresh != p {
				agree = false
			}
			fresh = p
		case real == "" || real == p:
			real = p
		default:
			agree = false
		}
	}
	_, isStruct := elem.Underlying().(*types.Struct)
	if isMap(elem) || isStruct {
		r := f.object(al)
		if real != "" || elsewhere && isStruct {
			f.foreign[r] = true
		}
		return r
	}
	switch {
	case !agree:
		return f.opaque(al)
	case real != "":
		return real
	case fresh != "":
		return fresh
	}
	return f.object(al)
}

// storedIn lists the values stored whole into a variable, and reports whether a literal
// stores into it too.
func storedIn(al *ssa.Alloc) (vals []ssa.Value, elsewhere bool) {
	var scan func(addr ssa.Value, inLiteral bool)
	scan = func(addr ssa.Value, inLiteral bool) {
		if addr.Referrers() == nil {
			return
		}
		for _, r := range *addr.Referrers() {
			switch r := r.(type) {
			case *ssa.Store:
				if r.Addr == addr && inLiteral {
					elsewhere = true
				} else if r.Addr == addr {
					vals = append(vals, r.Val)
				}
			case *ssa.MakeClosure:
				fn := r.Fn.(*ssa.Function)
				for i, b := range r.Bindings {
					if b == addr && i < len(fn.FreeVars) {
						scan(fn.FreeVars[i], true)
					}
				}
			}
		}
	}
	scan(al, false)
	return vals, elsewhere
}

// handedOver reports whether the variable that a map was read from is given another map
// later in the same function.
func (f *function) handedOver(v ssa.Value) bool {
	l, ok := v.(*ssa.UnOp)
	if !ok || l.Op != token.MUL {
		return false
	}
	path := f.path(l)
	for _, b := range f.fn.Blocks {
		for _, ins := range b.Instrs {
			if st, ok := ins.(*ssa.Store); ok && isMap(st.Val.Type()) && st.Val != v && precedes(l, st) && f.place(st.Addr) == path {
				return true
			}
		}
	}
	return false
}

func (f *function) storesField(al *ssa.Alloc, field int) bool {
	for _, r := range *al.Referrers() {
		if fa, ok := r.(*ssa.FieldAddr); ok && fa.Field == field {
			for _, s := range *fa.Referrers() {
				if st, ok := s.(*ssa.Store); ok && st.Addr == fa {
					return true
				}
			}
		}
	}
	return false
}

// callID numbers the calls of a function.
func (f *function) callID(c *ssa.Call) int {
	n, ok := f.callIDs[c]
	if !ok {
		n = len(f.callIDs)
		f.callIDs[c] = n
	}
	return n
}

// resultPath explains a call's result by the callee's summary: what path of its arguments
// it is, or a root of its own, "c<call>_<i>".
func (f *function) resultPath(c *ssa.Call, i int) string {
	own := "c" + strconv.Itoa(f.callID(c)) + "_" + strconv.Itoa(i)
	if p := f.fetched(&c.Call, i); p != "" {
		return p
	}
	info, args := f.callee(&c.Call)
	if info == nil && i == 0 {
		if fn, _ := f.static(&c.Call); fn != nil {
			if full, _ := fullName(fn); makers[full] {
				f.freshCalls[own] = true
			}
		}
	}
	if info == nil || i >= len(info.Results) {
		return own
	}
	r := info.Results[i]
	f.adopt(own, c, r.Aliases, args)
	if r.Path == "" {
		if r.Fresh {
			f.freshCalls[own] = true
			f.foreign[own] = r.Shallow
		}
		return own
	}
	if p, ok := substitute(r.Path, args, nil); ok {
		if r.Load >= 0 {
			f.loadedIn[c] = r
		}
		return p
	}
	return own
}

// fetched is the path of what a library function takes out of the place where it was kept, or
// of the argument that it returns in another form; "" for other functions (rule I4).
//
//	s.cur.Load()                    // what s.cur holds
//	s.open.Load(id)                 // an element of s.open, a sync.Map
//	r.WithContext(ctx).Context()    // ctx
//	ctx.Value(logKey).(*logEntry)   // the value of ctx under that key
func (f *function) fetched(c *ssa.CallCommon, i int) string {
	if c.IsInvoke() {
		if c.Method.FullName() == "(context.Context).Value" {
			return f.sel(f.path(c.Value), valueSelector(c.Args[0]))
		}
		return ""
	}
	fn, args := f.static(c)
	if fn == nil || fn.Object() == nil {
		return ""
	}
	full, _ := fullName(fn)
	g, ok := getters[plainName(full)]
	if !ok || g.result != i || g.arg >= len(args) {
		return ""
	}
	p := f.path(args[g.arg])
	if g.elem && p != "nil" {
		p = f.sel(p, "[]")
	}
	return p
}

// valueSelector names the value that a context has under a key.
func valueSelector(key ssa.Value) string {
	name := ""
	if mi, ok := key.(*ssa.MakeInterface); ok {
		key = mi.X
	}
	switch k := key.(type) {
	case *ssa.Const:
		name = types.TypeString(k.Type(), nil)
		if k.Value != nil {
			name += k.Value.ExactString()
		}
	case *ssa.UnOp:
		if g, ok := k.X.(*ssa.Global); ok {
			name = g.Pkg.Pkg.Path() + "." + g.Name()
		} else {
			name = types.TypeString(k.Type(), nil)
		}
	case *ssa.Global:
		name = k.Pkg.Pkg.Path() + "." + k.Name()
	default:
		name = types.TypeString(key.Type(), nil)
	}
	return "<" + strings.ReplaceAll(name, "|", "/") + ">"
}

func (f *function) isFreshCall(r string) bool { return f.freshCalls[r] }

// callee returns the summary of a statically known callee and the paths of the arguments.
func (f *function) callee(c *ssa.CallCommon) (*FuncInfo, []string) {
	fn, args := f.static(c)
	if fn == nil {
		return nil, nil
	}
	info := f.b.lookup(funcKey(fn))
	if info == nil {
		return nil, nil
	}
	paths := make([]string, len(args))
	for i, a := range args {
		paths[i] = f.path(a)
	}
	return info, paths
}

// static returns the called function, seeing through bound methods and thunks.
func (f *function) static(c *ssa.CallCommon) (*ssa.Function, []ssa.Value) {
	if c.IsInvoke() {
		return nil, nil
	}
	fn := c.StaticCallee()
	if fn == nil {
		return nil, nil
	}
	args := c.Args
	if strings.HasSuffix(fn.Name(), "$bound") {
		if mc, ok := c.Value.(*ssa.MakeClosure); ok {
			args = append([]ssa.Value{mc.Bindings[0]}, args...)
		}
		return f.method(fn), args
	}
	if strings.HasSuffix(fn.Name(), "$thunk") {
		return f.method(fn), args
	}
	return fn, args
}

// method returns the declared method behind a bound method or thunk.
func (f *function) method(fn *ssa.Function) *ssa.Function {
	if obj, ok := fn.Object().(*types.Func); ok {
		if m := fn.Prog.FuncValue(obj.Origin()); m != nil {
			return m
		}
	}
	return fn
}

// substitute rewrites a callee's path into the caller's frame.
func substitute(path string, args, free []string) (string, bool) {
	r := root(path)
	switch r[0] {
	case 'g', '@', '?':
		return path, true
	case 'p':
		if i := rootIndex(r, 'p'); i >= 0 && i < len(args) && args[i] != "" {
			return limit(args[i] + rest(path)), true
		}
	case 'f':
		if i := rootIndex(r, 'f'); i >= 0 && i < len(free) && free[i] != "" {
			return limit(free[i] + rest(path)), true
		}
	}
	return "", false
}

func limit(path string) string {
	if strings.Count(path, "|") > maxSelectors {
		return "u|" + lastSelector(path)
	}
	return path
}
