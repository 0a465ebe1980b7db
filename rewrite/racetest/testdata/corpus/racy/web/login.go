package web

import (
	"encoding/json"
	"net/http"
)

// Imitates the login handlers of tutorials: tokens in a field of the server.

// A Server knows who is logged in.
type Server struct {
	tokens map[string]string // racy
}

// NewServer returns a server without users.
func NewServer() *Server { return &Server{tokens: make(map[string]string)} }

// Handler routes requests.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", s.login)
	mux.HandleFunc("GET /whoami", s.whoami)
	mux.HandleFunc("DELETE /login", s.logout)
	return mux
}

func (s *Server) login(w http.ResponseWriter, r *http.Request) {
	var body struct{ User, Token string }
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.tokens[body.Token] = body.User
}

func (s *Server) whoami(w http.ResponseWriter, r *http.Request) {
	user, ok := s.tokens[r.Header.Get("Authorization")]
	if !ok {
		http.Error(w, "who?", http.StatusUnauthorized)
		return
	}
	w.Write([]byte(user))
}

func (s *Server) logout(w http.ResponseWriter, r *http.Request) {
	delete(s.tokens, r.Header.Get("Authorization"))
}
