// Package unguarded: goroutines share a map and no lock is anywhere.
package unguarded

import "net/http"

// An HTTP handler writes a package variable: it overlaps with itself.
var sessions = map[string]int{}

func serve() {
	http.HandleFunc("/login", login)
	_ = http.ListenAndServe(":8080", nil)
}

func Main() { serve() }

func login(w http.ResponseWriter, r *http.Request) {
	sessions[r.FormValue("user")]++ // want `update of unguarded.sessions without a lock in login \(http handler`
}

// A loop starts goroutines that fill a local map.
func Collect(urls []string) map[string]int {
	sizes := map[string]int{}
	done := make(chan bool)
	for _, u := range urls {
		go func() {
			sizes[u] = len(u) // want `write of unguarded.Collect.sizes without a lock`
			done <- true
		}()
	}
	for range urls {
		<-done
	}
	return sizes
}

// One goroutine fills it and the parent waits: correct.
func Background(urls []string) map[string]int {
	sizes := map[string]int{}
	done := make(chan bool)
	go func() {
		for _, u := range urls {
			sizes[u] = len(u)
		}
		close(done)
	}()
	<-done
	sizes["total"] = len(sizes)
	return sizes
}

type poller struct {
	seen map[string]bool
	stop chan struct{}
}

// The goroutine is started on the very object that the method then writes.
func (p *poller) Start() {
	go p.loop()
	p.seen["start"] = true // want `write of poller.seen without a lock in`
}

func (p *poller) loop() {
	for range p.stop {
		p.seen["tick"] = true
	}
}
