// Racy shape: a reload decodes the file straight into the guarded map, without its lock (settings watchers)
package escapes

import (
	"encoding/json"
	"os"
	"sync"
)

type Settings struct {
	mu     sync.RWMutex
	Limits map[string]int
}

func (s *Settings) Limit(k string) int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.Limits[k]
}

func (s *Settings) SetLimit(k string, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Limits[k] = n
}

func (s *Settings) reload(file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, &s.Limits) // want `medium partial: write of Settings.Limits without Settings.mu`
}

func (s *Settings) Watch(changed chan string) {
	go func() {
		for f := range changed {
			if err := s.reload(f); err != nil {
				println(err.Error())
			}
		}
	}()
}
