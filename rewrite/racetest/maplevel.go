// This file writes tests that drive a map alone.

package racetest

import (
	"fmt"
	"go/types"
	"strings"

	"github.com/mapmigrate/mapmigrate/detect"
)

// mapLevel writes a test that uses only the map: the variable itself for a
// package variable, a fresh holder for a field, a fresh map for a local. Its
// operations are those that the program uses.
func (g *Generator) mapLevel(m *detect.Map, p *detect.Package, quiet bool) (*Test, error) {
	v := g.variable(m)
	if v == nil {
		return nil, fmt.Errorf("its declaration was not found")
	}
	mt, ok := v.Type().Underlying().(*types.Map)
	if !ok {
		return nil, fmt.Errorf("its type %s is not a map by itself", m.Type)
	}
	s := g.newSynth(p)
	var holder types.Type
	if m.Kind == detect.Field {
		var err error
		if holder, v, err = g.holder(s, m, v); err != nil {
			return nil, err
		}
		if mt, ok = v.Type().Underlying().(*types.Map); !ok {
			return nil, fmt.Errorf("its type %s is not a map by itself", m.Type)
		}
	}
	if !s.expressible(v.Type()) {
		return nil, fmt.Errorf("its type %s cannot be written in a test", m.Type)
	}
	ref := ""
	fresh := "make(" + s.typ(v.Type()) + ")"
	switch m.Kind {
	case detect.PackageVar:
		ref = v.Name()
		if g.x.varInit[v].expr == nil {
			s.setup = append(s.setup, ref+" = "+fresh)
		}
	case detect.Field:
		h := s.name(varName(named(holder)))
		s.setup = append(s.setup, fmt.Sprintf("%s := &%s{%s: %s}", h, s.typ(holder), v.Name(), fresh))
		ref = h + "." + v.Name()
	default:
		ref = s.name(v.Name())
		s.setup = append(s.setup, ref+" := "+fresh)
	}
	ops, err := mapOps(s, m, mt, ref)
	if err != nil {
		return nil, err
	}
	t := g.test(m, p)
	t.Level, t.Form = MapOnly, Stress
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	if quiet {
		t.Form = Behaviour
		if err := behaviour(s, t, m, mt, ref, &b); err != nil {
			return nil, err
		}
	} else {
		t.Seed = g.opts.Seed
		_, short, _ := strings.Cut(m.Name, ".")
		line("// %s runs the operations that the program performs on", t.Name)
		line("// %s from several goroutines. It drives the map alone: it shows that the", short)
		line("// map's type can take them, not that the program does this.")
		line("func %s(t *testing.T) {", t.Name)
		line("const seed = %d\nt.Logf(\"seed %%d\", seed)", t.Seed)
		for _, st := range s.setup {
			line("%s", st)
		}
		rnd := s.use("math/rand")
		line("ops := []func(){")
		for _, op := range ops {
			if strings.Contains(op, "\n") {
				line("func() {\n%s\n},", op)
			} else {
				line("func() { %s },", op)
			}
		}
		line("}")
		line("var wg %s.WaitGroup", s.use("sync"))
		line("for g := int64(0); g < 8; g++ {\nwg.Add(1)")
		line("go func(rng *%s.Rand) {\ndefer wg.Done()\nfor i := 0; i < 100; i++ {", rnd)
		line("ops[rng.Intn(len(ops))]()\n}\n}(%s.New(%s.NewSource(seed + g)))\n}", rnd, rnd)
		line("wg.Wait()\n}")
	}
	t.Source, err = file(s, b.String(), false)
	return t, err
}

// holder returns the struct type that holds a map, instantiated if it is generic, and the
// field that is the map in it.
func (g *Generator) holder(s *synth, m *detect.Map, v *types.Var) (types.Type, *types.Var, error) {
	no := fmt.Errorf("its holder %s cannot be made in a test", m.Holder)
	for _, n := range g.x.named {
		if n.Obj().Pkg().Path()+"."+n.Obj().Name() != m.Holder {
			continue
		}
		var t types.Type = n
		if n.TypeParams().Len() > 0 {
			inst, err := types.Instantiate(nil, n, s.targs(n), true)
			if err != nil {
				return nil, nil, no
			}
			t = inst
		}
		st, ok := t.Underlying().(*types.Struct)
		if !ok {
			return nil, nil, fmt.Errorf("its holder %s is not a struct", m.Holder)
		}
		for i := range st.NumFields() {
			if st.Field(i).Origin() == v {
				return t, st.Field(i), nil
			}
		}
	}
	return nil, nil, no
}

// mapOps writes one statement for every kind of operation the program performs,
// and a read and a write in any case: without those nothing can race.
func mapOps(s *synth, m *detect.Map, mt *types.Map, ref string) ([]string, error) {
	outer, inner := map[detect.Op]bool{}, map[detect.Op]bool{}
	for i := range m.Accesses {
		a := &m.Accesses[i]
		if a.Test || a.Owned {
			continue
		}
		if a.Inner {
			inner[a.Op] = true
		} else {
			outer[a.Op] = true
		}
	}
	k, err := s.value(mt.Key(), "key", 1)
	if err != nil {
		return nil, err
	}
	var ops []string
	row, nested := mt.Elem().Underlying().(*types.Map)
	if nested {
		k2, err := s.value(row.Key(), "key", 1)
		if err != nil {
			return nil, err
		}
		v, err := s.value(row.Elem(), "value", 1)
		if err != nil {
			v = zero(s, row.Elem())
		}
		ops = append(ops,
			fmt.Sprintf("if %s[%s] == nil {\n%s[%s] = make(%s)\n}\n%s[%s][%s] = %s", ref, k, ref, k, s.typ(mt.Elem()), ref, k, k2, v),
			fmt.Sprintf("_ = %s[%s][%s]", ref, k, k2))
		if inner[detect.Delete] {
			ops = append(ops, fmt.Sprintf("delete(%s[%s], %s)", ref, k, k2))
		}
		if inner[detect.Range] {
			ops = append(ops, fmt.Sprintf("for k, v := range %s[%s] {\n_, _ = k, v\n}", ref, k))
		}
		if inner[detect.Len] {
			ops = append(ops, fmt.Sprintf("_ = len(%s[%s])", ref, k))
		}
	} else {
		v, err := s.value(mt.Elem(), "value", 1)
		if err != nil {
			if v = zero(s, mt.Elem()); v == "" {
				return nil, err
			}
		}
		ops = append(ops, fmt.Sprintf("%s[%s] = %s", ref, k, v), fmt.Sprintf("_ = %s[%s]", ref, k))
		if basic, ok := mt.Elem().Underlying().(*types.Basic); ok && outer[detect.Update] && basic.Info()&types.IsNumeric != 0 {
			ops = append(ops, fmt.Sprintf("%s[%s]++", ref, k))
		}
	}
	if outer[detect.Delete] {
		ops = append(ops, fmt.Sprintf("delete(%s, %s)", ref, k))
	}
	if outer[detect.Range] {
		ops = append(ops, fmt.Sprintf("for k, v := range %s {\n_, _ = k, v\n}", ref))
	}
	if outer[detect.Len] {
		ops = append(ops, fmt.Sprintf("_ = len(%s)", ref))
	}
	if outer[detect.Clear] {
		ops = append(ops, fmt.Sprintf("clear(%s)", ref))
	}
	if len(s.setup) > 1 && m.Kind != detect.PackageVar {
		return ops, nil
	}
	return ops, nil
}

// behaviour writes a test for one goroutine that a map and its target both pass.
func behaviour(s *synth, t *Test, m *detect.Map, mt *types.Map, ref string, b *strings.Builder) error {
	line := func(format string, args ...any) { fmt.Fprintf(b, format+"\n", args...) }
	k, err := s.value(mt.Key(), "key", 1)
	if err != nil {
		return err
	}
	_, short, _ := strings.Cut(m.Name, ".")
	line("// %s checks that %s still behaves as a map does, for one goroutine.", t.Name, short)
	line("func %s(t *testing.T) {", t.Name)
	for _, st := range s.setup {
		line("%s", st)
	}
	kv := s.name("key")
	line("var %s %s = %s", kv, s.typ(mt.Key()), k)
	line("delete(%s, %s)", ref, kv)
	line("before := len(%s)", ref)
	elem := zero(s, mt.Elem())
	if row, ok := mt.Elem().Underlying().(*types.Map); ok {
		_ = row
		elem = "make(" + s.typ(mt.Elem()) + ")"
	}
	if elem == "" {
		return fmt.Errorf("no test value for %s", s.short(mt.Elem()))
	}
	line("%s[%s] = %s", ref, kv, elem)
	line("if _, ok := %s[%s]; !ok || len(%s) != before+1 {\nt.Errorf(\"after a store: found %%v, %%d entries, want %%d\", ok, len(%s), before+1)\n}", ref, kv, ref, ref)
	line("delete(%s, %s)", ref, kv)
	line("if _, ok := %s[%s]; ok || len(%s) != before {\nt.Errorf(\"after a delete: found %%v, %%d entries, want %%d\", ok, len(%s), before)\n}", ref, kv, ref, ref)
	line("}")
	return nil
}
