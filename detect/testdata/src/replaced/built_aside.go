// Correct shape: a config object is built and filled by helpers, then its pointer is put in place under the lock; readers get it under RLock and read its map outside (reloads)
package replaced

import (
	"net/http"
	"sync"
)

type siteConfig struct {
	hosts map[string]string
}

func (c *siteConfig) applyDefaults() {
	if c.hosts["localhost"] == "" {
		c.hosts["localhost"] = "127.0.0.1"
	}
}

func parseSite(lines []string) *siteConfig {
	c := &siteConfig{hosts: map[string]string{}}
	for i := 0; i+1 < len(lines); i += 2 {
		c.hosts[lines[i]] = lines[i+1]
	}
	c.applyDefaults()
	return c
}

type siteServer struct {
	mu  sync.RWMutex
	cfg *siteConfig
}

func (s *siteServer) config() *siteConfig {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.cfg
}

func (s *siteServer) reload(lines []string) {
	next := parseSite(lines)
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(next.hosts) < len(s.cfg.hosts) {
		next.applyDefaults()
	}
	s.cfg = next
}

func (s *siteServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		s.reload(r.Form["line"])
		return
	}
	_, _ = w.Write([]byte(s.config().hosts[r.Host]))
}

func ServeSite(lines []string) error {
	return http.ListenAndServe(":0", &siteServer{cfg: parseSite(lines)})
}
