package rewrite

import (
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/mapmigrate/mapmigrate/detect"
	"golang.org/x/tools/txtar"
)

// Each testdata/flows/*.txtar is a small module. The comment beside a map field says
// what of that field finds, each as a part of the text:
//
//	m map[string]int // want "json.Marshal at a.go:9" note "log.Println"
//
// A field without one must not be observed. Files under ext/ are packages outside the
// module: ext/github.com/stretchr/testify/assert/assert.go.
func TestFlows(t *testing.T) {
	files, err := filepath.Glob("testdata/flows/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			ar, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			prog := programOf(t, ar)
			f := newFlows(prog)
			checked := 0
			for _, p := range prog.Packages {
				for _, file := range p.Files {
					checked += checkFields(t, f, file)
				}
			}
			if checked == 0 {
				t.Error("no map field in the module")
			}
		})
	}
}

var wantPart = regexp.MustCompile(`(want|note) "([^"]*)"`)

func checkFields(t *testing.T, f *flows, file *ast.File) (checked int) {
	ast.Inspect(file, func(n ast.Node) bool {
		field, ok := n.(*ast.Field)
		if !ok {
			return true
		}
		if _, ok := field.Type.(*ast.MapType); !ok || len(field.Names) != 1 || f.prog == nil {
			return true
		}
		pos := field.Names[0].Pos()
		if newFlowsField(f, pos) == nil {
			return true // a parameter
		}
		checked++
		refusals, notes := f.of([]token.Pos{pos})
		var got []string
		for _, r := range refusals {
			if r.Code != "holder-reflected" || r.Class != "unsafe" || r.Remedy == "" || r.Pos.Line == 0 {
				t.Errorf("incomplete refusal: %+v", r)
			}
			got = append(got, "want "+r.Message)
		}
		for _, n := range notes {
			got = append(got, "note "+n)
		}
		var wants [][]string
		if field.Comment != nil {
			wants = wantPart.FindAllStringSubmatch(field.Comment.Text(), -1)
		}
		left := slices.Clone(got)
		for _, w := range wants {
			i := slices.IndexFunc(left, func(g string) bool { return strings.HasPrefix(g, w[1]) && strings.Contains(g, w[2]) })
			if i < 0 {
				t.Errorf("%s: no %s %q in:\n\t%s", f.at(pos), w[1], w[2], strings.Join(got, "\n\t"))
				continue
			}
			left = slices.Delete(left, i, i+1)
		}
		for _, g := range left {
			t.Errorf("%s: unwanted: %s", f.at(pos), g)
		}
		return true
	})
	return checked
}

func newFlowsField(f *flows, pos token.Pos) *flowField {
	f.of(nil)
	return f.fields[pos]
}

var stdExports = sync.OnceValues(func() (map[string]string, error) {
	out, err := exec.Command("go", "list", "-export", "-deps", "-f", "{{.ImportPath}}\t{{.Export}}",
		"bytes", "container/heap", "container/list", "context", "encoding/gob", "encoding/json", "encoding/xml", "errors", "expvar", "fmt", "io",
		"iter", "log", "log/slog", "maps", "net/http", "net/rpc", "os", "reflect", "slices", "sort", "sync", "sync/atomic", "testing", "text/template", "unsafe").Output()
	files := map[string]string{}
	for line := range strings.Lines(string(out)) {
		if p, file, ok := strings.Cut(strings.TrimSpace(line), "\t"); ok {
			files[p] = file
		}
	}
	return files, err
})

// programOf type-checks an archive as detect.Load would, without the go command.
func programOf(t *testing.T, ar *txtar.Archive) *detect.Program {
	t.Helper()
	exports, err := stdExports()
	if err != nil {
		t.Fatal(err)
	}
	fset := token.NewFileSet()
	std := importer.ForCompiler(fset, "gc", func(p string) (io.ReadCloser, error) {
		if exports[p] == "" {
			return nil, fmt.Errorf("add %s to stdExports", p)
		}
		return os.Open(exports[p])
	})
	type source struct {
		files []*ast.File
		ext   bool
	}
	sources := map[string]*source{}
	for _, file := range ar.Files {
		syntax, err := parser.ParseFile(fset, "/m/"+file.Name, file.Data, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		p, ext := strings.CutPrefix(path.Dir(file.Name), "ext/")
		if !ext {
			p = path.Join("m", p)
		}
		if sources[p] == nil {
			sources[p] = &source{ext: ext}
		}
		sources[p].files = append(sources[p].files, syntax)
	}
	prog := &detect.Program{Dir: "/m", Module: "m", Fset: fset}
	done := map[string]*types.Package{}
	var load func(p string) (*types.Package, error)
	load = func(p string) (*types.Package, error) {
		if done[p] != nil {
			return done[p], nil
		}
		src := sources[p]
		if src == nil {
			return std.Import(p)
		}
		info := &types.Info{
			Types: map[ast.Expr]types.TypeAndValue{}, Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{},
			Implicits: map[ast.Node]types.Object{}, Instances: map[*ast.Ident]types.Instance{}, Selections: map[*ast.SelectorExpr]*types.Selection{},
		}
		conf := types.Config{Importer: importFunc(load)}
		pkg, err := conf.Check(p, fset, src.files, info)
		if err != nil {
			return nil, err
		}
		done[p] = pkg
		if !src.ext {
			prog.Packages = append(prog.Packages, &detect.Package{ID: p, Path: p, Name: pkg.Name(), Files: src.files, Types: pkg, Info: info, FirstParty: true})
		}
		return pkg, nil
	}
	for _, p := range sortedKeys(sources) {
		if _, err := load(p); err != nil {
			t.Fatal(err)
		}
	}
	return prog
}

type importFunc func(string) (*types.Package, error)

func (f importFunc) Import(p string) (*types.Package, error) { return f(p) }

func TestFormatVerbs(t *testing.T) {
	for format, want := range map[string]string{
		"":                "",
		"%d%% %-5.2f %+v": "dfv",
		"%#v %*d %T":      "#*dT",
		"100%":            "",
		"%s and %q":       "sq",
	} {
		got, ok := formatVerbs(format)
		if !ok || string(got) != want {
			t.Errorf("formatVerbs(%q) = %q, %v; want %q", format, got, ok, want)
		}
	}
	if _, ok := formatVerbs("%[2]d"); ok {
		t.Error("indexed operands are not understood and must say so")
	}
}

func TestCanonicalPath(t *testing.T) {
	for in, want := range map[string]string{
		"gopkg.in/yaml.v3": "gopkg.in/yaml",
		"github.com/hashicorp/golang-lru/v2/expirable": "github.com/hashicorp/golang-lru/expirable",
		"m/vendor/github.com/x/y/v5":                   "github.com/x/y",
		"fmt":                                          "fmt",
	} {
		if got := canonicalPath(in); got != want {
			t.Errorf("canonicalPath(%q) = %q, want %q", in, got, want)
		}
	}
}
