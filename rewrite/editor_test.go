package rewrite

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"go/types"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/dave/dst"
	"github.com/dave/dst/decorator"
	"golang.org/x/tools/txtar"

	"github.com/mapmigrate/mapmigrate/plans"
)

var (
	corpusDir    = flag.String("corpus", "", "rewrite every map use of the packages below this `dir`")
	modes        = flag.String("corpusmodes", "none,eol,block,line", "where to inject comments into the corpus")
	updateEditor = flag.Bool("update-editor", false, "rewrite the golden files")
)

// findOps makes an operation of every map use in a file. It knows nothing of what
// may be migrated: its only purpose is to exercise the editor.
type opFinder struct {
	fset  *token.FileSet
	info  *types.Info
	ops   []op
	stack []ast.Node
	done  map[ast.Node]bool
}

func findOps(fset *token.FileSet, file *ast.File, info *types.Info) []op {
	f := &opFinder{fset: fset, info: info, done: map[ast.Node]bool{}}
	ast.Inspect(file, func(n ast.Node) bool {
		if n == nil {
			f.stack = f.stack[:len(f.stack)-1]
			return true
		}
		f.visit(n)
		f.stack = append(f.stack, n)
		return true
	})
	return f.ops
}

func (f *opFinder) isMap(x ast.Expr) bool {
	t := f.info.TypeOf(x)
	if t == nil {
		return false
	}
	_, ok := t.Underlying().(*types.Map)
	return ok
}

func (f *opFinder) mapIndex(x ast.Expr) *ast.IndexExpr {
	if ix, ok := x.(*ast.IndexExpr); ok && f.isMap(ix.X) {
		return ix
	}
	return nil
}

func (f *opFinder) add(o op) { f.ops = append(f.ops, o) }

func (f *opFinder) base(n ast.Node) opBase { return opBase{Site: len(f.ops), Node: n} }

func (f *opFinder) text(x ast.Node) string {
	var buf bytes.Buffer
	printer.Fprint(&buf, token.NewFileSet(), x)
	return buf.String()
}

func (f *opFinder) parent() ast.Node { return f.stack[len(f.stack)-1] }

func (f *opFinder) visit(n ast.Node) {
	switch n := n.(type) {
	case *ast.AssignStmt:
		if len(f.stack) > 0 {
			if c, ok := f.parent().(*ast.CommClause); ok && c.Comm == ast.Stmt(n) {
				for _, l := range n.Lhs {
					f.done[l] = true
				}
				return
			}
		}
		if len(n.Lhs) == 2 && len(n.Rhs) == 1 {
			if ix := f.mapIndex(n.Rhs[0]); ix != nil {
				f.done[ix] = true
				f.add(&callOp{opBase: f.base(ix), Recv: ix.X, Fun: "Load", Args: []arg{{Expr: ix.Index}}})
			}
		}
		if len(n.Lhs) != 1 {
			for _, l := range n.Lhs {
				f.done[l] = true
			}
			return
		}
		ix := f.mapIndex(n.Lhs[0])
		if ix == nil {
			return
		}
		f.done[ix] = true
		o := &callOp{opBase: f.base(n), Recv: ix.X, Fun: "Store", Args: []arg{{Expr: ix.Index}, {Expr: n.Rhs[0]}}}
		if n.Tok != token.ASSIGN {
			o.Fun = "Update"
			o.Args[1] = arg{Func: &funcArg{Param: "old", Type: "int", Op: strings.TrimSuffix(n.Tok.String(), "="), Body: n.Rhs[0]}}
		} else {
			var olds []ast.Expr
			ast.Inspect(n.Rhs[0], func(m ast.Node) bool {
				if x, ok := m.(*ast.IndexExpr); ok && f.text(x) == f.text(ix) {
					olds = append(olds, x)
					ast.Inspect(x, func(m ast.Node) bool { f.done[m] = true; return true })
					return false
				}
				return true
			})
			if olds != nil {
				o.Fun = "Update"
				o.Args[1] = arg{Func: &funcArg{Param: "old", Type: "[]int", Body: n.Rhs[0], Olds: olds}}
			}
		}
		f.add(o)
	case *ast.IncDecStmt:
		if ix := f.mapIndex(n.X); ix != nil {
			f.done[ix] = true
			f.add(&callOp{opBase: f.base(n), Recv: ix.X, Fun: "Update", Args: []arg{{Expr: ix.Index}, {Func: &funcArg{Param: "old", Type: "int", IncDec: n.Tok.String()[:1]}}}})
		}
	case *ast.ValueSpec:
		if len(n.Names) == 2 && len(n.Values) == 1 {
			if ix := f.mapIndex(n.Values[0]); ix != nil {
				f.done[ix] = true
				f.add(&callOp{opBase: f.base(ix), Recv: ix.X, Fun: "Load", Args: []arg{{Expr: ix.Index}}})
			}
		}
	case *ast.UnaryExpr:
		if n.Op == token.AND {
			f.done[n.X] = true
		}
	case *ast.IndexExpr:
		if f.mapIndex(n) != nil && !f.done[n] {
			f.add(&callOp{opBase: f.base(n), Recv: n.X, Fun: "Get", Args: []arg{{Expr: n.Index}}})
		}
	case *ast.ExprStmt:
		if call, ok := n.X.(*ast.CallExpr); ok && f.builtin(call) == "delete" && !f.done[call] {
			if c, ok := f.parent().(*ast.CommClause); ok && c.Comm == ast.Stmt(n) {
				return
			}
			f.done[call] = true
			f.add(&callOp{opBase: f.base(n), Recv: call.Args[0], Fun: "Delete", Args: []arg{{Expr: call.Args[1]}}})
		}
	case *ast.CallExpr:
		if f.done[n] || len(n.Args) == 0 {
			return
		}
		switch f.builtin(n) {
		case "delete":
			f.add(&callOp{opBase: f.base(n), Recv: n.Args[0], Fun: "Delete", Args: []arg{{Expr: n.Args[1]}}})
		case "len":
			if f.isMap(n.Args[0]) {
				f.add(&callOp{opBase: f.base(n), Recv: n.Args[0], Fun: "Len"})
			}
		case "make":
			if mt, ok := n.Args[0].(*ast.MapType); ok {
				f.done[mt] = true
				o := &callOp{opBase: f.base(n), Fun: "NewSharded", TypeArgs: []ast.Expr{mt.Key, mt.Value}}
				if len(n.Args) > 1 {
					o.Args = []arg{{Expr: n.Args[1]}}
				}
				f.add(o)
			}
		}
	case *ast.CompositeLit:
		if mt, ok := n.Type.(*ast.MapType); ok {
			ast.Inspect(mt, func(m ast.Node) bool { f.done[m] = true; return true })
			if f.done[n] {
				return
			}
			f.add(&callOp{opBase: f.base(n), Fun: "ShardedOf", Args: []arg{{Expr: n}}})
		}
	case *ast.MapType:
		if !f.done[n] {
			f.add(&typeOp{opBase: f.base(n), Star: true, Name: "Sharded", TypeArgs: []ast.Expr{n.Key, n.Value}})
		}
	case *ast.RangeStmt:
		if n.Key != nil {
			f.done[n.Key] = true
		}
		if n.Value != nil {
			f.done[n.Value] = true
		}
		if !f.isMap(n.X) {
			return
		}
		o := &rangeOp{opBase: f.base(n), Recv: n.X, Fun: "All"}
		isBlank := func(x ast.Expr) bool {
			id, ok := x.(*ast.Ident)
			return ok && id.Name == "_"
		}
		switch {
		case n.Key == nil:
		case n.Value == nil:
			o.Fun, o.DropValue = "Keys", false
		case isBlank(n.Value) && isBlank(n.Key):
			o.DropKey, o.DropValue = true, true
		case isBlank(n.Value):
			o.Fun, o.DropValue = "Keys", true
		case isBlank(n.Key):
			o.Fun, o.DropKey = "Values", true
		}
		f.add(o)
	}
}

func (f *opFinder) builtin(c *ast.CallExpr) string {
	if id, ok := c.Fun.(*ast.Ident); ok {
		if _, ok := f.info.Uses[id].(*types.Builtin); ok {
			return id.Name
		}
	}
	return ""
}

type noImporter struct{}

func (noImporter) Import(string) (*types.Package, error) { return nil, fmt.Errorf("no imports") }

// A parsed is a package that was type-checked as far as that goes without imports.
type parsed struct {
	fset  *token.FileSet
	files []*ast.File
	info  *types.Info
}

func typeCheck(srcs map[string][]byte) (*parsed, error) {
	p := &parsed{fset: token.NewFileSet(), info: &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Uses: map[*ast.Ident]types.Object{}, Defs: map[*ast.Ident]types.Object{}}}
	var names []string
	for name := range srcs {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		f, err := parser.ParseFile(p.fset, name, srcs[name], parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		p.files = append(p.files, f)
	}
	conf := types.Config{Importer: noImporter{}, Error: func(error) {}, FakeImportC: true}
	conf.Check("p", p.fset, p.files, p.info)
	return p, nil
}

func rewriteAll(t *testing.T, name string, src []byte, mod func(*fileInput)) (*fileInput, *fileOutput, error) {
	t.Helper()
	p, err := typeCheck(map[string][]byte{name: src})
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, src)
	}
	in := &fileInput{
		Path: name, Src: src, Fset: p.fset, Syntax: p.files[0], Ops: findOps(p.fset, p.files[0], p.info),
		ImportPath: "example.com/m/internal/safemap",
	}
	if mod != nil {
		mod(in)
	}
	out, refusal := rewriteFile(in)
	if refusal != nil {
		return in, nil, refusal
	}
	sameAsWhole(t, in, out)
	return in, out, nil
}

// sameAsWhole checks that working on an excerpt of the file makes no difference.
func sameAsWhole(t *testing.T, in *fileInput, out *fileOutput) {
	t.Helper()
	whole, refusal := editFile(in)
	if refusal != nil {
		t.Errorf("%s: the whole file is refused: %v", in.Path, refusal)
		return
	}
	if g, err := formatted(in.Src); err == nil && !bytes.Equal(g, in.Src) {
		return // what is not formatted elsewhere in the file makes a difference
	}
	if !bytes.Equal(out.Src, whole.Src) {
		t.Errorf("%s: the excerpt gives\n%s\nand the whole file\n%s", in.Path, out.Src, whole.Src)
	}
	if !reflect.DeepEqual(out.Hunks, whole.Hunks) || !slices.Equal(out.Realigned, whole.Realigned) {
		t.Errorf("%s: the excerpt gives %+v %v and the whole file %+v %v", in.Path, out.Hunks, out.Realigned, whole.Hunks, whole.Realigned)
	}
}

// checkOutput asserts, by other means than the editor's gates, what they promise.
func checkOutput(t *testing.T, in *fileInput, out *fileOutput) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), "", out.Src, parser.ParseComments)
	if err != nil {
		t.Fatalf("the result does not parse: %v\n%s", err, out.Src)
	}
	list := func(f *ast.File) []string {
		var cs []string
		for _, g := range f.Comments {
			for _, c := range g.List {
				cs = append(cs, strings.Join(strings.Fields(c.Text), " "))
			}
		}
		slices.Sort(cs)
		return cs
	}
	if g, err := formatted(in.Src); err == nil && bytes.Equal(g, in.Src) {
		if got, want := list(f), list(in.Syntax); !slices.Equal(got, want) {
			t.Errorf("comments differ:\ngot  %q\nwant %q\n%s", got, want, out.Src)
		}
		if r, err := formatted(out.Src); err != nil || !in.StrictLines && !bytes.Equal(r, out.Src) {
			t.Errorf("the result is not formatted (%v)\n%s", err, out.Src)
		}
	}
	// The tokens outside the operations and the imports are there, in order.
	result := scan(out.Src)
	next := 0
	outside := func(l lexeme) bool {
		for _, o := range in.Ops {
			n := o.target()
			from, to := n.Pos(), n.End()
			if r, ok := n.(*ast.RangeStmt); ok {
				if _, ok := o.(*rangeOp); ok {
					to = r.X.End()
				}
			}
			if in.Fset.PositionFor(from, false).Offset <= l.off && l.off < in.Fset.PositionFor(to, false).Offset {
				return false
			}
		}
		return l.tok != token.COMMENT && l.tok != token.LPAREN && l.tok != token.RPAREN
	}
	start := 0
	for _, d := range in.Syntax.Decls {
		if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.IMPORT {
			start = in.Fset.PositionFor(g.End(), false).Offset
		}
	}
	for _, l := range scan(in.Src) {
		if l.off < start || !outside(l) {
			continue
		}
		for next < len(result) && result[next].text != l.text {
			next++
		}
		if next == len(result) {
			t.Errorf("line %d: token %s is lost", l.line+1, l.text)
			break
		}
		next++
	}

	// Lines without a site, an import or a re-alignment must be there unchanged: the
	// hunks say which lines differ, and applying them must give the result.
	var res []byte
	at := 0
	for _, h := range out.Hunks {
		if h.Start < at || h.End < h.Start {
			t.Fatalf("hunks overlap: %+v", out.Hunks)
		}
		if h.Import == (len(h.Sites) > 0) {
			t.Errorf("hunk %q has sites %v, import %v", h.New, h.Sites, h.Import)
		}
		res = append(append(res, in.Src[at:h.Start]...), h.New...)
		at = h.End
	}
	if res = append(res, in.Src[at:]...); !bytes.Equal(res, out.Src) {
		t.Errorf("the hunks do not give the result")
	}
	checkParts(t, in, out)
}

// checkParts asserts that the hunks of sites that share none with others can be
// applied without the rest.
func checkParts(t *testing.T, in *fileInput, out *fileOutput) {
	t.Helper()
	part := map[int]int{} // site → representative
	var find func(int) int
	find = func(s int) int {
		if p, ok := part[s]; ok && p != s {
			return find(p)
		}
		return s
	}
	for _, h := range out.Hunks {
		for _, s := range h.Sites {
			part[find(s)] = find(h.Sites[0])
		}
	}
	roots := map[int]bool{}
	for s := range part {
		roots[find(s)] = true
	}
	if len(roots) < 2 || testing.Short() {
		return
	}
	clean, _ := formatted(in.Src)
	for i, root := range slices.Sorted(maps.Keys(roots)) {
		if step := len(roots)/6 + 1; i%step != 0 {
			continue // a sample is enough
		}
		var res []byte
		at := 0
		for _, h := range out.Hunks {
			if h.Import || find(h.Sites[0]) == root {
				res = append(append(res, in.Src[at:h.Start]...), h.New...)
				at = h.End
			}
		}
		res = append(res, in.Src[at:]...)
		g, err := formatted(res)
		if err != nil {
			t.Errorf("%s: site %d alone: %v", in.Path, root, err)
			continue
		}
		if !in.StrictLines && bytes.Equal(clean, in.Src) && !bytes.Equal(g, res) {
			report := t.Errorf
			if *corpusDir != "" {
				report = t.Logf // injected comments break types over lines: alignment ends there
			}
			report("%s: site %d alone is not formatted in line %d", in.Path, root, 1+bytes.Count(g[:commonPrefix(g, res)], []byte("\n")))
		}
		if d := diffComments(in.Src, res); d != "" {
			t.Errorf("%s: site %d alone: %s", in.Path, root, d)
		}
	}
}

// inject puts comments into the statements that hold operations.
func inject(src []byte, mode string) []byte {
	p, err := typeCheck(map[string][]byte{"x.go": src})
	if err != nil {
		return nil
	}
	ops := findOps(p.fset, p.files[0], p.info)
	off := func(p2 token.Pos) int { return p.fset.PositionFor(p2, false).Offset }
	type span struct{ from, to int }
	var spans []span
	for _, o := range ops {
		// Ranges and literals can be long: their heads do.
		from, to := off(o.target().Pos()), off(o.target().End())
		if r, ok := o.(*rangeOp); ok {
			to = off(r.Node.(*ast.RangeStmt).Body.Lbrace) + 1
		}
		if ix := bytes.IndexByte(src[to:], '\n'); ix >= 0 {
			to += ix
		}
		from = bytes.LastIndexByte(src[:from], '\n') + 1
		spans = append(spans, span{from, to})
	}
	in := func(off int) bool {
		return slices.ContainsFunc(spans, func(s span) bool { return s.from <= off && off <= s.to })
	}
	var out []byte
	at, n := 0, 0
	put := func(off int, format string) {
		out = append(out, src[at:off]...)
		out = fmt.Appendf(out, format, n)
		at = off
		n++
	}
	ts := scan(src)
	for i, t := range ts {
		if !in(t.off) {
			continue
		}
		last := i+1 == len(ts) || ts[i+1].line > t.line && bytes.IndexByte(src[t.end:ts[i+1].off], '\n') >= 0
		switch mode {
		case "block":
			if t.tok != token.COMMENT && !last {
				put(t.end, "/*c%d*/")
			}
		case "line":
			switch t.tok {
			case token.LPAREN, token.LBRACK, token.COMMA, token.ASSIGN, token.LBRACE, token.DEFINE:
				if !last {
					put(t.end, " // l%d\n")
				}
			}
		case "eol":
			if last && t.tok != token.COMMENT {
				put(t.end, " // e%d")
				if t.tok == token.SEMICOLON || t.tok == token.RBRACE || t.tok == token.RPAREN || t.tok == token.RBRACK || t.tok.IsLiteral() || t.tok == token.INC || t.tok == token.DEC {
					put(t.end, "\n// own%d")
				}
			}
		}
	}
	out = append(out, src[at:]...)
	if _, err := parser.ParseFile(token.NewFileSet(), "", out, 0); err != nil {
		return nil
	}
	return out
}

func TestSnippets(t *testing.T) {
	for _, name := range mustGlob(t, "testdata/editor/*.txtar") {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			ar, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			src := ar.Files[0].Data
			in, out, err := rewriteAll(t, "in.go", src, nil)
			var got txtar.File
			if err != nil {
				got = txtar.File{Name: "refusal", Data: []byte(err.Error() + "\n")}
			} else {
				checkOutput(t, in, out)
				got = txtar.File{Name: "want.go", Data: out.Src}
			}
			if *updateEditor {
				ar.Files = []txtar.File{ar.Files[0], got}
				writeGolden(t, name, ar)
			} else if want := ar.Files[1]; want.Name != got.Name || !bytes.Equal(want.Data, got.Data) {
				t.Errorf("got %s:\n%s\nwant %s:\n%s", got.Name, got.Data, want.Name, want.Data)
			}
			if err == nil {
				exercise(t, src)
			}
		})
	}
}

// exercise rewrites a file with comments everywhere, and deformed.
func exercise(t *testing.T, src []byte) {
	for _, mode := range []string{"block", "line", "eol"} {
		injected := inject(src, mode)
		if injected == nil {
			continue
		}
		g, err := formatted(injected)
		if err != nil {
			continue
		}
		for _, v := range [][]byte{g, injected} {
			in, out, err := rewriteAll(t, "in.go", v, nil)
			if r, ok := refusalOf(err); ok && r.Code == "printer-unstable" {
				continue
			}
			if err != nil {
				t.Errorf("%s: %v\n%s", mode, err, v)
				continue
			}
			checkOutput(t, in, out)
		}
	}
	for name, deform := range deformations {
		v := deform(src)
		in, out, err := rewriteAll(t, "in.go", v, nil)
		if err != nil {
			t.Errorf("%s: %v\n%s", name, err, v)
			continue
		}
		checkOutput(t, in, out)
	}
}

var deformations = map[string]func([]byte) []byte{
	"crlf":   func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n")) },
	"bom":    func(b []byte) []byte { return append([]byte("\xef\xbb\xbf"), b...) },
	"no eol": func(b []byte) []byte { return bytes.TrimSuffix(b, []byte("\n")) },
	"spaces": func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("\n\t"), []byte("\n    ")) },
	"left":   func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("\n\t"), []byte("\n")) },
	"gaps":   func(b []byte) []byte { return bytes.ReplaceAll(b, []byte(" = "), []byte("   =  ")) },
	"blanks": func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("\n\n"), []byte("\n \t\n\n")) },
	"crlfbom": func(b []byte) []byte {
		return append([]byte("\xef\xbb\xbf"), bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n"))...)
	},
}

func writeGolden(t *testing.T, name string, ar *txtar.Archive) {
	t.Helper()
	if err := os.WriteFile(name, txtar.Format(ar), 0o666); err != nil {
		t.Fatal(err)
	}
}

func mustGlob(t *testing.T, pattern string) []string {
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) == 0 {
		t.Fatalf("no %s (%v)", pattern, err)
	}
	return names
}

// TestLayouts compares the table of decoration points with dst's own restorer: every
// point of every kind must be in it, and flattening a tree by the table must give
// the comments in the order of the source.
func TestLayouts(t *testing.T) {
	const src = `package p

func f() {
	x /*a*/ := /*b*/ m /*c*/ [ /*d*/ k /*e*/ ] /*f*/
	for /*1*/ i /*2*/, v /*3*/ := range /*4*/ m /*5*/ { /*6*/
		go /*7*/ func( /*8*/ a /*9*/ int /*10*/ ) /*11*/ { /*12*/ }( /*13*/ i /*14*/, v... /*15*/) /*16*/
	} /*17*/
	if /*18*/ x /*19*/ := /*20*/ 1 /*21*/ ; /*22*/ x /*23*/ == /*24*/ 2 /*25*/ { /*26*/ } /*27*/ else /*28*/ { /*29*/ } /*30*/
	switch /*31*/ x /*32*/ { /*33*/
	case /*34*/ 1 /*35*/ : /*36*/
		y /*37*/ . /*38*/ z /*39*/ ++ /*40*/
	}
	_ = map /*41*/ [ /*42*/ int /*43*/ ] /*44*/ string /*45*/ { /*46*/ 1 /*47*/ : /*48*/ "a" /*49*/ , /*50*/ }
	select /*51*/ { /*52*/
	case /*53*/ c /*54*/ <- /*55*/ v /*56*/ : /*57*/
		return /*58*/ a[ /*59*/ 1 /*60*/ : /*61*/ 2 /*62*/ ], /*63*/ x.( /*64*/ T /*65*/), /*66*/ - /*67*/ y, /*68*/ * /*69*/ z, /*70*/ ( /*71*/ q /*72*/ ) /*73*/
	}
L /*74*/ : /*75*/
	var /*76*/ a /*77*/ , b /*78*/ [ /*79*/ 2 /*80*/ ]int /*81*/ = /*82*/ g[ /*83*/ int /*84*/ , string /*85*/ ]( /*86*/ ) /*87*/
	goto /*88*/ L /*89*/
}
`
	f, err := decorator.Parse(src)
	if err != nil {
		t.Fatal(err)
	}
	body := f.Decls[0].(*dst.FuncDecl).Body
	var want []string
	for _, l := range scan([]byte(src)) {
		if l.tok == token.COMMENT {
			want = append(want, l.text)
		}
	}
	if got := allComments(body); !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	for name, layout := range layouts {
		n := reflect.ValueOf(map[string]any{
			"ArrayType": dst.ArrayType{}, "CallExpr": dst.CallExpr{}, "IndexExpr": dst.IndexExpr{}, "ForStmt": dst.ForStmt{}, "IfStmt": dst.IfStmt{},
			"RangeStmt": dst.RangeStmt{}, "SliceExpr": dst.SliceExpr{}, "FuncType": dst.FuncType{}, "CommClause": dst.CommClause{},
		}[name])
		if !n.IsValid() {
			continue
		}
		decs := n.FieldByName("Decs").Type()
		for i := range decs.NumField() {
			if f := decs.Field(i).Name; f != "NodeDecs" && !slices.Contains(strings.Fields(layout), "+"+f) {
				t.Errorf("%s lacks %s", name, f)
			}
		}
	}
}

// TestCorpus runs the finder over real packages: by hand, with -corpus=DIR.
func TestCorpus(t *testing.T) {
	if *corpusDir == "" {
		t.Skip("no -corpus")
	}
	dirs := map[string]map[string][]byte{}
	filepath.WalkDir(*corpusDir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "vendor" || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if strings.HasSuffix(path, ".go") {
			src, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			dir := filepath.Dir(path)
			if dirs[dir] == nil {
				dirs[dir] = map[string][]byte{}
			}
			dirs[dir][path] = src
		}
		return nil
	})
	for _, mode := range strings.Split(*modes, ",") {
		var files, ops, hunks, realigned, skipped int
		codes := map[string]int{}
		for _, srcs := range dirs {
			p, err := typeCheck(srcs)
			if err != nil {
				t.Logf("%v", err)
				continue
			}
			for _, f := range p.files {
				name := p.fset.Position(f.FileStart).Filename
				src := srcs[name]
				fset, info := p.fset, p.info
				found := findOps(fset, f, info)
				if len(found) == 0 {
					continue
				}
				if mode != "none" {
					if src = inject(src, mode); src == nil {
						skipped++
						continue
					}
					if src, err = formatted(src); err != nil {
						skipped++
						continue
					}
					// The injected file is checked alone: it has the uses whose types it declares.
					ip, err := typeCheck(map[string][]byte{name: src})
					if err != nil {
						t.Fatal(err)
					}
					f, fset, info = ip.files[0], ip.fset, ip.info
					if found = findOps(fset, f, info); len(found) == 0 {
						continue
					}
				}
				in := &fileInput{Path: name, Src: src, Fset: fset, Syntax: f, Ops: found, ImportPath: "example.com/m/internal/safemap"}
				out, refusal := rewriteFile(in)
				files++
				ops += len(found)
				if refusal != nil {
					codes[refusal.Code]++
					if refusal.Code == "internal-check" {
						t.Errorf("%s: %v", mode, refusal)
					} else {
						t.Logf("%s: %v", mode, refusal)
					}
					continue
				}
				hunks += len(out.Hunks)
				realigned += len(out.Realigned)
				checkOutput(t, in, out)
				sameAsWhole(t, in, out)
			}
		}
		t.Logf("%s: %d files, %d operations, %d hunks, %d lines re-aligned, %d files not injectable, refusals %v", mode, files, ops, hunks, realigned, skipped, codes)
	}
}

func refusalOf(err error) (*plans.Refusal, bool) {
	var r *plans.Refusal
	ok := errors.As(err, &r)
	return r, ok
}
