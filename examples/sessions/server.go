package main

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"time"
)

type server struct {
	clock func() time.Time
	limit *limiter
}

// newServer returns the service's routes. net/http runs every request on a
// goroutine of its own.
func newServer(clock func() time.Time) http.Handler {
	s := &server{clock: clock, limit: newLimiter()}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", s.login)
	mux.HandleFunc("POST /logout", s.logout)
	mux.HandleFunc("GET /me", s.me)
	mux.HandleFunc("GET /stats", s.stats)
	return mux
}

func (s *server) login(w http.ResponseWriter, r *http.Request) {
	user := r.FormValue("user")
	if !s.limit.allow(user) {
		http.Error(w, "try again later", http.StatusTooManyRequests)
		return
	}
	ok := user != "" && r.FormValue("password") == "secret" // an example, after all
	s.limit.note(user, ok)
	if !ok {
		http.Error(w, "wrong password", http.StatusForbidden)
		return
	}
	sess := open(rand.Text(), user, r.FormValue("client"), s.clock())
	http.SetCookie(w, &http.Cookie{Name: "token", Value: sess.Token, Expires: sess.Expires})
}

func (s *server) logout(w http.ResponseWriter, r *http.Request) {
	if c, err := r.Cookie("token"); err == nil {
		end(c.Value)
	}
}

func (s *server) me(w http.ResponseWriter, r *http.Request) {
	c, err := r.Cookie("token")
	if err != nil {
		http.Error(w, "not logged in", http.StatusUnauthorized)
		return
	}
	sess, ok := find(c.Value, s.clock())
	if !ok {
		http.Error(w, "session expired", http.StatusUnauthorized)
		return
	}
	w.Write([]byte(sess.User))
}

func (s *server) stats(w http.ResponseWriter, r *http.Request) {
	json.NewEncoder(w).Encode(perUser())
}
