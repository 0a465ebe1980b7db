package rewrite

import (
	"bytes"
	"strings"
	"testing"
)

func TestEditImports(t *testing.T) {
	const add = "example.com/m/internal/safemap"
	for _, test := range []struct {
		name, src, as string
		drop          []string
		want          string
	}{
		{"none", "package p\n\nvar x int\n", "", nil, "package p\n\nimport \"example.com/m/internal/safemap\"\n\nvar x int\n"},
		{"none, nothing else", "package p\n", "", nil, "package p\n\nimport \"example.com/m/internal/safemap\"\n"},
		{"none, no line end", "package p", "", nil, "package p\n\nimport \"example.com/m/internal/safemap\"\n"},
		{"block comment behind the clause", "package p /* a\nb */\n\nvar x int\n", "", nil, "package p /* a\nb */\n\nimport \"example.com/m/internal/safemap\"\n\nvar x int\n"},
		{"alias", "package p\n", "sm", nil, "package p\n\nimport sm \"example.com/m/internal/safemap\"\n"},
		{"there", "package p\n\nimport \"example.com/m/internal/safemap\"\n", "safemap", nil, "package p\n\nimport \"example.com/m/internal/safemap\"\n"},
		{"there under another name", "package p\n\nimport x \"example.com/m/internal/safemap\"\n", "safemap", nil, "package p\n\nimport x \"example.com/m/internal/safemap\"\nimport \"example.com/m/internal/safemap\"\n"},
		{"empty group", "package p\n\nimport ()\n", "", nil, "package p\n\nimport (\n\t\"example.com/m/internal/safemap\"\n)\n"},
		{"single with comment", "package p\n\nimport \"fmt\" // f\n\nvar x int\n", "", nil, "package p\n\nimport \"fmt\" // f\nimport \"example.com/m/internal/safemap\"\n\nvar x int\n"},
		{"third-party group", "package p\n\nimport (\n\t\"fmt\"\n\n\t\"a.org/x\"\n\t\"z.org/x\"\n)\n", "", nil, "package p\n\nimport (\n\t\"fmt\"\n\n\t\"a.org/x\"\n\t\"example.com/m/internal/safemap\"\n\t\"z.org/x\"\n)\n"},
		{"two declarations", "package p\n\nimport (\n\t\"fmt\"\n)\n\nimport (\n\t\"example.com/m/a\" // a\n)\n", "", nil, "package p\n\nimport (\n\t\"fmt\"\n)\n\nimport (\n\t\"example.com/m/a\" // a\n\t\"example.com/m/internal/safemap\"\n)\n"},
		{"drop in a group", "package p\n\nimport (\n\t\"fmt\"\n\t\"maps\"\n\n\t\"example.com/m/a\"\n)\n", "", []string{"maps"}, "package p\n\nimport (\n\t\"fmt\"\n\n\t\"example.com/m/a\"\n\t\"example.com/m/internal/safemap\"\n)\n"},
		{"drop a group", "package p\n\nimport (\n\t\"fmt\"\n\n\t\"maps\"\n\n\t\"example.com/m/a\"\n)\n", "", []string{"maps"}, "package p\n\nimport (\n\t\"fmt\"\n\n\t\"example.com/m/a\"\n\t\"example.com/m/internal/safemap\"\n)\n"},
		{"drop the last group", "package p\n\nimport (\n\t\"example.com/m/a\"\n\n\t\"maps\"\n)\n", "", []string{"maps"}, "package p\n\nimport (\n\t\"example.com/m/a\"\n\t\"example.com/m/internal/safemap\"\n)\n"},
		{"drop the only one", "package p\n\nimport \"maps\"\n\nvar x int\n", "", []string{"maps"}, "package p\n\nimport \"example.com/m/internal/safemap\"\n\nvar x int\n"},
		{"drop all of a group", "package p\n\nimport (\n\t\"maps\"\n)\n\nvar x int\n", "", []string{"maps"}, "package p\n\nimport \"example.com/m/internal/safemap\"\n\nvar x int\n"},
		{"drop keeps comments", "package p\n\nimport (\n\t\"fmt\"\n\t\"maps\" // Keys\n)\n", "", []string{"maps"}, "package p\n\nimport (\n\t\"fmt\"\n\n\t\"example.com/m/internal/safemap\"\n\t// Keys\n)\n"},
	} {
		got, err := editImports([]byte(test.src), add, test.as, test.drop)
		if err == nil {
			got, err = formatted(got)
		}
		if err != nil || string(got) != test.want {
			t.Errorf("%s: %v\ngot:\n%s\nwant:\n%s", test.name, err, got, test.want)
		}
	}
}

func TestAdmit(t *testing.T) {
	for _, test := range []struct{ src, code, msg string }{
		{"package p\n\nimport \"C\"\n\nvar m map[string]int\n", "cgo-file", "imports C"},
		{"package p\n\nvar m map[string]int /*line a.y:3*/\n", "line-directives", "line directive"},
	} {
		_, _, err := rewriteAll(t, "in.go", []byte(test.src), nil)
		r, ok := refusalOf(err)
		if !ok || r.Code != test.code || r.Class != "unsafe" || !strings.Contains(r.Message, test.msg) || r.Remedy == "" || r.Pos.Line == 0 {
			t.Errorf("%q: got %+v, want %s", test.src, err, test.code)
		}
	}

	// A tree made from other bytes, an impossible operation: refusals, not panics.
	for name, mod := range map[string]func(*fileInput){
		"bytes":  func(in *fileInput) { in.Src = append(in.Src, '\n') },
		"ops":    func(in *fileInput) { in.Ops = []op{&removeOp{opBase{0, in.Syntax.Name}}} },
		"import": func(in *fileInput) { in.DropImports = []string{"maps"} },
		"utf8":   func(in *fileInput) { in.Src = bytes.Replace(in.Src, []byte("m"), []byte("\xff"), 1) },
		"text":   func(in *fileInput) { in.Ops = []op{&textOp{opBase{0, in.Ops[0].target()}, "("}} },
	} {
		_, _, err := rewriteAll(t, "in.go", []byte("package p\n\nvar m map[string]int\n"), mod)
		if r, ok := refusalOf(err); !ok || r.Code != map[bool]string{true: "not-utf8", false: "internal-check"}[name == "utf8"] || r.Pos.File != "in.go" {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
