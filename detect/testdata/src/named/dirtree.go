// Racy shape: a named map type with mutating methods is updated by two goroutines of a monitor (dirtree, forwarders)
package named

type dirTree map[string]dirTree

func (t dirTree) touch(path ...string) {
	if len(path) == 0 {
		return
	}
	sub, ok := t[path[0]]
	if !ok {
		sub = dirTree{}
		t[path[0]] = sub // want `(medium|high) unguarded: `
	}
	sub.touch(path[1:]...)
}

func (t dirTree) prune(name string) { delete(t, name) }

type monitor struct {
	tree   dirTree
	events chan []string
}

func (m *monitor) watch() {
	for e := range m.events {
		m.tree.touch(e...)
	}
}

func (m *monitor) sweep(stale <-chan string) {
	for s := range stale {
		m.tree.prune(s)
	}
}

func Monitor(events chan []string, stale <-chan string) {
	m := &monitor{tree: dirTree{}, events: events}
	go m.watch()
	go m.sweep(stale)
}
