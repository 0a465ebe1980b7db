// Racy shape: Start and Stop of several plugin instances, each on a goroutine of the runner, share a package-level cache (telegraf prometheus informers)
package contexts2

type informer struct{ stop chan struct{} }

var informers map[string]*informer

type podPlugin struct{ namespace string }

func (p *podPlugin) start() {
	if informers == nil {
		informers = make(map[string]*informer)
	}
	if informers[p.namespace] == nil {
		informers[p.namespace] = &informer{stop: make(chan struct{})} // want `(medium|high) unguarded: .* of contexts2.informers`
	}
}

func (p *podPlugin) stop() {
	if f := informers[p.namespace]; f != nil {
		close(f.stop)
		delete(informers, p.namespace)
	}
}

type runner struct{ plugins []*podPlugin }

func (r *runner) RunAll(done <-chan struct{}) {
	for _, p := range r.plugins {
		go func() {
			p.start()
			<-done
			p.stop()
		}()
	}
}
