// Racy shape: infos copied by value into a slice under the lock, their label maps used after it (append(candidates, *inf))
package escapes

import "sync"

type peerInfo struct {
	addr   string
	labels map[string]string
}

type Directory struct {
	mu    sync.Mutex
	peers map[string]*peerInfo
}

func (d *Directory) Label(addr, k, v string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if p := d.peers[addr]; p != nil {
		p.labels[k] = v
	}
}

func (d *Directory) Unlabel(addr, k string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if p := d.peers[addr]; p != nil {
		delete(p.labels, k)
	}
}

func (d *Directory) Pick(zone string) string {
	var candidates []peerInfo
	d.mu.Lock()
	for _, inf := range d.peers {
		candidates = append(candidates, *inf)
	}
	d.mu.Unlock()
	for _, c := range candidates {
		if c.labels["zone"] == zone { // want `(medium|high) (escape|partial): read of peerInfo.labels`
			return c.addr
		}
	}
	return ""
}

func (d *Directory) Gossip(msgs <-chan [3]string) {
	for range 2 {
		go func() {
			for m := range msgs {
				d.Label(m[0], m[1], m[2])
				d.Pick("eu")
			}
		}()
	}
}
