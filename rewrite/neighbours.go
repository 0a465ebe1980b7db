// This file asks whether other modules at hand use a variable or function: those in the
// same go.work, and those in folders inside this module. They are not loaded, and would
// not compile any more.

package rewrite

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/modfile"
)

// A neighbour is a file of another module that imports a package of this one.
type neighbour struct {
	name   string          // relative to the module, if it is inside
	inside bool            // it imports an internal package
	idents map[string]bool // what it mentions; of the types of literals without keys, "T{}"
}

// checkNeighbours refuses a member that another module may name. Without
// --allow-api-change checkExported has refused it already.
// The name is that of the variable, function or Type.field.
func (c *class) checkNeighbours(m *member, name string) {
	holder, field, isField := strings.Cut(name, ".")
	for _, f := range c.ix.neighbours() {
		if f.idents[name] || isField && (f.idents[field] || f.idents[holder+"{}"]) {
			c.refuse("crosses-modules", m.pos, "", "%s is mentioned in %s, which is of another module and imports this one", name, f.name)
			return
		}
	}
}

// neighbours returns the files of other modules that import this one.
func (ix *index) neighbours() []*neighbour {
	if ix.beside != nil {
		return *ix.beside
	}
	out := []*neighbour{}
	for _, dir := range ix.otherModules() {
		filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return nil
			case d.IsDir() && name != dir && (skipsFolder(d.Name()) || isFile(filepath.Join(name, "go.mod"))):
				return filepath.SkipDir
			case !d.IsDir() && strings.HasSuffix(name, ".go"):
				if f := ix.readNeighbour(name); f != nil {
					out = append(out, f)
				}
			}
			return nil
		})
	}
	slices.SortFunc(out, func(a, b *neighbour) int { return strings.Compare(a.name, b.name) })
	ix.beside = &out
	return out
}

// otherModules returns the folders of the modules of the go.work in use and of those
// inside this one.
func (ix *index) otherModules() (dirs []string) {
	add := func(dir string) {
		if dir != ix.prog.Dir && !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	if work := ix.prog.WorkFile(); work != "" {
		if src, err := os.ReadFile(work); err == nil {
			if f, err := modfile.ParseWork(work, src, nil); err == nil {
				for _, use := range f.Use {
					dir := filepath.FromSlash(use.Path)
					if !filepath.IsAbs(dir) {
						dir = filepath.Join(filepath.Dir(work), dir)
					}
					add(dir)
				}
			}
		}
	}
	filepath.WalkDir(ix.prog.Dir, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
		case d.IsDir() && name != ix.prog.Dir && skipsFolder(d.Name()):
			return filepath.SkipDir
		case d.Name() == "go.mod":
			add(filepath.Dir(name))
		}
		return nil
	})
	return dirs
}

func skipsFolder(name string) bool {
	return strings.HasPrefix(name, ".") || name == "vendor" || name == "node_modules" || name == "testdata"
}

func isFile(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular()
}

// readNeighbour returns what a file that imports a package of this module mentions.
func (ix *index) readNeighbour(name string) *neighbour {
	src, err := os.ReadFile(name)
	if err != nil || !strings.Contains(string(src), ix.prog.Module) {
		return nil
	}
	syntax, _ := parser.ParseFile(token.NewFileSet(), name, src, parser.SkipObjectResolution)
	if syntax == nil {
		return nil
	}
	f := &neighbour{name: filepath.ToSlash(name), idents: map[string]bool{}}
	if rel, err := filepath.Rel(ix.prog.Dir, name); err == nil {
		f.name = filepath.ToSlash(rel)
	}
	uses := false
	for _, spec := range syntax.Imports {
		if p, _ := strconv.Unquote(spec.Path.Value); p == ix.prog.Module || strings.HasPrefix(p, ix.prog.Module+"/") {
			uses = true
			f.inside = f.inside || isInternal(p)
		}
	}
	if !uses {
		return nil
	}
	ast.Inspect(syntax, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Ident:
			f.idents[n.Name] = true
		case *ast.CompositeLit:
			if len(n.Elts) == 0 {
				break
			}
			if _, keyed := n.Elts[0].(*ast.KeyValueExpr); keyed {
				break
			}
			switch t := n.Type.(type) {
			case *ast.SelectorExpr:
				f.idents[t.Sel.Name+"{}"] = true
			case *ast.Ident:
				f.idents[t.Name+"{}"] = true
			}
		}
		return true
	})
	return f
}
