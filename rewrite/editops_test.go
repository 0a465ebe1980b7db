package rewrite

import (
	"bytes"
	"go/ast"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// A picker finds nodes of a parsed file by their source.
type picker struct {
	t  *testing.T
	in *fileInput
}

// find returns the n-th (0-based) node whose source is text; a statement wins over
// the expression that is all of it. When text ends in "…", only the beginning counts.
func (p picker) find(text string, n int, want func(ast.Node) bool) ast.Node {
	p.t.Helper()
	var found ast.Node
	names := map[ast.Node]bool{} // of fields and parameters: they do not count
	off := func(x ast.Node) (int, int) {
		return p.in.Fset.PositionFor(x.Pos(), false).Offset, p.in.Fset.PositionFor(x.End(), false).Offset
	}
	ast.Inspect(p.in.Syntax, func(x ast.Node) bool {
		if x == nil || found != nil || !x.Pos().IsValid() {
			return false
		}
		switch f := x.(type) {
		case *ast.File:
			return true
		case *ast.Field:
			for _, id := range f.Names {
				names[id] = true
			}
		}
		if names[x] {
			return false
		}
		from, to := off(x)
		src := string(p.in.Src[from:to])
		head, open := strings.CutSuffix(text, "…")
		if (src == text || open && strings.HasPrefix(src, head)) && want(x) {
			if n == 0 {
				found = x
			}
			n--
			return open
		}
		return true
	})
	if found == nil {
		p.t.Fatalf("no %q in the source", text)
	}
	return found
}

func (p picker) stmt(text string) ast.Node {
	return p.find(text, 0, func(n ast.Node) bool { _, ok := n.(ast.Stmt); return ok })
}

func (p picker) expr(text string, n int) ast.Expr {
	return p.find(text, n, func(n ast.Node) bool { _, ok := n.(ast.Expr); return ok }).(ast.Expr)
}

// editCases maps cases of testdata/editops to the operations that the finder of the
// other tests does not make.
var editCases = map[string]func(p picker) []op{
	"ifstore": func(p picker) []op {
		return []op{
			&callOp{opBase: opBase{0, p.stmt("if _, ok := m[k]…")}, Recv: p.expr("m", 0), Fun: "LoadOrStore", Args: []arg{{Expr: p.expr("k", 0)}, {Expr: p.expr("newItem(k…", 0)}}},
			&callOp{opBase: opBase{1, p.stmt("if _, ok := m[j]…")}, Recv: p.expr("m", 2), Fun: "LoadOrStore", Args: []arg{{Expr: p.expr("j", 0)}, {Func: &funcArg{Type: "*Item", Body: p.expr("&Item{…", 0)}}}},
		}
	},
	"remove": func(p picker) []op {
		var ops []op
		for i, s := range []string{"a()", "b()", "c(…", "d()", "e()", "f()", "g()", "h()", "i()", "if s.m == nil…"} {
			ops = append(ops, &removeOp{opBase{i, p.stmt(s)}})
		}
		return ops
	},
	"hoist": func(p picker) []op {
		call := func(site int, n ast.Node, recv, key ast.Expr, body ast.Expr) op {
			return &callOp{opBase: opBase{site, n}, Recv: recv, Fun: "Update", Args: []arg{{Expr: key}, {Func: &funcArg{Param: "old", Type: "int", Op: "+", Body: body}}}}
		}
		s1 := p.stmt("m[key()] += val() // eol"[:len("m[key()] += val()")])
		s2 := p.stmt("m[k] += val( // why…")
		s3 := p.stmt("m[k] += x")
		return []op{
			&hoistOp{opBase: opBase{0, s1}, Expr: p.expr("key()", 0), Name: "k1"},
			&hoistOp{opBase: opBase{0, s1}, Expr: p.expr("val()", 0), Name: "v1"},
			call(0, s1, p.expr("m", 0), p.expr("key()", 0), p.expr("val()", 0)),
			&hoistOp{opBase: opBase{1, s2}, Expr: p.expr("val( // why…", 0), Name: "v2"},
			call(1, s2, p.expr("m", 1), p.expr("k", 0), p.expr("val( // why…", 0)),
			&hoistOp{opBase: opBase{2, s3}, Expr: p.expr("x", 1), Name: "v3"},
			call(2, s3, p.expr("m", 2), p.expr("k", 1), p.expr("x", 1)),
		}
	},
	"wrap": func(p picker) []op {
		return []op{
			&callOp{opBase: opBase{0, p.expr("s.m", 0)}, Recv: p.expr("s.m", 0), Fun: "Snapshot"},
			&callOp{opBase: opBase{1, p.expr("s.m", 1)}, Recv: p.expr("s.m", 1), Fun: "Snapshot"},
			&callOp{opBase: opBase{2, p.stmt("old := s.m…").(*ast.AssignStmt).Rhs[0]}, Recv: p.expr("s.m", 2), Fun: "Snapshot"},
			&textOp{opBase{3, p.expr("ok", 0)}, "_"},
			&callOp{opBase: opBase{4, p.expr("maps.Clone…", 0)}, Recv: p.expr("s.m", 4), Fun: "Clone"},
		}
	},
	"rows": func(p picker) []op {
		return []op{
			&rangeOp{opBase: opBase{0, p.stmt("for k, v := range m[a]…")}, Recv: p.expr("m", 0), Fun: "RowAll", Args: []arg{{Expr: p.expr("a", 0)}}},
			&rangeOp{opBase: opBase{1, p.stmt("for _, v := range m[b…")}, Recv: p.expr("m", 1), Fun: "RowValues", Args: []arg{{Expr: p.expr("b", 0)}}, DropKey: true},
			&callOp{opBase: opBase{2, p.stmt("m[a][b]++…")}, Recv: p.expr("m", 2), Fun: "Update", Args: []arg{{Expr: p.expr("a", 1)}, {Expr: p.expr("b", 1)}, {Func: &funcArg{Param: "old", Type: "int", IncDec: "+"}}}},
			&callOp{opBase: opBase{3, p.stmt("m[a][b] = append…")}, Recv: p.expr("m", 3), Fun: "Update", Args: []arg{{Expr: p.expr("a", 2)}, {Expr: p.expr("b", 2)}, {Func: &funcArg{Param: "old", Type: "int", Body: p.expr("append(m[a][b], 1)", 0), Olds: []ast.Expr{p.expr("m[a][b]", 2)}}}}},
		}
	},
}

func TestEditOps(t *testing.T) {
	for _, name := range mustGlob(t, "testdata/editops/*.txtar") {
		base := strings.TrimSuffix(name[strings.LastIndexAny(name, `/\`)+1:], ".txtar")
		t.Run(base, func(t *testing.T) {
			ar, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			run := func(src []byte) (*fileInput, *fileOutput, error) {
				return rewriteAll(t, "in.go", src, func(in *fileInput) {
					in.ImportPath = ""
					if base == "wrap" {
						in.DropImports = []string{"maps"}
					}
					in.Ops = editCases[base](picker{t, in})
				})
			}
			in, out, err := run(ar.Files[0].Data)
			if err != nil {
				t.Fatal(err)
			}
			checkOutput(t, in, out)
			golden(t, name, ar, out.Src)
			for dname, deform := range deformations {
				if strings.HasPrefix(dname, "crlf") || dname == "gaps" {
					continue // the picker compares source
				}
				in, out, err := run(deform(ar.Files[0].Data))
				if err != nil {
					t.Errorf("%s: %v", dname, err)
					continue
				}
				checkOutput(t, in, out)
			}
		})
	}
}

func TestHunks(t *testing.T) {
	const src = "package p\n\nvar m = map[string]int{}\n\nfunc f() {\n\tm[\"a\"] = 1 // a\n\tx := 2     // b\n\t_ = x\n}\n"
	in, out, err := rewriteAll(t, "in.go", []byte(src), nil)
	if err != nil {
		t.Fatal(err)
	}
	checkOutput(t, in, out)
	type want struct {
		old, new string
		sites    int
		imp      bool
	}
	wants := []want{
		{"", "import \"example.com/m/internal/safemap\"\n\n", 0, true},
		{"var m = map[string]int{}\n", "var m = safemap.ShardedOf(map[string]int{})\n", 1, false},
		{"\tm[\"a\"] = 1 // a\n\tx := 2     // b\n", "\tm.Store(\"a\", 1) // a\n\tx := 2          // b\n", 1, false},
	}
	if len(out.Hunks) != len(wants) {
		t.Fatalf("got %+v", out.Hunks)
	}
	for i, w := range wants {
		h := out.Hunks[i]
		if old := src[h.Start:h.End]; old != w.old || h.New != w.new || len(h.Sites) != w.sites || h.Import != w.imp {
			t.Errorf("hunk %d: got %q → %q %v %v, want %+v", i, old, h.New, h.Sites, h.Import, w)
		}
	}
	if len(out.Realigned) != 1 || out.Realigned[0] != 7 {
		t.Errorf("got realigned %v, want [7]", out.Realigned)
	}

	// With StrictLines the neighbour stays.
	in, out, err = rewriteAll(t, "in.go", []byte(src), func(in *fileInput) { in.StrictLines = true })
	if err != nil {
		t.Fatal(err)
	}
	checkOutput(t, in, out)
	if !bytes.Contains(out.Src, []byte("\tx := 2     // b\n")) || len(out.Realigned) != 0 {
		t.Errorf("got %s, realigned %v", out.Src, out.Realigned)
	}
}

// golden compares got with the archive's second file.
func golden(t *testing.T, name string, ar *txtar.Archive, got []byte) {
	t.Helper()
	f := txtar.File{Name: "want.go", Data: got}
	if *updateEditor {
		ar.Files = []txtar.File{ar.Files[0], f}
		writeGolden(t, name, ar)
	} else if len(ar.Files) != 2 || !bytes.Equal(ar.Files[1].Data, got) {
		t.Errorf("got:\n%s", got)
	}
}
