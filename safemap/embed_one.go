package safemap

import (
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"slices"
	"strings"
)

// This file makes one file of a type's sources. It is not emitted itself.

// inOneFile lists the types that are defined in one file, so that with what they need of common.go and
// doc.go they are one short file of a module that uses no other.
var inOneFile = []string{"Locked", "SyncMap"}

// OneFile returns the runtime as a single file, if the named types (of which Files would make
// several files) are one type that is defined in one file.
func OneFile(types ...string) (name string, content []byte, ok bool) {
	types = slices.Compact(slices.Sorted(slices.Values(types)))
	if len(types) != 1 || !slices.Contains(inOneFile, types[0]) {
		return "", nil, false
	}
	name = filesOf[types[0]][0]
	return name, once("one "+name, func() []byte { return join(name, "common.go") }), true
}

// join returns a source file with the package comment and with those declarations of another
// file that it needs.
func join(name, more string) []byte {
	fset := token.NewFileSet()
	parse := func(name string) (*ast.File, []byte) {
		src, err := sources.ReadFile(name)
		if err != nil {
			panic(err) // not embedded: a mistake in the tables, which a test would find
		}
		f, err := parser.ParseFile(fset, name, src, parser.ParseComments)
		if err != nil {
			panic(err) // compiled into this very program, so it parses
		}
		return f, src
	}
	text := func(src []byte, from, to token.Pos) string {
		return string(src[fset.Position(from).Offset:fset.Position(to).Offset])
	}
	f, src := parse(name)
	g, helpers := parse(more)
	used := map[string]bool{}
	uses := func(n ast.Node) {
		ast.Inspect(n, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok {
				used[id.Name] = true
			}
			return true
		})
	}
	var body strings.Builder
	last := token.NoPos
	for _, d := range f.Decls {
		if gen, ok := d.(*ast.GenDecl); ok && gen.Tok == token.IMPORT {
			last = d.End()
			continue
		}
		uses(d)
	}
	body.WriteString(text(src, last, f.FileEnd))

	// A declaration is needed if it defines a name in use, by one needed already or by f.
	needed := map[ast.Decl]bool{}
	for again := true; again; {
		again = false
		for _, d := range g.Decls {
			if !needed[d] && slices.ContainsFunc(defines(d), func(name string) bool { return used[name] }) {
				needed[d], again = true, true
				uses(d)
			}
		}
	}
	for _, d := range g.Decls {
		if needed[d] {
			from := d.Pos()
			if doc := docOf(d); doc != nil {
				from = doc.Pos()
			}
			fmt.Fprintf(&body, "\n%s\n", text(helpers, from, d.End()))
		}
	}

	doc, docSource := parse("doc.go")
	var head strings.Builder
	fmt.Fprintf(&head, "%s\n%s\npackage safemap\n\nimport (\n", header(), text(docSource, doc.Doc.Pos(), doc.Doc.End()))
	var imports []string
	for _, spec := range slices.Concat(f.Imports, g.Imports) {
		path := strings.Trim(spec.Path.Value, `"`)
		if used[path[strings.LastIndexByte(path, '/')+1:]] {
			imports = append(imports, path)
		}
	}
	slices.Sort(imports)
	for _, path := range slices.Compact(imports) {
		fmt.Fprintf(&head, "%q\n", path)
	}
	head.WriteString(")\n")
	clean, err := format.Source([]byte(head.String() + body.String()))
	if err != nil {
		panic(err) // a test would find it
	}
	return clean
}

// defines returns the names that a declaration other than an import defines, those of its methods'
// types included.
func defines(d ast.Decl) (names []string) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Recv != nil {
			t := d.Recv.List[0].Type
			if p, ok := t.(*ast.StarExpr); ok {
				t = p.X
			}
			if id, ok := t.(*ast.Ident); ok {
				return []string{id.Name}
			}
			return nil
		}
		return []string{d.Name.Name}
	case *ast.GenDecl:
		for _, s := range d.Specs {
			switch s := s.(type) {
			case *ast.TypeSpec:
				names = append(names, s.Name.Name)
			case *ast.ValueSpec:
				for _, id := range s.Names {
					names = append(names, id.Name)
				}
			}
		}
	}
	return names
}

func docOf(d ast.Decl) *ast.CommentGroup {
	switch d := d.(type) {
	case *ast.FuncDecl:
		return d.Doc
	case *ast.GenDecl:
		return d.Doc
	}
	return nil
}
