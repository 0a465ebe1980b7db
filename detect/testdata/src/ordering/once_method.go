// Correct shape: a lazy index behind once.Do in a method, read by every request afterwards (template and zone caches)
package ordering

import (
	"net/http"
	"strings"
	"sync"
)

type zoneIndex struct {
	once    sync.Once
	records []string
	byName  map[string][]string
}

func (z *zoneIndex) build() {
	z.byName = make(map[string][]string)
	for _, r := range z.records {
		name, _, _ := strings.Cut(r, " ")
		z.byName[name] = append(z.byName[name], r)
	}
}

func (z *zoneIndex) lookup(name string) []string {
	z.once.Do(z.build)
	return z.byName[name]
}

func (z *zoneIndex) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for _, rec := range z.lookup(r.FormValue("name")) {
		_, _ = w.Write([]byte(rec))
	}
}
