// This file keeps verdicts apart from where things happen to stand: while maps are judged, a
// place is told relative to its function, so that a verdict stays what it is when lines above
// it come and go (see memo). The real places are filled in last.

package detect

import (
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// mark begins what stands for something that is filled in last. No name, path or comment of a
// Go program holds it.
const mark = "\x00"

// In a finding's message the first contexts of its two accesses are filled in last, too.
const (
	fromFirst  = "\x01"
	fromSecond = "\x02"
)

// place is a position in a function, relative to the function: its offset and line, and in
// the function's first line its column, count from there. The file's name is the function's
// key, after a mark. What lies in another file, or in a function without a position, keeps
// its real one.
func (l *linker) place(n *node, p Pos) token.Position {
	base := n.info.Pos
	if !p.valid() || !base.valid() || p.File != base.File {
		return n.sum.position(p)
	}
	p = relative(p, base)
	return token.Position{Filename: mark + n.info.Key, Offset: int(p.Offset), Line: int(p.Line), Column: int(p.Column)}
}

func relative(p, base Pos) Pos {
	if p.Line == base.Line {
		p.Column -= base.Column
	}
	p.Line, p.Offset = p.Line-base.Line, p.Offset-base.Offset
	return p
}

// real turns what place has made into a position of a file.
func (l *linker) real(p token.Position) token.Position {
	key, ok := strings.CutPrefix(p.Filename, mark)
	if !ok {
		return p
	}
	n := l.nodes[key]
	base := n.sum.position(n.info.Pos)
	if p.Line == 0 {
		p.Column += base.Column
	}
	return token.Position{Filename: base.Filename, Offset: base.Offset + p.Offset, Line: base.Line + p.Line, Column: p.Column}
}

// atLine is the end of a context's name, which tells where it begins: " server.go:40".
func (l *linker) atLine(n *node, p Pos) string {
	at := l.place(n, p)
	if !strings.HasPrefix(at.Filename, mark) {
		return " " + baseLine(at)
	}
	return at.Filename + mark + itoa(at.Line)
}

func baseLine(p token.Position) string {
	return filepath.Base(p.Filename) + ":" + itoa(p.Line)
}

// nameOf fills in where a context begins.
func (l *linker) nameOf(ctx string) string {
	name, at, ok := strings.Cut(ctx, mark)
	if !ok {
		return ctx
	}
	key, line, _ := strings.Cut(at, mark)
	n, _ := strconv.Atoi(line)
	return name + " " + baseLine(l.real(token.Position{Filename: mark + key, Line: n}))
}

// inPlace returns a copy of a verdict with the real places.
func (l *linker) inPlace(m *Map) *Map {
	out := *m
	out.Pos = l.maps[m.Key].sum.position(l.maps[m.Key].decl.Pos)
	out.Accesses = l.accessesInPlace(m.Accesses)
	slices.SortStableFunc(out.Accesses, func(a, b Access) int {
		if c := strings.Compare(a.Pos.Filename, b.Pos.Filename); c != 0 {
			return c
		}
		if a.Pos.Offset != b.Pos.Offset {
			return a.Pos.Offset - b.Pos.Offset
		}
		return strings.Compare(string(a.Op), string(b.Op))
	})
	out.Findings = slices.Clone(m.Findings)
	for i := range out.Findings {
		l.findingInPlace(&out.Findings[i])
	}
	out.Suppressed = slices.Clone(m.Suppressed)
	for i := range out.Suppressed {
		l.findingInPlace(&out.Suppressed[i].Finding)
	}
	out.Odd = slices.Clone(m.Odd)
	for i := range out.Odd {
		l.findingInPlace(&out.Odd[i].Finding)
	}
	return &out
}

func (l *linker) findingInPlace(f *Finding) {
	f.Accesses = l.accessesInPlace(f.Accesses)
	for i, from := range []string{fromFirst, fromSecond} {
		if i < len(f.Accesses) {
			f.Message = strings.ReplaceAll(f.Message, from, inContext(f.Accesses[i]))
		}
	}
}

// inContext is what a message says after a function: " (go server.go:40)".
func inContext(a Access) string {
	if len(a.Contexts) == 0 {
		return ""
	}
	return " (" + a.Contexts[0] + ")"
}

func (l *linker) accessesInPlace(list []Access) []Access {
	out := slices.Clone(list)
	for i := range out {
		a := &out[i]
		a.Pos = l.real(a.Pos)
		a.Contexts = slices.Clone(a.Contexts)
		for j, c := range a.Contexts {
			a.Contexts[j] = l.nameOf(c)
		}
		slices.Sort(a.Contexts)
		a.Contexts = slices.Compact(a.Contexts)
		a.Bares = slices.Clone(a.Bares)
		for j := range a.Bares {
			a.Bares[j] = l.real(a.Bares[j])
		}
		a.Path = slices.Clone(a.Path)
		for j := range a.Path {
			a.Path[j].Pos = l.real(a.Path[j].Pos)
			a.Path[j].Note = l.nameOf(a.Path[j].Note)
		}
	}
	return out
}
