// Racy shape: MarshalJSON encodes the map without the lock the other methods take (metric registries)
package reading

import (
	"encoding/json"
	"net/http"
	"sync"
)

type metricSet struct {
	mu     sync.Mutex
	values map[string]float64
}

func (s *metricSet) Set(name string, v float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.values[name] = v
}

func (s *metricSet) Unset(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.values, name)
}

func (s *metricSet) Value(name string) float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.values[name]
}

func (s *metricSet) MarshalJSON() ([]byte, error) {
	return json.Marshal(s.values) // want `(medium|high) (iteration|partial): range of metricSet.values without metricSet.mu.*, which 3 of 4 accesses hold; `
}

func (s *metricSet) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.Set(r.URL.Path, s.Value(r.URL.Path)+1)
	_ = json.NewEncoder(w).Encode(s)
}
