// Package server opens connections on request goroutines.
package server

import (
	"net/http"

	"cases/modregister/driver"
	_ "cases/modregister/pg"
)

func open(w http.ResponseWriter, r *http.Request) {
	if err := driver.Open("pg", r.FormValue("dsn")); err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
	}
}

// Listen serves.
func Listen() error {
	http.HandleFunc("/open", open)
	return http.ListenAndServe(":0", nil)
}
