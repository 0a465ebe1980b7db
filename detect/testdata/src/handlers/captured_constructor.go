// Racy shape: handlers are literals around what a constructor returned; a method that copies within
// its receiver is no construction.
package handlers

import "net/http"

type quotas struct {
	used   map[string]int
	mirror map[string]int
}

func newQuotas() *quotas {
	return &quotas{used: map[string]int{}, mirror: map[string]int{}}
}

func (q *quotas) spend(who string) {
	if q.used[who] < 3 {
		q.used[who]++ // want `high unguarded: update of quotas.used`
	}
}

func (q *quotas) copyUsed() {
	for who, n := range q.used {
		q.mirror[who] = n // want `high unguarded: write of quotas.mirror`
	}
}

func ServeQuotas(addr string) error {
	q := newQuotas()
	http.HandleFunc("/spend", func(w http.ResponseWriter, r *http.Request) { q.spend(r.URL.Path) })
	http.HandleFunc("/copy", func(w http.ResponseWriter, r *http.Request) { q.copyUsed() })
	return http.ListenAndServe(addr, nil)
}

// Two goroutines on what one call returned, and a loop that calls for each.

type feed struct{ last map[string]int }

func openFeed() *feed { return &feed{last: map[string]int{}} }

func (f *feed) note(topic string) { f.last[topic]++ } // want `high unguarded: update of feed.last`

func FollowFeed(topics []string) {
	f := openFeed()
	go f.note("a")
	go f.note("b")
}

type ownFeed struct{ last map[string]int }

func openOwnFeed() *ownFeed { return &ownFeed{last: map[string]int{}} }

func (f *ownFeed) note(topic string) { f.last[topic]++ }

func FollowFeeds(topics []string) {
	for _, t := range topics {
		f := openOwnFeed()
		go f.note(t)
	}
}
