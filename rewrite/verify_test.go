package rewrite

import (
	"context"
	"errors"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"testing"
)

func TestCompileGate(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the compiler")
	}
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, src string) {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(src), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	write("go.mod", "module example.com/m\n\ngo 1.26\n")
	write("a/a.go", "package a\n\nfunc F() int { return 1 }\n")
	a, b := filepath.Join(dir, "a/a.go"), filepath.Join(dir, "b/b.go")
	run := func(files map[string]string) error {
		overlay := map[string][]byte{}
		for name, src := range files {
			overlay[name] = []byte(src)
		}
		return compileGate(context.Background(), dir, overlay, []string{"./a"}, nil, "")
	}

	good := map[string]string{
		a: "package a\n\nimport \"example.com/m/b\"\n\nfunc F() int { return b.B() }\n",
		b: "package b\n\nfunc B() int { return 1 }\n", // a package that only the overlay has
	}
	if err := run(good); err != nil {
		t.Errorf("good overlay: %v", err)
	}
	for _, test := range []struct {
		file, src string
		line, col int
	}{
		{a, "package a\n\nfunc F() int { return \"\" }\n", 3, 23},
		{a, "package a\n\nimport \"example.com/m/b\"\n\nfunc F() int { return b.C() }\n", 5, 25},
	} {
		err := run(map[string]string{test.file: test.src, b: good[b]})
		var ce *CompileError
		if !errors.As(err, &ce) || len(ce.Diags) != 1 {
			t.Errorf("%s: got %#v", test.src, err)
			continue
		}
		if d := ce.Diags[0]; d.File != test.file || d.Line != test.line || d.Col != test.col {
			t.Errorf("got %+v, want %s:%d:%d", d, test.file, test.line, test.col)
		}
	}
	if err := run(nil); err != nil {
		t.Errorf("no overlay: %v", err)
	}
}

func TestCopylocksGate(t *testing.T) {
	const src = `package p

type lock struct{}

func (*lock) Lock()   {}
func (*lock) Unlock() {}

type T struct {
	l lock
}

func f(t *T) {
	u := *t
	_ = u.l
}
`
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "p.go", src, 0)
	if err != nil {
		t.Fatal(err)
	}
	info := &types.Info{
		Types: map[ast.Expr]types.TypeAndValue{}, Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{},
		Selections: map[*ast.SelectorExpr]*types.Selection{}, Implicits: map[ast.Node]types.Object{}, Scopes: map[ast.Node]*types.Scope{},
		Instances: map[*ast.Ident]types.Instance{}, FileVersions: map[*ast.File]string{},
	}
	pkg, err := (&types.Config{Importer: importer.Default()}).Check("p", fset, []*ast.File{file}, info)
	if err != nil {
		t.Fatal(err)
	}
	diags, err := copylocksGate(fset, []*ast.File{file}, pkg, info)
	if err != nil {
		t.Fatal(err)
	}
	if len(diags) == 0 || fset.Position(diags[0].Pos).Line != 13 {
		t.Errorf("got %+v, want a diagnostic in line 13", diags)
	}
}
