// Racy shape: package-level nested metrics: a collector goroutine writes the rows, a scrape callback reads them (minio resource metrics)
package rows

import (
	"net/http"
	"strconv"
	"time"
)

var resourceMetrics = map[string]map[string]float64{}

func updateResource(subsys, key string, v float64) {
	row, found := resourceMetrics[subsys]
	if !found {
		row = map[string]float64{}
	}
	row[key] = v // want `(medium|high) inner: `
	resourceMetrics[subsys] = row
}

func collectResources(read func() float64) {
	for range time.Tick(time.Second) {
		updateResource("cpu", "user", read())
	}
}

func scrapeResources(w http.ResponseWriter, r *http.Request) {
	stats, found := resourceMetrics[r.PathValue("subsys")] // want `(medium|high) unguarded: `
	if !found {
		http.NotFound(w, r)
		return
	}
	for k, v := range stats {
		_, _ = w.Write([]byte(k + strconv.FormatFloat(v, 'g', -1, 64)))
	}
}

func ServeMetrics(read func() float64) error {
	go collectResources(read)
	http.HandleFunc("/metrics/{subsys}", scrapeResources)
	return http.ListenAndServe(":0", nil)
}
