package meter

import (
	"encoding/json"
	"net/http"
)

// Imitates metrics packages whose /metrics handler encodes the live map.

var gauges = map[string]float64{} // racy

// Set sets a gauge.
func Set(name string, v float64) { gauges[name] = v }

// Collect sets one in the background.
func Collect(name string, read func() float64) { go func() { Set(name, read()) }() }

// Handler serves the gauges.
func Handler(w http.ResponseWriter, r *http.Request) {
	json.NewEncoder(w).Encode(gauges)
}

// Register mounts the handler.
func Register(mux *http.ServeMux) { mux.HandleFunc("/metrics", Handler) }
