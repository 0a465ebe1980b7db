// This file carries the change of a formatted file back onto the original's bytes.
//
// The original O and its formatted form G have the same tokens. Every hunk of lines
// that differs between G and the rewritten D is widened until both its ends are at
// a token that begins a line in O as well as in G; then the original's lines between
// those tokens give way to D's. Whatever lies outside stays as it was, however it
// was formatted.

package rewrite

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"slices"
	"sort"
	"strings"

	"github.com/sergi/go-diff/diffmatchpatch"
)

// A lexeme is a token or comment of a file.
type lexeme struct {
	off, end int
	tok      token.Token
	text     string // white space in comments is collapsed
	line     int    // 0-based line of off
	first    bool   // no other token is on its line before it
}

// scan returns the lexemes of src, without semicolons.
func scan(src []byte) []lexeme {
	fset := token.NewFileSet()
	f := fset.AddFile("", -1, len(src))
	var s scanner.Scanner
	s.Init(f, src, func(token.Position, string) {}, scanner.ScanComments)
	starts := lineStarts(src)
	out := make([]lexeme, 0, len(src)/5) // about as many as there are, comments included
	endLine := -1
	for {
		pos, tok, lit := s.Scan()
		if tok == token.EOF {
			return out
		}
		off := f.Offset(pos)
		if tok == token.SEMICOLON {
			continue
		}
		text := lit
		if text == "" || tok.IsKeyword() {
			text = tok.String()
		}
		end := off + len(text)
		switch {
		case tok == token.COMMENT:
			end = commentEnd(src, off)
			text = strings.Join(strings.Fields(text), " ")
		case tok == token.STRING && src[off] == '`':
			end = off + 2 + bytes.IndexByte(src[off+1:], '`')
		}
		line := lineAt(starts, off)
		out = append(out, lexeme{off, end, tok, text, line, line > endLine})
		endLine = lineAt(starts, end-1)
	}
}

func commentEnd(src []byte, off int) int {
	if src[off+1] == '*' {
		return off + 4 + bytes.Index(src[off+2:], []byte("*/"))
	}
	if i := bytes.IndexByte(src[off:], '\n'); i >= 0 {
		return off + i
	}
	return len(src)
}

// tokenAt returns the index of the lexeme that contains the offset, or -1.
func tokenAt(ts []lexeme, off int) int {
	i := sort.Search(len(ts), func(i int) bool { return ts[i].end > off })
	if i < len(ts) && ts[i].off <= off {
		return i
	}
	return -1
}

func lineStarts(src []byte) []int {
	out := []int{0}
	for i, b := range src {
		if b == '\n' && i+1 < len(src) {
			out = append(out, i+1)
		}
	}
	return out
}

func lineAt(starts []int, off int) int {
	return sort.SearchInts(starts, off+1) - 1
}

// splitLines returns the lines of src with their ends.
func splitLines(src []byte) []string {
	lines := strings.SplitAfter(string(src), "\n")
	if lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return lines
}

// alignTokens returns for every lexeme of a the index of its twin in b, or -1.
func alignTokens(a, b []lexeme) []int {
	out := make([]int, len(a))
	same := len(a) == len(b)
	for i := range a {
		same = same && a[i].text == b[i].text
		out[i] = i
	}
	if same {
		return out
	}
	texts := func(ts []lexeme) []string {
		out := make([]string, len(ts))
		for i, t := range ts {
			out[i] = t.text
		}
		return out
	}
	for i := range out {
		out[i] = -1
	}
	for _, c := range diffStrings(texts(a), texts(b)) {
		if c.equal {
			for k := range c.a1 - c.a0 {
				out[c.a0+k] = c.b0 + k
			}
		}
	}
	return out
}

// A chunk is a run of elements that two sequences share, or in which they differ.
type chunk struct {
	a0, a1, b0, b1 int
	equal          bool
}

// diffStrings returns the shortest edit from a to b as alternating chunks.
func diffStrings(a, b []string) []chunk {
	if slices.Equal(a, b) {
		if len(a) == 0 {
			return nil
		}
		return []chunk{{0, len(a), 0, len(b), true}}
	}
	ids := map[string]rune{}
	encode := func(xs []string) []rune {
		out := make([]rune, len(xs))
		for i, x := range xs {
			id, ok := ids[x]
			if !ok {
				id = rune(len(ids) + 1)
				if id >= 0xD800 {
					id += 0x800 // not a surrogate
				}
				if id > 0x10FFFF {
					panic("too many different lines")
				}
				ids[x] = id
			}
			out[i] = id
		}
		return out
	}
	ra, rb := encode(a), encode(b)
	dmp := diffmatchpatch.New()
	dmp.DiffTimeout = 0 // the result must not depend on the machine's load
	var out []chunk
	i, j := 0, 0
	for _, d := range dmp.DiffMainRunes(ra, rb, false) {
		n := len([]rune(d.Text))
		equal := d.Type == diffmatchpatch.DiffEqual
		if len(out) == 0 || equal || out[len(out)-1].equal {
			out = append(out, chunk{i, i, j, j, equal})
		}
		if d.Type != diffmatchpatch.DiffInsert {
			i += n
		}
		if d.Type != diffmatchpatch.DiffDelete {
			j += n
		}
		out[len(out)-1].a1, out[len(out)-1].b1 = i, j
	}
	return out
}

// splice returns the original with the change from e.g to e.d.
func (e *editor) splice() ([]byte, bool) {
	if bytes.Equal(e.orig, e.g) {
		return e.d, true
	}
	ol, gl, dl := splitLines(e.orig), splitLines(e.g), splitLines(e.d)
	areas := e.areas(lineStarts(e.orig))
	toO := e.lineAnchors(len(ol), len(gl))
	crlf := 2*bytes.Count(e.orig, []byte("\r\n")) > bytes.Count(e.orig, []byte("\n"))

	// Widen the hunks of G→D to anchored lines; hunks that come to overlap join.
	type span struct{ g0, g1, d0, d1 int }
	var spans []span
	for _, c := range diffLines(gl, dl, e.gd, func(int) bool { return true }) {
		if c.equal {
			continue
		}
		s := span{c.a0, c.a1, c.b0, c.b1}
		for toO[s.g0] < 0 {
			s.g0--
			s.d0--
		}
		for toO[s.g1] < 0 {
			s.g1++
			s.d1++
		}
		for len(spans) > 0 && (spans[len(spans)-1].g1 > s.g0 || toO[spans[len(spans)-1].g1] > toO[s.g0]) {
			// Lines were counted as if nothing had changed between the two.
			last := spans[len(spans)-1]
			g0, g1 := min(s.g0, last.g0), max(s.g1, last.g1)
			s = span{g0, g1, last.d0 - (last.g0 - g0), s.d1 + (g1 - s.g1)}
			spans = spans[:len(spans)-1]
		}
		spans = append(spans, s)
	}

	eol := "\n"
	if crlf {
		eol = "\r\n"
	}
	var out strings.Builder
	open := false // the last line written has no end yet
	write := func(l string) {
		if open {
			out.WriteString(eol)
		}
		out.WriteString(l)
		open = !strings.HasSuffix(l, "\n")
	}
	at := 0
	for _, s := range spans {
		o0, o1 := toO[s.g0], toO[s.g1]
		if s.d0 < 0 || s.d1 > len(dl) || o0 < at || o1 < o0 {
			return nil, false
		}
		for ; at < o0; at++ {
			write(ol[at])
		}
		// Inside the hunk, lines without a site stay when they differ from D's in white
		// space only.
		for _, c := range diffStrings(blanked(ol[o0:o1]), blanked(dl[s.d0:s.d1])) {
			if c.equal {
				for k := range c.a1 - c.a0 {
					if inAreas(areas, o0+c.a0+k) && !blankLine(ol[o0+c.a0+k]) {
						write(strings.TrimSuffix(dl[s.d0+c.b0+k], "\n") + eol)
					} else {
						write(ol[o0+c.a0+k])
					}
				}
				continue
			}
			for _, l := range dl[s.d0+c.b0 : s.d0+c.b1] {
				write(strings.TrimSuffix(l, "\n") + eol)
			}
		}
		at = o1
	}
	for ; at < len(ol); at++ {
		write(ol[at])
	}
	r := out.String()
	if !bytes.HasSuffix(e.orig, []byte("\n")) {
		r = strings.TrimSuffix(strings.TrimSuffix(r, "\n"), "\r")
	}
	return []byte(r), true
}

// blanked returns lines without any white space.
func blanked(lines []string) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = strings.Join(strings.Fields(l), "")
	}
	return out
}

// lineAnchors returns for every line of G (and its end) the line of O that begins
// with the same token, or with the same blank lines, or -1.
func (e *editor) lineAnchors(olines, glines int) []int {
	to := make([]int, glines+1)
	for i := range to {
		to[i] = -1
	}
	ot, gt := scan(e.orig), scan(e.g)
	oStarts, gStarts := lineStarts(e.orig), lineStarts(e.g)
	twin := alignTokens(ot, gt)
	for i, j := range twin {
		if j < 0 || !ot[i].first || !gt[j].first {
			continue
		}
		to[gt[j].line] = ot[i].line
		// A blank line in front of it in G begins where the blank lines in O do.
		if i > 0 && j > 0 && twin[i-1] == j-1 {
			if g := lineAt(gStarts, gt[j-1].end-1) + 1; g < gt[j].line {
				to[g] = lineAt(oStarts, ot[i-1].end-1) + 1
			}
		}
	}
	// Parentheses that formatting dropped go or stay together, and so do imports that it sorted.
	var open []int
	for i, t := range ot {
		switch t.tok {
		case token.LPAREN:
			open = append(open, i)
		case token.RPAREN:
			if len(open) == 0 {
				break
			}
			from := open[len(open)-1]
			open = open[:len(open)-1]
			sorted := from > 0 && ot[from-1].tok == token.IMPORT && slices.Contains(twin[from:i], -1)
			if twin[from] >= 0 && twin[i] >= 0 && !sorted {
				break
			}
			for g, o := range to {
				if o > ot[from].line && o <= t.line {
					to[g] = -1
				}
			}
		}
	}
	to[0], to[glines] = 0, olines
	// Reordered tokens must not make anchors cross.
	hi := -1
	for i, o := range to {
		if o >= 0 && o < hi {
			to[i] = -1
		}
		hi = max(hi, to[i])
	}
	to[glines] = olines
	return to
}

// replaced returns the nodes of the type-checked file that operations replace.
func (e *editor) replaced() map[ast.Node]bool {
	out := map[ast.Node]bool{}
	for _, o := range e.in.Ops {
		switch o := o.(type) {
		case *hoistOp:
			out[o.part()] = true
		case *lockOp, *declOp:
		case *rangeOp:
			for _, x := range rangeParts(o) {
				if x != nil {
					out[x] = true
				}
			}
		default:
			out[o.target()] = true
		}
	}
	return out
}

// lineTwins returns pairs of lines of a and b that begin a stretch with the same
// node, in order: old is the flattened a without the replaced nodes, now is b's whole
// tree. A stretch begins with the comments above its first token. (A blind diff would
// pair lines of unrelated statements that happen to be equal.)
func (e *editor) lineTwins(old, now []atom, a, b []byte, afset, bfset *token.FileSet) [][2]int {
	aoff := func(p token.Pos) int { return afset.PositionFor(p, false).Offset }
	if afset == e.in.Fset {
		aoff = e.offset
	}
	if len(old) != len(e.kept) || len(now) != len(e.meant) {
		return nil
	}
	index := map[ast.Node]int{}
	for i, m := range e.meant {
		if m.node != nil {
			index[m.node] = i
		}
	}
	as, bs := stretches(a), stretches(b)
	for _, o := range e.in.Ops {
		n := o.target()
		if afset != e.in.Fset {
			n = e.gtwin[n]
		}
		from, to := aoff(n.Pos()), aoff(n.End())
		switch o.(type) {
		case *hoistOp, *lockOp: // the comments above it are now above what is in front of it
			delete(as, from)
		case *removeOp: // its comments are now above what follows
			for off, s := range as {
				if s.prev >= from && s.prev < to {
					delete(as, off)
				}
			}
		}
	}
	var out [][2]int
	for i, k := range e.kept {
		if k.node == nil {
			continue
		}
		la, ok := as[aoff(old[i].pos)]
		if !ok {
			continue
		}
		lb, ok := bs[bfset.PositionFor(now[index[k.node]].pos, false).Offset]
		if !ok {
			continue
		}
		if n := len(out); n > 0 && (la.line <= out[n-1][0] || lb.line < out[n-1][1]) {
			continue
		}
		out = append(out, [2]int{la.line, lb.line})
	}
	return out
}

// A stretch is a run of lines that ends with a token that is the first on its line.
type stretch struct {
	line int // the line behind that of the token before it
	prev int // offset of the token before it
}

// stretches returns the stretches of src by the offset of their tokens.
func stretches(src []byte) map[int]stretch {
	starts := lineStarts(src)
	out := map[int]stretch{}
	end, prev := -1, -1
	for _, t := range scan(src) {
		if t.tok == token.COMMENT {
			continue
		}
		if t.line > end {
			out[t.off] = stretch{end + 1, prev}
		}
		end, prev = lineAt(starts, t.end-1), t.off
	}
	return out
}

// diffLines compares lines between the given twins. Of lines that equal several others,
// such as a closing brace, those that free names change first: the rest ought to stay.
func diffLines(a, b []string, twins [][2]int, free func(line int) bool) []chunk {
	var out []chunk
	i, j := 0, 0
	for _, t := range append(slices.Clone(twins), [2]int{len(a), len(b)}) {
		if t[0] < i || t[1] < j {
			continue
		}
		chunks := diffStrings(a[i:t[0]], b[j:t[1]])
		if slices.ContainsFunc(chunks, func(c chunk) bool {
			for k := c.a0; !c.equal && k < c.a1; k++ {
				if !free(i + k) {
					return true
				}
			}
			return false
		}) {
			chunks = diffKeeping(a[i:t[0]], b[j:t[1]], func(k int) bool { return free(i + k) })
		}
		for _, c := range chunks {
			out = append(out, chunk{i + c.a0, i + c.a1, j + c.b0, j + c.b1, c.equal})
		}
		i, j = t[0], t[1]
	}
	return out
}

// diffKeeping is diffStrings that pairs as many lines as it can that are not free, and
// only then as many of the others. It takes len(a)·len(b) steps.
func diffKeeping(a, b []string, free func(line int) bool) []chunk {
	if len(a)*len(b) > 1<<22 {
		return diffStrings(a, b)
	}
	best := make([][]int, len(a)+1) // best[i][j] for a[i:] and b[j:]
	for i := range best {
		best[i] = make([]int, len(b)+1)
	}
	worth := func(i int) int {
		if free(i) {
			return 1
		}
		return len(a) + 1
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			best[i][j] = max(best[i+1][j], best[i][j+1])
			if a[i] == b[j] {
				best[i][j] = max(best[i][j], best[i+1][j+1]+worth(i))
			}
		}
	}
	var out []chunk
	for i, j := 0, 0; i < len(a) || j < len(b); {
		c := chunk{i, i, j, j, false}
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j] && best[i][j] == best[i+1][j+1]+worth(i):
			c.equal = true
			i, j = i+1, j+1
		case i < len(a) && best[i][j] == best[i+1][j]:
			i++
		default:
			j++
		}
		c.a1, c.b1 = i, j
		if n := len(out); n > 0 && out[n-1].equal == c.equal {
			out[n-1].a1, out[n-1].b1 = i, j
			continue
		}
		out = append(out, c)
	}
	return out
}

// hunks returns the differing lines of O and R.
func (e *editor) hunks(r []byte) []hunk {
	ol, rl := splitLines(e.orig), splitLines(r)
	starts := append(lineStarts(e.orig), len(e.orig))
	var out []hunk
	// The import block is compared on its own: its hunks belong to no site, so they
	// must not run into a site's.
	oi, ri := 0, 0
	if e.in.changesImports() {
		oi, ri = importEnd(e.orig), importEnd(r)
	}
	twins := [][2]int{{oi, ri}}
	fset := token.NewFileSet()
	if f, err := parser.ParseFile(fset, "", r, parser.ParseComments|parser.SkipObjectResolution); err == nil {
		for _, t := range e.lineTwins(flatten(e.in.Syntax, e.replaced()), flatten(f, nil), e.orig, r, e.in.Fset, fset) {
			if t[0] >= oi && t[1] >= ri {
				twins = append(twins, t)
			}
		}
	}
	areas := e.areas(starts)
	for _, c := range diffLines(ol, rl, twins, func(l int) bool { return blankLine(ol[l]) || inAreas(areas, l) }) {
		if !c.equal {
			out = append(out, hunk{Start: starts[c.a0], End: starts[c.a1], New: strings.Join(rl[c.b0:c.b1], ""), Import: c.a1 <= oi && c.b1 <= ri})
		}
	}
	if e.in.declares() {
		e.partInsertions(out)
	}
	return out
}

// partInsertions makes a declaration that is inserted where an import is, too, replace the line
// that follows: which of two insertions at one place comes first, nobody could say.
//
//	package p
//	var counts = map[string]int{} // import "sync" and var countsMu go in front of it
func (e *editor) partInsertions(hs []hunk) {
	for i := 1; i < len(hs); i++ {
		a, b := hs[i-1], &hs[i]
		if !a.Import || b.Import || a.End != b.Start || b.Start != b.End {
			continue
		}
		if next := bytes.IndexByte(e.orig[b.End:], '\n'); next >= 0 && (i+1 == len(hs) || hs[i+1].Start > b.End+next) {
			b.New += string(e.orig[b.End : b.End+next+1])
			b.End += next + 1
		}
	}
}

// patched returns the original with hunks applied.
func (e *editor) patched(hs []hunk) []byte {
	var out []byte
	at := 0
	for _, h := range hs {
		out = append(append(out, e.orig[at:h.Start]...), h.New...)
		at = h.End
	}
	return append(out, e.orig[at:]...)
}

// strictLines takes back every line without a site of which only white space changed.
func (e *editor) strictLines(r []byte, out *fileOutput) []byte {
	starts := lineStarts(e.orig)
	areas := e.areas(starts)
	for i := range out.Hunks {
		h := &out.Hunks[i]
		ol, nl := splitLines(e.orig[h.Start:h.End]), splitLines([]byte(h.New))
		first := lineAt(starts, h.Start)
		var sb strings.Builder
		for _, c := range diffStrings(blanked(ol), blanked(nl)) {
			for k, l := range nl[c.b0:c.b1] {
				if c.equal && !inAreas(areas, first+c.a0+k) {
					l = ol[c.a0+k]
				}
				sb.WriteString(l)
			}
		}
		h.New = sb.String()
	}
	r = e.patched(out.Hunks)
	out.Hunks = e.hunks(r)
	out.Src = append(slices.Clone(e.bom), r...)
	return r
}

func blankLine(line string) bool { return strings.TrimSpace(line) == "" }

// inAreas reports whether an operation covers the line.
func inAreas(areas []area, line int) bool {
	return slices.ContainsFunc(areas, func(a area) bool { return a.first <= line && line <= a.last })
}
