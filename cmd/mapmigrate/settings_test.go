package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mapmigrate/mapmigrate/detect"
)

// The example in README.md is a configuration, and shows every key.
func TestReadmeConfig(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, text, ok := strings.Cut(string(data), "### Configuration\n")
	if !ok {
		t.Fatal("README.md has no section Configuration")
	}
	var example strings.Builder
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "    ") {
			example.WriteString(line[4:])
		} else if example.Len() > 0 {
			break
		}
	}
	set, err := detect.ParseSettings("README.md", []byte(example.String()))
	if err != nil {
		t.Fatalf("%v\n%s", err, &example)
	}
	if k := set.Knowledge; k == nil || len(k.Spawners) == 0 || len(k.Unlocks) == 0 || len(set.Ignore) == 0 || set.Plan["min-confidence"].Value != "high" {
		t.Errorf("not everything was read: %+v", set)
	}
	for _, key := range detect.ConfigKeys() {
		if _, name, _ := strings.Cut("."+key.Name, "."); !strings.Contains(example.String(), name[strings.LastIndexByte(name, '.')+1:]) {
			t.Errorf("the example does not mention %s", key.Name)
		}
	}
}

// The version that the go command keys its memory of vet runs by changes with the
// configuration, and with nothing else in the module.
func TestVetVersion(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	version := func(in string) string {
		v, err := vetVersion(in)
		if err != nil {
			t.Fatal(err)
		}
		// What cmd/go accepts: "NAME version devel … buildID=HEX".
		f := strings.Fields(v)
		if len(f) < 4 || f[1] != "version" || f[2] != "devel" || !strings.HasPrefix(f[len(f)-1], "buildID=") {
			t.Errorf("not the form that the go command wants: %s", v)
		}
		return v
	}
	sub := filepath.Join(dir, "sub")
	if err := os.Mkdir(sub, 0o777); err != nil {
		t.Fatal(err)
	}
	write("go.mod", "module m\n")
	none := version(dir)
	write("a.go", "package m\n")
	if version(dir) != none {
		t.Error("a source file changes the version")
	}
	write(detect.ConfigFile, "ignore: [a]\n")
	one := version(sub)
	write(detect.ConfigFile, "ignore: [b]\n")
	two := version(sub)
	if none == one || one == two {
		t.Error("the configuration does not change the version")
	}
}

// An entry for a map without any lock stays one for the whole map, whatever else is found;
// one for a guarded map lists every function without the guard, once.
func TestEntries(t *testing.T) {
	access := func(fn string) []detect.Access { return []detect.Access{{Func: fn}, {Func: fn}} }
	finding := func(c detect.Category, conf detect.Confidence, fn string) detect.Finding {
		return detect.Finding{Category: c, Confidence: conf, Accesses: access(fn)}
	}
	odd := func(f detect.Finding) detect.OddOne { return detect.OddOne{Func: oddFunc(f), Finding: f} }
	whole := &detect.Map{Key: "m.a",
		Findings: []detect.Finding{finding(detect.Unguarded, detect.High, "F"), finding(detect.EscapeCat, detect.Medium, "G")},
		Odd:      []detect.OddOne{odd(finding(detect.Partial, detect.High, "H"))}}
	guarded := &detect.Map{Key: "m.b",
		Findings: []detect.Finding{finding(detect.Partial, detect.High, "(*T).Run.func2"), finding(detect.CheckThenAct, detect.Medium, "Q"), finding(detect.Guarded, detect.Low, "")},
		Odd: []detect.OddOne{odd(finding(detect.Iteration, detect.Medium, "A")), odd(finding(detect.Partial, detect.High, "(*T).Run.func1")),
			odd(finding(detect.Partial, detect.Low, "Weak")), odd(finding(detect.WrongLock, detect.Confirmed, "Log"))}}
	same := func(a, b baselineEntry) bool {
		return a.Map == b.Map && a.Kind == b.Kind && slices.Equal(a.Functions, b.Functions)
	}
	for _, test := range []struct {
		m    *detect.Map
		want []baselineEntry
	}{
		{whole, []baselineEntry{{Map: "m.a", Kind: "lock"}}},
		{guarded, []baselineEntry{{"m.b", "lock", []string{"(*T).Run", "A"}}, {Map: "m.b", Kind: "check-then-act"}}},
	} {
		got := entries(test.m, detect.Medium)
		if !slices.EqualFunc(got, test.want, same) {
			t.Errorf("%s: got %+v, want %+v", test.m.Key, got, test.want)
		}
		b := &baseline{Findings: got}
		for _, f := range test.m.Findings {
			if !f.Category.Quiet() && !b.covers(test.m, f) {
				t.Errorf("%s: its own entry does not cover %s", test.m.Key, f.Category)
			}
		}
	}
	b := &baseline{Findings: entries(guarded, detect.Medium)}
	if b.covers(guarded, finding(detect.WrongLock, detect.High, "New")) {
		t.Error("a new function without the guard is covered")
	}
	if b.covers(guarded, finding(detect.Partial, detect.Confirmed, "A")) {
		t.Error("what a log confirms is covered")
	}
	if b.covers(whole, finding(detect.Unguarded, detect.High, "F")) {
		t.Error("another map is covered")
	}
}
