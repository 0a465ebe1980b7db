// Correct shape: the struct is copied under the lock, its map is replaced by a clone before Unlock (gin Context.Copy after the fix)
package escapes

import (
	"maps"
	"sync"
)

type reqState struct {
	path string
	vals map[string]any
}

type Request struct {
	mu    sync.RWMutex
	state reqState
}

func (r *Request) Put(k string, v any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.state.vals[k] = v
}

func (r *Request) Fork() *Request {
	r.mu.RLock()
	st := r.state
	st.vals = maps.Clone(st.vals)
	r.mu.RUnlock()
	st.path += "#fork"
	st.vals["forked"] = true
	return &Request{state: st}
}

func (r *Request) Each(works []func(*Request)) {
	for _, w := range works {
		go w(r.Fork())
		r.Put("last", w)
	}
}
