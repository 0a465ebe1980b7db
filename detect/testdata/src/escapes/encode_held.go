// Correct shape: the live struct is marshalled inside the critical section, the bytes are written outside (status endpoints)
package escapes

import (
	"encoding/json"
	"net/http"
	"sync"
)

type ringState struct {
	Epoch  int               `json:"epoch"`
	Owners map[string]string `json:"owners"`
}

type Ring struct {
	mu    sync.Mutex
	state ringState
}

func (g *Ring) Assign(token, owner string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.state.Epoch++
	g.state.Owners[token] = owner
}

func (g *Ring) encode() ([]byte, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return json.Marshal(&g.state)
}

func (g *Ring) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		g.Assign(r.FormValue("token"), r.RemoteAddr)
		return
	}
	b, err := g.encode()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_, _ = w.Write(b)
}
