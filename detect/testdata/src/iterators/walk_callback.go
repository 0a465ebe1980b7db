// Correct shape: a walker calls back for each node on the same goroutine, the callback fills a local map (filepath.Walk)
package iterators

import (
	"io/fs"
	"path/filepath"
	"strings"
)

type treeNode struct {
	name string
	kids []*treeNode
}

func (n *treeNode) each(f func(*treeNode) bool) bool {
	if !f(n) {
		return false
	}
	for _, k := range n.kids {
		if !k.each(f) {
			return false
		}
	}
	return true
}

func countNames(root *treeNode) map[string]int {
	seen := map[string]int{}
	root.each(func(n *treeNode) bool {
		seen[n.name]++
		return len(seen) < 100
	})
	return seen
}

func Extensions(dir string, trees []*treeNode) (map[string]int, error) {
	ext := map[string]int{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			ext[strings.ToLower(filepath.Ext(path))]++
		}
		return err
	})
	for _, t := range trees {
		go func() { _ = countNames(t) }()
	}
	return ext, err
}
