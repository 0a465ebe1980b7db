package detect_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestRulesAreCited: each rule that doc.go numbers is cited where it is implemented, and
// nothing cites a rule that is not there.
func TestRulesAreCited(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	declared := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^//\t([A-Z]\d+)  `).FindAllStringSubmatch(string(doc), -1) {
		if declared[m[1]] {
			t.Errorf("doc.go declares rule %s twice", m[1])
		}
		declared[m[1]] = true
	}
	files, _ := filepath.Glob("*.go")
	cited := map[string]bool{}
	for _, name := range files {
		if name == "doc.go" || strings.HasSuffix(name, "_test.go") {
			continue
		}
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		text := regexp.MustCompile(`\n\s*//\s*`).ReplaceAllString(string(data), " ")
		for _, m := range regexp.MustCompile(`[Rr]ules? ([A-Z]\d+(?:(?:, | and | to )[A-Z]\d+)*)`).FindAllStringSubmatch(text, -1) {
			for _, id := range regexp.MustCompile(`[A-Z]\d+`).FindAllString(m[1], -1) {
				cited[id] = true
				if !declared[id] {
					t.Errorf("%s cites rule %s, which doc.go does not declare", name, id)
				}
			}
		}
	}
	for id := range declared {
		if !cited[id] {
			t.Errorf("rule %s is cited nowhere", id)
		}
	}
}
