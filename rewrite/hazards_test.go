package rewrite_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// hazardCases says where the hazards of the package comment have golden cases: an
// archive with a rewrite, and "ARCHIVE CODE" with a refusal, "" where nothing is refused.
var hazardCases = map[string]struct{ success, refusal string }{
	"Nil maps":                          {"nested-forms", "rows-elsewhere nil-row"},
	"Aliases":                           {"aliases", "refusals address-taken"},
	"Check-then-act":                    {"get-or-create", "two-steps two-steps"},
	"The same element":                  {"rebound", ""},
	"Read-modify-write":                 {"update", "callbacks callback-calls"},
	"Evaluation order":                  {"order-of-operands", "order-of-operands cannot-hoist"},
	"Reading early":                     {"read-too-early", "read-too-early read-too-early"},
	"Whole maps":                        {"copied-into", "copied-into two-steps"},
	"Names":                             {"names", ""},
	"Types that have to be written out": {"shadowed-type", "shadowed-type cannot-spell-type"},
	"Lazy rows of nested maps":          {"article-nested", "rows-shared two-steps"},
	"Three levels":                      {"three-levels", "three-levels two-steps"},
	"Empty rows":                        {"prune-empty-rows", "rows-elsewhere nil-row"},
	"Handing out":                       {"handed-out", "handed-out variable-replaced"},
	"Function literals":                 {"local-functions", "local-functions function-value"},
	"Rows in variables":                 {"nested-row-variable", "rows-elsewhere row-made-apart"},
	"The variable itself":               {"replaced-shared", "replaced-shared variable-replaced"},
	"Keys that are unlike themselves":   {"clear-in-range", "clear-in-range nan-keys"},
	"One element at a time":             {"clear-in-range", "clear-in-range first-element"},
	"Several at once":                   {"passed-on", "refusals multi-assign"},
	"Escapes":                           {"passed-on", "refusals escapes-to-call"},
	"The holder":                        {"anonymous", "anonymous holder-reflected"},
	"Named map types":                   {"named-types", "named-types named-type"},
	"Signatures":                        {"passed-on", "interfaces interface-method"},
	"Files nobody loaded":               {"other-builds", "other-builds other-build"},
	"Loops":                             {"range-body", "refusals range-target"},
	"Deferred calls":                    {"flows-of-values", ""},
	"Panics":                            {"order-of-operands", "callbacks callback-calls"},
	"Literals":                          {"names", "rows-elsewhere row-made-apart"},
	"Elements that hold more":           {"nested-forms", "clear-in-range unknown-use"},
}

// hazards returns the titles of the package comment's paragraphs on hazards.
func hazards(t *testing.T) (titles []string) {
	src, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(src), "\n# Hazards\n")
	text, _, ok := strings.Cut(text, "\n# ")
	if !ok {
		t.Fatal("doc.go has no section on hazards")
	}
	title := regexp.MustCompile(`^([A-Z][^.(]*)\.\s`)
	for par := range strings.SplitSeq(text, "\n\n") {
		if m := title.FindStringSubmatch(strings.TrimPrefix(par, "\n")); m != nil && !strings.HasPrefix(m[1], "The refusal code") {
			titles = append(titles, m[1])
		}
	}
	return titles
}

// TestHazards wants golden cases and sections of the differential programs for every
// hazard, and every section to name its hazards (in the archive's file "hazards"; "program" stands for one without sections).
func TestHazards(t *testing.T) {
	titles := hazards(t)
	for _, title := range titles {
		c, ok := hazardCases[title]
		if !ok {
			t.Errorf("hazard %q has no golden cases", title)
			continue
		}
		if !hasGolden(t, c.success, "") {
			t.Errorf("%s: golden archive %s rewrites nothing", title, c.success)
		}
		if archive, code, refused := strings.Cut(c.refusal, " "); refused && !hasGolden(t, archive, code) {
			t.Errorf("%s: golden archive %s has no refusal %s", title, archive, code)
		}
	}
	covered := map[string]bool{}
	archives, _ := filepath.Glob("../testdata/differential/*.txtar")
	for _, file := range archives {
		ar, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		named := map[string]bool{}
		main := ""
		for _, f := range ar.Files {
			switch f.Name {
			case "main.go":
				main = string(f.Data)
			case "hazards":
				for line := range strings.Lines(string(f.Data)) {
					section, list, _ := strings.Cut(strings.TrimSpace(line), ": ")
					named[section] = true
					for title := range strings.SplitSeq(list, "; ") {
						covered[title] = true
						if !slices.Contains(titles, title) {
							t.Errorf("%s: section %s names %q, which is no hazard of doc.go", file, section, title)
						}
					}
				}
			}
		}
		sections := regexp.MustCompile(`\{"([^"]+)", \w+\}`).FindAllStringSubmatch(main, -1)
		for _, m := range sections {
			if !named[m[1]] {
				t.Errorf("%s: section %q names no hazard", file, m[1])
			}
		}
		if len(sections) == 0 { // one program with one purpose
			sections = append(sections, nil)
			if !named["program"] {
				t.Errorf("%s: names no hazard", file)
			}
		}
		if len(named) != len(sections) {
			t.Errorf("%s: %d sections, %d with hazards", file, len(sections), len(named))
		}
	}
	for _, title := range titles {
		if !covered[title] {
			t.Errorf("no section of testdata/differential names the hazard %q", title)
		}
	}
}

// hasGolden reports whether a golden archive wants a rewrite, or a refusal of a code.
func hasGolden(t *testing.T, name, code string) bool {
	t.Helper()
	ar, err := txtar.ParseFile("../testdata/golden/" + name + ".txtar")
	if err != nil {
		t.Error(err)
		return false
	}
	return slices.ContainsFunc(ar.Files, func(f txtar.File) bool {
		if code == "" {
			return strings.HasPrefix(f.Name, "want/")
		}
		return f.Name == "refusals" && strings.Contains(string(f.Data), " "+code+" ")
	})
}
