// Racy shape: a second map with the same keys is deleted from after Unlock, the first inside (tempo searchAppendBlocks)
package guards

import "sync"

type block struct{ id string }

type instance struct {
	blocksMtx  sync.RWMutex
	completing map[string]*block
	search     map[string]*block
}

func (i *instance) cut(id string) {
	i.blocksMtx.Lock()
	defer i.blocksMtx.Unlock()
	i.completing[id] = &block{id}
	i.search[id] = &block{id}
}

func (i *instance) clear(id string, flush func(*block) error) error {
	i.blocksMtx.Lock()
	b := i.completing[id]
	delete(i.completing, id)
	i.blocksMtx.Unlock()

	if err := flush(b); err != nil {
		return err
	}
	delete(i.search, id) // want `(medium|high) partial: delete of instance.search without instance.blocksMtx`
	return nil
}

func (i *instance) find(id string) (*block, bool) {
	i.blocksMtx.RLock()
	defer i.blocksMtx.RUnlock()
	b, ok := i.search[id]
	return b, ok
}

func (i *instance) count() int {
	i.blocksMtx.RLock()
	defer i.blocksMtx.RUnlock()
	return len(i.search)
}

func (i *instance) Run(ids <-chan string, flush func(*block) error) {
	for id := range ids {
		i.cut(id)
		go func() {
			if _, ok := i.find(id); ok && i.count() > 1 {
				_ = i.clear(id, flush)
			}
		}()
	}
}
