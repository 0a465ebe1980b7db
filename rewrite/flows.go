// This file answers where a program observes a map through the struct that holds it.
//
// A map field can be seen without being named: fmt prints it, an encoder writes or
// fills it, reflect.DeepEqual compares it. flows finds every such observer of a
// field's holder, or of a value that contains the holder. It follows interface
// values only; a value of a concrete type is in plain sight of the type checker.
//
// # Rules
//
//  1. A value becomes observable when it is converted to an interface (assigned,
//     passed, returned, sent, stored in a literal), or is the type argument of
//     generic code outside the module.
//  2. Interface values are followed through the whole module, tests included: each
//     variable, parameter, result and field of an interface type is one place (for all
//     instances, flow-insensitive); so is each slice, map, channel or pointer of them,
//     with its elements. A type assertion to a concrete type ends a flow.
//  3. A call through an interface reaches every method of the module with that name and
//     signature, and those outside it that were seen behind an interface. A call of a
//     function value reaches every function of that signature that is used as a value.
//  4. Code outside the module is known by the table in flows_know.go. What it does not
//     know and takes an interface without methods (any, ...any, map[string]any) sees
//     everything. An interface with methods is used through its methods.
//  5. What an observer sees depends on the observer (viewKind): fmt does not follow
//     nested pointers, encoders skip unexported fields, == compares no pointees.
//  6. An interface-typed field of an observed value is observed too: what is stored in it
//     anywhere counts.
//  7. An exported field with an encoder's tag (json:"…") is observed: the tag says so.
//  8. Fields of structs that are converted to one another must keep one type.
//  9. Comparing (or reflecting) in depth what points to an object with an identity, a
//     struct with a lock, a channel or a function in it, compares that object by its
//     address in all but odd cases: two pointers that are equal are equal as before, two
//     distinct objects differ in channels and functions. Fields behind such a pointer,
//     below the top of what is compared, are listed as a note and not refused. Objects
//     that are handed over themselves are refused.
//
// # Proven equal
//
// These see the holder and yet cannot tell the map's type:
//
//   - a type with its own String, Error, Format or GoString where fmt asks it, and with
//     its own marshalling methods where the encoder asks them: what the method does is
//     code of the module and followed by itself.
//   - fmt's %p, and a pointer below the top of what is printed: an address, as before.
//   - fmt's %T, type assertions, type switches, errors.As: names of types stay; only
//     fields of unnamed structs are refused.
//   - == of pointers to the holder: identity, as before.
//   - what only carries and gives back (context.WithValue's value, sync.Pool, sync.Map,
//     atomic.Value, container/…, channels of interfaces): the holder's type keeps its name,
//     so the assertion on the way out holds, as does atomic.Value's rule of one type.
//   - encoders and templates that meet an unexported field, or one tagged "-".
//   - testify's Nil, Len, True, Same, ErrorIs, …: they look at the value's top only. Zero
//     and Empty compare with the zero value; a pointer target is nil where the map was.
//
// Log lines, error texts and panic values may differ; they are notes, not refusals. So is
// what a function of the module prints of its own variadic operands when it is named as
// a logger's method is (Debugf, Warn, …).
//
// # What is assumed
//
// Code outside the module that gets an interface with methods does not look behind it by
// reflection (protobuf messages excepted), and does not hand it out again by an unrelated
// call. It calls, of what it gets as any, no method that returns an interface, but those
// that encoders and loggers know (MarshalYAML, LogValue, …). Files of other build
// configurations, assembly and packages that do not type-check are not seen here.

package rewrite

import (
	"cmp"
	"fmt"
	"go/token"
	"go/types"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/mapmigrate/mapmigrate/detect"
	"github.com/mapmigrate/mapmigrate/plans"
)

// flows knows where holders are observed. It is built at the first question.
type flows struct {
	prog *detect.Program
	once sync.Once
	*flowGraph
	seen map[token.Pos][]sighting // by field
}

// A sighting is one observer of a field and how the value got there.
type sighting struct {
	sink  *flowSink
	typ   types.Type // what became an interface value, nearest to the field
	pos   token.Pos  // where
	top   types.Type // what the observer got
	route []token.Pos

	distant bool // see rule 9
}

func newFlows(prog *detect.Program) *flows { return &flows{prog: prog} }

// of reports where a value that contains one of these struct fields (each given by the
// position of its declaring identifier) is observed as a whole.
func (f *flows) of(fields []token.Pos) (refusals []*plans.Refusal, notes []string) {
	f.once.Do(f.build)
	inClass := map[token.Pos]bool{}
	for _, p := range fields {
		inClass[p] = true
	}
	for _, p := range fields {
		decl := f.fields[p]
		if decl == nil {
			continue
		}
		if r := f.tagged(decl); r != nil {
			refusals = append(refusals, r)
		}
		for _, c := range f.pairs[p] {
			if !inClass[c.other] {
				refusals = append(refusals, f.convertedRefusal(decl, c))
				break
			}
		}
		distant := 0
		for _, s := range f.seen[p] {
			if s.distant {
				distant++
			}
		}
		for _, s := range f.seen[p] {
			switch {
			case s.distant:
				if distant > 0 { // one note speaks for all
					notes = append(notes, f.distantNote(decl, s, distant-1))
					distant = 0
				}
			case s.sink.view.note:
				notes = append(notes, f.note(decl, s))
			default:
				refusals = append(refusals, f.refusal(decl, s))
			}
		}
	}
	slices.SortStableFunc(refusals, func(a, b *plans.Refusal) int {
		return cmp.Or(strings.Compare(a.Pos.File, b.Pos.File), a.Pos.Line-b.Pos.Line, a.Pos.Column-b.Pos.Column, strings.Compare(a.Message, b.Message))
	})
	refusals = slices.CompactFunc(refusals, func(a, b *plans.Refusal) bool { return a.Pos == b.Pos && a.Message == b.Message })
	slices.Sort(notes)
	return refusals, slices.Compact(notes)
}

func (f *flows) build() {
	f.flowGraph = buildFlows(f.prog)
	f.seen = map[token.Pos][]sighting{}
	f.search()
}

const (
	holderReflected = "holder-reflected"
	reflectedRemedy = "keep the map out of what is handed over (a copy of the fields that matter, a tag \"-\", a method of the type that does the printing or encoding), or leave this map as it is"
)

func (f *flows) position(p token.Pos) plans.Pos {
	if !p.IsValid() {
		return plans.Pos{}
	}
	at := f.prog.Fset.Position(p)
	file := filepath.ToSlash(at.Filename)
	if rel, err := filepath.Rel(f.prog.Dir, at.Filename); err == nil && filepath.IsLocal(rel) {
		file = filepath.ToSlash(rel)
	} else {
		file = filepath.Base(file)
	}
	return plans.Pos{File: file, Line: at.Line, Column: at.Column}
}

func (f *flows) at(p token.Pos) string {
	at := f.position(p)
	return fmt.Sprintf("%s:%d", at.File, at.Line)
}

// tagged is rule 7.
func (f *flows) tagged(d *flowField) *plans.Refusal {
	if !d.exported || d.tag == "" {
		return nil
	}
	for _, key := range encoderTags {
		if v, ok := fieldTag(d.tag, key); ok && v != "-" {
			return &plans.Refusal{
				Code: holderReflected, Class: plans.Unsafe, Pos: f.position(d.pos),
				Message: fmt.Sprintf("field %s of %s has the tag %s:%q, so an encoder reads or fills it, and would not find a map there", d.name, d.holder, key, v),
				Remedy:  "remove the tag when nothing encodes the field, or encode a copy of the struct that holds a plain map",
			}
		}
	}
	return nil
}

// convertedRefusal is rule 8.
func (f *flows) convertedRefusal(d *flowField, c fieldPair) *plans.Refusal {
	return &plans.Refusal{
		Code: holderReflected, Class: plans.Unsafe, Pos: f.position(c.pos),
		Message: fmt.Sprintf("a %s is converted to %s at %s, which needs field %s to have one type in both", show(c.from), show(c.to), f.at(c.pos), d.name),
		Remedy:  "copy the fields one by one instead of converting the struct, or declare the struct once",
		Related: []plans.Step{{Pos: f.position(c.other), Note: "field " + d.name + " of the other struct"}},
	}
}

func show(t types.Type) string {
	s := types.TypeString(t, shortName)
	if len(s) > 60 {
		s = s[:57] + "..."
	}
	return s
}

// sentence says what happens to the holder: "*Server is passed to json.Marshal at a.go:12".
func (f *flows) sentence(s sighting) string {
	at := s.sink.pos
	if !at.IsValid() {
		at = s.pos
	}
	if types.Identical(s.typ, s.top) && len(s.route) == 0 {
		return fmt.Sprintf("%s is %s %s at %s", show(s.typ), s.sink.how, s.sink.name, f.at(at))
	}
	if !types.Identical(s.typ, s.top) {
		return fmt.Sprintf("%s becomes an interface value at %s and, within %s, is %s %s at %s", show(s.typ), f.at(s.pos), show(s.top), s.sink.how, s.sink.name, f.at(at))
	}
	return fmt.Sprintf("%s becomes an interface value at %s and is %s %s at %s", show(s.typ), f.at(s.pos), s.sink.how, s.sink.name, f.at(at))
}

func (f *flows) refusal(d *flowField, s sighting) *plans.Refusal {
	verb := s.sink.view.verb
	if verb == "" {
		verb = "would see"
	}
	field := "field " + d.name
	if name := show(s.typ); !strings.HasSuffix(name, "."+d.holder) {
		field += " of " + d.holder
	}
	r := &plans.Refusal{
		Code: holderReflected, Class: plans.Unsafe,
		Message: f.sentence(s) + ", which " + verb + " " + field,
		Remedy:  reflectedRemedy,
		Pos:     f.position(cmp.Or(s.sink.pos, s.pos)),
	}
	if len(s.route) > 0 {
		r.Related = append(r.Related, plans.Step{Pos: f.position(s.pos), Note: show(s.typ) + " becomes an interface value"})
		for _, p := range s.route {
			r.Related = append(r.Related, plans.Step{Pos: f.position(p), Note: "passed on"})
		}
	}
	return r
}

func (f *flows) note(d *flowField, s sighting) string {
	return fmt.Sprintf("log, error or panic output may differ: %s, which shows field %s of %s", f.sentence(s), d.name, d.holder)
}

func (f *flows) distantNote(d *flowField, s sighting, more int) string {
	others := ""
	if more > 0 {
		others = fmt.Sprintf(" (and %d more such places)", more)
	}
	return fmt.Sprintf("comparison in depth may differ: %s%s, which would reach field %s of %s through pointers to two distinct objects with locks, channels or functions", f.sentence(s), others, d.name, d.holder)
}
