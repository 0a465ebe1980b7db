package registry

import "sync"

// Imitates telegraf's informerfactory: plugin instances start and stop concurrently and
// share a package-level cache.

type informer struct{ stopped bool }

var informers = map[string]*informer{} // racy

// A Plugin watches one namespace.
type Plugin struct {
	Namespace string
	wg        sync.WaitGroup
}

// Start begins to watch in the background.
func (p *Plugin) Start() {
	p.wg.Add(1)
	go func() {
		defer p.wg.Done()
		if informers[p.Namespace] == nil {
			informers[p.Namespace] = &informer{}
		}
	}()
}

// Stop ends it.
func (p *Plugin) Stop() {
	p.wg.Wait()
	delete(informers, p.Namespace)
}
