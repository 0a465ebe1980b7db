// This file summarises a package: it visits the SSA of each function, callees before callers.

package detect

import (
	"go/ast"
	"go/token"
	"go/types"
	"sort"
	"strconv"
	"strings"

	"golang.org/x/tools/go/ssa"
)

// A builder summarises one package.
type builder struct {
	fset      *token.FileSet
	pkg       *types.Package
	info      *types.Info
	prog      *ssa.Program
	names     *fieldNames
	know      *Knowledge
	own       func(path string) bool // first-party packages
	deps      func(fn string) *FuncInfo
	sum       *Summary
	files     map[string]int32
	done      map[string]*FuncInfo
	fns       map[string]*ssa.Function
	active    map[string]bool
	flows     map[Flow]bool
	locals    map[string]int
	generated map[string]bool
	tests     map[string]bool            // files
	helpers   map[string]bool            // files, see helpsTests
	elems     map[string]bool            // see elementTypes
	impls     map[string][]*FuncInfo     // see implementations
	slots     map[string]bool            // channels made with capacity one, by flow key
	wanted    map[token.Pos]*wantedLocal // local variables that directives name
	syntax    map[*token.File]bool       // the files
}

// summarise computes the summary of a package whose SSA is built. deps finds the summaries
// of functions of imported packages; own tells first-party packages.
func summarise(fset *token.FileSet, pkg *types.Package, info *types.Info, files []*ast.File, srcFuncs []*ssa.Function,
	know *Knowledge, own func(string) bool, deps func(string) *FuncInfo) *Summary {
	b := &builder{
		fset: fset, pkg: pkg, info: info, know: know, own: own, deps: deps,
		sum:   &Summary{Package: pkg.Path(), Name: pkg.Name()},
		files: map[string]int32{}, done: map[string]*FuncInfo{}, fns: map[string]*ssa.Function{},
		active: map[string]bool{}, flows: map[Flow]bool{}, locals: map[string]int{}, generated: map[string]bool{}, tests: map[string]bool{}, helpers: map[string]bool{},
	}
	b.syntax = map[*token.File]bool{}
	for _, f := range files {
		b.syntax[fset.File(f.FileStart)] = true
	}
	b.names = newFieldNames(func(p string) bool { return p == pkg.Path() || own(p) })
	b.names.index(pkg)
	b.inventory(files)
	b.directives(files)
	b.types()
	b.elementTypes()
	for _, fn := range srcFuncs {
		b.fns[funcKey(fn)] = fn
		if b.prog == nil {
			b.prog = fn.Prog
		}
	}
	b.findSlots(srcFuncs)
	for _, fn := range srcFuncs {
		b.summary(fn)
	}
	b.boxedTypes(srcFuncs)
	b.checkDirectives()
	sort.SliceStable(b.sum.Maps, func(i, j int) bool { return lessPos(b.sum, b.sum.Maps[i].Pos, b.sum.Maps[j].Pos) })
	sort.Slice(b.sum.Funcs, func(i, j int) bool { return b.sum.Funcs[i].Key < b.sum.Funcs[j].Key })
	for fl := range b.flows {
		if fl.To == "" {
			continue // a mark of emitter.seenPhi
		}
		b.sum.Flows = append(b.sum.Flows, fl)
	}
	sort.Slice(b.sum.Flows, func(i, j int) bool {
		x, y := b.sum.Flows[i], b.sum.Flows[j]
		return x.From < y.From || x.From == y.From && x.To < y.To
	})
	return b.sum
}

func lessPos(s *Summary, x, y Pos) bool {
	if x.File != y.File {
		return s.Files[x.File] < s.Files[y.File]
	}
	return x.Offset < y.Offset
}

// lookup finds a function's summary, computing it if it belongs to this package; nil while
// it is being computed (recursion) and for functions without a body.
func (b *builder) lookup(key string) *FuncInfo {
	if fi, ok := b.done[key]; ok {
		return fi
	}
	if fn, ok := b.fns[key]; ok {
		if b.active[key] {
			return nil
		}
		return b.summary(fn)
	}
	return b.deps(key)
}

// findSlots notes the fields and variables that are given a channel of capacity one.
func (b *builder) findSlots(fns []*ssa.Function) {
	b.slots = map[string]bool{}
	for _, fn := range fns {
		for _, blk := range fn.Blocks {
			for _, ins := range blk.Instrs {
				st, ok := ins.(*ssa.Store)
				if !ok {
					continue
				}
				mk, ok := st.Val.(*ssa.MakeChan)
				if !ok {
					continue
				}
				if c, ok := mk.Size.(*ssa.Const); !ok || c.Value == nil || c.Value.ExactString() != "1" {
					continue
				}
				switch a := st.Addr.(type) {
				case *ssa.FieldAddr:
					b.slots[b.names.of(a.X.Type(), a.Field)] = true
				case *ssa.Global:
					if a.Pkg != nil {
						b.slots[a.Pkg.Pkg.Path()+"."+a.Name()] = true
					}
				}
			}
		}
	}
}

// types records the named types with their methods, and which holders have a lock.
func (b *builder) types() {
	locked := map[string]bool{}
	scope := b.pkg.Scope()
	for _, name := range scope.Names() {
		tn, ok := scope.Lookup(name).(*types.TypeName)
		if !ok || tn.IsAlias() {
			continue
		}
		named, ok := tn.Type().(*types.Named)
		if !ok || !b.here(tn.Pos()) {
			continue
		}
		ti := TypeInfo{Key: typeKey(named), Exported: tn.Exported()}
		if st, ok := named.Underlying().(*types.Struct); ok {
			for i := range st.NumFields() {
				if t := st.Field(i).Type(); hasLock(t) || hasLock(deref(t)) {
					ti.HasLock = true
				}
			}
		}
		locked[ti.Key] = ti.HasLock
		if !types.IsInterface(named) {
			ms := types.NewMethodSet(types.NewPointer(named))
			for i := range ms.Len() {
				if m, ok := ms.At(i).Obj().(*types.Func); ok && (m.Pkg() != b.pkg || b.here(m.Pos())) {
					ti.Methods = append(ti.Methods, MethodInfo{methodSig(m), methodKey(m)})
				}
			}
		}
		if ti.HasLock || len(ti.Methods) > 0 {
			b.sum.Types = append(b.sum.Types, ti)
		}
	}
	for i := range b.sum.Maps {
		b.sum.Maps[i].HolderLock = locked[b.sum.Maps[i].Holder]
	}
}

// boxed is where a flow leads from a type whose values are put into interfaces (rule C9).
const boxed = "any"

// boxedTypes notes the first-party types whose values the package puts into interfaces, or
// gives to generic code, which may do so.
func (b *builder) boxedTypes(fns []*ssa.Function) {
	box := func(t types.Type) {
		n, ok := types.Unalias(deref(types.Unalias(t))).(*types.Named)
		if ok && n.Obj().Pkg() != nil && (n.Obj().Pkg() == b.pkg || b.own(n.Obj().Pkg().Path())) {
			b.flows[Flow{"T:" + typeKey(n), boxed}] = true
		}
	}
	for _, fn := range fns {
		if file := b.fset.PositionFor(fn.Pos(), false).Filename; b.tests[file] || b.helpers[file] {
			continue
		}
		for _, block := range fn.Blocks {
			for _, ins := range block.Instrs {
				// What nobody refers to is only an assertion: var _ Filter = (*dummy)(nil).
				if mi, ok := ins.(*ssa.MakeInterface); ok && len(*mi.Referrers()) > 0 {
					box(mi.X.Type())
				}
			}
		}
	}
	for id, inst := range b.info.Instances {
		if obj := b.info.Uses[id]; obj == nil || !b.here(id.Pos()) || obj.Pkg() != nil && containers[obj.Pkg().Path()] {
			continue
		}
		for i := range inst.TypeArgs.Len() {
			box(inst.TypeArgs.At(i))
		}
	}
}

// implementations returns the methods of this package that a call through one of its
// interfaces may reach, if each of them takes a lock and keeps it, or each gives one back.
func (b *builder) implementations(c *ssa.CallCommon) []*FuncInfo {
	n, ok := types.Unalias(c.Value.Type()).(*types.Named)
	if !ok || n.Obj().Pkg() != b.pkg {
		return nil
	}
	k := n.Obj().Name() + "." + c.Method.Name()
	if out, ok := b.impls[k]; ok {
		return out
	}
	if b.impls == nil {
		b.impls = map[string][]*FuncInfo{}
	}
	b.impls[k] = nil // while it is being found
	iface := n.Underlying().(*types.Interface)
	var out []*FuncInfo
	for _, name := range b.pkg.Scope().Names() {
		tn, ok := b.pkg.Scope().Lookup(name).(*types.TypeName)
		if !ok || tn.IsAlias() || types.IsInterface(tn.Type()) {
			continue
		}
		if t, ok := tn.Type().(*types.Named); !ok || t.TypeParams().Len() > 0 || !types.Implements(types.NewPointer(t), iface) {
			continue
		}
		obj, _, _ := types.LookupFieldOrMethod(types.NewPointer(tn.Type()), true, b.pkg, c.Method.Name())
		m, ok := obj.(*types.Func)
		if !ok {
			return nil
		}
		if recv := m.Signature().Recv(); recv != nil && types.IsInterface(recv.Type()) {
			continue // it embeds the interface itself
		}
		info := b.lookup(methodKey(m))
		if info == nil || len(info.Acquire)+len(info.Release) == 0 {
			return nil
		}
		out = append(out, info)
	}
	for _, info := range out {
		if (len(info.Acquire) > 0) != (len(out[0].Acquire) > 0) {
			return nil
		}
	}
	b.impls[k] = out
	return out
}

// here reports whether a position is in a summarised file. The package may know what its
// tests declare although they are not summarised.
func (b *builder) here(p token.Pos) bool { return b.syntax[b.fset.File(p)] }

// methodSig identifies a method of an interface across packages: name and parameter types.
func methodSig(m *types.Func) string {
	sig := m.Signature()
	var s strings.Builder
	s.WriteString(m.Name())
	tuple := func(t *types.Tuple) {
		s.WriteByte('(')
		for i := range t.Len() {
			spell(&s, t.At(i).Type())
			s.WriteByte(',')
		}
		s.WriteByte(')')
	}
	tuple(sig.Params())
	tuple(sig.Results())
	return s.String()
}

// spell writes a type so that identical types are spelled alike: without aliases and without
// the names of parameters, which types.TypeString keeps.
func spell(s *strings.Builder, t types.Type) {
	list := func(t *types.Tuple, variadic bool) {
		s.WriteByte('(')
		for i := range t.Len() {
			if i > 0 {
				s.WriteByte(',')
			}
			if variadic && i == t.Len()-1 {
				s.WriteString("...")
			}
			spell(s, t.At(i).Type())
		}
		s.WriteByte(')')
	}
	switch t := types.Unalias(t).(type) {
	case *types.Basic:
		s.WriteString(types.Typ[t.Kind()].Name())
	case *types.Pointer:
		s.WriteByte('*')
		spell(s, t.Elem())
	case *types.Slice:
		s.WriteString("[]")
		spell(s, t.Elem())
	case *types.Array:
		s.WriteString("[" + strconv.FormatInt(t.Len(), 10) + "]")
		spell(s, t.Elem())
	case *types.Map:
		s.WriteString("map[")
		spell(s, t.Key())
		s.WriteByte(']')
		spell(s, t.Elem())
	case *types.Chan:
		s.WriteString([]string{"chan ", "chan<- ", "<-chan "}[t.Dir()])
		spell(s, t.Elem())
	case *types.Signature:
		s.WriteString("func")
		list(t.Params(), t.Variadic())
		list(t.Results(), false)
	case *types.Interface:
		if t.Empty() {
			s.WriteString("any")
			return
		}
		s.WriteString(types.TypeString(t, nil))
	case *types.Named:
		obj := t.Obj()
		if obj.Pkg() != nil {
			s.WriteString(obj.Pkg().Path() + ".")
		}
		s.WriteString(obj.Name())
		if args := t.TypeArgs(); args.Len() > 0 {
			s.WriteByte('[')
			for i := range args.Len() {
				spell(s, args.At(i))
				s.WriteByte(',')
			}
			s.WriteByte(']')
		}
	default:
		s.WriteString(types.TypeString(t, nil))
	}
}

// methodKey is funcKey without SSA.
func methodKey(m *types.Func) string {
	m = m.Origin()
	recv := m.Signature().Recv()
	if recv == nil {
		return m.FullName()
	}
	t := recv.Type()
	ptr := ""
	if p, ok := t.(*types.Pointer); ok {
		t, ptr = p.Elem(), "*"
	}
	named, ok := types.Unalias(t).(*types.Named)
	if !ok {
		return m.FullName()
	}
	return "(" + ptr + typeKey(named) + typeParams(named) + ")." + m.Name()
}

func typeParams(n *types.Named) string {
	tps := n.TypeParams()
	if tps.Len() == 0 {
		return ""
	}
	names := make([]string, tps.Len())
	for i := range names {
		names[i] = tps.At(i).Obj().Name()
	}
	return "[" + strings.Join(names, ", ") + "]"
}

// A function is the working state for one function.
type function struct {
	b    *builder
	fn   *ssa.Function
	info *FuncInfo

	paths      map[ssa.Value]string
	opaques    map[ssa.Value]int
	objects    map[ssa.Value]int
	objectOf   []ssa.Value
	copies     map[*ssa.Alloc]ssa.Value
	callIDs    map[*ssa.Call]int
	freshCalls map[string]bool
	earlier    map[string][]string // roots of what the turn before of a loop has made, see phiPath
	foreign    map[string]bool     // variables that may hold what was not made here
	aliases    map[string]*alias
	loadedIn   map[*ssa.Call]ResultInfo

	flow   *flow
	states map[string]int32
	loops  []int32
	bodies map[*ssa.BasicBlock]map[*ssa.BasicBlock]bool // of loops, by header
}

func (b *builder) summary(fn *ssa.Function) *FuncInfo {
	key := funcKey(fn)
	if fi, ok := b.done[key]; ok {
		return fi
	}
	b.active[key] = true
	defer delete(b.active, key)
	f := &function{
		b: b, fn: fn,
		info:  &FuncInfo{Key: key, Name: funcName(fn, b.pkg), Pos: b.pos(fn.Pos()), Params: len(fn.Params)},
		paths: map[ssa.Value]string{}, opaques: map[ssa.Value]int{}, objects: map[ssa.Value]int{},
		copies: map[*ssa.Alloc]ssa.Value{}, callIDs: map[*ssa.Call]int{}, freshCalls: map[string]bool{}, foreign: map[string]bool{}, earlier: map[string][]string{},
		loadedIn: map[*ssa.Call]ResultInfo{}, states: map[string]int32{},
	}
	f.describe()
	f.findAliases()
	if fn.Blocks != nil {
		f.loops, f.bodies = loopDepths(fn)
		f.flow = newFlow(f)
		f.flow.run()
		f.emit()
		f.flow.effects()
	}
	f.bindLocals()
	f.paths, f.flow, f.copies = nil, nil, nil
	b.done[key] = f.info
	b.sum.Funcs = append(b.sum.Funcs, f.info)
	return f.info
}

// describe fills what the function's declaration says: who can call it.
func (f *function) describe() {
	fn, fi := f.fn, f.info
	file := f.b.fset.PositionFor(fn.Pos(), false).Filename
	fi.Test, fi.ForTests, fi.Generated = f.b.tests[file], f.b.helpers[file], f.b.generated[file]
	sig := fn.Signature
	if recv := sig.Recv(); recv != nil {
		if n, ok := types.Unalias(deref(recv.Type())).(*types.Named); ok {
			fi.Recv = typeKey(n)
			fi.Exported = fn.Object() != nil && fn.Object().Exported() && f.b.pkg.Name() != "main"
		}
	} else if fn.Object() != nil && fn.Parent() == nil {
		fi.Exported = fn.Object().Exported() && f.b.pkg.Name() != "main"
	}
	if fn.Parent() != nil {
		fi.Parent = funcKey(fn.Parent())
	}
	switch {
	// Rules C1 and C3.
	case fn.Parent() == nil && fn.Name() == "main" && f.b.pkg.Name() == "main" && sig.Recv() == nil:
		fi.Entry = "main"
	case fn.Parent() == nil && fn.Name() == "init" && sig.Recv() == nil, strings.HasPrefix(fn.Name(), "init#"):
		fi.Entry = "init"
	case isHTTPHandler(sig) && fn.Name() == "ServeHTTP" && sig.Recv() != nil, f.b.isHandlerFunc(sig) && !fi.Test:
		fi.Entry = "http handler"
	}
}

// isHandlerFunc reports whether functions of a signature exist to be registered as handlers
// (rule C3): func(http.ResponseWriter, *http.Request), and what the common routers call.
func (b *builder) isHandlerFunc(sig *types.Signature) bool {
	if sig.Params().Len() == 2 && sig.Results().Len() == 0 {
		return isHTTPHandler(sig)
	}
	if sig.Params().Len() != 1 {
		return false
	}
	n, ok := types.Unalias(deref(sig.Params().At(0).Type())).(*types.Named)
	return ok && n.Obj().Pkg() != nil && !b.own(n.Obj().Pkg().Path()) && handlerArguments[n.Obj().Pkg().Path()+"."+n.Obj().Name()]
}

// loopDepths finds the natural loops: how many are around each block, and by header which
// blocks belong to one.
func loopDepths(fn *ssa.Function) ([]int32, map[*ssa.BasicBlock]map[*ssa.BasicBlock]bool) {
	depth := make([]int32, len(fn.Blocks))
	bodies := map[*ssa.BasicBlock]map[*ssa.BasicBlock]bool{}
	for _, h := range fn.Blocks {
		var body map[*ssa.BasicBlock]bool
		for _, p := range h.Preds {
			if !h.Dominates(p) {
				continue
			}
			if body == nil {
				body = map[*ssa.BasicBlock]bool{h: true}
				bodies[h] = body
			}
			work := []*ssa.BasicBlock{p}
			for len(work) > 0 {
				x := work[len(work)-1]
				work = work[:len(work)-1]
				if body[x] {
					continue
				}
				body[x] = true
				work = append(work, x.Preds...)
			}
		}
		for x := range body {
			depth[x.Index]++
		}
	}
	return depth, bodies
}

// loopOf returns the blocks of the loop that a block is the header of, or nil.
func (f *function) loopOf(b *ssa.BasicBlock) map[*ssa.BasicBlock]bool { return f.bodies[b] }

// intern stores a lock state once per function.
func (f *function) intern(s LockState) int32 {
	var k strings.Builder
	for _, l := range s.Must {
		k.WriteString(l.Path)
		k.WriteString(strconv.FormatBool(l.Read))
		k.WriteByte(';')
	}
	k.WriteByte('/')
	k.WriteString(strings.Join(s.May, ";"))
	k.WriteByte('/')
	k.WriteString(strings.Join(s.Released, ";"))
	if i, ok := f.states[k.String()]; ok {
		return i
	}
	i := int32(len(f.info.States))
	f.states[k.String()] = i
	f.info.States = append(f.info.States, s)
	return i
}
