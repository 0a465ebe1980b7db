// This file shortens the editor's work: of a file, only the declarations that operations
// touch have to be printed and proven. The rest is never looked at, and so never changes.

package rewrite

import (
	"bytes"
	"go/ast"
	"go/token"
	"slices"
	"sort"
)

// An excerpt is a file without the stretches that no operation touches. Stretches end at
// blank lines outside declarations, where nothing that gofmt aligns goes on.
type excerpt struct {
	kept [][2]int // what is left, offsets [from, to) in the file, in order
	src  []byte
}

// excerptOf returns what is left of a file for its operations, with the syntax of that, or
// nil if that is nearly all of it.
//
//	package p; import …   kept
//	func a() { m[k] = v } kept, with its comments
//	func b() { … }        left out
func excerptOf(in *fileInput) (*excerpt, *ast.File) {
	declares := in.declares()
	if declares || in.changesImports() && len(in.Syntax.Imports) == 0 {
		return nil, nil // what goes in front of a declaration would follow what is left out
	}
	tf := in.Fset.File(in.Syntax.FileStart)
	x := &excerpt{}
	off := func(p token.Pos) int { return tf.Offset(p) }
	touched := func(d ast.Decl) bool {
		if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.IMPORT {
			return true
		}
		return slices.ContainsFunc(in.Ops, func(o op) bool { return d.Pos() <= o.target().Pos() && o.target().Pos() < d.End() })
	}

	type item struct {
		from, to int
		kept     bool
	}
	items := []item{{0, off(in.Syntax.Name.End()), true}}
	for _, d := range in.Syntax.Decls {
		items = append(items, item{off(d.Pos()), off(d.End()), touched(d)})
	}
	for _, c := range in.Syntax.Comments {
		items = append(items, item{off(c.Pos()), off(c.End()), false})
	}
	sort.SliceStable(items, func(i, j int) bool { return items[i].from < items[j].from })

	from, end, keep := 0, 0, false // of the stretch at work
	flush := func(to int) {
		if n := len(x.kept); keep && n > 0 && x.kept[n-1][1] == from {
			x.kept[n-1][1] = to
		} else if keep {
			x.kept = append(x.kept, [2]int{from, to})
		}
		from, keep = to, false
	}
	for _, it := range items {
		if it.from > end {
			if cut := blankLineEnd(in.Src[end:it.from]); cut >= 0 {
				flush(end + cut)
			}
		}
		end, keep = max(end, it.to), keep || it.kept
	}
	flush(len(in.Src))

	size := 0
	for _, k := range x.kept {
		size += k[1] - k[0]
	}
	if size > len(in.Src)/4*3 {
		return nil, nil
	}
	for _, k := range x.kept {
		x.src = append(x.src, in.Src[k[0]:k[1]]...)
	}
	if x.kept[len(x.kept)-1][1] < len(in.Src) { // the blank lines that end a stretch do not end a file
		n := len(bytes.TrimRight(x.src, " \t\r\n"))
		if i := bytes.IndexByte(x.src[n:], '\n'); i >= 0 {
			n += i + 1
		}
		x.kept[len(x.kept)-1][1] -= len(x.src) - n
		x.src = x.src[:n]
	}

	f := *in.Syntax
	holds := func(n ast.Node) bool { return x.in(off(n.Pos())) >= 0 }
	f.Decls = slices.DeleteFunc(slices.Clone(f.Decls), func(d ast.Decl) bool { return !holds(d) })
	f.Comments = slices.DeleteFunc(slices.Clone(f.Comments), func(c *ast.CommentGroup) bool { return !holds(c) })
	return x, &f
}

// blankLineEnd returns the offset behind the last blank line of white space between two
// things, or -1 if there is none.
func blankLineEnd(gap []byte) int {
	last := bytes.LastIndexByte(gap, '\n')
	if last < 0 || len(bytes.TrimSpace(gap)) > 0 || bytes.IndexByte(gap, '\n') == last {
		return -1
	}
	return last + 1
}

// in returns the place in the excerpt of an offset in the file, or -1.
func (x *excerpt) in(off int) int {
	at := 0
	for _, k := range x.kept {
		if k[0] <= off && off < k[1] || off == k[1] && off > 0 && k == x.kept[len(x.kept)-1] {
			return at + off - k[0]
		}
		at += k[1] - k[0]
	}
	return -1
}

// out returns the range of the file that a range of the excerpt is, if that is one range. What
// is inserted where something was left out belongs to what follows, unless it is an import.
func (x *excerpt) out(start, end int, imports bool) (from, to int, ok bool) {
	at := 0
	for i, k := range x.kept {
		n := k[1] - k[0]
		last := i == len(x.kept)-1
		if start < at+n || last || start == end && start == at+n && imports {
			return k[0] + start - at, k[0] + end - at, end <= at+n
		}
		at += n
	}
	return 0, 0, false
}

// restored returns the output for the whole file of an editor's output for the excerpt, or
// nil if it cannot be told.
func (x *excerpt) restored(o *fileOutput, src []byte) *fileOutput {
	out := &fileOutput{}
	last := 0
	for _, h := range o.Hunks {
		var ok bool
		if h.Start, h.End, ok = x.out(h.Start, h.End, h.Import); !ok || h.Start < last {
			return nil
		}
		out.Hunks = append(out.Hunks, h)
		out.Src = append(append(out.Src, src[last:h.Start]...), h.New...)
		last = h.End
	}
	out.Src = append(out.Src, src[last:]...)
	short, whole := lineStarts(x.src), lineStarts(src)
	for _, l := range o.Realigned {
		from, _, ok := x.out(short[l-1], short[l-1]+1, false)
		if !ok {
			return nil
		}
		out.Realigned = append(out.Realigned, lineAt(whole, from)+1)
	}
	return out
}

// declares reports whether something is declared in the file that was not there.
func (in *fileInput) declares() bool {
	return slices.ContainsFunc(in.Ops, func(o op) bool { _, ok := o.(*declOp); return ok })
}
