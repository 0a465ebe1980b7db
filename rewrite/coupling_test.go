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
