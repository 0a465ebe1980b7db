package detect_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/mapmigrate/mapmigrate/detect"
)

// cases loads every package below testdata/src at once and analyses it.
func cases(t *testing.T) (string, []*detect.Summary) {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("testdata", "src"))
	if err != nil {
		t.Fatal(err)
	}
	prog, err := detect.Load(detect.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	return dir, detect.Summarise(prog, detect.Options{})
}

var wantRx = regexp.MustCompile("// want ((?:`[^`]*`\\s*)+)")

// TestCases compares findings of medium confidence and above with the `// want` comments at
// their first access. A want is a regular expression over "confidence category: message".
func TestCases(t *testing.T) {
	dir, sums := cases(t)
	res := detect.Link(sums, detect.Options{})
	got := map[string][]string{}
	for _, m := range res.Maps {
		for _, f := range m.Findings {
			if f.Category.Quiet() || f.Confidence.Rank() < detect.Medium.Rank() {
				continue
			}
			if len(f.Accesses) < 2 || len(f.Accesses[0].Path) == 0 || len(f.Accesses[1].Path) == 0 {
				t.Errorf("%s: %s: finding without two accesses and their paths", m.Name, f.Message)
				continue
			}
			p := f.Accesses[0].Pos
			k := p.Filename + ":" + strconv.Itoa(p.Line)
			got[k] = append(got[k], fmt.Sprintf("%s %s: %s", f.Confidence, f.Category, f.Message))
		}
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*", "*.go"))
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(data), "\n") {
			k := name + ":" + strconv.Itoa(i+1)
			short := filepath.Base(filepath.Dir(name)) + "/" + filepath.Base(name) + ":" + strconv.Itoa(i+1)
			var wants []string
			if m := wantRx.FindStringSubmatch(line); m != nil {
				wants = strings.Split(strings.Trim(strings.TrimSpace(m[1]), "`"), "` `")
			}
			for _, w := range wants {
				rx, err := regexp.Compile(w)
				if err != nil {
					t.Fatalf("%s: %v", short, err)
				}
				hit := -1
				for n, g := range got[k] {
					if rx.MatchString(g) {
						hit = n
					}
				}
				if hit < 0 {
					t.Errorf("%s: no finding matches %q; have %q", short, w, got[k])
					continue
				}
				got[k] = append(got[k][:hit], got[k][hit+1:]...)
			}
			for _, g := range got[k] {
				t.Errorf("%s: unexpected finding: %s", short, g)
			}
		}
	}
}

// TestFacts: a summary survives encoding, and equal ones have equal bytes.
func TestFacts(t *testing.T) {
	_, sums := cases(t)
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
