// Correct shape: the wait for the workers happens inside a helper, the parent reads afterwards (test harnesses, builders)
package ordering

import "sync"

type build struct {
	wg      sync.WaitGroup
	mu      sync.Mutex
	objects map[string][]byte
	compile func(string) []byte
}

func (b *build) start(files []string) {
	for _, f := range files {
		b.wg.Add(1)
		go b.one(f)
	}
}

func (b *build) one(f string) {
	defer b.wg.Done()
	o := b.compile(f)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.objects[f] = o
}

func (b *build) join() {
	b.wg.Wait()
}

func compileAll(files []string, compile func(string) []byte) int {
	b := &build{objects: map[string][]byte{}, compile: compile}
	b.start(files)
	b.join()
	n := 0
	for f, o := range b.objects {
		if len(o) == 0 {
			delete(b.objects, f)
			continue
		}
		n += len(o)
	}
	return n
}

func Rebuild(files []string) int {
	return compileAll(files, func(s string) []byte { return []byte(s) })
}
