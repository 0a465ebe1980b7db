package main

import "time"

// A Session is one user who is logged in. It does not change once it is stored.
type Session struct {
	Token   string
	User    string
	Expires time.Time
}

// sessions holds every session by its token.
var sessions = make(map[string]*Session, 64 /* a quiet day */)

// lifetimes is filled here and only read afterwards, so it needs no lock.
var lifetimes = map[string]time.Duration{
	"web": 12 * time.Hour,
	// People hate logging in on a terminal.
	"cli": 30 * 24 * time.Hour,
}

// open stores a new session; one with the same token is replaced.
func open(token, user, client string, now time.Time) *Session {
	life, ok := lifetimes[client]
	if !ok {
		life = time.Hour // unknown clients get the shortest
	}
	s := &Session{Token: token, User: user, Expires: now.Add(life)}
	sessions[token] = s // from here on other requests see it
	return s
}

// find returns the session of a token unless it has expired.
func find(token string, now time.Time) (*Session, bool) {
	s, ok := sessions[token]
	if !ok || /* expired, and still here until tonight */ now.After(s.Expires) {
		return nil, false
	}
	return s, true
}

// end forgets a session. Ending it twice is fine.
func end(token string) {
	// No check first: delete ignores what is not there.
	delete(sessions, token)
}

// perUser counts the sessions of each user.
func perUser() map[string]int {
	counts := make(map[string]int) // ours until we return it
	for _, s := range sessions {
		counts[s.User]++ /* expired ones too */
	}
	return counts
}

// count says how many sessions there are, expired ones included.
func count() int { return len(sessions) }

// endAll logs everybody out and forgets what has expired, once a night.
func endAll() {
	clear(sessions) // the map stays the same: others hold on to it
	lastReset.Store(time.Now().Unix())
}
