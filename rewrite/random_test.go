package rewrite_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var (
	randomSeeds = flag.Int("random-seeds", 2, "how many programs TestRandomPrograms makes")
	randomFirst = flag.Uint64("random-first", 1, "the seed of the first of them")
	randomKeep  = flag.String("random-keep", "", "write the programs of TestRandomPrograms that differ here")
)

// TestRandomPrograms makes programs of small random functions over maps and wants
// each to print, after its maps are migrated, what it printed before, or to keep its
// maps: as TestDifferential does for programs that somebody thought of. A seed gives
// the same program every time.
func TestRandomPrograms(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs programs")
	}
	for i := range *randomSeeds {
		seed := *randomFirst + uint64(i)
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			randomProgram(t, seed)
		})
	}
}

func randomProgram(t *testing.T, seed uint64) {
	dir := t.TempDir()
	goMod := []byte("module example.com/random\n\ngo 1.24\n")
	src := []byte(newProgram(seed))
	writeFile(t, filepath.Join(dir, "source", "go.mod"), goMod)
	writeFile(t, filepath.Join(dir, "source", "main.go"), src)
	before := runProgram(t, filepath.Join(dir, "source"))
	if !strings.Contains(before, "== end") {
		t.Fatalf("the program does not come to its end: %s", before)
	}
	mod := loadModule(t, filepath.Join(dir, "source"))
	for _, strategy := range strategies {
		if strategy == "mutex" {
			continue // has nothing to do here: no variables of the package
		}
		out := mod.migrate(t, strategy)
		migrated := 0
		codes := map[string]int{}
		for _, s := range out.Sites {
			if len(s.Refusals) == 0 {
				migrated++
				continue
			}
			codes[s.Refusals[0].Code]++
			for _, r := range s.Refusals {
				if r.Code == "internal-check" {
					t.Errorf("%s: %s %s: %s", strategy, s.Maps[0].Name, r.Pos, r.Message)
				}
			}
		}
		t.Logf("%s: %d of %d sites migrated, %v", strategy, migrated, len(out.Sites), codes)
		if migrated == 0 {
			t.Errorf("%s: no site migrated: nothing was tested", strategy)
		}
		into := filepath.Join(dir, strategy)
		writeFile(t, filepath.Join(into, "go.mod"), goMod)
		writeFile(t, filepath.Join(into, "main.go"), src)
		for name, data := range out.Files {
			writeFile(t, filepath.Join(into, filepath.FromSlash(name)), data)
		}
		if after := runProgram(t, into); after != before {
			t.Errorf("%s: the program prints something else:\n%s", strategy, differingLines(before, after))
			if *randomKeep != "" {
				os.CopyFS(filepath.Join(*randomKeep, fmt.Sprint(seed), strategy), os.DirFS(into))
				os.CopyFS(filepath.Join(*randomKeep, fmt.Sprint(seed), "source"), os.DirFS(filepath.Join(dir, "source")))
			}
		}
	}
}

// A generator writes one random program. Each function has maps of its own, so that
// a refusal keeps only them; it ends by printing them. Whatever depends on the order
// of a range is summed up or sorted. A panic is printed with what was done by then.
type generator struct {
	*rand.Rand
	strings.Builder
	depth int

	elem   string   // of the function's maps: int, string, []int, *obj or obj
	nested bool     // they are map[string]map[string]elem
	names  []string // how the function names its maps
	rows   []string // variables that hold rows
	locals int
	lines  int
}

func newProgram(seed uint64) string {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 0))}
	g.WriteString(randomPrelude)
	const functions = 40
	for i := range functions {
		g.function(i)
	}
	g.WriteString("func main() {\n")
	for i := range functions {
		fmt.Fprintf(g, "\tsection(\"f%d\", f%d)\n", i, i)
	}
	g.WriteString("\tfmt.Println(\"== end\")\n}\n")
	return g.String()
}

const randomPrelude = `package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
)

type obj struct {
	n int
	s string
}

var never = len(os.Args) > 100

func section(name string, f func()) {
	fmt.Println("==", name)
	defer func() {
		if r := recover(); r != nil {
			fmt.Println("panic:", r)
		}
	}()
	f()
}

// tr shows that, and in which order, operands are evaluated.
func tr[T any](what string, v T) T {
	fmt.Println("eval", what, v)
	return v
}

func boom[T any](v T) T { panic(fmt.Sprint("boom ", v)) }

`

func (g *generator) one(options ...string) string { return options[g.IntN(len(options))] }

func (g *generator) chance(percent int) bool { return g.IntN(100) < percent }

func (g *generator) line(format string, args ...any) {
	g.WriteString(strings.Repeat("\t", g.depth))
	fmt.Fprintf(g, format+"\n", args...)
	g.lines++
}

func (g *generator) block(head string, body func()) { g.call(head, "", body) }

// call writes a block with something behind its closing brace.
func (g *generator) call(head, tail string, body func()) {
	g.line("%s {", head)
	g.depth++
	body()
	g.depth--
	g.line("}%s", tail)
}

func (g *generator) typ() string {
	if g.nested {
		return "map[string]map[string]" + g.elem
	}
	return "map[string]" + g.elem
}

// function writes the maps of one function, and the function.
func (g *generator) function(i int) {
	g.elem = g.one("int", "int", "string", "[]int", "*obj", "obj", "bool")
	g.nested = g.chance(35)
	g.names, g.rows, g.locals, g.lines = nil, nil, 0, 0
	var dump []string
	own := func(format string) string {
		name := fmt.Sprintf(format, i)
		g.names = append(g.names, name)
		dump = append(dump, name)
		return name
	}
	value := g.initial()
	switch g.IntN(4) {
	case 0:
		g.line("var %s%s", own("p%d"), value)
		if g.chance(50) { // for detection: goroutines share it
			g.block("func init()", func() {
				g.block("if never", func() {
					g.block("for range 2", func() {
						g.line("go func() { delete(p%d, %s) }()", i, `"a"`)
						g.line("go func() { fmt.Println(len(p%d)) }()", i)
					})
				})
			})
		}
	case 1:
		g.line("type h%d struct {\n\tn int\n\tm %s\n}\n", i, g.typ())
		g.line("var g%d = &h%d{}\n", i, i)
		g.names, dump = append(g.names, fmt.Sprintf("g%d.m", i)), append(dump, fmt.Sprintf("g%d.m", i))
	}
	helper := fmt.Sprintf("help%d", i)
	outer := g.names
	g.names, g.rows = []string{"m"}, nil
	g.block(fmt.Sprintf("func %s(m %s, k string) int", helper, g.typ()), func() {
		g.statements(2)
		g.line("return len(m)")
	})
	g.names, g.rows = outer, nil
	g.block(fmt.Sprintf("func f%d()", i), func() {
		if len(g.names) == 0 || g.chance(30) {
			g.line("var m%s", g.initial())
			g.names = append(g.names, "m")
			dump = append(dump, "m")
			g.line("_ = m")
		}
		if g.chance(30) {
			g.line("b := %s", g.names[0])
			g.names = append(g.names, "b")
			dump = append(dump, "b")
			g.line("_ = b")
		}
		g.line("k := %s", g.one(`"a"`, `"b"`, `"c"`))
		g.line("_ = k")
		g.call("defer func()", "()", func() {
			for _, name := range dump {
				g.line("%s", g.dump(name))
			}
		})
		g.statements(4 + g.IntN(6))
		if g.chance(40) {
			g.line("fmt.Println(%s(%s, %s))", helper, g.pick(), g.key())
		}
	})
	g.WriteString("\n")
}

// dump prints a map; pointers by what they point to.
func (g *generator) dump(name string) string {
	if g.elem != "*obj" {
		return fmt.Sprintf("fmt.Println(%q, %s == nil, len(%s), %s)", name, name, name, name)
	}
	if g.nested {
		return fmt.Sprintf("for _, a := range slices.Sorted(maps.Keys(%s)) { fmt.Println(%q, a, %s[a] == nil, slices.Sorted(maps.Keys(%s[a]))) }", name, name, name, name)
	}
	return fmt.Sprintf("for _, a := range slices.Sorted(maps.Keys(%s)) { fmt.Println(%q, a, %s[a] == nil) }", name, name, name)
}

// initial is the type and value of a declared map.
func (g *generator) initial() string {
	lit := fmt.Sprintf("{\"a\": %s, \"b\": %s}", g.constant(), g.constant())
	if g.nested {
		lit = fmt.Sprintf("{\"a\": {\"x\": %s, \"y\": %s}, \"b\": {}}", g.constant(), g.constant())
	}
	return g.one(" "+g.typ(), " = "+g.typ()+lit, " = "+g.typ()+lit, " = make("+g.typ()+")", " = "+g.typ()+"{}")
}

func (g *generator) constant() string {
	switch g.elem {
	case "int":
		return g.one("0", "1", "2", "7")
	case "string":
		return g.one(`""`, `"s"`, `"t"`)
	case "[]int":
		return g.one("nil", "[]int{1}", "[]int{1, 2}")
	case "*obj":
		return g.one("nil", "&obj{n: 1}", "&obj{s: \"o\"}")
	case "obj":
		return g.one("obj{}", "obj{n: 1}", "obj{s: \"o\"}")
	}
	return g.one("true", "false")
}

func (g *generator) pick() string { return g.names[g.IntN(len(g.names))] }

// target is an expression for a flat map: a map, or a row.
func (g *generator) target() string {
	if !g.nested {
		return g.pick()
	}
	if len(g.rows) > 0 && g.chance(30) {
		return g.rows[g.IntN(len(g.rows))]
	}
	return fmt.Sprintf("%s[%s]", g.pick(), g.key())
}

func (g *generator) key() string {
	return g.one(`"a"`, `"b"`, `"c"`, "k", "k", `tr("key", "a")`, `tr("key", k)`, `k + "2"`)
}

// value is an expression of the element's type.
func (g *generator) value() string {
	switch n := g.IntN(12); {
	case n < 5:
		return g.constant()
	case n < 7:
		return fmt.Sprintf("tr(\"value\", %s)", g.flatValue())
	case n < 9:
		return fmt.Sprintf("%s[%s]", g.target(), g.key())
	case n == 9 && g.chance(20):
		return fmt.Sprintf("boom(%s)", g.flatValue())
	case g.elem == "int":
		return g.one("len("+g.target()+")", "len("+g.pick()+") + 1", "10 / len("+g.target()+")",
			fmt.Sprintf("%s[%s] + 1", g.target(), g.key()), "len(k)", "1 << len(k)")
	case g.elem == "string":
		return g.one("k", "k + \"!\"", fmt.Sprintf("%s[%s] + k", g.target(), g.key()))
	case g.elem == "[]int":
		return fmt.Sprintf("append(%s[%s], len(k))", g.target(), g.key())
	case g.elem == "bool":
		return g.one("len(k) > 1", "k == \"a\"", fmt.Sprintf("!%s[%s]", g.target(), g.key()))
	}
	return g.constant()
}

// flatValue is a constant that a generic function can take.
func (g *generator) flatValue() string {
	if c := g.constant(); c != "nil" {
		return c
	}
	return map[string]string{"[]int": "[]int{3}", "*obj": "(*obj)(nil)"}[g.elem]
}

// show prints an element's value.
func (g *generator) show(e string) string {
	if g.elem == "*obj" {
		return "fmt.Println(" + e + " == nil)"
	}
	return "fmt.Println(" + e + ")"
}

func (g *generator) cond() string {
	switch g.IntN(6) {
	case 0:
		return g.pick() + g.one(" == nil", " != nil")
	case 1:
		return "len(" + g.target() + ")" + g.one(" == 0", " > 1")
	case 2:
		return g.one(`k == "a"`, `k < "b"`)
	case 3:
		return g.target() + g.one(" == nil", " != nil")
	}
	e := fmt.Sprintf("%s[%s]", g.target(), g.key())
	return map[string]string{"int": e + " > 0", "string": e + ` == ""`, "[]int": "len(" + e + ") > 1", "*obj": e + " != nil", "obj": e + ".n == 1", "bool": e}[g.elem]
}

func (g *generator) statements(n int) {
	rows := len(g.rows)
	for range n {
		if g.nested && g.chance(40) {
			g.rowStatement()
		} else {
			g.statement()
		}
	}
	g.rows = g.rows[:rows]
}

func (g *generator) body() func() {
	return func() {
		if g.depth > 3 || g.lines > 60 {
			g.line("fmt.Println(%q, k)", g.one("x", "y"))
			return
		}
		g.statements(1 + g.IntN(2))
	}
}

func (g *generator) local(prefix string) string {
	g.locals++
	return fmt.Sprintf("%s%d", prefix, g.locals)
}

// statement writes one statement over a flat map, or a row as one.
func (g *generator) statement() {
	m, k := g.target(), g.key()
	if g.chance(80) {
		k = g.one(`"a"`, `"b"`, "k")
	}
	v, ok := g.local("v"), g.local("ok")
	switch g.IntN(24) {
	case 0, 1, 2:
		g.line("%s[%s] = %s", m, k, g.value())
	case 3, 4:
		g.line("%s", g.updates(m, k))
	case 5:
		g.line("delete(%s, %s)", m, k)
	case 6:
		g.line("if _, %s := %s[%s]; !%s {\n%s[%s] = %s\n}", ok, m, k, ok, m, k, g.value())
	case 7:
		g.line("%s, %s := %s[%s]", v, ok, m, k)
		g.block("if !"+ok, func() {
			g.line("%s = %s", v, g.value())
			g.line("%s[%s] = %s", m, k, v)
		})
		g.line("%s", g.show(v))
	case 8:
		g.line("%s, %s := %s[%s]", v, ok, m, k)
		g.block("if "+ok, func() { g.line("delete(%s, %s)", m, k) })
		g.line("%s", g.show(v))
	case 9:
		g.block(fmt.Sprintf("if %s, %s := %s[%s]; %s", v, ok, m, k, ok), func() {
			g.line("%s", g.show(v))
			g.body()()
		})
	case 10:
		g.line("%s, %s := %s[%s]", v, ok, m, k)
		g.line("_ = %s", v)
		g.line("fmt.Println(%s)", ok)
	case 11:
		g.block("if "+g.cond(), g.body())
	case 12:
		g.line("fmt.Println(len(%s), %s == nil)", m, m)
	case 13:
		g.ranges(m)
	case 14:
		g.block(fmt.Sprintf("for %s := range 3", v), func() {
			g.line("k := fmt.Sprint(%s)", v)
			g.line("_ = k")
			g.body()()
		})
	case 15:
		g.line("clear(%s)", m)
	case 16:
		g.line("%s := func() %s { %s[%s] = %s; return %s[%s] }", v, g.elem, m, k, g.value(), m, k)
		g.line("%s", g.show(v+"()"))
	case 17:
		g.line("defer delete(%s, %s)", m, g.key())
	case 18:
		g.block("switch", func() {
			g.depth--
			g.line("case %s:", g.cond())
			g.body()()
			g.line("case %s:", g.cond())
			g.line("%s[%s] = %s", m, k, g.constant())
			g.line("default:")
			g.body()()
			g.depth++
		})
	case 19:
		if g.elem != "*obj" {
			g.line("fmt.Println(%s)", m)
		}
	case 20:
		if !g.nested {
			g.line("%s", g.one(m+" = make("+g.typ()+")", m+" = nil", m+" = "+g.pick(), "if "+m+" == nil {\n"+m+" = make("+g.typ()+")\n}", m+" = "+g.typ()+"{\"z\": "+g.constant()+"}"))
		} else {
			g.line("%s", g.show(m+"["+k+"]"))
		}
	case 21:
		if g.chance(70) { // mostly refused
			break
		}
		g.line("%s[%s], %s[%s] = %s[%s], %s", m, k, m, g.key(), m, g.key(), g.constant())
	case 22:
		g.line("k = %s", g.one(`"a"`, `"b"`, `"d"`))
	case 23:
		g.line("%s := %s[%s]", v, m, k)
		g.line("%s", g.show(v))
	}
}

// updates is a statement that changes an element on the basis of what it was.
func (g *generator) updates(m, k string) string {
	at := m + "[" + k + "]"
	switch g.elem {
	case "int":
		return g.one(at+"++", at+"--", at+" += "+g.value(), at+" <<= 1", at+" = "+at+" * 2", at+" -= len(k)", at+" = max("+at+", "+g.value()+")")
	case "string":
		return g.one(at+" += "+g.value(), at+" = k + "+at)
	case "[]int":
		return g.one(at+" = append("+at+", "+g.one("1", "len(k)", `tr("item", 5)`, "len("+m+")")+")", at+" = append("+at+", "+g.value()+"...)", at+" = slices.Clone("+at+")")
	case "bool":
		return at + " = !" + at
	}
	return at + " = " + g.value()
}

// ranges writes a loop over a map whose outcome does not depend on the order.
func (g *generator) ranges(m string) {
	n, rk, rv := g.local("n"), g.local("rk"), g.local("rv")
	g.line("%s := 0", n)
	switch g.IntN(6) {
	case 0:
		g.block(fmt.Sprintf("for %s := range %s", rk, m), func() { g.line("%s += len(%s)", n, rk) })
	case 1:
		g.block(fmt.Sprintf("for _, %s := range %s", rv, m), func() {
			g.line("_ = %s", rv)
			g.line("%s++", n)
		})
	case 2:
		g.block(fmt.Sprintf("for %s := range %s", rk, m), func() {
			g.block(fmt.Sprintf("if %s < k", rk), func() { g.line("delete(%s, %s)", m, rk) })
			g.line("%s++", n)
		})
	case 3:
		g.block(fmt.Sprintf("for %s, %s := range %s", rk, rv, m), func() {
			g.line("_ = %s", rv)
			g.block(fmt.Sprintf("if %s == \"a\"", rk), func() { g.line("continue") })
			g.line("%s[%s] = %s", m, rk, g.constant())
		})
	case 4:
		g.line("%s:", n+"l")
		g.block(fmt.Sprintf("for range %s", m), func() {
			g.block("for range 2", func() {
				g.line("%s++", n)
				g.line("%s %s", g.one("break", "continue"), n+"l")
			})
		})
	case 5:
		g.call("func()", "()", func() {
			g.block(fmt.Sprintf("for %s := range %s", rk, m), func() {
				g.block(fmt.Sprintf("if %s == \"b\"", rk), func() {
					g.line("%s = 5", n)
					g.line("return")
				})
			})
		})
	}
	g.line("fmt.Println(%s)", n)
}

// rowStatement writes one statement over a nested map and its rows.
func (g *generator) rowStatement() {
	m, a, row := g.pick(), g.one(`"a"`, `"b"`, `"c"`, "k"), g.local("row")
	made := g.one("make(map[string]"+g.elem+")", "map[string]"+g.elem+"{}")
	switch g.IntN(12) {
	case 0, 1:
		g.line("if %s[%s] == nil {\n%s[%s] = %s\n}", m, a, m, a, made)
		if g.chance(70) {
			g.line("%s[%s][%s] = %s", m, a, g.key(), g.value())
		}
	case 2:
		g.line("if _, ok := %s[%s]; !ok {\n%s[%s] = %s\n}", m, a, m, a, made)
		g.line("%s", g.updates(m+"["+a+"]", `"x"`))
	case 3:
		g.line("%s := %s[%s]", row, m, a)
		g.line("_ = %s", row)
		g.rows = append(g.rows, row)
	case 4:
		g.line("%s := %s[%s]", row, m, a)
		g.line("if %s == nil {\n%s = %s\n%s[%s] = %s\n}", row, row, made, m, a, row)
		g.line("%s[%s] = %s", row, g.key(), g.value())
		g.rows = append(g.rows, row)
	case 5:
		g.line("delete(%s[%s], %s)", m, a, g.key())
		g.line("if len(%s[%s]) == 0 {\ndelete(%s, %s)\n}", m, a, m, a)
	case 6:
		there := g.local("there")
		g.line("%s, %s := %s[%s]", row, there, m, a)
		g.line("fmt.Println(%s, %s == nil, len(%s))", there, row, row)
	case 7:
		g.line("%s[%s] = %s", m, a, g.one(made, made, "nil", "map[string]"+g.elem+"{\"q\": "+g.constant()+"}"))
	case 8:
		n := g.local("n")
		g.line("%s := 0", n)
		g.block(fmt.Sprintf("for a, %s := range %s", row, m), func() {
			g.block(fmt.Sprintf("for b := range %s", row), func() {
				g.line("%s += len(a + b)", n)
				if g.chance(30) {
					g.line("delete(%s, b)", row)
				}
			})
			if g.chance(30) {
				g.line("if len(%s) == 0 {\ndelete(%s, a)\n}", row, m)
			}
		})
		g.line("fmt.Println(%s)", n)
	case 9:
		g.line("delete(%s, %s)", m, a)
	case 10:
		g.line("fmt.Println(len(%s), len(%s[%s]), %s[%s] == nil)", m, m, a, m, a)
	case 11:
		g.line("%s := %s[%s]", row, m, a)
		g.line("if v, ok := %s[%s]; ok {\n%s\n}", row, g.key(), g.show("v"))
	}
}
