// Correct shape: package functions lock and unlock a package mutex around command handlers (old-style daemons)
package guards

import (
	"net/http"
	"sync"
)

var (
	bigLock sync.Mutex
	jobs    = map[string]int{}
)

func enter() { bigLock.Lock() }
func leave() { bigLock.Unlock() }

func addJob(name string) { jobs[name]++ }

func killJob(name string) bool {
	n, ok := jobs[name]
	if n > 1 {
		jobs[name]--
	} else {
		delete(jobs, name)
	}
	return ok
}

func jobHandler(w http.ResponseWriter, r *http.Request) {
	enter()
	defer leave()
	if r.Method == http.MethodDelete {
		killJob(r.FormValue("job"))
		return
	}
	addJob(r.FormValue("job"))
}

func countHandler(w http.ResponseWriter, r *http.Request) {
	enter()
	n := len(jobs)
	leave()
	w.Header().Set("X-Jobs", string(rune('0'+n)))
}

func ServeJobs() error {
	http.HandleFunc("/job", jobHandler)
	http.HandleFunc("/count", countHandler)
	return http.ListenAndServe(":0", nil)
}
