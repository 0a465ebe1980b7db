package shapes

import "sync"

type base struct {
	sync.Mutex
	attrs map[string]string
}

func (b *base) set(k, v string) {
	b.Lock()
	defer b.Unlock()
	b.attrs[k] = v
}

// A Node embeds what is guarded.
type Node struct{ base }

// NewNode returns a node.
func NewNode() *Node { return &Node{base{attrs: map[string]string{}}} }

// Tag tags.
func (n *Node) Tag(k string) { n.set(k, "tag") }

// Tags counts.
func (n *Node) Tags() int {
	n.Lock()
	defer n.Unlock()
	return len(n.attrs)
}

// TagAll tags from goroutines.
func (n *Node) TagAll(keys []string) {
	for _, k := range keys {
		go n.Tag(k)
	}
}
