package detect_test

import (
	"errors"
	"io/fs"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/mapmigrate/mapmigrate/detect"
)

func TestSettings(t *testing.T) {
	got, err := detect.ParseSettings("f.yaml", []byte(`# what our libraries do
knowledge:
  spawners:
    - example.com/run.Go
    - (*example.com/run.Pool).Submit
  readers: [ example.com/log.Fields ]
  locks: ["(example.com/sem.Sem).Acquire"]
ignore:
  - third_party/**
  - "**/*.pb.go"
plan:
  min-confidence: high
  tests: true
`))
	if err != nil {
		t.Fatal(err)
	}
	want := &detect.Settings{
		File: "f.yaml",
		Knowledge: &detect.Knowledge{
			Spawners: []string{"example.com/run.Go", "(*example.com/run.Pool).Submit"},
			Readers:  []string{"example.com/log.Fields"},
			Locks:    []string{"(example.com/sem.Sem).Acquire"},
		},
		Ignore: []string{"third_party/**", "**/*.pb.go"},
		Plan:   map[string]detect.Setting{"min-confidence": {Value: "high", Line: 12}, "tests": {Value: "true", Line: 13}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	for _, empty := range []string{"", "# nothing\n", "---\n", "knowledge:\nignore:\nplan:\n", "knowledge:\n  spawners:\n"} {
		if s, err := detect.ParseSettings("f.yaml", []byte(empty)); err != nil || len(s.Ignore)+len(s.Plan) > 0 {
			t.Errorf("%q: %+v, %v", empty, s, err)
		}
	}
}

// Every mistake is named with its line.
func TestSettingsErrors(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"spawners: []\n", `f.yaml:1: unknown key "spawners": there are knowledge, ignore, plan`},
		{"knowledge:\n  spawner: []\n", `f.yaml:2: unknown key "spawner" in knowledge: there are spawners, handlers`},
		{"ignore: []\n\nignore: []\n", `f.yaml:3: the key "ignore" is there already, at line 1`},
		{"ignore: third_party\n", "f.yaml:1: ignore: want a list"},
		{"ignore:\n  - a\n  - [b]\n", "f.yaml:3: ignore: want a list of strings"},
		{"ignore:\n  - a\n  - 'x['\n", `f.yaml:3: "x[" is no glob`},
		{"ignore: [/abs]\n", `f.yaml:1: "/abs" is no glob`},
		{"ignore: [../up]\n", `f.yaml:1: "../up" is no glob`},
		{"knowledge:\n  sync:\n    - Walk\n", `f.yaml:3: "Walk" is no name of a function`},
		{"knowledge:\n  sync:\n    - (*pkg.T[int]).Do\n", "without type arguments"},
		{"knowledge: [a]\n", "f.yaml:1: knowledge: want keys (spawners, handlers"},
		{"plan:\n  threshold: high\n", `f.yaml:2: unknown key "threshold" in plan`},
		{"plan:\n  tests: [a]\n", "f.yaml:2: plan.tests: want one value"},
		{"- a\n", "f.yaml:1: the file: want keys"},
		{"ignore: [a]\n---\nignore: [b]\n", "f.yaml:2: a second document"},
		{"ignore: [a\n", "f.yaml:1: this is not YAML: "},
		{"ignore:\n\t- a\n", "f.yaml:2: this is not YAML: "},
	} {
		s, err := detect.ParseSettings("f.yaml", []byte(test.text))
		var ce *detect.ConfigError
		if !errors.As(err, &ce) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: got %+v, %v; want %s", test.text, s, err, test.want)
		}
	}
}

func TestIgnores(t *testing.T) {
	s := &detect.Settings{Ignore: []string{"third_party/**", "gen", "**/mocks", "**/*.pb.go", "cmd/*/main.go", "exact.go"}}
	for file, want := range map[string]bool{
		"third_party/a.go":         true,
		"third_party/x/y/a.go":     true,
		"third_party.go":           false,
		"x/third_party/a.go":       false,
		"gen/a.go":                 true,
		"gen/deep/a.go":            true,
		"general/a.go":             false,
		"mocks/a.go":               true,
		"a/b/mocks/c/d.go":         true,
		"a.pb.go":                  true,
		"a/b/c.pb.go":              true,
		"a/b/c.pb.go.go":           false,
		"cmd/tool/main.go":         true,
		"cmd/tool/sub/main.go":     false,
		"exact.go":                 true,
		"sub/exact.go":             false,
		"mocksmith/third_party.go": false,
	} {
		if got := s.Ignores(file); got != want {
			t.Errorf("Ignores(%q) = %v", file, got)
		}
	}
	if (*detect.Settings)(nil).Ignores("a.go") {
		t.Error("no settings ignore something")
	}
}

// A module without a configuration has the zero settings; a named file must be there.
func TestFindSettings(t *testing.T) {
	dir := t.TempDir()
	if s, err := detect.FindSettings(dir); err != nil || !reflect.DeepEqual(s, &detect.Settings{}) {
		t.Errorf("got %+v, %v", s, err)
	}
	if _, err := detect.ReadSettings(filepath.Join(dir, "nowhere.yaml")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

// Every key is documented once.
func TestConfigKeys(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range detect.ConfigKeys() {
		if seen[k.Name] || k.Doc == "" {
			t.Errorf("%s: documented twice, or not at all", k.Name)
		}
		seen[k.Name] = true
	}
	for _, k := range []string{"knowledge.spawners", "knowledge.unlocks", "ignore", "plan.strategy"} {
		if !seen[k] {
			t.Errorf("%s is not documented", k)
		}
	}
}
