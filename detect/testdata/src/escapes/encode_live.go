// Racy shape: a live struct is encoded to the response outside the lock that its writers hold (status endpoints)
package escapes

import (
	"encoding/json"
	"net/http"
	"sync"
)

type clusterState struct {
	Leader  string            `json:"leader"`
	Members map[string]string `json:"members"`
}

type Cluster struct {
	mu    sync.Mutex
	state *clusterState
}

func (c *Cluster) Join(id, addr string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state.Members[id] = addr
}

func (c *Cluster) Leave(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.state.Members, id)
	if c.state.Leader == id {
		c.state.Leader = ""
	}
}

func (c *Cluster) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		c.Join(r.FormValue("id"), r.RemoteAddr)
		return
	}
	_ = json.NewEncoder(w).Encode(c.state) // want `(medium|high) (partial|iteration|escape): range of clusterState.Members`
}
