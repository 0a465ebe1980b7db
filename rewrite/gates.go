// This file proves a rewritten file before anyone sees it. The gates, by the names
// that their refusals carry:
//
//	tree       the printed file parses to the tree that was meant, and that tree
//	           equals the original's outside the nodes that operations replaced
//	lines      every changed line belongs to an operation or to the import block, or
//	           differs in white space only
//	parse      the result parses
//	layout     the result, formatted, is the formatted rewrite
//	comments   the result holds the same comments
//	directives every directive stands in front of the same token
//	hunks      the hunks, applied to the original, give the result
//
// The gates "splice", "twins", "print" and so on guard single steps of the editor.

package rewrite

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/dave/dst/decorator"

	"github.com/mapmigrate/mapmigrate/plans"
)

// An atom is a node of a flattened tree.
type atom struct {
	text string
	pos  token.Pos
	node ast.Node // nil at the end of one
}

// flatten lists the nodes of f in order, without imports, comments, parentheses and
// empty statements (which formatting may drop) and without the subtrees in skip.
func flatten(f *ast.File, skip map[ast.Node]bool) []atom {
	out := make([]atom, 0, (f.FileEnd-f.FileStart)/5) // about as many as there are
	for _, d := range f.Decls {
		if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.IMPORT {
			continue
		}
		ast.Inspect(d, func(n ast.Node) bool {
			if n == nil {
				out = append(out, atom{text: ")"})
				return true
			}
			if skip[n] {
				return false
			}
			text := reflect.TypeOf(n).String()
			switch n := n.(type) {
			case *ast.Comment, *ast.CommentGroup, *ast.EmptyStmt:
				return false
			case *ast.ParenExpr:
				text = ""
			case *ast.Ident:
				text += " " + n.Name
			case *ast.BasicLit:
				text += " " + n.Value
			case *ast.BinaryExpr:
				text += " " + n.Op.String()
			case *ast.UnaryExpr:
				text += " " + n.Op.String()
			case *ast.AssignStmt:
				text += " " + n.Tok.String()
			case *ast.IncDecStmt:
				text += " " + n.Tok.String()
			case *ast.BranchStmt:
				text += " " + n.Tok.String()
			case *ast.GenDecl:
				text += " " + n.Tok.String()
			case *ast.RangeStmt:
				if !skip[n.X] { // a rangeOp may drop the variables
					text += " " + n.Tok.String()
				}
			case *ast.ChanType:
				text += fmt.Sprint(" ", n.Dir)
			case *ast.CallExpr:
				text += fmt.Sprint(" ", n.Ellipsis.IsValid())
			case *ast.SliceExpr:
				text += fmt.Sprint(" ", n.Low != nil, n.High != nil, n.Slice3)
			case *ast.ForStmt:
				text += fmt.Sprint(" ", n.Init != nil, n.Cond != nil, n.Post != nil)
			case *ast.TypeSpec:
				text += fmt.Sprint(" ", n.Assign.IsValid())
			}
			out = append(out, atom{text, n.Pos(), n})
			return true
		})
	}
	// Parentheses leave "" and one ")".
	depth := []bool{}
	kept := out[:0]
	for _, a := range out {
		switch a.text {
		case ")":
			paren := depth[len(depth)-1]
			depth = depth[:len(depth)-1]
			if paren {
				continue
			}
		default:
			depth = append(depth, a.text == "")
			if a.text == "" {
				continue
			}
		}
		kept = append(kept, a)
	}
	return kept
}

func differ(a, b []atom) (at token.Pos, what string, ok bool) {
	for i := range max(len(a), len(b)) {
		switch {
		case i >= len(a):
			return token.NoPos, "it has more than it should: " + b[i].text, true
		case i >= len(b):
			return a[i].pos, "it lacks " + a[i].text, true
		case a[i].text != b[i].text:
			return a[i].pos, fmt.Sprintf("%s has become %s", a[i].text, b[i].text), true
		}
	}
	return token.NoPos, "", false
}

// sameTrees is the gate "tree".
func (e *editor) sameTrees(r *decorator.FileRestorer) *plans.Refusal {
	meant := r.Ast.Nodes[e.tree].(*ast.File)
	skip := map[ast.Node]bool{}
	for n := range e.produced {
		if a := r.Ast.Nodes[n]; a != nil {
			skip[a] = true
		}
	}
	old := flatten(e.gfile, e.skipOld)
	e.kept, e.meant = flatten(meant, skip), flatten(meant, nil)
	if at, what, bad := differ(old, e.kept); bad {
		return e.treeRefusal(at, "outside the sites, %s", what)
	}
	fset := token.NewFileSet()
	printed, err := parser.ParseFile(fset, "", e.d, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return e.internal("parse", token.NoPos, "%v", err)
	}
	now := flatten(printed, nil)
	if at, what, bad := differ(now, e.meant); bad {
		line := fset.PositionFor(at, false).Line
		return e.internal("tree", token.NoPos, "the printed file does not parse as it was meant: in line %d, %s", line, what)
	}
	e.gd = e.lineTwins(old, now, e.g, e.d, e.gfset, fset)
	return nil
}

// treeRefusal is internal for a position in the formatted file.
func (e *editor) treeRefusal(at token.Pos, msg string, args ...any) *plans.Refusal {
	r := e.internal("tree", token.NoPos, msg, args...)
	if at.IsValid() {
		r.Message += fmt.Sprintf(" (line %d of the formatted file)", e.gfset.PositionFor(at, false).Line)
	}
	return r
}

// An area is a range of the original's lines that an operation may change.
type area struct {
	site        int
	first, last int // 0-based lines, inclusive
	anchor      int // the line above which comments may be inserted

	before, after bool // statements of its own are put in front of first, or behind last
}

// areas returns what each operation covers.
func (e *editor) areas(starts []int) []area {
	line := func(p token.Pos) int { return lineAt(starts, e.offset(p)) }
	anchors := map[ast.Node]int{}
	for _, o := range e.in.Ops {
		anchors[o.target()] = -1
		switch o := o.(type) {
		case *hoistOp:
			anchors[o.part()] = -1
		case *lockOp:
			anchors[o.Last] = -1
		}
	}
	var stack []ast.Node
	ast.Inspect(e.in.Syntax, func(n ast.Node) bool {
		if n == nil {
			stack = stack[:len(stack)-1]
			return true
		}
		stack = append(stack, n)
		if _, ok := anchors[n]; ok {
			anchors[n] = e.anchorLine(stack, line)
		}
		return true
	})
	var out []area
	add := func(site int, n ast.Node) {
		out = append(out, area{site: site, first: line(n.Pos()), last: line(n.End() - 1), anchor: anchors[n]})
	}
	for _, o := range e.in.Ops {
		switch o := o.(type) {
		case *hoistOp:
			add(o.Site, o.part())
			out = append(out, area{o.Site, e.withDirectives(line(o.Node.Pos())), line(o.Node.Pos()), anchors[o.Node], true, false})
		case *declOp:
			// The lines that are nobody's above it, blank ones and comments, may be taken for those in
			// front of the new declaration.
			first := line(withDoc(o.Node))
			for lines := splitLines(e.orig); first > 0 && (blankLine(lines[first-1]) || strings.HasPrefix(strings.TrimSpace(lines[first-1]), "//")); {
				first--
			}
			out = append(out, area{o.Site, first, line(o.Node.Pos()), anchors[o.Node], true, false})
		case *lockOp:
			first, last := line(o.Node.Pos()), line(o.Last.End()-1)
			out = append(out, area{o.Site, e.withDirectives(first), first, anchors[o.Node], len(o.Before) > 0, false})
			if len(o.After) > 0 {
				out = append(out, area{o.Site, last, last, anchors[o.Last], false, true})
			}
		case *rangeOp:
			n := o.Node.(*ast.RangeStmt)
			out = append(out, area{site: o.Site, first: line(n.Pos()), last: line(n.X.End() - 1), anchor: anchors[n]})
		default:
			add(o.site(), o.target())
		}
	}
	return out
}

// withDirectives returns the first of the comment lines above a line, if one of them is a
// directive: what is put in front of the statement goes above them.
func (e *editor) withDirectives(line int) int {
	lines, first, found := splitLines(e.orig), line, false
	for first > 0 && strings.HasPrefix(strings.TrimSpace(lines[first-1]), "//") {
		first--
		found = found || isDirective(strings.TrimSpace(lines[first]))
	}
	if !found {
		return line
	}
	return first
}

// withDoc returns where a declaration begins, its comment included.
func withDoc(n ast.Node) token.Pos {
	var doc *ast.CommentGroup
	switch n := n.(type) {
	case *ast.Field:
		doc = n.Doc
	case *ast.ValueSpec:
		doc = n.Doc
	case *ast.GenDecl:
		doc = n.Doc
	}
	if doc != nil {
		return doc.Pos()
	}
	return n.Pos()
}

// anchorLine returns the line of the innermost statement, field, spec or
// declaration of the stack that stands in a list.
func (e *editor) anchorLine(stack []ast.Node, line func(token.Pos) int) int {
	for i := len(stack) - 1; i > 0; i-- {
		switch p := stack[i-1].(type) {
		case *ast.BlockStmt, *ast.File:
			return line(stack[i].Pos())
		case *ast.CaseClause, *ast.CommClause:
			if s, ok := stack[i].(ast.Stmt); ok {
				if c, ok := p.(*ast.CommClause); !ok || c.Comm != s {
					return line(s.Pos())
				}
			}
		case *ast.GenDecl:
			if p.Lparen.IsValid() {
				return line(stack[i].Pos())
			}
		case *ast.FieldList:
			switch stack[i-2].(type) {
			case *ast.StructType, *ast.InterfaceType:
				return line(stack[i].Pos())
			}
		}
	}
	return 0
}

// attribute names the sites of every hunk, lists re-aligned lines, and is the gate
// "lines".
func (e *editor) attribute(r []byte, out *fileOutput) *plans.Refusal {
	starts := lineStarts(e.orig)
	ol := splitLines(e.orig)
	areas := e.areas(starts)
	importFirst, importLast := e.importLines(starts)
	for i := range out.Hunks {
		h := &out.Hunks[i]
		from, to := lineAt(starts, h.Start), lineAt(starts, h.End-1)+1 // lines [from, to)
		if h.End == h.Start {
			from = lineAt(starts, h.Start)
			if h.Start == len(e.orig) {
				from = len(ol)
			}
			to = from
		}
		if h.Import {
			h.Import = !slices.ContainsFunc(areas, func(a area) bool { return from <= a.last && a.first < to })
			if h.Import && importFirst <= from && to <= importLast+1 {
				continue
			}
		}
		// White-space changes only?
		same := map[int]bool{}
		for _, c := range diffStrings(blanked(ol[from:to]), blanked(splitLines([]byte(h.New)))) {
			for k := c.a0; c.equal && k < c.a1; k++ {
				same[from+k] = true
			}
		}
		sites := map[int]bool{}
		for _, a := range areas {
			if a.touches(from, to) {
				sites[a.site] = true
			}
		}
		for l := from; l < to; l++ {
			switch {
			case inAreas(areas, l):
			case importFirst <= l && l <= importLast:
			case same[l]:
				out.Realigned = append(out.Realigned, l+1)
			case blankLine(ol[l]):
			case !bytes.Equal(e.orig, e.g): // a line of O may hold several of G
				if !slices.ContainsFunc(areas, func(a area) bool { return a.first-1 <= l && l <= a.last+1 }) {
					return e.lineRefusal(l, h)
				}
			default:
				return e.lineRefusal(l, h)
			}
		}
		if len(sites) == 0 {
			switch {
			case to > from && len(same) == to-from || blankOnly(ol[from:to], h.New):
				// Re-aligned: the nearest operation did it.
				if a := nearestArea(areas, from, ol); a != nil {
					sites[a.site] = true
				}
			default:
				a := nearestArea(areas, from, ol)
				if a == nil || bytes.Equal(e.orig, e.g) || from > a.last+1 || to < a.first {
					return e.lineRefusal(from, h)
				}
				sites[a.site] = true
			}
		}
		h.Sites = sortedSites(sites)
	}
	out.Hunks = joinAligned(out.Hunks, e.orig)
	if !bytes.Equal(e.patched(out.Hunks), r) {
		return e.internal("hunks", token.NoPos, "applied to the original they do not give the result")
	}
	return nil
}

func sortedSites(m map[int]bool) []int {
	var out []int
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

func blankOnly(old []string, new string) bool {
	return strings.TrimSpace(strings.Join(old, "")) == "" && strings.TrimSpace(new) == ""
}

// touches reports whether a hunk of the lines [from, to) is the area's: it shares a
// line with it, or inserts lines at one of its edges or above its statement. A hunk that replaces
// the line next to an edge where statements are put holds these as well:
//
//	u.m[k] = 1 // Unlock behind it
//	hits[k]++  // replaced
func (a area) touches(from, to int) bool {
	if from == to {
		return a.first <= from && from <= a.last+1 || from == a.anchor
	}
	return from <= a.last && a.first < to || a.before && a.first == to || a.after && a.last+1 == from
}

// joinAligned joins neighbouring hunks of different sites whose lines are aligned with
// each other: one without the other would not be formatted.
func joinAligned(hs []hunk, orig []byte) []hunk {
	aligned := func(h hunk) bool {
		for _, l := range append(splitLines(orig[h.Start:h.End]), splitLines([]byte(h.New))...) {
			if l = strings.TrimSpace(l); strings.Contains(l, "  ") {
				return true
			}
		}
		return false
	}
	comment := func(h hunk) bool { return strings.Contains(h.New, " //") }
	var out []hunk
	for _, h := range hs {
		if n := len(out); n > 0 && out[n-1].End == h.Start && !out[n-1].Import && !h.Import {
			last := &out[n-1]
			if slices.Equal(last.Sites, h.Sites) || aligned(*last) || aligned(h) || comment(*last) && comment(h) {
				last.End = h.End
				last.New += h.New
				last.Sites = append(last.Sites, h.Sites...)
				slices.Sort(last.Sites)
				last.Sites = slices.Compact(last.Sites)
				continue
			}
		}
		out = append(out, h)
	}
	return out
}

// nearestArea returns the area that is nearest to a line: one with no blank line between, if
// there is one, because alignment ends there.
func nearestArea(areas []area, line int, lines []string) *area {
	var best *area
	type distance struct {
		beyond bool // a blank line
		lines  int
	}
	var least distance
	for i := range areas {
		a := &areas[i]
		from, to := a.last, line
		if line < a.first {
			from, to = line, a.first
		}
		d := distance{lines: max(to-from, 0)}
		d.beyond = from < to && slices.ContainsFunc(lines[min(from+1, len(lines)):min(to, len(lines))], blankLine)
		if best == nil || least.beyond && !d.beyond || least.beyond == d.beyond && d.lines < least.lines {
			best, least = a, d
		}
	}
	return best
}

// importLines returns the lines of the original that import edits may touch.
func (e *editor) importLines(starts []int) (first, last int) {
	if !e.in.changesImports() {
		return 0, -1
	}
	return lineAt(starts, e.offset(e.in.Syntax.Name.End())), importEnd(e.orig) - 1
}

func (e *editor) lineRefusal(line int, h *hunk) *plans.Refusal {
	r := e.internal("lines", token.NoPos, "a line outside the sites would change to %q", h.New)
	r.Pos.Line = line + 1
	return r
}

// verifyFile runs the gates on the result r (without byte order mark).
func (e *editor) verifyFile(r []byte) *plans.Refusal {
	if _, err := parser.ParseFile(token.NewFileSet(), "", r, parser.ParseComments|parser.SkipObjectResolution); err != nil {
		return e.internal("parse", token.NoPos, "%v", err)
	}
	again, err := r, error(nil)
	if !bytes.Equal(r, e.d) { // which is formatted already
		again, err = formatted(r)
	}
	if err != nil || !bytes.Equal(again, e.d) {
		line := 1 + bytes.Count(again[:commonPrefix(again, e.d)], []byte("\n"))
		return e.internal("layout", token.NoPos, "formatted, it differs from the rewrite in line %d", line)
	}
	if c := diffComments(e.orig, r); c != "" {
		return e.internal("comments", token.NoPos, "%s", c)
	}
	return e.checkDirectives(r)
}

// diffComments compares the comments of two files as multisets; "" means equal.
func diffComments(a, b []byte) string {
	count := map[string]int{}
	for i, src := range [][]byte{a, b} {
		for _, t := range scan(src) {
			if t.tok == token.COMMENT {
				count[commentKey(t.text)] += 1 - 2*i
			}
		}
	}
	var lost, gained []string
	for c, n := range count {
		if n > 0 {
			lost = append(lost, c)
		} else if n < 0 {
			gained = append(gained, c)
		}
	}
	slices.Sort(lost)
	slices.Sort(gained)
	switch {
	case len(lost) > 0:
		return fmt.Sprintf("the comment %q is lost", lost[0])
	case len(gained) > 0:
		return fmt.Sprintf("the comment %q is new or doubled", gained[0])
	}
	return ""
}

// commentKey makes comments equal that gofmt makes equal: it reflows doc comments.
func commentKey(c string) string {
	return strings.Join(strings.Fields(strings.TrimLeft(c, "/*")), "")
}

var directive = regexp.MustCompile(`^//(go:|export |nolint|lint:|\s*\+build|#nosec|revive:|exhaustive:|line )|^// *(nolint|#nosec)`)

// A guarded token is the one that a directive is about: the one behind it, or, where it ends a
// line, that which begins the line.
type guarded struct {
	directive, token string
	off              int
}

func directives(src []byte) []guarded {
	var out []guarded
	ts := scan(src)
	var begins lexeme // the line
	for i, t := range ts {
		if t.first {
			begins = t
		}
		if t.tok != token.COMMENT || !directive.MatchString(t.text) {
			continue
		}
		if begins.line == t.line && begins.off < t.off {
			out = append(out, guarded{t.text, begins.text, begins.off})
			continue
		}
		g := guarded{t.text, "", len(src)}
		for _, n := range ts[i+1:] {
			if n.tok != token.COMMENT {
				g.token, g.off = n.text, n.off
				break
			}
		}
		out = append(out, g)
	}
	return out
}

// checkDirectives is the gate "directives". The token behind one may change only
// where an operation replaces it.
func (e *editor) checkDirectives(r []byte) *plans.Refusal {
	was, is := directives(e.orig), directives(r)
	starts := lineStarts(e.orig)
	importFirst, importLast := e.importLines(starts)
	inOp := func(off int) bool {
		if l := lineAt(starts, off); importFirst <= l && l <= importLast+1 {
			return true
		}
		return slices.ContainsFunc(e.in.Ops, func(o op) bool {
			return e.offset(o.target().Pos()) <= off && off < e.offset(o.target().End())
		})
	}
	for i, w := range was {
		if i >= len(is) || is[i].directive != w.directive {
			return e.internal("directives", token.NoPos, "the order of %q changes", w.directive)
		}
		if is[i].token == w.token || w.off < len(e.orig) && inOp(w.off) {
			continue
		}
		return e.internal("directives", token.NoPos, "%q would be about %q instead of %q", w.directive, is[i].token, w.token)
	}
	return nil
}
