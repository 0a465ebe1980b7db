// This file looks into functions of other modules, where the safety of a call depends on what
// they do.

package racetest

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/tools/go/gcexportdata"

	"github.com/mapmigrate/mapmigrate/detect"
)

// Packages of other modules are read when a reach comes to one of their functions, and not
// more of them than this: what is further away counts as not known. Reading one takes some
// hundredths of a second, so that few sites notice.
const mostLibraries = 48

// libraries holds the packages of other modules that have been read. Each is type-checked by
// itself, against export data, so that the objects of one differ from what others import of
// it: they are told by their full names.
type libraries struct {
	prog  *detect.Program
	read  map[string]*detect.Package // by import path; nil where it cannot be read
	types map[*types.Package]*detect.Package
	funcs map[string]*fn // by full name
	vars  map[string]initializer
	named map[string]*types.Named

	listed   map[string]*listedPackage
	imported map[string]*types.Package
}

// A listedPackage is what the go command says of a package.
type listedPackage struct {
	ImportPath, Dir, Export    string
	GoFiles, CgoFiles, Imports []string
	ImportMap                  map[string]string
}

func newLibraries(prog *detect.Program) *libraries {
	return &libraries{prog: prog, read: map[string]*detect.Package{}, types: map[*types.Package]*detect.Package{}, funcs: map[string]*fn{},
		vars: map[string]initializer{}, named: map[string]*types.Named{},
		listed: map[string]*listedPackage{}, imported: map[string]*types.Package{"unsafe": types.Unsafe}}
}

// fn returns a function of another module with its body, nil if it has none to be read.
func (l *libraries) fn(x *index, obj *types.Func) *fn {
	if obj.Pkg() == nil || isStd(obj.Pkg().Path()) || l.load(x, obj.Pkg().Path()) == nil {
		return nil
	}
	return l.funcs[obj.Origin().FullName()]
}

// own returns a type that code of another module makes, as its package declares it, where that
// can be read.
func (l *libraries) own(x *index, n *types.Named, p *detect.Package) *types.Named {
	path := n.Obj().Pkg().Path()
	if l.types[p.Types] == nil || p.Types == n.Obj().Pkg() || isStd(path) || listedTree(path) || l.load(x, path) == nil {
		return n
	}
	if own := l.named[path+"."+n.Obj().Name()]; own != nil {
		return own
	}
	return n
}

// promoted returns a method that a type of another module has from a type that it embeds.
func (l *libraries) promoted(n *types.Named, name string) *types.Func {
	if l.types[n.Obj().Pkg()] == nil {
		return nil
	}
	m, _, _ := types.LookupFieldOrMethod(types.NewPointer(n), true, n.Obj().Pkg(), name)
	f, _ := m.(*types.Func)
	return f
}

// load reads a package, once.
func (l *libraries) load(x *index, path string) *detect.Package {
	if p, ok := l.read[path]; ok {
		return p
	}
	if len(l.read) >= mostLibraries {
		return nil
	}
	l.read[path] = nil // what fails once is not tried again
	m := l.list(path)
	if m == nil || len(m.CgoFiles) > 0 || len(m.GoFiles) == 0 {
		return nil
	}
	p := &detect.Package{Path: path, Info: &types.Info{
		Types: map[ast.Expr]types.TypeAndValue{}, Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{},
		Selections: map[*ast.SelectorExpr]*types.Selection{}, Implicits: map[ast.Node]types.Object{},
	}}
	for _, name := range m.GoFiles {
		f, err := parser.ParseFile(l.prog.Fset, filepath.Join(m.Dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			return nil
		}
		p.Files, p.Name = append(p.Files, f), f.Name.Name
	}
	conf := types.Config{Importer: importer(func(imp string) (*types.Package, error) {
		if as, ok := m.ImportMap[imp]; ok {
			imp = as
		}
		return l.imports(imp)
	})}
	var err error
	if p.Types, err = conf.Check(path, l.prog.Fset, p.Files, p.Info); err != nil {
		return nil
	}
	l.read[path], l.types[p.Types] = p, p
	for _, f := range p.Files {
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if obj, ok := p.Info.Defs[d.Name].(*types.Func); ok && d.Body != nil {
					l.funcs[obj.FullName()] = &fn{obj, d, p}
					x.funcs[obj] = l.funcs[obj.FullName()]
				}
			case *ast.GenDecl:
				for _, s := range d.Specs {
					vs, ok := s.(*ast.ValueSpec)
					if !ok || d.Tok != token.VAR || len(vs.Values) == 0 {
						continue
					}
					for i, n := range vs.Names {
						if v, ok := p.Info.Defs[n].(*types.Var); ok {
							l.vars[path+"."+v.Name()] = initializer{vs.Values[min(i, len(vs.Values)-1)], p}
						}
					}
				}
			}
		}
	}
	for _, name := range p.Types.Scope().Names() {
		if tn, ok := p.Types.Scope().Lookup(name).(*types.TypeName); ok && !tn.IsAlias() {
			if n, ok := tn.Type().(*types.Named); ok {
				l.named[path+"."+name] = n
			}
		}
	}
	return p
}

// list asks the go command about a package and all that it imports.
func (l *libraries) list(path string) *listedPackage {
	if m := l.listed[path]; m != nil {
		return m
	}
	cmd := exec.Command("go", "list", "-e", "-deps", "-export", "-json=ImportPath,Dir,Export,GoFiles,CgoFiles,Imports,ImportMap", "--", path)
	cmd.Dir = l.prog.Dir
	out, err := cmd.Output()
	if err != nil {
		return nil
	}
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		m := new(listedPackage)
		if dec.Decode(m) != nil {
			break
		}
		l.listed[m.ImportPath] = m
	}
	return l.listed[path]
}

// imports reads a package's export data.
func (l *libraries) imports(path string) (*types.Package, error) {
	if p := l.imported[path]; p != nil && p.Complete() {
		return p, nil
	}
	m := l.listed[path]
	if m == nil || m.Export == "" {
		return nil, fmt.Errorf("no export data for %q", path)
	}
	f, err := os.Open(m.Export)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r, err := gcexportdata.NewReader(f)
	if err != nil {
		return nil, err
	}
	return gcexportdata.Read(r.(io.Reader), l.prog.Fset, l.imported, path)
}

type importer func(path string) (*types.Package, error)

func (f importer) Import(path string) (*types.Package, error) { return f(path) }
