// This file walks the structure of types.

package rewrite

import (
	"go/types"
	"iter"
)

// parts yields the types that t is written with, one level down: the element of a
// slice, the parameters of a signature, the type arguments of a named type. What a
// named type stands for is not a part of it.
func parts(t types.Type) iter.Seq[types.Type] {
	return func(yield func(types.Type) bool) {
		switch t := t.(type) {
		case *types.Alias:
			eachType(t.TypeArgs(), yield)
		case *types.Named:
			eachType(t.TypeArgs(), yield)
		case *types.Map:
			_ = yield(t.Key()) && yield(t.Elem())
		case interface{ Elem() types.Type }: // pointer, slice, array, channel
			yield(t.Elem())
		case *types.Signature:
			_ = eachVar(t.Params(), yield) && eachVar(t.Results(), yield)
		case *types.Struct:
			for f := range t.Fields() {
				if !yield(f.Type()) {
					return
				}
			}
		case *types.Interface:
			for m := range t.ExplicitMethods() {
				if !yield(m.Type()) {
					return
				}
			}
			for e := range t.EmbeddedTypes() {
				if !yield(e) {
					return
				}
			}
		}
	}
}

func eachType(list *types.TypeList, yield func(types.Type) bool) bool {
	for t := range list.Types() {
		if !yield(t) {
			return false
		}
	}
	return true
}

func eachVar(list *types.Tuple, yield func(types.Type) bool) bool {
	for v := range list.Variables() {
		if !yield(v.Type()) {
			return false
		}
	}
	return true
}
