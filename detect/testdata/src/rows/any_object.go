// Racy shape: objects are kept as any, a locked Get returns one, the caller asserts its type and writes its map (memdb objects)
package rows

import (
	"net/http"
	"sync"
)

type serviceNode struct {
	name string
	meta map[string]string
}

type objectDB struct {
	mu   sync.RWMutex
	objs map[string]any
}

func (db *objectDB) get(id string) any {
	db.mu.RLock()
	defer db.mu.RUnlock()
	return db.objs[id]
}

func (db *objectDB) put(id string, o any) {
	db.mu.Lock()
	defer db.mu.Unlock()
	db.objs[id] = o
}

type catalogAPI struct{ db *objectDB }

func (c *catalogAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := r.FormValue("service")
	n, ok := c.db.get(id).(*serviceNode)
	if !ok {
		c.db.put(id, &serviceNode{name: id, meta: map[string]string{}})
		return
	}
	n.meta["checked-by"] = r.RemoteAddr // want `(medium|high) unguarded: write of serviceNode.meta`
}

func ServeCatalog() error {
	return http.ListenAndServe(":0", &catalogAPI{&objectDB{objs: map[string]any{}}})
}
