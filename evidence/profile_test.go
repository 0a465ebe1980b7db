package evidence

import (
	"os"
	"strings"
	"testing"
)

// The profiles in testdata are of a program that uses Cache.entries under one mutex from
// eight goroutines, and Registry.names under another from one.
func profileTargets() (cache, registry *Target) {
	use := func(fn string, line int, mutates bool) Use {
		return Use{Place: Place{"cache.go", line}, Package: "example.com/app", Func: fn, Main: true, Mutates: mutates}
	}
	return &Target{Name: "main.Cache.entries", Uses: []Use{use("(*Cache).Get", 14, false), use("(*Cache).Put", 19, true)}},
		&Target{Name: "main.Registry.names", Uses: []Use{use("(*Registry).Add", 32, true)}}
}

func TestProfiles(t *testing.T) {
	cache, registry := profileTargets()
	for _, kind := range []ProfileKind{CPU, Mutex, Block} {
		data, err := os.ReadFile("testdata/" + string(kind) + ".pb.gz")
		if err != nil {
			t.Fatal(err)
		}
		if !IsProfile(data) {
			t.Errorf("%s is not taken for a profile", kind)
		}
		p, err := ParseProfile(data)
		if err != nil {
			t.Fatal(err)
		}
		if p.Kind != kind {
			t.Errorf("a %s profile is taken for a %s profile", kind, p.Kind)
		}
		if kind == CPU {
			if on := p.On(cache); on < 0.05 || on > 1 {
				t.Errorf("CPU time on the cache's lines: %.3f", on)
			}
			if p.Waiting(cache) != 0 {
				t.Error("a CPU profile knows of waiting")
			}
			continue
		}
		// The block profile also holds main's wait for the others.
		if w := p.Waiting(cache); w < 0.5 || w > 1 {
			t.Errorf("%s: waiting in functions that use the cache: %.3f", kind, w)
		}
		if w := p.Waiting(registry); w != 0 {
			t.Errorf("%s: waiting in functions that use the registry: %.3f", kind, w)
		}
	}
}

func TestProfileErrors(t *testing.T) {
	heap, err := os.ReadFile("testdata/heap.pb.gz")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		data []byte
		want string
	}{
		{"heap", heap, "says nothing about maps and locks"},
		{"cut", heap[:len(heap)/2], "no profile"},
		{"text", []byte("WARNING: DATA RACE"), "no profile"},
	} {
		if _, err := ParseProfile(tt.data); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}
