package detect_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/mapmigrate/mapmigrate/detect"
)

var (
	problemRx = regexp.MustCompile(`// problem ([a-z-]+)`)
	hidesRx   = regexp.MustCompile(`// hides ([a-z-]+)`)
)

// TestDirectives compares, line by line, what directives hide ("// hides CATEGORY") and what
// is wrong with them ("// problem CODE"). What they leave over is TestCases' business.
func TestDirectives(t *testing.T) {
	all := programs(t, false)
	i := slices.IndexFunc(all, func(p *program) bool { return p.name == "directives" })
	if i < 0 {
		t.Fatal("no cases")
	}
	p := all[i]
	res := detect.Link(p.sums, detect.Options{})
	problems, hidden := map[string][]string{}, map[string][]string{}
	at := func(file string, line int) string { return filepath.Base(file) + ":" + strconv.Itoa(line) }
	for _, pr := range res.Problems {
		k := at(pr.Pos.Filename, pr.Pos.Line)
		problems[k] = append(problems[k], pr.Code)
		if pr.Message == "" || pr.Package == "" {
			t.Errorf("%s: %s says nothing", k, pr.Code)
		}
	}
	for _, m := range res.Maps {
		for _, s := range m.Suppressed {
			k := at(s.Pos.Filename, s.Pos.Line)
			hidden[k] = append(hidden[k], string(s.Category))
			if s.Reason == "" || strings.Contains(s.Reason, "//") {
				t.Errorf("%s: the reason is %q", k, s.Reason)
			}
		}
	}
	n := 0
	err := filepath.WalkDir(p.dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		for i, line := range strings.Split(string(data), "\n") {
			k := at(name, i+1)
			for _, c := range []struct {
				what string
				rx   *regexp.Regexp
				got  []string
			}{{"problem", problemRx, problems[k]}, {"hidden finding", hidesRx, hidden[k]}} {
				var want []string
				for _, m := range c.rx.FindAllStringSubmatch(line, -1) {
					want = append(want, m[1])
				}
				n += len(want)
				slices.Sort(c.got)
				if !slices.Equal(want, c.got) {
					t.Errorf("%s: %s: got %q, want %q", k, c.what, c.got, want)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if n < 20 {
		t.Errorf("only %d wants were compared", n)
	}
}
