// Command sessions is a small web service that keeps its log-in sessions in memory.
package main

import (
	"log"
	"net/http"
	"time"
)

func main() {
	go func() {
		for range time.Tick(24 * time.Hour) {
			log.Printf("sessions: ending all %d", count())
			endAll()
		}
	}()
	log.Fatal(http.ListenAndServe("localhost:8080", newServer(time.Now)))
}
