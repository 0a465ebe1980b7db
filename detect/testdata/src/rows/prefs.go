// Racy shape: a user found under the lock has a preferences map, which handlers write after Unlock (maps in structs in maps)
package rows

import (
	"net/http"
	"sync"
)

type userPrefs struct {
	name  string
	prefs map[string]string
}

type userTable struct {
	mu    sync.RWMutex
	users map[string]*userPrefs
}

func (t *userTable) put(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.users[name] = &userPrefs{name: name, prefs: map[string]string{}}
}

func (t *userTable) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	t.mu.RLock()
	u, ok := t.users[r.FormValue("user")]
	t.mu.RUnlock()
	if !ok {
		t.put(r.FormValue("user"))
		return
	}
	u.prefs[r.FormValue("key")] = r.FormValue("value") // want `(medium|high) unguarded: write of userPrefs.prefs`
}
