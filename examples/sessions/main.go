// Command sessions is a small web service that keeps its log-in sessions in memory.
package main

import (
	"log"
	"net/http"
	"time"
)

func main() {
	go func() {
		for now := range time.Tick(time.Minute) {
			log.Printf("sessions: swept %d", sweep(now))
		}
	}()
	log.Fatal(http.ListenAndServe("localhost:8080", newServer(time.Now)))
}
