package config

import "sync"

// Imitates telegraf's UnusedFields: a callback stored at start, called by parsers that
// run in plugins' goroutines.

// A Loader notes fields that nobody knows.
type Loader struct {
	UnusedFields map[string]bool // racy
	known        map[string]bool
}

// NewLoader knows the fields.
func NewLoader(fields ...string) *Loader {
	l := &Loader{UnusedFields: map[string]bool{}, known: map[string]bool{}}
	for _, f := range fields {
		l.known[f] = true
	}
	return l
}

func (l *Loader) missing(field string) {
	if !l.known[field] {
		l.UnusedFields[field] = true
	}
}

// ParseAll parses documents at the same time.
func (l *Loader) ParseAll(docs [][]string) {
	var wg sync.WaitGroup
	for _, d := range docs {
		wg.Go(func() {
			for _, f := range d {
				l.missing(f)
			}
		})
	}
	wg.Wait()
}
