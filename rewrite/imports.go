// This file edits import declarations as text, so that no line but the wanted ones
// changes: neither dst's import management nor astutil can promise that.

package rewrite

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"slices"
	"strconv"
	"strings"
)

// editImports adds an import (unless add is "" or the file has it) and removes
// others. src is formatted, or will be.
func editImports(src []byte, add, name string, drop []string) ([]byte, error) {
	for _, p := range drop {
		var err error
		if src, err = dropImport(src, p); err != nil {
			return nil, err
		}
	}
	if add == "" {
		return src, nil
	}
	return addImport(src, add, name)
}

// An importFile is a file of which only the imports were parsed.
type importFile struct {
	src  []byte
	fset *token.FileSet
	*ast.File
}

func parseImports(src []byte) (*importFile, error) {
	f := &importFile{src: src, fset: token.NewFileSet()}
	var err error
	f.File, err = parser.ParseFile(f.fset, "", src, parser.ImportsOnly|parser.ParseComments|parser.SkipObjectResolution)
	return f, err
}

func (f *importFile) offset(p token.Pos) int { return f.fset.PositionFor(p, false).Offset }
func (f *importFile) line(p token.Pos) int   { return f.fset.PositionFor(p, false).Line }

// lineEnd returns the offset behind the line break of the line that holds off, or of
// the line on which a comment ends that begins there.
func (f *importFile) lineEnd(off int) int {
	end := len(f.src)
	if i := bytes.IndexByte(f.src[off:], '\n'); i >= 0 {
		end = off + i + 1
	}
	for _, cg := range f.Comments {
		for _, c := range cg.List {
			if f.offset(c.Pos()) < end && end < f.offset(c.End()) {
				return f.lineEnd(f.offset(c.End()) - 1)
			}
		}
	}
	return end
}

// lineStart returns the offset of the first byte of the line that holds off.
func (f *importFile) lineStart(off int) int {
	return bytes.LastIndexByte(f.src[:off], '\n') + 1
}

// decls returns the import declarations.
func (f *importFile) decls() []*ast.GenDecl {
	var out []*ast.GenDecl
	for _, d := range f.Decls {
		if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.IMPORT {
			out = append(out, g)
		}
	}
	return out
}

func importPath(s ast.Spec) string {
	p, _ := strconv.Unquote(s.(*ast.ImportSpec).Path.Value)
	return p
}

// specStart returns where a spec begins, its comment included.
func specStart(s *ast.ImportSpec) token.Pos {
	if s.Doc != nil {
		return s.Doc.Pos()
	}
	return s.Pos()
}

// insertText returns src with text at off.
func insertText(src []byte, off int, text string) []byte {
	return slices.Concat(src[:off], []byte(text), src[off:])
}

func addImport(src []byte, p, name string) ([]byte, error) {
	f, err := parseImports(src)
	if err != nil {
		return nil, err
	}
	spec := strconv.Quote(p)
	if name != "" && name != path.Base(p) {
		spec = name + " " + spec
	}
	for _, s := range f.Imports {
		if importPath(s) != p {
			continue
		}
		has := path.Base(p)
		if s.Name != nil {
			has = s.Name.Name
		}
		if has == name || name == "" && has == path.Base(p) {
			return src, nil
		}
	}
	group, decl, fresh := f.chooseGroup(p)
	switch {
	case group != nil:
		return f.addToGroup(group, p, spec, fresh), nil
	case decl != nil && decl.Lparen.IsValid(): // an empty one
		off := f.offset(decl.Lparen) + 1
		return insertText(src, off, "\n\t"+spec+"\n"), nil
	case decl != nil: // behind an unparenthesised one, which stays as it is
		return insertText(src, f.lineEnd(f.offset(decl.End())-1), "import "+spec+"\n"), nil
	}
	off := f.lineEnd(f.offset(f.Name.End()) - 1)
	return insertText(src, off, "\nimport "+spec+"\n"), nil
}

// chooseGroup returns the group of imports (specs without a blank line between
// them) where p belongs: for the standard library the first without a dot in its paths,
// else the one that shares the longest path prefix with p, or the
// last that is not of the standard library. When fresh is set, p is to get a group
// of its own behind the returned one. Without any group, decl is the declaration to
// add to or follow.
func (f *importFile) chooseGroup(p string) (group []*ast.ImportSpec, decl *ast.GenDecl, fresh bool) {
	var last []*ast.ImportSpec
	best := 0
	for _, d := range f.decls() {
		if len(d.Specs) > 0 && importPath(d.Specs[0]) == "C" {
			continue
		}
		decl = d
		if !d.Lparen.IsValid() {
			continue
		}
		for _, g := range f.groups(d) {
			last = g
			if slices.Contains(usual, p) && group == nil && !slices.ContainsFunc(g, func(s *ast.ImportSpec) bool { return strings.Contains(importPath(s), ".") }) {
				group = g
				continue
			}
			for _, s := range g {
				if n := sharedPrefix(importPath(s), p); n > best || n == best && n > 0 {
					best, group = n, g
				}
			}
		}
	}
	if group != nil {
		return group, nil, false
	}
	if last == nil {
		return nil, decl, false
	}
	for _, s := range last {
		if first, _, _ := strings.Cut(importPath(s), "/"); strings.Contains(first, ".") {
			return last, nil, false
		}
	}
	return last, nil, true
}

// usual are the packages of the standard library that rewriting adds: beside others of it.
var usual = []string{"maps", "sync"}

func (f *importFile) groups(d *ast.GenDecl) [][]*ast.ImportSpec {
	var out [][]*ast.ImportSpec
	end := 0
	for _, s := range d.Specs {
		s := s.(*ast.ImportSpec)
		if end == 0 || f.line(specStart(s)) > end+1 {
			out = append(out, nil)
		}
		out[len(out)-1] = append(out[len(out)-1], s)
		end = f.line(s.End())
	}
	return out
}

// sharedPrefix counts the leading path elements that a and b share.
func sharedPrefix(a, b string) int {
	as, bs := strings.Split(a, "/"), strings.Split(b, "/")
	n := 0
	for n < len(as) && n < len(bs) && as[n] == bs[n] {
		n++
	}
	return n
}

func (f *importFile) addToGroup(group []*ast.ImportSpec, p, spec string, fresh bool) []byte {
	end := f.lineEnd(f.offset(group[len(group)-1].End()) - 1)
	if fresh {
		return insertText(f.src, end, "\n\t"+spec+"\n")
	}
	for _, s := range group {
		if importPath(s) > p {
			return insertText(f.src, f.lineStart(f.offset(specStart(s))), "\t"+spec+"\n")
		}
	}
	return insertText(f.src, end, "\t"+spec+"\n")
}

// dropImport removes the import of p. Comments at it stay.
func dropImport(src []byte, p string) ([]byte, error) {
	f, err := parseImports(src)
	if err != nil {
		return nil, err
	}
	for _, d := range f.decls() {
		for i, s := range d.Specs {
			s := s.(*ast.ImportSpec)
			if importPath(s) != p || s.Name != nil && (s.Name.Name == "_" || s.Name.Name == ".") {
				continue
			}
			from, to := f.offset(s.Pos()), f.offset(s.End())
			if len(d.Specs) == 1 && !d.Lparen.IsValid() {
				from = f.offset(d.Pos())
			} else if len(d.Specs) == 1 && !hasComments(f, d) {
				from, to = f.offset(d.Pos()), f.offset(d.End())
			}
			start, end := f.lineStart(from), f.lineEnd(to-1)
			if rest := slices.Concat(src[start:from], src[to:end]); len(bytes.TrimSpace(rest)) > 0 {
				// Something else is on the line: a comment.
				return slices.Concat(src[:from], src[to:]), nil
			}
			// Leave one blank line where the spec stood alone between two, none at
			// the edges of the declaration.
			blankBefore := bytes.HasSuffix(src[:start], []byte("\n\n"))
			blankAfter := bytes.HasPrefix(src[end:], []byte("\n"))
			lastOfDecl := d.Lparen.IsValid() && i == len(d.Specs)-1
			switch {
			case blankBefore && blankAfter:
				end++
			case blankBefore && lastOfDecl:
				start--
			case blankAfter && d.Lparen.IsValid() && i == 0:
				end++
			}
			return slices.Concat(src[:start], src[end:]), nil
		}
	}
	return nil, fmt.Errorf("the file does not import %q", p)
}

func hasComments(f *importFile, d *ast.GenDecl) bool {
	for _, cg := range f.Comments {
		if d.Pos() <= cg.Pos() && cg.End() <= d.End() {
			return true
		}
	}
	return false
}

// importEnd returns the line (0-based) of what follows the import declarations and
// the blank lines behind them.
func importEnd(src []byte) int {
	f, err := parseImports(src)
	if err != nil {
		return 0
	}
	end := f.Name.End()
	for _, d := range f.decls() {
		end = d.End()
	}
	lines := splitLines(src)
	n := f.line(end - 1)
	for n < len(lines) && blankLine(lines[n]) {
		n++
	}
	return min(n, len(lines))
}
