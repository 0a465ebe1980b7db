// Racy shape: a sync.Map holds plain maps, one per tenant, which requests of one tenant write together (per-tenant counters)
package boxes

import (
	"net/http"
	"sync"
)

type tenantCounters struct {
	rows sync.Map // tenant → map[string]int
}

func (c *tenantCounters) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v, _ := c.rows.LoadOrStore(r.Header.Get("Tenant"), map[string]int{})
	v.(map[string]int)[r.URL.Path]++ // want `medium inner: update of a row of tenantCounters.rows without a lock`
}
