package shapes

import "net/http"

var statusText = map[int]string{200: "fine", 404: "gone"}

// Status is a handler that reads a constant table.
func Status(w http.ResponseWriter, r *http.Request) { w.Write([]byte(statusText[200])) }

// StatusRoutes registers it.
func StatusRoutes(mux *http.ServeMux) { mux.HandleFunc("/status", Status) }
