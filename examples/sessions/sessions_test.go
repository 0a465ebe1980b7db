package main

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// send runs one request to its end before it returns: these tests never have two
// requests in flight, which is why the race detector has nothing to say.
func send(h http.Handler, method, path string, form url.Values, cookies ...*http.Cookie) *http.Response {
	r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, c := range cookies {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func TestLoginLogout(t *testing.T) {
	clear(sessions) // other tests leave theirs behind
	h := newServer(func() time.Time { return noon })
	login := send(h, "POST", "/login", url.Values{"user": {"ann"}, "password": {"secret"}})
	if len(login.Cookies()) != 1 || len(sessions) != 1 {
		t.Fatalf("login: %d cookies, %d sessions", len(login.Cookies()), len(sessions))
	}
	token := login.Cookies()[0]
	if me := send(h, "GET", "/me", nil, token); me.StatusCode != http.StatusOK {
		t.Errorf("me: %s", me.Status)
	}
	send(h, "POST", "/logout", nil, token)
	if me := send(h, "GET", "/me", nil, token); me.StatusCode != http.StatusUnauthorized {
		t.Errorf("me after logout: %s", me.Status)
	}
}

func TestLimiter(t *testing.T) {
	h := newServer(func() time.Time { return noon })
	var last *http.Response
	for range 4 {
		last = send(h, "POST", "/login", url.Values{"user": {"eve"}, "password": {"guess"}})
	}
	if last.StatusCode != http.StatusTooManyRequests {
		t.Errorf("fourth guess: %s", last.Status)
	}
}

func TestStore(t *testing.T) {
	clear(sessions)
	open("a", "ann", "web", noon)
	open("b", "bob", "cli", noon)
	open("c", "bob", "toaster", noon)
	if got := perUser()["bob"]; got != 2 {
		t.Errorf("bob has %d sessions, want 2", got)
	}
	if _, ok := find("b", noon.Add(365*24*time.Hour)); ok {
		t.Error("found an expired session")
	}
	if _, ok := sessions["b"]; !ok || count() != 3 {
		t.Error("an expired session went before the night")
	}
	if endAll(); count() != 0 {
		t.Errorf("%d sessions after endAll", count())
	}
}
