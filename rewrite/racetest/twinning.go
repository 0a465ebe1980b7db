// This file makes the twin of a runtime: its source with a point before every operation.

package racetest

import (
	_ "embed"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

//go:embed twin/twin.go
var twinSource string

// Twin returns overlay with the runtime in the folder dir (absolute) replaced by its
// twin: every exported function and method begins with a point, and package twin's own
// source is laid beside them. The runtime's files are taken from overlay and, where that
// has none, from the folder.
func Twin(overlay map[string][]byte, dir string) (map[string][]byte, error) {
	out := make(map[string][]byte, len(overlay)+1)
	files := map[string][]byte{}
	onDisk, _ := filepath.Glob(filepath.Join(dir, "*.go")) // the pattern is well formed
	for _, name := range onDisk {
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		files[name] = data
	}
	for name, data := range overlay {
		out[name] = data
		if filepath.Dir(name) == dir {
			files[name] = data
		}
	}
	pkg := ""
	for name, data := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		twin, err := instrument(data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		out[name] = twin
		if f, err := parser.ParseFile(token.NewFileSet(), name, data, parser.PackageClauseOnly); err == nil {
			pkg = f.Name.Name
		}
	}
	if pkg == "" {
		return nil, fmt.Errorf("no runtime in %s", dir)
	}
	out[filepath.Join(dir, "zz_twin.go")] = []byte(strings.Replace(twinSource, "package twin", "package "+pkg, 1))
	return out, nil
}

// instrument puts a point at the beginning of each exported function, and before each
// step of an iteration. A function that takes a callback runs it under its lock, most of
// the time, so there the callback's own operations are no points.
func instrument(src []byte) ([]byte, error) {
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, "", src, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	type insertion struct {
		at   int
		text string
	}
	var ins []insertion
	for _, d := range f.Decls {
		fd, ok := d.(*ast.FuncDecl)
		if !ok || fd.Body == nil {
			continue
		}
		if fd.Name.Name == "yieldLive" { // with no lock held, as it says
			ast.Inspect(fd.Body, func(n ast.Node) bool {
				if loop, ok := n.(*ast.RangeStmt); ok {
					ins = append(ins, insertion{fset.Position(loop.Body.Lbrace).Offset + 1, ` Yield("the next step of a loop");`})
				}
				return true
			})
		}
		if !fd.Name.IsExported() || fd.Recv != nil && !exportedRecv(fd.Recv) {
			continue
		}
		text := fmt.Sprintf(" Yield(%q);", fd.Name.Name)
		if takesFunc(fd) {
			text = fmt.Sprintf(" defer Hold(%q)();", fd.Name.Name)
		}
		ins = append(ins, insertion{fset.Position(fd.Body.Lbrace).Offset + 1, text})
	}
	sort.Slice(ins, func(i, j int) bool { return ins[i].at < ins[j].at })
	var b strings.Builder
	at := 0
	for _, in := range ins {
		b.Write(src[at:in.at])
		b.WriteString(in.text)
		at = in.at
	}
	b.Write(src[at:])
	return []byte(b.String()), nil
}

func exportedRecv(recv *ast.FieldList) bool {
	t := recv.List[0].Type
	for {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
		case *ast.IndexExpr:
			t = x.X
		case *ast.IndexListExpr:
			t = x.X
		case *ast.Ident:
			return x.IsExported()
		default:
			return false
		}
	}
}

func takesFunc(fd *ast.FuncDecl) bool {
	for _, p := range fd.Type.Params.List {
		if _, ok := p.Type.(*ast.FuncType); ok {
			return true
		}
	}
	return false
}
