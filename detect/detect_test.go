package detect_test

import (
	"bytes"
	"flag"
	"fmt"
	"go/scanner"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/mapmigrate/mapmigrate/detect"
)

// src lets the cases of another directory run, which must hold a module of their shape.
var src = flag.String("src", filepath.Join("testdata", "src"), "directory of the module of cases")

// A program is one directory directly below src: its packages are linked on their own, so
// that no case changes what another one's interface calls or function values can reach.
type program struct {
	name, dir string
	sums      []*detect.Summary
}

// programs loads the module of cases at once and splits it.
func programs(t *testing.T, tests bool) []*program {
	t.Helper()
	dir, err := filepath.Abs(*src)
	if err != nil {
		t.Fatal(err)
	}
	prog, err := detect.Load(detect.Config{Dir: dir, Tests: tests})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range prog.Packages {
		for _, e := range p.Errors {
			t.Errorf("%s: %v", p.Path, e)
		}
	}
	byName := map[string]*program{}
	var out []*program
	for _, s := range detect.Summarise(prog, detect.Options{Tests: tests}) {
		name, _, _ := strings.Cut(strings.TrimPrefix(s.Package, prog.Module+"/"), "/")
		if byName[name] == nil {
			byName[name] = &program{name: name, dir: filepath.Join(dir, name)}
			out = append(out, byName[name])
		}
		byName[name].sums = append(byName[name].sums, s)
	}
	return out
}

var (
	wantRx  = regexp.MustCompile("// want ((?:`[^`]*`\\s*)+)")
	testsRx = regexp.MustCompile("// want-tests ((?:`[^`]*`\\s*)+)")
	quietRx = regexp.MustCompile(`// quiet (!?)([a-z-]+)`)
	shapeRx = regexp.MustCompile(`(?m)^// (Racy|Correct) shape: (.+)$`)
)

// TestCases compares findings with the comments in the cases.
//
// A `// want` holds regular expressions over "confidence category: message" of the findings
// whose first access is on that line; of an unguarded finding either access will do, neither
// is the odd one. What no want names is an error from medium confidence on; a want that
// begins with "low" asks for what the default output leaves out.
//
// A `// quiet CATEGORY` on the line of a declaration asks for that inventory of the map, a
// `// quiet !CATEGORY` for its absence.
func TestCases(t *testing.T) {
	for _, p := range programs(t, false) {
		t.Run(p.name, func(t *testing.T) { p.check(t, detect.Options{}, wantRx) })
	}
}

// TestTests: what only tests do concurrently is told with --tests alone; the cases say
// `// want-tests`.
func TestTests(t *testing.T) {
	for _, p := range programs(t, true) {
		if strings.HasPrefix(p.name, "testonly") {
			t.Run(p.name, func(t *testing.T) { p.check(t, detect.Options{Tests: true}, testsRx) })
		}
	}
}

// told is one finding, under the line of its first access.
type told struct {
	text string
	loud bool
	used *bool // shared by the lines that can claim it
}

func (p *program) check(t *testing.T, opts detect.Options, want *regexp.Regexp) {
	got, quiet := p.findings(t, opts)
	err := filepath.WalkDir(p.dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".go") {
			return err
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		short, _ := filepath.Rel(filepath.Dir(p.dir), name)
		for i, line := range strings.Split(string(data), "\n") {
			at, k := short+":"+strconv.Itoa(i+1), name+":"+strconv.Itoa(i+1)
			if m := want.FindStringSubmatch(line); m != nil {
				for _, w := range strings.Split(strings.Trim(strings.TrimSpace(m[1]), "`"), "` `") {
					claim(t, at, w, got[k])
				}
			}
			if m := quietRx.FindStringSubmatch(line); m != nil && slices.Contains(quiet[k], m[2]) != (m[1] == "") {
				t.Errorf("%s: want the inventory to say %s%s; have %q", at, m[1], m[2], quiet[k])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for k, list := range got {
		for _, g := range list {
			if g.loud && !*g.used {
				short, _ := filepath.Rel(filepath.Dir(p.dir), k)
				t.Errorf("%s: unexpected finding: %s", short, g.text)
				*g.used = true // once
			}
		}
	}
}

// findings links the program and sorts what it says by "file:line".
func (p *program) findings(t *testing.T, opts detect.Options) (loud map[string][]told, quiet map[string][]string) {
	loud, quiet = map[string][]told{}, map[string][]string{}
	for _, m := range detect.Link(p.sums, opts).Maps {
		for _, f := range m.Findings {
			if f.Category.Quiet() {
				k := m.Pos.Filename + ":" + strconv.Itoa(m.Pos.Line)
				quiet[k] = append(quiet[k], string(f.Category))
				continue
			}
			if len(f.Accesses) < 2 || len(f.Accesses[0].Path) == 0 || len(f.Accesses[1].Path) == 0 {
				t.Errorf("%s: %s: finding without two accesses and their paths", m.Name, f.Message)
				continue
			}
			for _, a := range f.Accesses {
				for _, step := range a.Path {
					if step.Pos.Line == 0 {
						t.Errorf("%s: %s: no place for %q", m.Name, f.Message, step.Note)
					}
				}
			}
			g := told{fmt.Sprintf("%s %s: %s", f.Confidence, f.Category, f.Message), f.Confidence.Rank() >= detect.Medium.Rank(), new(bool)}
			a, b := f.Accesses[0].Pos, f.Accesses[1].Pos
			keys := []string{a.Filename + ":" + strconv.Itoa(a.Line)}
			if k := b.Filename + ":" + strconv.Itoa(b.Line); f.Category == detect.Unguarded && k != keys[0] {
				keys = append(keys, k)
			}
			for _, k := range keys {
				loud[k] = append(loud[k], g)
			}
		}
	}
	return loud, quiet
}

// claim marks the finding that a want describes.
func claim(t *testing.T, at, want string, have []told) {
	rx, err := regexp.Compile(want)
	if err != nil {
		t.Fatalf("%s: %v", at, err)
	}
	var texts []string
	for _, g := range have {
		if !*g.used && (g.loud || strings.HasPrefix(want, "low ")) {
			if rx.MatchString(g.text) {
				*g.used = true
				return
			}
			texts = append(texts, g.text)
		}
	}
	t.Errorf("%s: no finding matches %q; have %q", at, want, texts)
}

// TestShapes: every case says which real shape it imitates, no two say the same, a racy one
// wants something and a correct one nothing; and there are enough of both. A case of several
// packages has its shape in the package that is at fault, its want where the finding is told.
func TestShapes(t *testing.T) {
	const least = 130
	count := map[string]int{}
	seen := map[string]string{}
	wants := map[string]bool{} // by file, and by program for all its files
	files := map[string][][]string{}
	forms := map[string]string{}
	err := filepath.WalkDir(*src, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".go") {
			return err
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		files[name] = shapeRx.FindAllStringSubmatch(string(data), -1)
		if len(files[name]) > 0 {
			form := formOf(data)
			if other := forms[form]; other != "" {
				t.Errorf("%s: differs from %s in names only", name, other)
			}
			forms[form] = name
		}
		if wantRx.Match(data) || bytes.Contains(data, []byte("// quiet leak")) {
			wants[name], wants[programOf(name)] = true, true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	names := slices.Sorted(maps.Keys(files))
	for _, name := range names {
		shapes := files[name]
		for _, m := range shapes {
			kind, shape := m[1], m[2]
			count[kind]++
			if other := seen[shape]; other != "" {
				t.Errorf("%s: the shape of %s: %s", name, other, shape)
			}
			seen[shape] = name
			told := wants[name]
			if kind == "Racy" && filepath.Dir(filepath.Dir(name)) != filepath.Clean(*src) {
				told = wants[programOf(name)]
			}
			if len(shapes) == 1 && told != (kind == "Racy") {
				t.Errorf("%s: a %s shape, wants something: %v", name, strings.ToLower(kind), told)
			}
		}
	}
	t.Logf("%d racy and %d correct shapes", count["Racy"], count["Correct"])
	if *src == flag.Lookup("src").DefValue && (count["Racy"] < least || count["Correct"] < least) {
		t.Errorf("%d racy and %d correct shapes; want %d of each", count["Racy"], count["Correct"], least)
	}
}

// formOf returns what is left of a file without comments and literals, when each name is
// only a number: the same for two files that differ in names only.
func formOf(data []byte) string {
	fset := token.NewFileSet()
	var sc scanner.Scanner
	sc.Init(fset.AddFile("", fset.Base(), len(data)), data, nil, 0)
	number := map[string]int{}
	var b strings.Builder
	for {
		_, tok, lit := sc.Scan()
		switch {
		case tok == token.EOF:
			return b.String()
		case tok == token.IDENT:
			if number[lit] == 0 {
				number[lit] = len(number) + 1
			}
			b.WriteString(strconv.Itoa(number[lit]))
		default:
			b.WriteString(tok.String())
		}
		b.WriteByte(' ')
	}
}

// programOf returns the directory directly below src that holds a file.
func programOf(name string) string {
	rel, _ := filepath.Rel(*src, name)
	first, _, _ := strings.Cut(filepath.ToSlash(rel), "/")
	return first
}

// TestFacts: a summary survives encoding, and equal ones have equal bytes.
func TestFacts(t *testing.T) {
	var sums []*detect.Summary
	for _, p := range programs(t, false) {
		sums = append(sums, p.sums...)
	}
	for _, s := range sums {
		one, err := s.Encode()
		if err != nil {
			t.Fatal(err)
		}
		back, err := detect.DecodeSummary(one)
		if err != nil {
			t.Fatal(err)
		}
		two, err := back.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(one, two) {
			t.Errorf("%s: encoding differs after a round trip", s.Package)
		}
	}
	a := detect.Link(sums, detect.Options{})
	b := detect.Link(sums, detect.Options{})
	if !reflect.DeepEqual(a, b) {
		t.Error("linking twice gives different results")
	}
}
