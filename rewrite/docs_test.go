package rewrite

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestDocs wants every refusal code of the sources documented, and no others.
func TestDocs(t *testing.T) {
	code := regexp.MustCompile(`(?:refuse\(|Code:\s*|Code = )"([a-z-]+)"`)
	files, _ := filepath.Glob("*.go")
	used := map[string]string{}
	var all strings.Builder
	for _, f := range files {
		if strings.HasSuffix(f, "_test.go") || f == "docs.go" {
			continue
		}
		src, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(src)
		for _, m := range code.FindAllStringSubmatch(string(src), -1) {
			used[m[1]] = f
		}
	}
	documented := map[string]bool{}
	for _, d := range Docs() {
		if documented[d.Code] {
			t.Errorf("%s is documented twice", d.Code)
		}
		documented[d.Code] = true
		if d.Title == "" || d.Text == "" || d.Remedy == "" || d.Class == "" {
			t.Errorf("%s: incomplete", d.Code)
		}
		if !strings.Contains(all.String(), `"`+d.Code+`"`) {
			t.Errorf("%s is documented, but nothing refuses with it", d.Code)
		}
	}
	for c, f := range used {
		if !documented[c] {
			t.Errorf("%s refuses with %s, which is not documented", f, c)
		}
	}
}
