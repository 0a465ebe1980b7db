// This file says which values are data, of which one is as good as another that is equal.

package rewrite

import (
	"go/types"
	"strings"
)

// onlyData reports whether elements are data, of which one is as good as another that is equal: no channels,
// functions or values of unknown types, and nothing that has to be closed. Of a type parameter that holds if it
// does for all that the module puts in its place.
func (c *class) onlyData() bool { return c.isData(c.typ.Elem(), map[types.Type]bool{}) }

func (c *class) isData(t types.Type, seen map[types.Type]bool) bool {
	if seen[t] {
		return true
	}
	seen[t] = true
	if closes(t) {
		return false
	}
	if p, ok := types.Unalias(t).(*types.TypeParam); ok {
		for _, fi := range c.ix.list {
			for _, in := range fi.pkg.Info.Instances {
				if p.Index() < in.TypeArgs.Len() && in.TypeArgs.Len() > 0 {
					if arg := in.TypeArgs.At(p.Index()); c.instantiates(p, in.Type) && !c.isData(arg, seen) {
						return false
					}
				}
			}
		}
		return true
	}
	switch u := t.Underlying().(type) {
	case *types.Basic:
		return u.Kind() != types.UnsafePointer
	case *types.Pointer:
		return c.isData(u.Elem(), seen)
	case *types.Slice:
		return c.isData(u.Elem(), seen)
	case *types.Array:
		return c.isData(u.Elem(), seen)
	case *types.Map:
		return c.isData(u.Key(), seen) && c.isData(u.Elem(), seen)
	case *types.Struct:
		for f := range u.Fields() {
			if !c.isData(f.Type(), seen) {
				return false
			}
		}
		return true
	}
	return false
}

// instantiates reports whether an instance is one of the generic type or function that a type parameter
// belongs to, or, where that cannot be said, of its package.
func (c *class) instantiates(p *types.TypeParam, instance types.Type) bool {
	n, ok := types.Unalias(instance).(*types.Named)
	return !ok || n.Obj().Pkg() == nil || n.Obj().Pkg() == p.Obj().Pkg()
}

// closes reports whether values of a type have to be given back when they are not needed any more, as the names
// of their methods say.
func closes(t types.Type) bool {
	set := types.NewMethodSet(t)
	if _, ok := t.Underlying().(*types.Interface); !ok {
		set = types.NewMethodSet(types.NewPointer(t))
	}
	for m := range set.Methods() {
		if givesBack[strings.ToLower(m.Obj().Name())] {
			return true
		}
	}
	return false
}

// givesBack are the names, in lower case, of methods that end what a value stands for.
var givesBack = map[string]bool{
	"close": true, "stop": true, "shutdown": true, "release": true, "cancel": true, "free": true, "destroy": true, "disconnect": true,
	"quit": true, "rollback": true, "unlock": true, "kill": true, "terminate": true, "exit": true, "done": true, "wait": true, "leave": true,
	"unsubscribe": true, "dispose": true, "abort": true, "finish": true, "detach": true, "join": true,
}
