package rewrite_test

import (
	"maps"
	"testing"
)

// TestDroppedImport wants the sites that used an import, and only these, to be applied
// together when the rewrite leaves it unused.
func TestDroppedImport(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir+"/go.mod", []byte("module example.com/dropped\n\ngo 1.24\n"))
	writeFile(t, dir+"/a.go", []byte(`package dropped

import (
	"fmt"
	"maps"
	"strings"
)

type table struct {
	first map[string]int

	second map[string]int
}

func (t *table) show() {
	for k := range maps.Keys(t.first) {
		fmt.Println(strings.ToLower(k))
	}
	for k := range maps.Keys(t.second) {
		fmt.Println(k)
	}
}

type apart struct {
	alone map[int]int
}

func (a *apart) set() { a.alone[1] = 2 }
`))
	out := run(t, dir, goldenFlags{strategy: "sharded"})
	coupled := map[string]int{}
	for _, s := range out.Sites {
		if len(s.Refusals) == 0 {
			coupled[s.Maps[0].Name] = len(s.Coupled)
		}
	}
	want := map[string]int{"dropped.table.first": 1, "dropped.table.second": 1, "dropped.apart.alone": 0}
	if !maps.Equal(coupled, want) {
		t.Errorf("sites and with how many others each is coupled: %v, want %v", coupled, want)
	}
}

// TestNeighbours wants sites to be applied together when the lock of one is taken or released right
// beside what the other's hunk changes: one without the other would lock without unlocking. (Beside a
// type that is swapped it is in a script of cmd/mapmigrate.)
func TestNeighbours(t *testing.T) {
	for body, want := range map[string]int{ // with how many others each of the two sites is coupled
		"u.m[k] = 1\n\tfmt.Println(u.n[k])":                               1,
		"u.m[k] = 1\n\tfor v := range u.n {\n\t\tfmt.Println(v)\n\t}":     1,
		"if n, ok := u.m[k]; ok {\n\t\tfmt.Println(n)\n\t}\n\tu.n[k] = 2": 0,
	} {
		dir := t.TempDir()
		writeFile(t, dir+"/go.mod", []byte("module example.com/neighbours\n\ngo 1.25\n"))
		writeFile(t, dir+"/a.go", []byte(`package neighbours

import (
	"fmt"
	"sync"
)

type users struct {
	mu sync.Mutex
	m  map[string]int
	n  map[string]int
}

func (u *users) set(k string) { u.mu.Lock(); u.m[k] = 1; u.n[k] = 1; u.mu.Unlock() }
func (u *users) del(k string) { u.mu.Lock(); delete(u.m, k); delete(u.n, k); u.mu.Unlock() }
func (u *users) has(k string) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.m[k] > 0 && u.n[k] > 0
}

func (u *users) visit(k string) {
	`+body+`
}

func run(k string) {
	u := &users{m: map[string]int{}, n: map[string]int{}}
	for range 2 {
		go u.set(k)
		go u.del(k)
		go u.has(k)
		go u.visit(k)
	}
}

func Print() { fmt.Println() }
`))
		out := run(t, dir, goldenFlags{strategy: "guard"})
		coupled := map[string]int{}
		for _, s := range out.Sites {
			if len(s.Refusals) == 0 {
				coupled[s.Maps[0].Name] = len(s.Coupled)
			}
		}
		if both := (map[string]int{"neighbours.users.m": want, "neighbours.users.n": want}); !maps.Equal(coupled, both) {
			t.Errorf("%q: sites and with how many others each is coupled: %v, want %v", body, coupled, both)
		}
	}
}
