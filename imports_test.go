package mapmigrate_test

import (
	"os"
	"os/exec"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/mapmigrate/mapmigrate/"

// TestImports compares the table "Who may import whom" of README.md with what the
// go command says: a package imports at most the packages that its row names, test
// files aside, and every package has a row.
func TestImports(t *testing.T) {
	allowed := table(t)
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	seen := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		pkg, ok := strings.CutPrefix(fields[0], module)
		if !ok {
			continue // the root, which holds nothing but this test
		}
		may, ok := allowed[pkg]
		if !ok {
			t.Errorf("%s has no row in README.md", pkg)
		}
		seen[pkg] = true
		for _, imp := range fields[1:] {
			if imp, ours := strings.CutPrefix(imp, module); ours && !slices.Contains(may, imp) && !slices.Contains(may, "all") {
				t.Errorf("%s imports %s; README.md allows %s", pkg, imp, strings.Join(may, ", "))
			}
		}
	}
	for pkg := range allowed {
		if !seen[pkg] {
			t.Errorf("README.md has a row for %s, which is not there", pkg)
		}
	}
}

// table reads the rows of README.md's table: "| `package` | what it does | `may`, `import` |".
func table(t *testing.T) map[string][]string {
	data, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, ok := strings.Cut(string(data), "## Who may import whom")
	if !ok {
		t.Fatal("README.md has no section \"Who may import whom\"")
	}
	text, _, _ = strings.Cut(text, "\n## ")
	name := regexp.MustCompile("`([a-z/]+)`")
	rows := map[string][]string{}
	for line := range strings.Lines(text) {
		cells := strings.Split(line, "|")
		if len(cells) != 5 || !name.MatchString(cells[1]) {
			continue
		}
		may := []string{}
		for _, m := range name.FindAllStringSubmatch(cells[3], -1) {
			may = append(may, path.Clean(m[1]))
		}
		if strings.TrimSpace(cells[3]) == "all" {
			may = []string{"all"}
		}
		rows[name.FindStringSubmatch(cells[1])[1]] = may
	}
	return rows
}
