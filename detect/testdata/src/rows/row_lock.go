// Correct shape: the outer map has one lock, each row is a struct with its own (sharded subscriptions)
package rows

import "sync"

type topicRow struct {
	mu   sync.Mutex
	subs map[string]int
}

type topicTable struct {
	mu   sync.RWMutex
	rows map[string]*topicRow
}

func (t *topicTable) row(topic string) *topicRow {
	t.mu.RLock()
	r := t.rows[topic]
	t.mu.RUnlock()
	if r != nil {
		return r
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if r = t.rows[topic]; r == nil {
		r = &topicRow{subs: map[string]int{}}
		t.rows[topic] = r
	}
	return r
}

func (t *topicTable) subscribe(topic, who string) {
	r := t.row(topic)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.subs[who]++
}

func (t *topicTable) unsubscribe(topic, who string) {
	r := t.row(topic)
	r.mu.Lock()
	if r.subs[who]--; r.subs[who] <= 0 {
		delete(r.subs, who)
	}
	r.mu.Unlock()
}

func (t *topicTable) Serve(events <-chan [2]string) {
	for range 4 {
		go func() {
			for e := range events {
				t.subscribe(e[0], e[1])
				t.unsubscribe(e[0], e[1])
			}
		}()
	}
}
