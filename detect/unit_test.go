package detect

import (
	"bytes"
	"encoding/json"
	"go/build"
	"os"
	"path/filepath"
	"testing"
)

// A package of another module, or of the standard library, is skipped at once: not even its
// files are read. It leaves an empty file of facts, which importers understand. One's own
// package leaves a fact that survives decoding and encoding.
func TestVetUnitSkipsOthers(t *testing.T) {
	dir := t.TempDir()
	own := filepath.Join(dir, "own.go")
	if err := os.WriteFile(own, []byte("package own\n\nvar seen = map[string]int{}\n\nfunc See(k string) { seen[k]++ }\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	missing := filepath.Join("x", "missing.go")
	vetx := map[string]string{}
	for _, test := range []struct {
		name   string
		cfg    map[string]any
		facts  bool
		reason string
	}{
		{"other", map[string]any{"GoFiles": []string{filepath.Join(dir, missing)}, "ModulePath": "example.com/other", "ModuleVersion": "v1.0.0"}, false, "has a version"},
		{"modcache", map[string]any{"GoFiles": []string{filepath.Join(dir, "pkg", "mod", missing)}}, false, "lies in the module cache"},
		{"std", map[string]any{"GoFiles": []string{filepath.Join(build.Default.GOROOT, "src", missing)}}, false, "lies in GOROOT"},
		{"own", map[string]any{"GoFiles": []string{own}, "ModulePath": "example.com/own"}, true, "is the user's"},
	} {
		out := filepath.Join(dir, test.name+".vetx")
		test.cfg["ID"], test.cfg["ImportPath"], test.cfg["GoVersion"] = test.name, test.name, "go1.24"
		test.cfg["VetxOnly"], test.cfg["VetxOutput"] = true, out
		test.cfg["PackageFile"], test.cfg["PackageVetx"] = map[string]string{}, vetx
		data, err := json.Marshal(test.cfg)
		if err != nil {
			t.Fatal(err)
		}
		cfg := filepath.Join(dir, test.name+".cfg")
		if err := os.WriteFile(cfg, data, 0o666); err != nil {
			t.Fatal(err)
		}
		var stderr bytes.Buffer
		if code, handled := VetUnit([]string{cfg}, &stderr); code != 0 || !handled {
			t.Fatalf("%s: code %d, handled %v: %s", test.name, code, handled, &stderr)
		}
		facts, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		if (len(facts) > 0) != test.facts {
			t.Errorf("%s, which %s: %d bytes of facts", test.name, test.reason, len(facts))
		}
		vetx[test.name] = out
	}
	u := &unit{PackageVetx: vetx}
	facts, err := u.readFacts()
	if err != nil || len(facts) != 1 {
		t.Fatalf("%d facts (%v), want one", len(facts), err)
	}
	if want, err := os.ReadFile(vetx["own"]); err != nil || !bytes.Equal(encodeFacts(facts), want) {
		t.Errorf("facts differ when they are encoded again (%v)", err)
	}
	s, err := DecodeSummary(facts["own"])
	if err != nil {
		t.Fatal(err)
	}
	again, err := s.Encode()
	if err != nil || !bytes.Equal(again, facts["own"]) {
		t.Errorf("a summary differs when it is encoded again (%v)", err)
	}
	if len(s.Maps) != 1 || s.Maps[0].Name != "own.seen" {
		t.Errorf("maps: %+v", s.Maps)
	}
}
