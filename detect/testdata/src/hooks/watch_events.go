// Racy shape: the constructor binds a method and a closure into the events of a watcher whose goroutine calls them, another method reads what they write (cluster membership caches)
package hooks

import "time"

type watchEvents struct {
	onChange func(string)
	onDrop   func(string)
}

type watcher struct{ ev watchEvents }

func newWatcher(ev watchEvents) *watcher { return &watcher{ev: ev} }

func (w *watcher) run(in chan string) {
	for s := range in {
		if s == "" {
			w.ev.onDrop(s)
			continue
		}
		w.ev.onChange(s)
	}
}

type members struct {
	w    *watcher
	seen map[string]time.Time
}

func WatchMembers(in chan string) *members {
	m := &members{seen: map[string]time.Time{}}
	m.w = newWatcher(watchEvents{onChange: m.changed, onDrop: func(k string) { delete(m.seen, k) }})
	go m.w.run(in)
	return m
}

func (m *members) changed(k string) { m.seen[k] = time.Now() } // want `medium unguarded: write of members.seen without a lock`

func (m *members) Age(k string) time.Duration { return time.Since(m.seen[k]) }
