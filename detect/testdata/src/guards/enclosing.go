// Racy shape: the guard sits in the struct around, a method value called later skips it (kubernetes 79631 scheduling heap)
package guards

import "sync"

type heapData struct {
	items map[string]int
	queue []string
}

func (h *heapData) push(k string, prio int) {
	h.items[k] = prio
	h.queue = append(h.queue, k)
}

func (h *heapData) pop() string {
	k := h.queue[0]
	h.queue = h.queue[1:]
	delete(h.items, k)
	return k
}

func (h *heapData) get(k string) (int, bool) {
	p, ok := h.items[k] // want `(medium|high) partial: read of heapData.items without priorityQueue.lock in \(\*heapData\).get`
	return p, ok
}

type priorityQueue struct {
	lock    sync.Mutex
	data    heapData
	backoff heapData
}

func (p *priorityQueue) add(k string, prio int) {
	p.lock.Lock()
	defer p.lock.Unlock()
	p.data.push(k, prio)
}

func (p *priorityQueue) flushBackoff() {
	p.lock.Lock()
	defer p.lock.Unlock()
	for len(p.backoff.queue) > 0 {
		p.data.push(p.backoff.pop(), 0)
	}
}

func (p *priorityQueue) next() string {
	p.lock.Lock()
	defer p.lock.Unlock()
	return p.data.pop()
}

func (p *priorityQueue) Contains(k string) bool {
	_, ok := p.data.get(k)
	return ok
}

func (p *priorityQueue) Run(keys <-chan string) {
	go p.flushBackoff()
	for k := range keys {
		p.add(k, 1)
		_ = p.next()
	}
}
